#!/bin/sh
# packages.sh FOLDER [PART]...: the install by components, and packages that are built, looked at, installed where nothing else is, used and
# removed. The parts are components and debian, which are the default, and hardened, conan and vcpkg, which take minutes.
#
# Seen to fail: no NAMELINK_COMPONENT, the completion under its source's name, openmp.h in no component (components); that header left out, the
# configured prefix in the .pc files (Runtime and Development); a macro that groff has not (manual pages); flags that were left out in silence
# (dpkg-dev is asked for); a maintainer's date that cannot be read (hardened).
set -u

folder=${1:?usage: packages.sh FOLDER [PART]...}
shift
parts=${*:-components debian}
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/.." && pwd)
. "$here/check.sh"
own_folder "$folder"
log="$folder/log.txt"
failed=0
unset DESTDIR

# The flags of scripts/test.sh's own builds, so that ccache knows the objects.
build() {
  cmake -S "$source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_WERROR=ON -DCMAKE_INSTALL_PREFIX=/usr \
    -DSIMDROP_BUILD_TESTS=OFF -DSIMDROP_BUILD_EXAMPLES=OFF -DCMAKE_EXE_LINKER_FLAGS=-Wl,-z,relro,-z,now \
    -DCMAKE_SHARED_LINKER_FLAGS=-Wl,-z,relro,-z,now && cmake --build "$folder/build"
}

files_of() { (cd "$1" && find . ! -type d | sort); }

# link_by_pkg_config <folder of .pc files> <folder of libraries>
link_by_pkg_config() {
  for package in simdrop simdrop-openmp; do
    program=consumer
    [ $package = simdrop ] || program=consumer_openmp
    flags=$(PKG_CONFIG_LIBDIR="$1" pkg-config --cflags --libs $package) || return 1
    echo "$flags"
    eval "cc \"\$here/consumers/$program.c\" $flags -o \"\$folder/$program\"" && LD_LIBRARY_PATH="$2" "$folder/$program" \
      && LD_LIBRARY_PATH="$2" ldd "$folder/$program" | grep -F "$2/libsimdrop" || return 1
  done
}

# link_by_find_package <prefix> <folder of libraries>
link_by_find_package() {
  rm -rf "$folder/find_package"
  cmake -S "$here/consumers/find_package" -B "$folder/find_package" -G Ninja -DCMAKE_PREFIX_PATH="$1" \
    -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCOMPONENTS='shared;static;openmp' && cmake --build "$folder/find_package" || return 1
  for program in consumer consumer_openmp consumer_simdrop_static_first; do
    LD_LIBRARY_PATH="$2" "$folder/find_package/$program" || return 1
  done
  ldd "$folder/find_package/consumer" | grep -F "$2/libsimdrop"
}

install_components() {
  for component in Runtime Development Tools; do
    cmake --install "$folder/build" --prefix "$folder/only $component" --component $component || return 1
    files_of "$folder/only $component" > "$folder/$component.txt"
    cat "$folder/$component.txt"
  done
  cmake --install "$folder/build" --prefix "$folder/all of it" && files_of "$folder/all of it" > "$folder/all.txt" || return 1
  # Each file in one of them, and where it belongs.
  sort "$folder/Runtime.txt" "$folder/Development.txt" "$folder/Tools.txt" | diff "$folder/all.txt" - \
    && [ "$(grep -c '/libsimdrop\(_openmp\)\{0,1\}\.so\.0\(\.[0-9.]*\)\{0,1\}$' "$folder/Runtime.txt")" -eq 4 ] \
    && [ "$(wc -l < "$folder/Runtime.txt")" -eq 4 ] \
    && ! grep -v '/include/simdrop/\|/cmake/simdrop/\|/pkgconfig/\|/libsimdrop[^/]*\.\(so\|a\)$' "$folder/Development.txt" \
    && ! grep -v '^\./bin/simdrop$\|^\./share/man/man1/simdrop[^/]*\.1$\|^\./share/bash-completion/completions/simdrop$' "$folder/Tools.txt"
}

# In one prefix, whose name has spaces.
runtime_and_development() {
  prefix="$folder/a prefix with  spaces"
  for component in Runtime Development; do
    cmake --install "$folder/build" --prefix "$prefix" --component $component || return 1
  done
  libraries=$(dirname "$(find "$prefix" -name libsimdrop.so)")
  link_by_pkg_config "$libraries/pkgconfig" "$libraries" && link_by_find_package "$prefix" "$libraries"
}

# What was linked goes on running where there is the component Runtime alone.
runtime_alone() {
  libraries=$(dirname "$(find "$folder/only Runtime" -name 'libsimdrop.so.0')")
  LD_LIBRARY_PATH="$libraries" "$folder/consumer" && LD_LIBRARY_PATH="$libraries" "$folder/consumer_openmp"
}

tools_alone() {
  "$folder/only Tools/bin/simdrop" mask --p 0.5 --count 8 --format hex | grep -x d5 \
    && [ "$(find "$folder/only Tools/share/man" -name '*.1' | wc -l)" -eq 6 ]
}

manual_pages() { # manual_pages <page>...: rendered, without a word of groff's
  for page in "$@"; do
    man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 > /dev/null | tee "$folder/groff.txt" && [ ! -s "$folder/groff.txt" ] || return 1
  done
}

archive() {
  (cd "$folder/build" && cpack -G TGZ) && mkdir "$folder/archive" \
    && tar -C "$folder/archive" -xf "$folder/build"/simdrop-*.tar.gz --strip-components=1 \
    && files_of "$folder/archive" | diff "$folder/all.txt" -
}

# debs <build folder>: by build.sh's last step.
debs() { (cd "$1" && cpack -G DEB) && cat "$1"/*.deb > /dev/null; }

field() { dpkg-deb -f "$folder/$1"*.deb "$2"; } # field <path up to the version> <field>

control_fields() {
  version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$source/packaging/debian/changelog")
  for package in libsimdrop0 libsimdrop-dev simdrop; do
    dpkg-deb -I "$folder/build/${package}_${version}_$(dpkg --print-architecture).deb" || return 1
    [ "$(field "build/${package}_" Version)" = "$version" ] || return 1
    [ "$(field "build/${package}_" Multi-Arch)" = "$([ $package = simdrop ] && echo foreign || echo same)" ] || return 1
    field "build/${package}_" Description | sed -n 1p | grep '^vectorised dropout kernels - ' || return 1
  done
  field build/libsimdrop0_ Depends | grep 'libc6 (>= .*libgomp1' && ! field build/libsimdrop0_ Depends | grep 'libsimdrop' \
    && field build/libsimdrop-dev_ Depends | grep -F "libsimdrop0 (= $version)" && field build/simdrop_ Depends | grep 'libc6 (>= ' \
    && dpkg-deb -I "$folder/build"/libsimdrop0_*.deb shlibs | grep -x 'libsimdrop 0 libsimdrop0 (>= [0-9.]*)' \
    && dpkg-deb -I "$folder/build"/libsimdrop0_*.deb symbols | grep -x ' simdrop_forward@Base [0-9.]*' \
    && dpkg-deb -I "$folder/build"/libsimdrop0_*.deb triggers | grep -x 'activate-noawait ldconfig'
}

# Without Debian's flags there are no packages, rather than such as are not hardened.
no_dpkg_dev() {
  mkdir -p "$folder/few commands" || return 1
  for command in sh dirname mkdir cmake cpack; do ln -sf "$(command -v $command)" "$folder/few commands/" || return 1; done
  PATH="$folder/few commands" sh "$source/packaging/debian/build.sh" "$folder/none" > "$folder/refused.txt" 2>&1
  [ $? -eq 2 ] && grep -x 'build.sh: there is no dpkg-buildflags; .*' "$folder/refused.txt" && [ ! -e "$folder/none" ]
}

# Everything that is exported is in the symbols file.
symbols_file() {
  runtime=$(echo "$folder/build"/libsimdrop0_*.deb)
  dpkg-deb --fsys-tarfile "$runtime" | tar -xO --wildcards './usr/lib/*/libsimdrop.so.[0-9]*.*' > "$folder/library" || return 1
  nm -D --defined-only "$folder/library" | sed 's/.* //; s/@.*//' | sort > "$folder/exported.txt"
  dpkg-deb -I "$runtime" symbols | sed -n '/_openmp\.so/q; s/^ \(.*\)@Base .*/\1/p' | sort | diff "$folder/exported.txt" - \
    && [ -s "$folder/exported.txt" ]
}

# lint <build folder> <kinds>: fails for tags of these kinds.
lint() { lintian --allow-root --display-info --pedantic --fail-on "$2" "$1"/*.deb; }

tree="$folder/bare tree"
install_debs() {
  rm -rf "$tree" && mkdir -p "$tree/var/lib/dpkg/info" "$tree/var/lib/dpkg/updates" && : > "$tree/var/lib/dpkg/status" || return 1
  if [ "$(id -u)" -eq 0 ]; then
    # What they depend on is not there.
    dpkg --root="$tree" --log="$folder/dpkg.log" --force-depends --force-script-chrootless -i "$folder/build"/*.deb \
      && dpkg --root="$tree" -V libsimdrop0 libsimdrop-dev simdrop
  else
    for deb in "$folder/build"/*.deb; do dpkg-deb -x "$deb" "$tree" || return 1; done
  fi
}
sums() {
  for deb in "$folder/build"/*.deb; do
    dpkg-deb -I "$deb" md5sums > "$folder/sums" && (cd "$tree" && md5sum --quiet -c "$folder/sums") || return 1
  done
  # No file without one.
  [ "$(for deb in "$folder/build"/*.deb; do dpkg-deb -I "$deb" md5sums; done | wc -l)" -eq "$(find "$tree/usr" -type f | wc -l)" ]
}
triplet=$(cc -print-multiarch 2> /dev/null || true)
installed_library() {
  libraries="$tree/usr/lib/$triplet"
  link_by_pkg_config "$libraries/pkgconfig" "$libraries" && link_by_find_package "$tree/usr" "$libraries"
}
installed_tool() {
  "$tree/usr/bin/simdrop" mask --p 0.5 --count 8 --format hex | grep -x d5 && [ -f "$tree/usr/share/bash-completion/completions/simdrop" ] \
    && manual_pages "$tree/usr/share/man/man1"/simdrop*.1.gz && [ "$(find "$tree/usr/share/man/man1" -name '*.gz' | wc -l)" -eq 6 ]
}
removal() {
  dpkg --root="$tree" --log="$folder/dpkg.log" --force-script-chrootless -P simdrop libsimdrop-dev libsimdrop0 \
    && find "$tree" -mindepth 1 -not -path "$tree/var*" | tee "$folder/left.txt" && [ ! -s "$folder/left.txt" ]
}
apt_would_install() { apt-get -s install "$folder/build"/*.deb && apt-get -s install "$folder/build"/*.deb | grep '^Inst simdrop '; }

# Packages as packaging/debian/build.sh makes them, but for Highway's backends, which take long to compile; twice.
hardened() {
  sh "$source/packaging/debian/build.sh" "$folder/hardened" -G Ninja -DSIMDROP_WITH_HIGHWAY=OFF && mkdir "$folder/first" \
    && mv "$folder/hardened"/*.deb "$folder/first/"
}
same_again() {
  sleep 2 && sh "$source/packaging/debian/build.sh" "$folder/hardened" -G Ninja -DSIMDROP_WITH_HIGHWAY=OFF || return 1
  for deb in "$folder/first"/*.deb; do cmp "$deb" "$folder/hardened/${deb##*/}" || return 1; done
}

conan_create() { # conan_create <options of conan create>...
  conan create "$source/packaging/conan" --no-remote --build=missing -c tools.cmake.cmake_layout:test_folder="$folder/conan test" "$@"
}
conan_refused() {
  if conan_create -s compiler=gcc -s compiler.version=10 > "$folder/refused.txt" 2>&1; then return 1; fi
  cat "$folder/refused.txt"
  grep -q 'needs gcc 11 or clang 14' "$folder/refused.txt"
}

# What is documented of vcpkg.json for a port, and that port and manifest tell the same.
manifest() {
  python3 - "$source" "$folder/vcpkg-dynamic/features.txt" << 'PYTHON'
import json
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
port = json.loads((source / "packaging/vcpkg/simdrop/vcpkg.json").read_text())
header = (source / "include/simdrop/version.h").read_text()
version = ".".join(re.search(rf"SIMDROP_VERSION_{part} (\d+)", header).group(1) for part in ("MAJOR", "MINOR", "PATCH"))
name = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
known = {"name", "version", "version-semver", "version-date", "version-string", "port-version", "description", "homepage", "documentation",
         "license", "supports", "maintainers", "dependencies", "default-features", "features"}
systems = {"linux", "osx", "freebsd", "openbsd", "mingw", "windows"}


def dependencies(where):
    for one in where.get("dependencies", []):
        one = {"name": one} if isinstance(one, str) else one
        assert name.fullmatch(one["name"]) and set(one) <= {"name", "host", "features", "default-features", "platform", "version>="}, one


assert set(port) <= known, set(port) - known
assert name.fullmatch(port["name"]) and port["version"] == version, port["version"]
assert port["license"] == "Apache-2.0" and isinstance(port["description"], str)
assert set(re.findall(r"\w+", port["supports"])) <= systems and re.fullmatch(r"[\w |&!()]*", port["supports"])
dependencies(port)
assert [one["name"] for one in port["dependencies"] if one.get("host")] == ["vcpkg-cmake", "vcpkg-cmake-config"]
for feature, about in port["features"].items():
    assert name.fullmatch(feature) and about["description"], feature
    assert set(about) <= {"description", "dependencies", "supports", "license"}, feature
    dependencies(about)
assert {"core", *port["features"]} == set(pathlib.Path(sys.argv[2]).read_text().split(";"))
PYTHON
}
port() { # port <linkage> <features, with semicolons between>
  cmake -DFOLDER="$folder/vcpkg-$1" -DLINKAGE="$1" -DFEATURES="$2" -P "$here/vcpkg_port.cmake"
}
# Both of its builds, found in the package after it was moved.
port_used() { # port_used <linkage>
  mv "$folder/vcpkg-$1/packages" "$folder/installed $1" || return 1
  for type in Release Debug; do
    rm -rf "$folder/find_package"
    cmake -S "$here/consumers/find_package" -B "$folder/find_package" -G Ninja -DCMAKE_PREFIX_PATH="$folder/installed $1" \
      -DCMAKE_BUILD_TYPE=$type -DCOMPONENTS=openmp && cmake --build "$folder/find_package" --verbose > "$folder/verbose.txt" \
      && "$folder/find_package/consumer" && "$folder/find_package/consumer_openmp" || return 1
    place=lib
    [ $type = Release ] || place=debug/lib
    grep "/installed.\{0,1\} $1/$place/libsimdrop\." "$folder/verbose.txt" || return 1 # the space may have a backslash
    flags=$(PKG_CONFIG_LIBDIR="$folder/installed $1/$place/pkgconfig" pkg-config --cflags --libs simdrop-openmp) || return 1
    eval "cc \"\$here/consumers/consumer_openmp.c\" $flags -o \"\$folder/consumer_openmp\"" \
      && LD_LIBRARY_PATH="$folder/installed $1/$place" "$folder/consumer_openmp" || return 1
  done
}

case " $parts " in
  *' components '* | *' debian '*) check 'packages: build' build ;;
esac
for part in $parts; do
  case $part in
    components)
      check 'install: components' install_components
      check 'Runtime and Development in a prefix with spaces, by pkg-config and find_package' runtime_and_development
      check 'Runtime alone' runtime_alone
      check 'Tools alone' tools_alone
      check 'archive' archive
      if command -v man > /dev/null 2>&1; then
        check 'manual pages' manual_pages "$source"/tools/simdrop/man/*.1
      else
        echo 'skipped manual pages: man is not installed'
      fi
      ;;
    debian)
      if ! command -v dpkg-shlibdeps > /dev/null 2>&1; then
        echo 'skipped Debian packages: dpkg-dev is not installed'
        continue
      fi
      check 'deb: dpkg-dev is asked for' no_dpkg_dev
      check 'deb: built' debs "$folder/build"
      check 'deb: control' control_fields
      check 'deb: symbols' symbols_file
      if command -v lintian > /dev/null 2>&1; then
        check 'deb: lintian' lint "$folder/build" error,warning
      else
        echo 'skipped deb, lintian: it is not installed'
      fi
      check 'deb: installed in a bare tree' install_debs
      check 'deb: md5sums' sums
      check 'deb: by pkg-config and find_package' installed_library
      check 'deb: tool' installed_tool
      if [ "$(id -u)" -eq 0 ]; then
        check 'deb: removed' removal
      else
        echo 'skipped deb, removal: only root installs packages'
      fi
      if apt-cache show libsleef-dev libgomp1 > /dev/null 2>&1; then
        check 'deb: apt would install them' apt_would_install
      else
        echo 'skipped deb, apt: it has no lists of packages here'
      fi
      ;;
    hardened)
      if ! command -v dpkg-buildflags > /dev/null 2>&1; then
        echo 'skipped hardened Debian packages: dpkg-dev is not installed'
        continue
      fi
      check 'hardened deb: built by build.sh' hardened
      if command -v lintian > /dev/null 2>&1; then
        check 'hardened deb: lintian, also what it only remarks' lint "$folder/first" error,warning,info,pedantic
      fi
      check 'hardened deb: the same again' same_again
      ;;
    conan)
      if ! bin=$(sh "$source/scripts/pypi.sh" conan 'conan>=2,<3'); then
        echo 'skipped Conan: it cannot be installed from PyPI'
        continue
      fi
      PATH="$bin:$PATH"
      export CONAN_HOME="$folder/conan"
      conan profile detect > "$log" 2>&1
      check 'Conan: static' conan_create
      check 'Conan: shared, with the tool' conan_create -o 'simdrop/*:shared=True' -o 'simdrop/*:tools=True'
      check 'Conan: an old compiler is refused' conan_refused
      ;;
    vcpkg)
      echo 'skipped vcpkg itself: its port is run by tests/vcpkg_port.cmake instead'
      check 'vcpkg: port, shared' port dynamic 'openmp;tools'
      check 'vcpkg: manifest' manifest
      check 'vcpkg: shared, used' port_used dynamic
      check 'vcpkg: port, static' port static openmp
      check 'vcpkg: static, used' port_used static
      ;;
    *)
      echo "packages.sh: there is no part '$part'" >&2
      exit 2
      ;;
  esac
done
exit $failed
