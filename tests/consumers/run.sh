#!/bin/sh
# run.sh FOLDER: installs simdrop and builds small projects that use it in each of the ways that users do; each must run and be right.
#
# Seen to fail: version.h left out of the install (all), the wrong library name in simdrop.pc (pkg-config), simdrop::simdrop left out
# of the package (find_package), a C99 initializer in a public header (C++), an absolute include folder in the exported target
# (relocated prefix), another program in README.md than in examples (README's program), simdrop::simdrop made the static library in
# the package (find_package) and in the build (add_subdirectory), the configured prefix in simdrop.pc (another prefix, relocated
# prefix), an absolute folder taken as one below the prefix, and the prefix taken from an absolute library folder (absolute folders),
# a tile with another stride than its matrix in docs/layouts.md, and that page without programs (layouts.md's programs), the C++
# object itself in the libraries instead of its copy (the package asks for no C++), components that nobody looks at (a component that
# there is not, another optional one, openmp where it is not installed), find_dependency for a static simdrop::openmp (no OpenMP),
# -lsimdrop in every simdrop.pc (MinGW, static), no SIMDROP_STATIC there (static only; MinGW, static), hwy::hwy as Highway's only name
# (Highway in a parent), the shared library's objects in the static library (plugins: the second has the first's version), the executor
# declared as simdrop's functions are (simdrop::static with a shared simdrop::openmp: it does not link), OpenMP asked for in C alone (C++ alone),
# libraries' names without a postfix (static only, pkg-config).
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

. "$here/../check.sh"

# With the flags of scripts/test.sh's own build, so that ccache knows the objects.
install_into() { # install_into <prefix> [DESTDIR] [cmake arguments...]
  into=$1
  staged=${2:-}
  shift $(($# < 2 ? $# : 2))
  cmake -S "$source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_WERROR=ON -DSIMDROP_BUILD_TOOL=OFF \
    -DSIMDROP_BUILD_TESTS=OFF -DCMAKE_INSTALL_PREFIX="$into" "$@" && cmake --build "$folder/build" && DESTDIR="$staged" cmake --install "$folder/build"
}

# with_cmake <project> <build folder> <cmake arguments...>
with_cmake() {
  project=$1
  build="$folder/$2"
  shift 2
  cmake -S "$here/$project" -B "$build" -G Ninja "$@" && cmake --build "$build" && "$build/consumer"
}

# The default target is the shared library, although both are there: with_default_target <project> <build folder> <cmake arguments...>
with_default_target() {
  with_cmake "$@" && ldd "$build/consumer" && ldd "$build/consumer" | grep -q 'libsimdrop\.so\.[0-9]* => /'
}

with_static_package() {
  with_cmake find_package static -DCMAKE_PREFIX_PATH="$prefix" -DBUILD_SHARED_LIBS=OFF && ! ldd "$folder/static/consumer" | grep libsimdrop
}

# Parts of the library may be C++, but a program in C needs no C++ compiler to link to it.
# Of the libraries, that is: in a project that is C++ alone, the package asks for its OpenMP.
without_cpp() { # without_cpp <prefix>
  package="$(library_folder "$1")/cmake"
  grep -rq LINK_INTERFACE_LANGUAGES "$package" && ! grep -r --include='*-targets*.cmake' CXX "$package" && ! grep -r enable_language "$package"
}

# The executor's threads come with simdrop::openmp, and with nothing else.
with_openmp() { # with_openmp <build folder>
  "$folder/$1/consumer_openmp" && ldd "$folder/$1/consumer_openmp" | grep -q -E 'lib(g|i)?omp' && ! ldd "$folder/$1/consumer" | grep -E 'lib(g|i)?omp|libpthread'
}

# With the program's own simdrop in it, in whatever order the two are named: its functions are in the program and not asked of a library.
with_static_and_openmp() { # with_static_and_openmp <build folder>
  for first in static openmp; do
    program="$folder/$1/consumer_simdrop_${first}_first"
    "$program" && ldd "$program" | grep -q 'libsimdrop_openmp\.so' && nm "$program" | grep -q ' t simdrop_forward$' || return 1
  done
}

with_openmp_pkg_config() {
  libraries=$(library_folder "$prefix")
  flags=$(PKG_CONFIG_PATH="$libraries/pkgconfig" pkg-config --cflags --libs simdrop-openmp) || return 1
  eval "cc \"\$here/consumer_openmp.c\" $flags -o \"\$folder/openmp-pkg-config\"" && LD_LIBRARY_PATH="$libraries" "$folder/openmp-pkg-config"
}

same_folder() { [ "$(cd -P "$1" && pwd)" = "$(cd -P "$2" && pwd)" ]; }

library_folder() { dirname "$(find "$1" -name libsimdrop.so)"; }

header_folder() { dirname "$(dirname "$(find "$1" -name simdrop.h)")"; }

# with_pkg_config <folder> [option of pkg-config]: by the simdrop.pc below the folder, which must name the folders below it and no others.
with_pkg_config() {
  libraries=$(library_folder "$1")
  export PKG_CONFIG_PATH="$libraries/pkgconfig"
  flags=$(pkg-config ${2:+"$2"} --cflags --libs simdrop) || return 1
  echo "$flags"
  eval "set -- \"\$1\" $flags"
  for flag in "$@"; do
    case $flag in
      -I*) same_folder "${flag#-I}" "$(header_folder "$1")" || return 1 ;;
      -L*) same_folder "${flag#-L}" "$libraries" || return 1 ;;
    esac
  done
  shift
  cc "$here/consumer.c" "$@" -o "$folder/pkg-config" && LD_LIBRARY_PATH="$libraries" "$folder/pkg-config"
}

another_prefix() { # the build folder is configured for /usr
  cmake --install "$folder/build" --prefix "$1" && with_pkg_config "$1"
}

# absolute_folders <library folder> <header folder>: each absolute, or below the prefix.
absolute_folders() {
  rm -rf "$absolute"
  install_into "$absolute/prefix" '' -DCMAKE_INSTALL_LIBDIR="$1" -DCMAKE_INSTALL_INCLUDEDIR="$2" && with_pkg_config "$absolute"
}

with_archive() { cc -I "$prefix/include" "$here/consumer.c" "$(library_folder "$prefix")/libsimdrop.a" -o "$folder/archive" && "$folder/archive"; }

# plugin <name> <header folder> <static library>: a shared object that links the library by hand, and exports nothing of it. (A build that is
# not optimised calls square roots.)
plugin() {
  cc -shared -fPIC -I "$2" "$here/plugin.c" "$3" -lm -o "$folder/$1.so" \
    && nm -D --defined-only "$folder/$1.so" && ! nm -D --defined-only "$folder/$1.so" | grep ' simdrop_'
}

# Two plugins with two versions in one program: each has its own, and its own choice of a backend.
plugins() {
  other="$folder/other version"
  mkdir -p "$other" && tar -C "$source" -cf - CMakeLists.txt cmake include src | tar -C "$other" -xf - || return 1
  sed 's/\(SIMDROP_VERSION_MAJOR\) [0-9][0-9]*/\1 77/' "$source/include/simdrop/version.h" > "$other/include/simdrop/version.h"
  cmake -S "$other" -B "$other/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_TESTS=OFF \
    -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_BUILD_SHARED=OFF -DSIMDROP_WITH_HIGHWAY=OFF -DSIMDROP_WITH_AVX512=OFF && cmake --build "$other/build" \
    && plugin first "$prefix/include" "$(library_folder "$prefix")/libsimdrop.a" \
    && plugin second "$other/include" "$other/build/libsimdrop.a" && cc "$here/plugin_host.c" -o "$folder/plugin_host" && "$folder/plugin_host" "$folder/first.so" "$folder/second.so" > "$folder/plugins.txt" || return 1
  cat "$folder/plugins.txt"
  sed -n 1p "$folder/plugins.txt" | grep -v '^77\.' | grep ' scalar$' && sed -n 2p "$folder/plugins.txt" | grep '^77\.' | grep -v ' scalar$'
}

as_cpp() { # as_cpp <compiler>
  cp "$here/consumer.c" "$folder/consumer.cpp"
  "$1" -std=c++11 -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" "$folder/consumer.cpp" \
    "$(library_folder "$prefix")/libsimdrop.a" -o "$folder/consumer-cpp" && "$folder/consumer-cpp"
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

# without_component <prefix> <component> <cmake arguments...>: the package is there, but refuses to be one with the component.
without_component() {
  at=$1 component=$2
  shift 2
  rm -rf "$folder/refused"
  cmake -S "$here/find_package" -B "$folder/refused" -G Ninja -DCMAKE_PREFIX_PATH="$at" "$@" || return 1
  if cmake "$folder/refused" -DCOMPONENTS="$component"; then return 1; fi
  grep -q "no component $component" "$log"
}

# Into one prefix without the shared library, into another also without OpenMP. What is compiled is not looked at here: fast.
static_only() {
  cmake -S "$source" -B "$folder/static-only" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_TESTS=OFF \
    -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_WITH_HIGHWAY=OFF -DSIMDROP_WITH_AVX512=OFF -DSIMDROP_WITH_AVX2=OFF -DSIMDROP_BUILD_SHARED=OFF \
    -DCMAKE_INSTALL_PREFIX="$folder/static prefix" -DCMAKE_DEBUG_POSTFIX=-debug && cmake --build "$folder/static-only" && cmake --install "$folder/static-only" \
    && cmake "$folder/static-only" -DSIMDROP_WITH_OPENMP=OFF && cmake --install "$folder/static-only" --prefix "$folder/plain prefix"
}

static_pkg_config() {
  flags=$(PKG_CONFIG_PATH="$folder/static prefix/lib/pkgconfig" pkg-config --cflags --libs simdrop-openmp) || return 1
  echo "$flags" | grep -q -e -DSIMDROP_STATIC && eval "cc \"\$here/consumer_openmp.c\" $flags -o \"\$folder/static-pkg-config\"" && "$folder/static-pkg-config"
}

# for_windows <kind> <cmake arguments...>: compiled and linked by MinGW with what pkg-config says; nothing is run.
for_windows() {
  kind=$1
  shift
  at="$folder/mingw-$kind"
  cmake -S "$source" -B "$at" -G Ninja -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc \
    -DCMAKE_BUILD_TYPE=Debug -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_TESTS=OFF -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_WITH_HIGHWAY=OFF \
    -DSIMDROP_WITH_AVX512=OFF -DSIMDROP_WITH_AVX2=OFF -DCMAKE_INSTALL_PREFIX="$at/prefix" "$@" \
    && cmake --build "$at" && cmake --install "$at" || return 1
  for package in simdrop simdrop-openmp; do
    program=consumer
    [ $package = simdrop ] || program=consumer_openmp
    flags=$(PKG_CONFIG_PATH="$at/prefix/lib/pkgconfig" pkg-config --cflags --libs $package) || return 1
    echo "$flags"
    eval "x86_64-w64-mingw32-gcc \"\$here/$program.c\" $flags -static-libgcc -o \"\$at/$package.exe\"" || return 1
    x86_64-w64-mingw32-objdump -p "$at/$package.exe" > "$at/imports" || return 1
    if grep -q 'DLL Name: libsimdrop' "$at/imports"; then needs=shared; else needs=static; fi
    [ $needs = "$kind" ] || return 1
  done
}

in_cpp_alone() {
  at="$folder/C++ alone"
  mkdir -p "$at" && cp "$here/consumer_openmp.c" "$at/consumer.cpp" || return 1
  cat > "$at/CMakeLists.txt" << 'PROJECT'
cmake_minimum_required(VERSION 3.22)
project(consumer LANGUAGES CXX)
find_package(simdrop REQUIRED COMPONENTS openmp)
add_executable(consumer consumer.cpp)
target_link_libraries(consumer PRIVATE simdrop::openmp)
PROJECT
  cmake -S "$at" -B "$at/build" -G Ninja -DCMAKE_PREFIX_PATH="$folder/static prefix" && cmake --build "$at/build" && "$at/build/consumer"
}

highway_in_a_parent() {
  headers=$(printf '#include <hwy/highway.h>\n' | c++ -E -x c++ -std=c++17 - | sed -n 's/^# 1 "\(.*\/hwy\)\/highway.h".*/\1/p' | head -n 1)
  mkdir -p "$folder/highway headers" && cp -r "$headers" "$folder/highway headers/" || return 1
  with_cmake highway_subproject highway -DCMAKE_BUILD_TYPE=Debug -DSIMDROP_WITH_AVX512=OFF -DSIMDROP_SOURCE="$source" -DHIGHWAY_HEADERS="$folder/highway headers" \
    -DCMAKE_IGNORE_PATH="$(dirname "$headers")" && grep -q 'Highway was found by the target hwy:' "$log" && grep -q '"highway-.*", 1' "$build/simdrop/generated/backend_list.h"
}

check 'install' install_into "$prefix"
check 'find_package' with_default_target find_package shared -DCMAKE_PREFIX_PATH="$prefix"
check 'find_package, static library' with_static_package
check 'the package asks for no C++' without_cpp "$prefix"
check 'simdrop::openmp' with_openmp shared
check 'simdrop::openmp, static libraries' with_openmp static
check 'simdrop::static with a shared simdrop::openmp' with_static_and_openmp shared
check 'simdrop-openmp by pkg-config' with_openmp_pkg_config
check 'COMPONENTS openmp' with_default_target find_package component -DCMAKE_PREFIX_PATH="$prefix" -DCOMPONENTS="openmp;shared;static"
check 'another optional component' with_cmake find_package optional -DCMAKE_PREFIX_PATH="$prefix" -DOPTIONAL_COMPONENTS=nonsense
check 'a component that there is not' without_component "$prefix" nonsense
check 'install, static only' static_only
check 'static only, pkg-config' static_pkg_config
check 'static only, COMPONENTS openmp' with_cmake find_package static-component -DCMAKE_PREFIX_PATH="$folder/static prefix" -DCOMPONENTS=openmp
check 'static only, COMPONENTS openmp, C++ alone' in_cpp_alone
check 'static only, COMPONENTS shared' without_component "$folder/static prefix" shared
check 'static only, no OpenMP' without_component "$folder/static prefix" openmp -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON
check 'without openmp, COMPONENTS openmp' without_component "$folder/plain prefix" openmp
if command -v x86_64-w64-mingw32-gcc > /dev/null 2>&1; then
  check 'MinGW, shared, pkg-config' for_windows shared
  check 'MinGW, static, pkg-config' for_windows static -DSIMDROP_BUILD_SHARED=OFF
else
  echo "skipped MinGW, pkg-config: x86_64-w64-mingw32-gcc is not installed"
fi
if printf '#include <hwy/highway.h>\n' | c++ -fsyntax-only -x c++ -std=c++17 - 2> /dev/null; then
  check 'Highway in a parent' highway_in_a_parent
else
  echo "skipped Highway in a parent: its headers are not installed"
fi
check 'add_subdirectory from a C++ project' with_default_target add_subdirectory subdirectory -DSIMDROP_SOURCE="$source" \
  -DSIMDROP_WITH_AVX512=OFF
check 'pkg-config' with_pkg_config "$prefix"
check 'static library by hand' with_archive
check 'two plugins with two versions of the static library' plugins
for compiler in g++ clang++; do
  check "C++11 by $compiler" as_cpp "$compiler"
done
check "README's program" example
check "layouts.md's programs" layouts_programs
check 'install with DESTDIR' install_into /usr "$folder/destdir"
check 'the package below DESTDIR' test -f "$(library_folder "$folder/destdir")/pkgconfig/simdrop.pc"
check 'another prefix at the install' another_prefix "$folder/another prefix"
check 'relocated prefix, find_package' relocated
check 'relocated prefix, pkg-config' with_pkg_config "$folder/moved to"
check 'relocated prefix, pkg-config --define-prefix' with_pkg_config "$folder/moved to" --define-prefix
outside=$(mktemp -d) # CMake refuses to export absolute header folders inside the source folder
trap 'rm -rf "$outside"' EXIT
absolute="$outside/absolute folders"
check 'absolute library folder, pkg-config' absolute_folders "$absolute/libraries" include
check 'absolute header folder, pkg-config' absolute_folders lib "$absolute/headers"
check 'absolute library and header folders, pkg-config' absolute_folders "$absolute/libraries" "$absolute/headers"
exit $failed
