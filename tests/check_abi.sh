#!/bin/sh
# check_abi.sh [--update] FOLDER: the shared libraries' ABI against the committed one in tests/abi. It builds them in FOLDER, with the
# debugging information that tells types. With --update, what is found becomes the committed ABI: for a change that is meant.
#
# Seen to fail: a member added to simdrop_layout, two error codes exchanged, another type of result, a function more, and one that is not
# exported.
set -u

update=no
if [ "${1:-}" = --update ]; then
  update=yes
  shift
fi
folder=${1:?usage: check_abi.sh [--update] FOLDER}
source=$(cd "$(dirname "$0")/.." && pwd)
baselines="$source/tests/abi"

if ! command -v abidw > /dev/null 2>&1 || ! command -v abidiff > /dev/null 2>&1; then
  echo 'skipped ABI: abidw and abidiff are not installed (Debian: abigail-tools)'
  exit 0
fi
case "$(cc -dumpmachine)" in
  x86_64-*linux-gnu) ;;
  *)
    echo "skipped ABI: the committed one is that of x86-64 Linux, and this compiler is for $(cc -dumpmachine)"
    exit 0
    ;;
esac

mkdir -p "$folder"
log="$folder/check_abi.log"
# The interface is the same whatever the backends are.
if ! { cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DSIMDROP_BUILD_STATIC=OFF -DSIMDROP_BUILD_TOOL=OFF \
  -DSIMDROP_BUILD_TESTS=OFF -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_WITH_HIGHWAY=OFF && cmake --build "$folder"; } > "$log" 2>&1; then
  cat "$log"
  echo 'FAILED ABI: the shared libraries cannot be built'
  exit 1
fi

failed=0
for library in libsimdrop libsimdrop_openmp; do
  baseline="$baselines/$library.abi"
  if [ ! -e "$folder/$library.so" ]; then
    echo "skipped ABI of $library: this compiler has no OpenMP"
    continue
  fi
  if [ "$update" = yes ]; then
    # Without what differs between compilers, folders and files of the source.
    abidw --headers-dir "$source/include" --drop-private-types --exported-interfaces-only --no-elf-needed --no-show-locs --no-corpus-path \
      --no-comp-dir-path --type-id-style hash "$folder/$library.so" | sed "s| path='[^']*/src/| path='src/|" > "$baseline.new" \
      && mv "$baseline.new" "$baseline" || failed=1
    continue
  fi
  if abidiff --exported-interfaces-only "$baseline" "$folder/$library.so" > "$log" 2>&1; then
    echo "ok ABI of $library"
  else
    cat "$log"
    echo "FAILED ABI of $library: it is not the committed one. If that is meant: sh tests/check_abi.sh --update $folder, in a commit that says so"
    failed=1
  fi
done
exit $failed
