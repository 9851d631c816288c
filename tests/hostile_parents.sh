#!/bin/sh
# hostile_parents.sh FOLDER [--all | --part K/N | NAME]: simdrop as a subproject of each parent in tests/hostile_parents/parents.txt. It must be
# refused with the sentence that the table names, or the parent's programs are built with the parent's flags, run, and find the golden data
# the same on every backend; and simdrop leaves nothing behind: cache variables without its prefix, rules to install, programs and tests.
# With --part every N-th parent, and without AVX-512, which takes the longest to compile, unless --all.
#
# Seen to fail: char left unsigned (gcc's blend of bytes, f8e4m3fn by AVX2), include folders behind the parent's (headers named as ours), no
# -std, -fPIC, -fvisibility at the end of the options, -lm as a name, a parent's -no-pie left in force, warnings left to the parent, a
# target hwy without headers, SLEEF in a folder with spaces, the cache left full, install rules, tests and C++ where nobody asked,
# AUTOMOC, compile_commands.json, what the parent has for its own checks, its libraries for all targets, an alias of ours, flags of other
# configurations than CMAKE_BUILD_TYPE's, and each refusal and sentence left out.
set -u

folder=${1:?usage: hostile_parents.sh FOLDER [--all | --part K/N | NAME]}
source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/check.sh"
own_folder "$folder"
log="$folder/log.txt"
failed=0
unset SIMDROP_BACKEND

ln -s "$source" "$folder/the source"
backends='avx2 scalar'
less=-DSIMDROP_WITH_AVX512=OFF
if [ "${2:-}" = --all ]; then
  backends='avx512 avx2 scalar'
  less=
fi

# shellcheck disable=SC2317 # called by happens_so
configure() { # configure <argument of cmake>...
  "$cmake" -S "$source/tests/hostile_parents" -B "$at/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPARENT_MINIMUM=3.22 -DPARENT_LANGUAGES=C \
    -DPARENT_HOW=subdirectory "-DPARENT_SIMDROP=$folder/the source" "-DPARENT_COMMANDS=$at/commands.cmake" -DSIMDROP_WITH_HIGHWAY=OFF \
    ${less:+"$less"} "$@"
}

# Nothing that nobody asked for. A row says that it asks for some of it.
# shellcheck disable=SC2317 # called by happens_so
left_nothing() {
  cat "$at/build/left-behind.txt"
  [ ! -s "$at/build/left-behind.txt" ] && [ ! -e "$at/build/compile_commands.json" ] || return
  case $arguments in
    *SIMDROP_INSTALL=ON*) grep -q 'file(INSTALL' "$at/build/simdrop/cmake_install.cmake" ;;
    *) ! grep -q 'file(INSTALL' "$at/build/simdrop/cmake_install.cmake" ;;
  esac
}

# The shared libraries export what the headers declare, and nothing else of ours.
grep -rhow 'simdrop_[a-z0-9_]*' "$source/include" | LC_ALL=C sort -u > "$folder/declared"
# shellcheck disable=SC2317 # called by happens_so
exports_no_more() {
  find "$at" -name 'libsimdrop*.so' -exec nm -D --defined-only {} + | sed -n 's/.* \(simdrop_\)/\1/p' | LC_ALL=C sort -u > "$at/exported"
  ! LC_ALL=C comm -13 "$folder/declared" "$at/exported" | grep .
}

# shellcheck disable=SC2317 # called by name
happens_so() {
  printf '%b' "$commands" > "$at/commands.cmake"
  eval "set -- $arguments" # whose words may have spaces in them
  case $happens in
    'refused: '*)
      ! configure "$@" && tr -s '\n ' ' ' < "$log" | grep -F -- "${happens#refused: }"
      return
      ;;
    'says: '*)
      configure "$@" && tr -s '\n ' ' ' < "$log" | grep -F -- "${happens#says: }" || return
      ;;
    *) configure "$@" && ! grep -q 'CMake.* Warning' "$log" || return ;;
  esac
  left_nothing || return
  [ "$happens" != configured ] || return 0
  "$cmake" --build "$at/build" -j2 --config Release --target parent_programs && exports_no_more || return
  while read -r program; do
    SIMDROP_TEST_BACKENDS=$backends "$program" || return
  done < "$at/build/programs-Release.txt"
}

# lacks: prints what a row needs that is not here.
lacks() {
  command -v "$cmake" > /dev/null 2>&1 || echo "CMake 3.22"
  case "$arguments" in *COMPILER=clang*) command -v clang > /dev/null 2>&1 || echo "clang" ;; esac
  case "$arguments" in *Makefiles*) command -v make > /dev/null 2>&1 || echo "make" ;; esac
  case "$arguments" in *i686*) command -v i686-linux-gnu-gcc > /dev/null 2>&1 || echo "i686-linux-gnu-gcc" ;; esac
  case "$arguments" in *HIGHWAY=ON*) printf '#include <hwy/highway.h>\n' | c++ -fsyntax-only -x c++ -std=c++17 - 2> /dev/null || echo "Highway" ;; esac
}

row() {
  at="$folder/row"
  rm -rf "$at"
  mkdir -p "$at"
  cmake=cmake
  case $name in 'CMake 3.22'*) cmake="$(sh "$source/scripts/pypi.sh" cmake-3.22 'cmake==3.22.*')/cmake" ;; esac
  missing=$(lacks | paste -s -d ' ')
  if [ -n "$missing" ]; then
    echo "skipped $name: there is no $missing here"
    return
  fi
  arguments=$(printf '%s' "$arguments" | sed "s|@|$at|g")
  commands=$(printf '%s' "$commands" | sed "s|@|$at|g")
  check "$name" happens_so
}

trim() { printf '%s' "$1" | sed 's/^ *//; s/ *$//'; }

number=0
found=no
while IFS='|' read -r name arguments commands happens; do
  case $name in '#'* | '') continue ;; esac
  name=$(trim "$name") happens=$(trim "$happens")
  number=$((number + 1))
  case ${2:-} in
    '' | --all) ;;
    --part) [ $((number % ${3#*/})) -eq $((${3%/*} % ${3#*/})) ] || continue ;;
    *) [ "$name" = "$2" ] || continue ;;
  esac
  found=yes
  row
done < "$source/tests/hostile_parents/parents.txt"
[ $found = yes ] || check 'a parent of that name' false
exit $failed
