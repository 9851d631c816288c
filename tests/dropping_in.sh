#!/bin/sh
# dropping_in.sh BUILD FOLDER [--part K/N]: runs what docs/dropping-in.md says, as it says it: each way of having simdrop in a program, and
# the programs beside other libraries, in a folder with nothing else in it. Where the page takes simdrop to be installed, it is that of BUILD.
# The ways that compile the library are done all, or with --part every N-th of them, and then as on a machine without a C++ compiler:
# Highway's backends, which take most of the time, are left out.
#
# Seen to fail: another output on the page than the program's (pkg-config), a heading that is not known here (the page), index strides that are
# those of memory (Eigen), the first rows' dropout for every block (oneDNN), a descent that goes upward (OpenBLAS), a target that there is
# not (package), an option that was passed over (linear_dropout).
set -u

usage='usage: dropping_in.sh BUILD FOLDER [--part K/N]'
build=${1:?$usage}
folder=${2:?$usage}
part=0/1
if [ "${3:-}" = --part ]; then part=${4:?$usage}; fi
source=$(cd "$(dirname "$0")/.." && pwd)
page="$source/docs/dropping-in.md"
. "$source/tests/check.sh"
own_folder "$folder"
mkdir "$folder/page" "$folder/installed"
log="$folder/log.txt"
failed=0

# What the machine's user may have set has no share in this; the generator and ccache save time alone.
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH CMAKE_BUILD_TYPE CFLAGS CXXFLAGS LDFLAGS PYTHONPATH LD_LIBRARY_PATH CPATH C_INCLUDE_PATH
unset SIMDROP_BACKEND SIMDROP_MEMORY
export CMAKE_GENERATOR=Ninja CMAKE_BUILD_PARALLEL_LEVEL=2 CCACHE_NOHASHDIR=1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

# The blocks of the page, by the heading above them: page/two-files/commands has what is to be run, and a file is named by the line above
# its block. What stands before the first such heading is everybody's.
awk -v page="$folder/page" '
  function enter(name) { way = page "/" name; system("mkdir -p \"" way "\"") }
  BEGIN { enter("everybody") }
  !inside && /^##+ / { sub(/^#+ /, ""); gsub(/ /, "-"); enter(tolower($0)); next }
  !inside && /^```/ {
    inside = 1
    language = substr($0, 4)
    if (language == "sh") file = "commands"
    else if (language == "text") file = "expected"
    else if (match(last, /`[^`]+`:$/)) file = substr(last, RSTART + 1, RLENGTH - 3)
    else file = "unnamed"
    next
  }
  inside && /^```$/ { inside = 0; next }
  inside { print > (way "/" file); next }
  NF { last = $0 }' "$page"

# Every way of the page is known here, and short.
known() {
  ways=$(for commands in "$folder"/page/*/commands; do basename "$(dirname "$commands")"; done | paste -s -d ' ')
  echo "on the page: $ways"
  [ "$ways" = 'eigen onednn openblas package pkg-config python subproject two-files' ] || return 1
  for way in $ways; do
    lines=$(cat "$folder/page/$way"/* | wc -l)
    echo "$way: $lines lines"
    [ "$lines" -le 10 ] || return 1
  done
  ! find "$folder/page" -name unnamed | grep .
}

# run_way <way>: in a bare folder, with a home of its own or one where simdrop is installed.
run_way() {
  at="$folder/$1"
  bare="$at/bare"
  home="$at/home"
  case $1 in
    pkg-config | eigen | openblas | onednn) home="$folder/installed" ;;
  esac
  mkdir -p "$bare" "$home" && ln -s "$source" "$bare/simdrop" || return 1
  find "$folder/page/everybody" "$folder/page/$1" -type f ! -name commands ! -name expected -exec cp {} "$bare/" ';'
  cxx=${CXX:-c++}
  case $1-$part in
    *-0/1) ;;
    subproject-* | package-* | python-*) cxx=/none ;;
  esac
  (cd "$bare" && CXX="$cxx" HOME="$home" CCACHE_BASEDIR="$bare" sh -eu "$folder/page/$1/commands" > "$at/output")
  status=$?
  cat "$at/output"
  return $status
}

# The last line is what the page says that the program prints.
prints() { run_way "$1" && tail -n 1 "$folder/$1/output" | diff "$folder/page/everybody/expected" -; }

# on_turn <number> <command...>
on_turn() {
  number=$1
  shift
  if [ $((${part%/*} % ${part#*/})) -ne $((number % ${part#*/})) ]; then
    echo "skipped $2: it is done on one day in ${part#*/}"
    return
  fi
  "$@"
}

two_files() {
  if [ -f "$source/scripts/amalgamate.py" ]; then
    check "$1" prints two-files
  else
    echo "skipped $1: there is no scripts/amalgamate.py"
  fi
}

python() {
  if ! python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    echo "skipped $1: it takes Python 3.11 or later, and ensurepip"
  elif prints python > "$log" 2>&1; then
    echo "ok $1"
  elif grep -qE 'No matching distribution|Could not find a version|Failed to establish a new connection' "$log"; then
    echo "skipped $1: PyPI cannot be reached, or lacks what is needed"
  else
    tail -n 40 "$log" | sed 's/^/    /'
    echo "FAILED $1"
    failed=1
  fi
}

# beside <library> <way> <package> <header>: where the library is.
beside() {
  # shellcheck disable=SC2046 # flags
  if printf '#include <%s>\n' "$4" | c++ -fsyntax-only -x c++ -std=c++17 $(pkg-config --cflags eigen3 2> /dev/null) - 2> "$log"; then
    check "beside $1" run_way "$2"
  else
    echo "skipped beside $1: its headers are not installed (Debian: $3)"
  fi
}

check 'the page' known
check 'install' cmake --install "$build" --prefix "$folder/installed/simdrop"
check 'pkg-config' prints pkg-config
on_turn 0 two_files 'two files'
on_turn 1 check subproject prints subproject
on_turn 2 check package prints package
on_turn 3 python Python
beside Eigen eigen libeigen3-dev Eigen/Core
beside OpenBLAS openblas libopenblas-dev cblas.h
beside oneDNN onednn libdnnl-dev oneapi/dnnl/dnnl.hpp
# The programs refuse what they do not know.
refused() {
  "$@" > "$folder/refused.txt" 2>&1
  [ $? -eq 2 ] && [ "$(wc -l < "$folder/refused.txt")" -eq 1 ]
}
for program in openblas/bare/openblas/train_digits onednn/bare/onednn/linear_dropout; do
  [ ! -x "$folder/$program" ] || check "${program##*/}: an unknown option" refused "$folder/$program" --unknown
done
exit $failed
