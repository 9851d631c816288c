#!/bin/sh
# cross_compilers.sh FOLDER [--all | --turn N | SYSTEM...]: the library for other systems and C libraries by the compilers that Debian has,
# and golden_alone where it can be run: here, under qemu, under Wine. With --all also the C tests, and the tool where there is one; they
# have tests/stand_in in the place of cmocka, of which Debian has no package for most of these, and RISC-V and WebAssembly with vectors, by Highway
# and a later clang (riscv64-linux-gnu-clang, wasm32-wasi-clang). --turn N: the N-th of the systems alone, counted around. (other_systems.sh has those of zig's
# compiler.)
#
# Seen to fail: getenv in place of a look at AT_SECURE (setuid by getauxval), no such look (questions to the system), another scale (tests,
# on riscv64 and ARMv7), vmovaps of 32 bytes to the stack (no aligned vectors), -pie in place of
# -static-pie (no loader), NaNs multiplied as they are (tests, RISC-V with vectors).
set -u

folder=${1:?usage: cross_compilers.sh FOLDER [--all | --turn N | SYSTEM...]}
shift
source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
systems='x86_64-linux-musl static-pie x86_64-w64-mingw32 arm-linux-gnueabihf riscv64-linux-gnu aarch64-linux-android'
only_with_all='riscv64-linux-gnu-clang wasm32-wasi-clang'
wine=/usr/lib/wine/wine64 # Debian's package wine64
failed=0
all=no
# shellcheck disable=SC2034 # check.sh uses it
log="$folder/log.txt"

. "$source/tests/check.sh"

configure() {
  system=$1
  shift
  case $system in static-pie) ;; *) set -- -DCMAKE_TOOLCHAIN_FILE="$source/cmake/toolchains/$system.cmake" "$@" ;; esac
  cmake -S "$source" -B "$folder/$system" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_WERROR=ON \
    -DBUILD_SHARED_LIBS=OFF -DSIMDROP_WITH_BOOST=OFF -DSIMDROP_WITH_HIGHWAY=OFF \
    -DSIMDROP_WITH_OPENMP=OFF -DSIMDROP_WITH_SLEEF=OFF -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_TEST_STAND_IN=ON "$@"
}
build() {
  configure "$@" || return
  if [ "$all" = yes ]; then cmake --build "$folder/$1"; else cmake --build "$folder/$1" --target golden_alone; fi
}

# run_tests <system>: the golden data, and with --all the rest of the C tests.
run_tests() {
  if [ "$all" = no ]; then
    ctest --test-dir "$folder/$1" --output-on-failure --no-tests=error -R '^golden_alone$'
  else
    SIMDROP_TEST_EFFORT=quick ctest --test-dir "$folder/$1" -j 2 --output-on-failure --no-tests=error -L '^c$'
  fi
}

# Static programs that can be put at any address, as hardened systems have them. With glibc, and without SLEEF, of which Debian has no
# static library; Debian's musl-gcc does not know the option.
has_no_loader() {
  readelf -hl "$folder/static-pie/tests/golden_alone" > "$folder/static-pie/program.txt" || return
  grep -q 'Type: *DYN' "$folder/static-pie/program.txt" && ! grep -q INTERP "$folder/static-pie/program.txt"
}

# Windows' stacks are aligned to 16 bytes, and gcc aligns no more: an access to a longer vector there that asks for more may fault.
aligned_on_stack() {
  # shellcheck disable=SC2046 # the list is meant to be split
  x86_64-w64-mingw32-objdump -d $(find "$folder/x86_64-w64-mingw32/CMakeFiles" -path '*avx*' -name '*.obj') > "$folder/objects.txt" || return
  grep -q 'ymm.*(%rsp)' "$folder/objects.txt" \
    && ! grep -E 'vmov(dqa|dqa32|dqa64|ap[sd]) +(%[yz]mm[0-9]+,[-0-9a-fx]*\(%rsp|[-0-9a-fx]*\(%rsp.*%[yz]mm)' "$folder/objects.txt"
}

# A shared library, its import library and a program that is told by the headers to import.
mingw_shared() {
  cmake --build "$folder/x86_64-w64-mingw32" --target simdrop_lib_shared || return
  x86_64-w64-mingw32-gcc -std=c11 -I "$source/include" "$source/tests/probe.c" -L "$folder/x86_64-w64-mingw32" -lsimdrop \
    -o "$folder/x86_64-w64-mingw32/probe.exe" || return
  x86_64-w64-mingw32-objdump -p "$folder/x86_64-w64-mingw32/probe.exe" | grep 'DLL Name: libsimdrop' || return
  if [ -x "$wine" ]; then WINEPREFIX="$folder/wine" WINEDEBUG=-all "$wine" "$folder/x86_64-w64-mingw32/probe.exe"; fi
}

probe_of_musl() {
  musl-gcc -std=c11 -static -I "$source/include" "$source/tests/probe.c" "$folder/x86_64-linux-musl/libsimdrop.a" -o "$folder/probe" \
    && sh "$source/tests/setuid.sh" "$folder/probe" "$folder/setuid"
}

# android_headers: of the C library that stands in for bionic. A list for CMake.
android_headers() {
  bin=$(sh "$source/scripts/pypi.sh" zig ziglang==0.17.1) || return
  libc=$("$bin/python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "lib", "libc", "include"))')
  printf '%s\n' "$libc/aarch64-linux-musl;$libc/generic-musl;$libc/aarch64-linux-any;$libc/any-linux-any"
}
android() {
  headers=$(android_headers) || return
  configure aarch64-linux-android -DSIMDROP_ANDROID_HEADERS="$headers" -DSIMDROP_HAVE_SECURE_GETENV=OFF -DSIMDROP_HAVE_ISSETUGID=OFF \
    -DSIMDROP_BUILD_SHARED=OFF -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_TESTS=OFF && cmake --build "$folder/aarch64-linux-android"
}
# What the processor has is asked by getauxval, and whether the environment may be read, too.
android_calls() {
  llvm_nm=$(command -v llvm-nm || echo aarch64-linux-gnu-nm)
  for file in cpu_probe environment; do
    "$llvm_nm" "$folder/aarch64-linux-android/CMakeFiles/simdrop_core_static.dir/src/machine/$file.c.o" | grep -w 'U getauxval' || return
  done
}

# newer_highway: prints the folder with the headers of a Highway that knows such vectors, 1.2 or later: this system's, or that of Debian 13's
# package, which is read and not installed, by lists of packages of its own.
newer_highway() {
  old='HWY_MAJOR < 1 || (HWY_MAJOR == 1 \&\& HWY_MINOR < 2)'
  if printf '#include <hwy/base.h>\n#if OLD\n#error\n#endif\n' | sed "s/OLD/$old/" | c++ -std=c++17 -fsyntax-only -x c++ - 2> /dev/null; then
    printf '#include <hwy/base.h>\n' | c++ -E -x c++ -std=c++17 - | sed -n 's/^# 1 "\(.*\)\/hwy\/base.h".*/\1/p' | head -n 1
    return
  fi
  packages="$folder/debian-13"
  if [ ! -d "$packages/usr/include/hwy" ]; then
    mkdir -p "$packages/lists/partial" "$packages/cache/archives/partial" || return
    echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' > "$packages/sources.list"
    set -- -qq -o Dir::Etc::sourcelist="$packages/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$packages/lists" -o Dir::Cache="$packages/cache"
    apt-get "$@" update >&2 && (cd "$packages" && apt-get "$@" download libhwy-dev >&2 && dpkg-deb -x libhwy-dev_*.deb .) || return
  fi
  printf '%s\n' "$packages/usr/include"
}

# on_processor <qemu's processor> <command...>
on_processor() (
  QEMU_CPU=$1
  export QEMU_CPU
  shift
  "$@"
)
# backends_are <names>: golden data, of these backends.
backends_are() {
  "$folder/$system/tests/run-golden_alone" > "$folder/$system/golden.txt" && grep -qx "backends: $1" "$folder/$system/golden.txt" && return
  cat "$folder/$system/golden.txt"
  return 1
}

# vectors_of_riscv: vectors of several lengths, and a processor that has none, where the scalar backend is chosen.
vectors_of_riscv() {
  check "build: $system" build "$system" -DSIMDROP_WITH_HIGHWAY=ON -DSIMDROP_HIGHWAY_INCLUDE_DIR="$1" -DSIMDROP_REQUIRED=highway
  for bits in 128 256 512 1024; do
    check "golden data, vectors of $bits bits: $system" on_processor "rv64,v=true,vext_spec=v1.0,vlen=$bits" backends_are 'highway-rvv scalar'
  done
  check "golden data, no vectors: $system" on_processor rv64,v=false backends_are scalar
  [ "$all" = no ] || check "tests, vectors of 128 bits: $system" on_processor rv64,v=true,vext_spec=v1.0,vlen=128 run_tests "$system"
}

vectors_of_wasm() {
  check "build: $system" build "$system" -DCMAKE_C_FLAGS=-msimd128 -DCMAKE_CXX_FLAGS=-msimd128 -DSIMDROP_WITH_HIGHWAY=ON \
    -DSIMDROP_HIGHWAY_INCLUDE_DIR="$1" -DSIMDROP_REQUIRED=highway
  check "golden data in Node.js: $system" backends_are 'highway-wasm scalar'
}

# by_newer_highway <command>: the command with the folder of such headers, or a line why not.
by_newer_highway() {
  if highway=$(newer_highway 2> "$log"); then
    "$1" "$highway"
  else
    echo "skipped $system: there is no Highway of version 1.2 or later, nor Debian 13's package of it"
  fi
}

# missing <command>: says that the system is skipped.
missing() {
  command -v "$1" > /dev/null 2>&1 && return 1
  echo "skipped $system: there is no $1"
}

one() {
  system=$1
  case $system in
    x86_64-linux-musl)
      missing musl-gcc && return
      # Without secure_getenv and issetugid, as on Android: what decides there can be seen at work here.
      check "build: $system" build "$system" -DSIMDROP_HAVE_SECURE_GETENV=OFF -DSIMDROP_HAVE_ISSETUGID=OFF
      check "tests: $system" run_tests "$system"
      check "setuid by getauxval: $system" probe_of_musl
      [ "$all" = no ] || check "simdrop info: $system" "$folder/$system/tools/simdrop/simdrop" info
      ;;
    static-pie)
      check "build: $system" build "$system" -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_EXE_LINKER_FLAGS=-static-pie -DSIMDROP_BUILD_SHARED=OFF
      check "no loader: $system" has_no_loader
      check "tests: $system" run_tests "$system"
      ;;
    x86_64-w64-mingw32)
      missing x86_64-w64-mingw32-gcc-posix && return
      check "build: $system" build "$system"
      check "shared library: $system" mingw_shared
      check "no aligned vectors on the stack: $system" aligned_on_stack
      if [ -x "$wine" ]; then
        export WINEPREFIX="$folder/wine" WINEDEBUG=-all
        check "tests: $system" run_tests "$system"
      else
        echo "skipped tests: $system: wine64 is not installed"
      fi
      ;;
    aarch64-linux-android)
      missing clang && return
      check "build without the NDK: $system" android
      check "questions to the system: $system" android_calls
      ;;
    riscv64-linux-gnu-clang)
      missing clang-19 && return
      missing riscv64-linux-gnu-g++ && return
      by_newer_highway vectors_of_riscv
      ;;
    wasm32-wasi-clang)
      for command in clang-19 wasm-ld-19 llvm-ar node; do missing "$command" && return; done
      if [ ! -d /usr/include/wasm32-wasi/c++ ]; then
        echo "skipped $system: wasi-libc or libc++-19-dev-wasm32 is not installed"
        return
      fi
      by_newer_highway vectors_of_wasm
      ;;
    *)
      missing "$system-gcc" && return
      check "build: $system" build "$system"
      check "tests: $system" run_tests "$system"
      [ "$all" = no ] || check "simdrop info: $system" "$folder/$system/tests/run-simdrop_tool" info
      ;;
  esac
}

case "${1:-}" in
  '') ;;
  --all)
    all=yes
    systems="$systems $only_with_all"
    ;;
  --turn)
    # shellcheck disable=SC2086 # the list is meant to be split
    set -- "$2" $systems
    turn=$(($1 % ($# - 1) + 1))
    shift "$turn"
    systems=$1
    ;;
  *) systems=$* ;;
esac
for system in $systems; do one "$system"; done
exit $failed
