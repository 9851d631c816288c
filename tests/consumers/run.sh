#!/bin/sh
# run.sh FOLDER: installs simdrop and builds small projects that use it in each of the ways that users do; each must run and be right.
#
# Seen to fail: version.h left out of the install (all), the wrong library name in simdrop.pc (pkg-config), simdrop::simdrop left out of
# the package (find_package), a C99 initializer in a public header (C++), stdint.h left out of a header (header alone), an absolute
# include folder in the exported target (relocated prefix), another program in README.md than in examples (README's program),
# a tile with another stride than its matrix in docs/layouts.md, and that page without programs (layouts.md's programs).
set -u

folder=${1:?usage: run.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
prefix="$folder/prefix"
log="$folder/log.txt"
failed=0

# check <name> <command...>: the command must succeed.
check() {
  name=$1
  shift
  if "$@" > "$log" 2>&1 < /dev/null; then
    echo "ok $name"
  else
    sed 's/^/    /' "$log"
    echo "FAILED $name"
    failed=1
  fi
}

install_into() { # install_into <prefix> [DESTDIR]
  cmake -S "$source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_TESTS=OFF \
    -DCMAKE_INSTALL_PREFIX="$1" && cmake --build "$folder/build" && DESTDIR="${2:-}" cmake --install "$folder/build"
}

# with_cmake <project> <build folder> <cmake arguments...>
with_cmake() {
  project=$1
  build="$folder/$2"
  shift 2
  cmake -S "$here/$project" -B "$build" -G Ninja "$@" && cmake --build "$build" && "$build/consumer"
}

with_static_package() {
  with_cmake find_package static -DCMAKE_PREFIX_PATH="$prefix" -DBUILD_SHARED_LIBS=OFF && ! ldd "$folder/static/consumer" | grep libsimdrop
}

# The executor's threads come with simdrop::openmp, and with nothing else.
with_openmp() { # with_openmp <build folder>
  "$folder/$1/consumer_openmp" && ldd "$folder/$1/consumer_openmp" | grep -q -E 'lib(g|i)?omp' && ! ldd "$folder/$1/consumer" | grep -E 'lib(g|i)?omp|libpthread'
}

with_openmp_pkg_config() {
  libraries=$(library_folder "$prefix")
  flags=$(PKG_CONFIG_PATH="$libraries/pkgconfig" pkg-config --cflags --libs simdrop-openmp) || return 1
  eval "cc \"\$here/consumer_openmp.c\" $flags -o \"\$folder/openmp-pkg-config\"" && LD_LIBRARY_PATH="$libraries" "$folder/openmp-pkg-config"
}

library_folder() { dirname "$(find "$1" -name libsimdrop.so)"; }

with_pkg_config() { # with_pkg_config <prefix> [option of pkg-config]
  libraries=$(library_folder "$1")
  flags=$(PKG_CONFIG_PATH="$libraries/pkgconfig" pkg-config ${2:+"$2"} --cflags --libs simdrop) || return 1
  eval "cc \"\$here/consumer.c\" $flags -o \"\$folder/pkg-config\"" && LD_LIBRARY_PATH="$libraries" "$folder/pkg-config"
}

with_archive() { cc -I "$prefix/include" "$here/consumer.c" "$(library_folder "$prefix")/libsimdrop.a" -o "$folder/archive" && "$folder/archive"; }

as_cpp() { # as_cpp <compiler>
  cp "$here/consumer.c" "$folder/consumer.cpp"
  "$1" -std=c++11 -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" "$folder/consumer.cpp" \
    "$(library_folder "$prefix")/libsimdrop.a" -o "$folder/consumer-cpp" && "$folder/consumer-cpp"
}

alone() { # alone <header> <compiler> <language> <standard>
  printf '#include <simdrop/%s>\nextern int not_empty;\n' "$1" | "$2" -x "$3" -std="$4" -pedantic -Wall -Wextra -Werror -I "$prefix/include" -fsyntax-only -
}

example() {
  sed -n '/^```c$/,/^```$/p' "$source/README.md" | sed '1d;$d' > "$folder/readme.c"
  sed -n '/^#include <simdrop/,$p' "$source/examples/thirty_seconds.c" | diff - "$folder/readme.c" \
    && cc -std=c11 -Wall -Wextra -Werror -I "$prefix/include" "$folder/readme.c" "$(library_folder "$prefix")/libsimdrop.a" -o "$folder/readme" \
    && "$folder/readme" | grep -q '^x 1 '
}

# Every ```c block of docs/layouts.md is a program that returns 0.
layouts_programs() {
  rm -rf "$folder/layouts" && mkdir "$folder/layouts" || return 1
  awk -v prefix="$folder/layouts/" '/^```/ { inside = $0 == "```c"; count += inside; next } inside { print > (prefix count ".c") }' \
    "$source/docs/layouts.md"
  for program in "$folder"/layouts/*.c; do
    echo "${program##*/}:"
    cc -std=c11 -Wall -Wextra -Werror -pthread -I "$prefix/include" "$program" "$(library_folder "$prefix")/libsimdrop.a" \
      -o "$folder/layouts/program" && "$folder/layouts/program" || return 1
  done
}

relocated() {
  mv "$prefix" "$folder/moved to" && with_cmake find_package moved -DCMAKE_PREFIX_PATH="$folder/moved to"
}

check 'install' install_into "$prefix"
check 'find_package' with_cmake find_package shared -DCMAKE_PREFIX_PATH="$prefix"
check 'find_package, static library' with_static_package
check 'simdrop::openmp' with_openmp shared
check 'simdrop::openmp, static libraries' with_openmp static
check 'simdrop-openmp by pkg-config' with_openmp_pkg_config
check 'add_subdirectory from a C++ project' with_cmake add_subdirectory subdirectory -DSIMDROP_SOURCE="$source"
check 'pkg-config' with_pkg_config "$prefix"
check 'static library by hand' with_archive
for compiler in g++ clang++; do
  check "C++11 by $compiler" as_cpp "$compiler"
done
for path in "$source"/include/simdrop/*.h; do
  header=$(basename "$path")
  check "$header alone, C11" alone "$header" cc c c11
  check "$header alone, C++11" alone "$header" c++ c++ c++11
done
check "README's program" example
check "layouts.md's programs" layouts_programs
check 'install with DESTDIR' install_into /usr "$folder/destdir"
check 'the package below DESTDIR' test -f "$(library_folder "$folder/destdir")/pkgconfig/simdrop.pc"
check 'relocated prefix, find_package' relocated
plain=$(mktemp -d) # a folder without spaces: pkg-config escapes them in a prefix that it defines, inside the file's quotes
trap 'rm -rf "$plain"' EXIT
mv "$folder/moved to" "$plain/moved"
check 'relocated prefix, pkg-config' with_pkg_config "$plain/moved" --define-prefix
exit $failed
