#!/bin/sh
# optional_parts.sh FOLDER [--all | --part K/N | PART WAY CMAKE MACHINE]: everything that the project can do without (MPI, BLAS, Boost, Highway, SLEEF, OpenMP,
# cmocka, a C++ compiler, Python, pkg-config, git) is hidden from a plain build, one at a time and all at once, in each of two ways; the build must
# succeed, leave out what is hidden and nothing else. With three versions of CMake, for this machine and for aarch64; by default each part, way, version and
# machine in some combination (with --part every N-th of these), with --all in every one, or the one that is named
# (mpi package newest native).
#
# Seen to fail: TARGET MPI::MPI_C in place of MPI_C_FOUND (mpi by path, aarch64), a C++ compiler taken to work (cxx), FATAL_ERROR without cmocka and without
# OpenMP (cmocka, openmp), Boost's header found and not compiled (boost), a Highway taken to compile (highway), no line about Python
# (python), SIMDROP_BUILD_TESTS not looking at BUILD_TESTING (BUILD_TESTING=OFF), the check of Highway's version left out (an old Highway),
# SLEEF's header found by its path, and not as its sources find it (sleef by path).
set -u

folder=${1:?usage: optional_parts.sh FOLDER [--all | --part K/N | PART WAY CMAKE MACHINE]}
source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/check.sh"
own_folder "$folder"
failed=0
parts="mpi blas boost highway sleef openmp cmocka cxx python pkg-config git"

# cmake_of <version>: the program. Debian's is not always the first of PATH.
cmake_of() {
  case $1 in
    here) if [ -x /usr/bin/cmake ]; then echo /usr/bin/cmake; else command -v cmake; fi ;;
    3.22) bin=$(sh "$source/scripts/pypi.sh" cmake-3.22 'cmake==3.22.*') && echo "$bin/cmake" ;;
    newest) bin=$(sh "$source/scripts/pypi.sh" cmake-newest 'cmake>=4') && echo "$bin/cmake" ;;
  esac
}

# Headers that do not compile, in front of those of the system: the compiler finds what is in /usr/include by itself.
for header in boost/math/distributions/non_central_chi_squared.hpp hwy/foreach_target.h sleef.h omp.h cblas.h cmocka.h; do
  case $header in boost*) part=boost ;; hwy*) part=highway ;; sleef*) part=sleef ;; omp*) part=openmp ;; cblas*) part=blas ;; *) part=cmocka ;; esac
  mkdir -p "$folder/hidden/$part/$(dirname "$header")"
  echo '#error "hidden"' > "$folder/hidden/$part/$header"
done
printf '#!/bin/sh\nexit 1\n' > "$folder/hidden/broken-c++"
chmod +x "$folder/hidden/broken-c++"

# path_without <name> <pattern of commands>: a folder with all commands of PATH but these.
path_without() {
  mkdir -p "$folder/path/$1"
  printf '%s\n' "$PATH" | tr : '\n' | while read -r directory; do
    find "$directory/" -maxdepth 1 ! -type d ! -name '.*' 2> /dev/null
  done | grep -vE "/($2)\$" | while read -r program; do
    [ -e "$folder/path/$1/${program##*/}" ] || ln -s "$program" "$folder/path/$1/"
  done
  echo "$folder/path/$1"
}
commands_of() {
  case $1 in
    mpi) echo 'mpi.*|orte.*|ompi.*' ;;
    cxx) echo 'aarch64-linux-gnu-g[+][+].*' ;; # which the toolchain file names, whatever else is asked for
    python) echo 'python.*|pypy.*' ;;
    pkg-config) echo '.*pkg-config|pkgconf' ;;
    git) echo 'git.*' ;;
  esac
}
hidden_path=$(path_without all "$(for part in mpi python pkg-config git; do commands_of "$part"; done | paste -s -d '|')")
for part in mpi cxx python pkg-config git; do path_without "$part" "$(commands_of "$part")" > /dev/null; done

# hide <part> <way>: sets what hides the part: options for CMake, flags, PATH, CXX.
hide() {
  case $1-$2 in
    mpi-package) options="$options -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON" ;;
    openmp-package) options="$options -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON" ;;
    python-package) options="$options -DCMAKE_DISABLE_FIND_PACKAGE_Python3=ON" ;;
    pkg-config-package) options="$options -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON" ;;
    git-package) options="$options -DCMAKE_DISABLE_FIND_PACKAGE_Git=ON" ;;
    cxx-package)
      options="$options -DCMAKE_CXX_COMPILER=/none"
      path="$folder/path/cxx"
      ;;
    cxx-path) export CXX="$folder/hidden/broken-c++" ;;
    # Not to find their packages does not hide these: they are looked for in other ways as well.
    cmocka-package | highway-package)
      options="$options -DCMAKE_DISABLE_FIND_PACKAGE_cmocka=ON -DCMAKE_DISABLE_FIND_PACKAGE_hwy=ON"
      flags="$flags -I$folder/hidden/$1"
      ;;
    boost-* | blas-* | cmocka-* | highway-* | sleef-* | openmp-*) flags="$flags -I$folder/hidden/$1" ;;
    mpi-path) # FindMPI looks, and finds nothing: newer versions of CMake make a target all the same
      options="$options -DMPI_C_COMPILER=/none"
      path="$folder/path/mpi"
      ;;
    *-path)
      options="$options -DCMAKE_IGNORE_PATH=/usr/bin;/bin;/usr/local/bin;$(dirname "$(command -v python3)")"
      path="$folder/path/$1"
      ;;
  esac
}

# The parts whose loss CMake tells, that go with a hidden one.
lost_with() {
  case $1 in
    cxx) echo "highway boost" ;;
    all) echo "mpi blas boost highway sleef openmp cmocka python" ;;
    pkg-config | git | none) ;;
    *) echo "$1" ;;
  esac
}
sentence_of() {
  case $1 in
    mpi) echo 'The example for MPI is left out' ;;
    blas) echo 'The example that trains a network is left out' ;;
    boost) echo "The tool's verify command is left out" ;;
    highway) echo 'The Highway backends are left out' ;;
    sleef) echo "The fused kernels' functions in double are left out" ;;
    openmp) echo 'simdrop::openmp is left out' ;;
    cmocka) echo 'The C tests but golden_alone are left out' ;;
    python) echo 'The tests in Python are left out' ;;
  esac
}

# build_without <part> <way> <cmake> <machine> <cmake arguments...>, in a process of its own
build_without() {
  part=$1 way=$2 cmake=$3 machine=$4
  shift 4
  options='' flags='' path=$PATH
  lost=$(lost_with "$part")
  if [ "$part" = all ]; then
    for each in $parts; do hide "$each" "$way"; done
    if [ "$way" = path ]; then path=$hidden_path; fi
  else
    hide "$part" "$way"
  fi
  # For another machine only what is installed for it is there; what is hidden in PATH may be found without its commands.
  case $machine in
    native) required=$(for each in mpi blas boost highway sleef openmp cmocka python; do case " $lost " in *" $each "*) ;; *) echo "$each" ;; esac done | paste -s -d ';') ;;
    aarch64)
      required=''
      set -- "$@" "-DCMAKE_TOOLCHAIN_FILE=$source/cmake/toolchains/aarch64-linux-gnu.cmake"
      ;;
    aarch64-plain)
      required=''
      set -- "$@" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc
      ;;
  esac
  case $part-$machine in
    # C++ takes the most time, and has no share in these.
    boost-*) options="$options -DSIMDROP_WITH_HIGHWAY=OFF" ;;
    highway-*) options="$options -DSIMDROP_WITH_BOOST=OFF" ;;
    mpi-* | blas-* | sleef-* | openmp-* | cmocka-* | python-* | pkg-config-* | git-* | none-aarch64*)
      options="$options -DSIMDROP_WITH_HIGHWAY=OFF -DSIMDROP_WITH_BOOST=OFF"
      ;;
  esac
  export PATH="$path"
  # Splitting at blanks alone: a list of CMake's is one word.
  # shellcheck disable=SC2086
  "$cmake" -S "$source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
    "-DCMAKE_C_FLAGS=$flags" "-DCMAKE_CXX_FLAGS=$flags" "-DSIMDROP_REQUIRED=$required" $options "$@" && "$cmake" --build "$folder/build" -j 2 || return 1
  [ "$way" = package ] || return 0
  for each in $lost; do
    grep -q "$(sentence_of "$each")" "$log" || { echo "nothing says that $each is left out"; return 1; }
  done
}

# cell <part> <way> <version of CMake> <machine>
log="$folder/log.txt"
cell() {
  name="without $1 ($2), CMake $3, $4"
  cmake=$(cmake_of "$3") || { echo "skipped $name: PyPI does not give this CMake"; return; }
  case $4 in
    aarch64*) command -v aarch64-linux-gnu-gcc > /dev/null 2>&1 || { echo "skipped $name: there is no compiler for aarch64"; return; } ;;
  esac
  rm -rf "$folder/build"
  if (build_without "$1" "$2" "$cmake" "$4") > "$log" 2>&1; then
    echo "ok $name"
  else
    grep -E 'left out|rror|FAILED|undefined' "$log" | head -n 20 | sed 's/^/    /'
    tail -n 5 "$log" | sed 's/^/    /'
    echo "FAILED $name"
    failed=1
  fi
}

# shellcheck disable=SC2317 # called by name
afresh() { # afresh <command...>: with no build folder
  rm -rf "$folder/build"
  "$@"
}

# As distributions configure: no test and nothing that is for tests alone.
without_tests() {
  cmake -S "$source" -B "$folder/build" -G Ninja -DBUILD_TESTING=OFF -DSIMDROP_WITH_HIGHWAY=OFF -DSIMDROP_WITH_BOOST=OFF || return 1
  ctest --test-dir "$folder/build" -N | grep -q 'Total Tests: 0' && ! ninja -C "$folder/build" -t targets all | grep 'tests/'
}

# The headers of this machine's Highway, with an older version written in.
old_highway() {
  headers=$(printf '#include <hwy/highway.h>\n' | c++ -E -x c++ -std=c++17 - | sed -n 's/^# 1 "\(.*\)\/hwy\/highway.h".*/\1/p' | head -n 1)
  mkdir -p "$folder/old" && cp -r "$headers/hwy" "$folder/old/" || return 1
  sed -i 's/^#define HWY_MAJOR .*/#define HWY_MAJOR 0/' "$folder/old/hwy/"*.h
  cmake -S "$source" -B "$folder/build" -G Ninja "-DCMAKE_CXX_FLAGS=-I$folder/old" -DSIMDROP_WITH_BOOST=OFF && grep -q 'is older than' "$log"
}

stops_without() { # a part that is required
  ! cmake -S "$source" -B "$folder/build" -G Ninja -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON -DSIMDROP_REQUIRED="mpi;boost" && grep -q 'SIMDROP_REQUIRED names mpi' "$log"
}

if [ $# -eq 5 ]; then
  cell "$2" "$3" "$4" "$5"
  exit $failed
fi
if [ "${2:-}" = --all ]; then
  for version in here 3.22 newest; do
    for machine in native aarch64 aarch64-plain; do
      cell none package "$version" "$machine"
      for part in $parts all; do
        for way in package path; do cell "$part" "$way" "$version" "$machine"; done
      done
    done
  done
else
  number=0
  while read -r part way version machine; do
    number=$((number + 1))
    if [ "${2:-}" = --part ] && [ $((number % ${3#*/})) -ne $((${3%/*} % ${3#*/})) ]; then continue; fi
    cell "$part" "$way" "$version" "$machine"
  done << 'TABLE'
mpi package here native
boost package here native
highway path 3.22 native
sleef path newest native
blas path 3.22 native
openmp package here native
cmocka package newest native
cxx package here native
python package 3.22 native
pkg-config path here native
git package 3.22 native
all package newest native
all path here native
mpi path newest native
cxx path newest native
none package newest aarch64
none package here aarch64-plain
all package 3.22 aarch64
TABLE
fi
check 'BUILD_TESTING=OFF' afresh without_tests
check 'an old Highway' afresh old_highway
check 'a required part' afresh stops_without
exit $failed
