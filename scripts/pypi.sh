#!/bin/sh
# pypi.sh NAME REQUIREMENT...: prints the folder bin of build/pypi/NAME, a virtual environment with these packages of PyPI; it is made
# on the first call and kept; a second call at the same time waits. For what tests take from there: other versions of CMake, of NumPy,
# cross compilers.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: pypi.sh NAME REQUIREMENT..." >&2
  exit 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
folder="$here/build/pypi/$1"
shift
mkdir -p "$here/build/pypi"
exec 9> "$folder.lock"
if command -v flock > /dev/null 2>&1; then flock 9; fi
if [ ! -f "$folder/requirements" ] || [ "$(cat "$folder/requirements")" != "$*" ]; then
  rm -rf "$folder"
  log="$folder.log"
  if ! { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"; } > "$log" 2>&1; then
    echo "pypi.sh: cannot install $* (see $log)" >&2
    tail -n 5 "$log" >&2
    exit 1
  fi
  printf '%s\n' "$*" > "$folder/requirements"
fi
printf '%s\n' "$folder/bin"
