#!/bin/sh
# other_systems.sh FOLDER [--all | TARGET...]: builds library, tool and golden_alone for systems that this machine is not, with zig's
# clang (PyPI: ziglang), and runs what can be run: Linux's programs here or under qemu, WebAssembly's with PyPI's wasmtime, Windows'
# under Wine. Without --all a few that stand for the others.
#
# Seen to fail: _XOPEN_SOURCE=700 for the tool (aarch64-macos, x86_64-freebsd and x86_64-netbsd do not build), no look at whether the
# system has signals and threads (wasm32-wasi, x86_64-windows-gnu), shared libraries where there are none (wasm32-wasi), getenv in
# place of issetugid's answer, and no variable at all (setuid with issetugid, without setuid).
set -u

folder=${1:?usage: other_systems.sh FOLDER [--all | TARGET...]}
shift
source=$(cd "$(dirname "$0")/.." && pwd)

few='aarch64-macos x86_64-linux-musl'
more='x86_64-macos wasm32-wasi wasm32-wasi+simd128 x86_64-freebsd aarch64-freebsd x86_64-netbsd aarch64-netbsd x86_64-openbsd x86_64-windows-gnu aarch64-windows-gnu x86-linux-musl
  aarch64-linux-musl arm-linux-musleabihf riscv64-linux-musl powerpc64le-linux-musl s390x-linux-musl'
wine=/usr/lib/wine/wine64 # Debian's package wine64

# run <target> <title> <command...>: one line about a command; what it prints is shown when it fails.
run() {
  log="$folder/$1/$2.log"
  title="$2: $1"
  shift 2
  if "$@" > "$log" 2>&1; then
    echo "ok $title"
  else
    echo "FAILED $title"
    tail -n 40 "$log"
    return 1
  fi
}

# configure_and_build <target> <tree> <cmake arguments...>
configure_and_build() {
  target=$1
  tree=$2
  shift 2
  cmake -S "$source" -B "$tree" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$source/cmake/toolchains/zig.cmake" -DSIMDROP_ZIG="$zig" \
    -DSIMDROP_ZIG_TARGET="${target%+*}" -DCMAKE_BUILD_TYPE=Release -DSIMDROP_WERROR=ON -DSIMDROP_WITH_BOOST=OFF -DSIMDROP_WITH_HIGHWAY=OFF \
    -DSIMDROP_WITH_OPENMP=OFF -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_TEST_CMOCKA=OFF "$@" && cmake --build "$tree"
}

# What decides about SIMDROP_BACKEND on macOS and the BSDs. musl has it too, so that here it can be seen at work.
setuid_by_issetugid() {
  tree=$1
  "$zig" cc -target x86_64-linux-musl -std=c11 -static -I "$source/include" "$source/tests/probe.c" "$tree/libsimdrop.a" -o "$tree/probe" \
    && sh "$source/tests/setuid.sh" "$tree/probe" "$tree/setuid"
}

# Another engine, whose marking of memory step by step Node.js 20 does not survive when the program asks for more of it; and whether a build for vectors has any, by the engine that can be told to refuse them.
wasm_in_node() {
  if command -v node > /dev/null; then
    run "$1" 'golden data in Node.js' node --no-warnings --no-incremental-marking "$source/tests/run_wasm.mjs" "$2/tests/golden_alone"
  else
    echo "skipped golden data in Node.js: $1: there is no node"
  fi
  case "$1" in
    *+simd128) run "$1" 'vectors of 128 bits are there' "$wasmtime/python" "$source/tests/run_wasm.py" --has-vectors "$2/tests/golden_alone" ;;
  esac
}

# one <target>: all that is tested of it.
one() {
  target=$1
  tree="$folder/$target/build"
  parts='library and tool'
  emulator=
  set --
  case "$target" in
    x86_64-linux-musl) set -- -DBUILD_SHARED_LIBS=OFF -DSIMDROP_HAVE_SECURE_GETENV=OFF ;;
    *-linux-musl*) set -- -DBUILD_SHARED_LIBS=OFF ;;
    x86_64-windows-gnu)
      parts='library'
      [ ! -x "$wine" ] || emulator="env;WINEPREFIX=$folder/wine;WINEDEBUG=-all;WINEPATH=$tree;$wine"
      ;;
    *-windows-*) parts='library' ;;
    *-wasi*)
      parts='library'
      wasmtime=$(sh "$source/scripts/pypi.sh" wasmtime wasmtime==50.0.1) || return 1
      emulator="$wasmtime/python;$source/tests/run_wasm.py"
      case "$target" in *+simd128) set -- -DCMAKE_C_FLAGS=-msimd128 ;; esac
      ;;
  esac
  [ -z "$emulator" ] || set -- "$@" "-DCMAKE_CROSSCOMPILING_EMULATOR=$emulator"
  run "$target" "$parts" configure_and_build "$target" "$tree" "$@" || return
  case "$target" in
    *-linux-musl*) ;;
    *) if [ -z "$emulator" ]; then return; fi ;; # nothing here can run it
  esac
  run "$target" 'golden data' ctest --test-dir "$tree" --output-on-failure --no-tests=error -R '^golden_alone$'
  case "$target" in
    x86_64-linux-musl)
      run "$target" 'simdrop info' "$tree/tools/simdrop/simdrop" info
      setuid_by_issetugid "$tree"
      ;;
    *-linux-musl*) run "$target" 'simdrop info' "$tree/tests/run-simdrop_tool" info ;;
    *-wasi*) wasm_in_node "$target" "$tree" ;;
  esac
}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
bin=$(sh "$source/scripts/pypi.sh" zig ziglang==0.17.1) || exit 1
zig=$("$bin/python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))')
export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$folder/cache}"
case "${1:-}" in
  '') targets=$few ;;
  --all) targets="$few $more" ;;
  --one)
    mkdir -p "$folder/$2"
    one "$2" > "$folder/$2/lines" 2>&1
    exit
    ;;
  *) targets=$* ;;
esac
# Two at once: when a system is first used zig makes its C library, for the most part on one processor.
for target in $targets; do rm -f "$folder/$target/lines"; done
failed=0
# shellcheck disable=SC2086 # the list is meant to be split
printf '%s\n' $targets | xargs -P 2 -I TARGET sh "$0" "$folder" --one TARGET || failed=1 # also what died, or stopped without a word
for target in $targets; do
  cat "$folder/$target/lines"
  ! grep -q '^FAILED ' "$folder/$target/lines" || failed=1
done
case "$targets" in
  *x86_64-windows-gnu*) [ -x "$wine" ] || echo "skipped golden data: x86_64-windows-gnu: wine64 is not installed" ;;
esac
exit $failed
