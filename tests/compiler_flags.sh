#!/bin/sh
# compiler_flags.sh BUILD FOLDER [gcc | clang]: whatever flags and compilers the library is built with, it has the same backends, each compiled for its
# bundle and no more, gives the same bits as the release build in BUILD, and leaves the floating-point environment alone.
#
# Seen to fail: SSE3 named in a bundle (-mavx512vbmi: backends are left out), flags of arithmetic not taken back at the link (the
# floating-point environment, as a subproject), and not when a file is compiled (build, by src/common/strict_arithmetic.h),
# CMake's check for the mathematics library, and _GNU_SOURCE as a definition of CMake's (the tool with -Werror).
set -u

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: compiler_flags.sh BUILD FOLDER [gcc | clang]" >&2
  exit 2
fi
build=$1
source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/check.sh"
own_folder "$2"
log="$folder/log.txt"
compilers=${3:-gcc clang} # whose flags for x86-64 are tried; the rest is done by any
failed=0
unset SIMDROP_BACKEND

have() { command -v "$1" > /dev/null 2>&1; }

# configure <folder> <cmake arguments...>: the library alone.
configure() {
  configured="$folder/$1"
  shift
  cmake -S "$source" -B "$configured" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_TESTS=OFF \
    -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_WITH_HIGHWAY=OFF -DSIMDROP_WITH_OPENMP=OFF "$@"
}

# has <folder> <backend>...: the build has these backends, and no others.
has() {
  tr ' ' '\n' < "$folder/$1/generated/backend_list.h" | tr -d '\n' | grep -o '"[^"]*",1' | cut -d '"' -f 2 > "$folder/compiled"
  shift
  printf '%s\n' "$@" | diff - "$folder/compiled"
}

# held <flags> <cmake arguments...>: with these flags, each backend's table compiles, and so is compiled for exactly its bundle. One build folder
# a compiler, in which CMake asks again what depends on the flags, but not who the compiler is.
held() {
  held_flags=$1
  shift
  configure "held by $name" -DCMAKE_C_FLAGS="$held_flags" "$@" || return
  objects=
  # shellcheck disable=SC2086 # a list of words
  has "held by $name" $backends || return
  for backend in $backends; do objects="$objects CMakeFiles/simdrop_$backend.dir/src/$backend/table.c.o"; done
  # shellcheck disable=SC2086 # a list of words
  cmake --build "$folder/held by $name" --target $objects
}

processor_flags() { # processor_flags <name> <compiler> <cmake arguments...>, and flags a line
  name=$1
  compiler=$2
  shift 2
  if ! have "${compiler%%;*}"; then
    cat > /dev/null
    echo "skipped flags of $name: it is not installed"
    return
  fi
  while read -r flags; do
    echo 'int not_empty;' > "$folder/empty.c"
    # shellcheck disable=SC2086 # a list of flags
    if [ "$name" != zig ] && ! "$compiler" ${target:-} $flags -c "$folder/empty.c" -o "$folder/empty.o" 2> /dev/null; then
      echo "skipped $name $flags: this compiler does not know it"
      continue
    fi
    check "$name $flags" held "$flags" -DCMAKE_C_COMPILER="$compiler" "$@"
  done
}

case "$(uname -m)" in
  x86_64) ;;
  *)
    echo "skipped compiler flags: they are those for x86-64, and this machine is none"
    exit 0
    ;;
esac

backends='avx512 avx2 scalar'
for compiler in $compilers; do
  processor_flags "$compiler" "$compiler" << 'FLAGS'
-march=native
-march=haswell
-march=x86-64-v3
-march=skylake-avx512 -mavx512vbmi -mvaes
-march=znver4
-mavx2 -mfma -mbmi2
-mno-popcnt
FLAGS
done
if zig=$(sh "$source/scripts/pypi.sh" zig ziglang==0.17.1); then
  printf '%s\n' '' -mcpu=haswell | processor_flags zig "$zig/python;-m;ziglang;cc"
else
  echo "skipped flags of zig: it cannot be installed"
fi
backends='neon sve scalar'
for compiler in aarch64-linux-gnu-gcc clang; do
  target=
  toolchain=aarch64-linux-gnu
  if [ "$compiler" = clang ]; then
    target=--target=aarch64-linux-gnu
    toolchain=aarch64-linux-gnu-clang
  fi
  processor_flags "aarch64, $compiler" "$compiler" -DCMAKE_TOOLCHAIN_FILE="$source/cmake/toolchains/$toolchain.cmake" << 'FLAGS'
-mcpu=neoverse-v1
-march=armv8.2-a+fp16
-march=armv8-a+sve2 -msve-vector-bits=256
-mcpu=apple-m1
FLAGS
done

# architecture <compiler> <processor> <backend>...: the compiler says what it compiles for.
architecture() {
  rm -rf "$folder/architecture"
  configure architecture -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$2" -DCMAKE_C_COMPILER="$1" || return
  shift 2
  has architecture "$@"
}
if have arm-linux-gnueabihf-gcc; then
  check '32-bit Arm on an aarch64 kernel' architecture arm-linux-gnueabihf-gcc aarch64 scalar
else
  echo "skipped 32-bit Arm on an aarch64 kernel: there is no arm-linux-gnueabihf-gcc"
fi
check 'no name of a processor, aarch64' architecture aarch64-linux-gnu-gcc '' neon sve scalar
check 'no name of a processor, x86-64' architecture gcc '' avx512 avx2 scalar
check '32-bit x86 on an x86-64 kernel' architecture i686-linux-gnu-gcc x86_64 avx512 avx2 scalar

# With a sysroot, as CMake before 4 fails by itself where it finds none for several.
several_architectures() {
  configure several -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_OSX_SYSROOT=/ -DCMAKE_C_COMPILER=clang -DCMAKE_C_COMPILER_WORKS=ON \
    '-DCMAKE_OSX_ARCHITECTURES=x86_64;arm64' && return 1
  tr -s '\n ' ' ' < "$log" | grep 'CMAKE_OSX_ARCHITECTURES names more than one architecture (x86_64;arm64)'
}
check 'several architectures are refused' several_architectures

# same_bits <folder> [how to run it]: the build's library on each backend, against the release build.
same_bits() {
  probe="$folder/probe-$1"
  ${compiler:-cc} -std=c11 -O1 -static -I "$source/include" "$source/tests/probe.c" "$folder/$1/libsimdrop.a" -o "$probe" || return
  shift
  for backend in avx512 avx2 scalar; do
    SIMDROP_BACKEND=$backend "$@" "$probe" || return
  done > "$folder/lines"
  cat "$folder/lines"
  grep -q 'backend=scalar reason=1' "$folder/lines" && ! grep -v "digest=$digest\$" "$folder/lines"
}
cc -std=c11 -O1 -static -I "$source/include" "$source/tests/probe.c" "$build/libsimdrop.a" -o "$folder/probe" || exit 1
digest=$(SIMDROP_BACKEND=scalar "$folder/probe" | sed 's/.*digest=//')
cc -std=c11 "$source/tests/floating_point_environment.c" -o "$folder/environment" || exit 1

# Every liberty with arithmetic, and a processor, at once.
for compiler in $compilers; do
  have "$compiler" || continue
  flags='-march=native -mavx2 -mfma -ffast-math -funsafe-math-optimizations -ffinite-math-only -freciprocal-math -fassociative-math -fno-signed-zeros'
  if [ "$compiler" = gcc ]; then flags="$flags -fno-trapping-math -fsingle-precision-constant -mfpmath=387"; fi
  tree="$compiler, all liberties"
  check "$compiler, all liberties: configuration" configure "$tree" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" \
    -DCMAKE_C_FLAGS_RELEASE='-Ofast -DNDEBUG' -DCMAKE_SHARED_LINKER_FLAGS='-Ofast' -DSIMDROP_WITH_OPENMP=ON -DSIMDROP_WERROR=ON
  check "$compiler, all liberties: build" cmake --build "$folder/$tree"
  check "$compiler, all liberties: floating-point environment" "$folder/environment" "$folder/$tree"/libsimdrop*.so
  check "$compiler, all liberties: bits" same_bits "$tree"
  for cpu in qemu64 Haswell; do
    check "$compiler, all liberties: bits on $cpu" same_bits "$tree" qemu-x86_64-static -cpu "$cpu"
  done
  python3 "$source/tests/scan_instructions.py" "$folder/$tree" || failed=1
done

# A parent's options come before ours, and CMake leaves out those of ours that it had already. So do a unity build and _GNU_SOURCE.
subproject() {
  mkdir -p "$folder/a parent" && cat > "$folder/a parent/CMakeLists.txt" << PROJECT || return
cmake_minimum_required(VERSION 3.22)
project(parent LANGUAGES C)
add_compile_options(-mavx2 -mno-sse4.2 -msse2 -march=native -fno-fast-math -ffast-math -Ofast -Werror -D_GNU_SOURCE=1)
add_link_options(-fno-fast-math -ffast-math -Ofast)
set(CMAKE_UNITY_BUILD ON)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 0)
set(SIMDROP_WITH_HIGHWAY OFF)
add_subdirectory("$source" simdrop)
PROJECT
  cmake -S "$folder/a parent" -B "$folder/a parent/build" -G Ninja -DCMAKE_C_FLAGS='-O0 -DNAME='"'"'"a b"'"'" \
    && cmake --build "$folder/a parent/build" \
    && "$folder/environment" "$folder/a parent/build/simdrop"/libsimdrop*.so \
    && ln -sfn "$folder/a parent/build/simdrop" "$folder/subproject" && same_bits subproject
}
compiler=cc
check 'as a subproject with options of its own' subproject

# The tool, with warnings as errors for what CMake tries, too.
tool_with_errors() {
  configure errors -DSIMDROP_BUILD_TOOL=ON -DSIMDROP_WITH_BOOST=OFF -DCMAKE_C_FLAGS='-Werror -Wall -Wextra -D_GNU_SOURCE=' && cmake --build "$folder/errors" \
    && "$folder/errors/tools/simdrop/simdrop" info
}
check 'the tool with -Werror' tool_with_errors
exit $failed
