#!/bin/sh
# compare_backends.sh [TOOL [FOLDER [COUNT]]]: whole commands on every backend that runs here, timed by hyperfine: `simdrop mask` and
# `simdrop apply` on COUNT elements (default 64Mi for apply and four times as many for mask). TOOL is the program simdrop (default
# build/release/tools/simdrop/simdrop). Writes commands-mask.json, commands-apply.json and the same as tables (.md) to FOLDER
# (default bench/results), after a check that all backends' outputs are the same.
#
# A whole command starts a program and moves its data through files: the backends are closer together than in `simdrop bench`.
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
tool=${1:-$source/build/release/tools/simdrop/simdrop}
folder=${2:-$source/bench/results}
mebi=${3:-64Mi}
fail() {
  echo "compare_backends.sh: $1" >&2
  exit 2
}
case $mebi in
  *[!0-9]*Mi | Mi | *[!i]) fail "'$mebi' is no number of elements such as 64Mi" ;;
esac
mebi=${mebi%Mi}
command -v hyperfine > /dev/null 2>&1 || fail "hyperfine is not installed"
command -v python3 > /dev/null 2>&1 || fail "python3 is not installed"
[ -x "$tool" ] || fail "$tool is not there; build it, or name the program simdrop as the first argument"
mkdir -p "$folder" || exit 2

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

backends=$("$tool" info --json | python3 -c '
import json, sys
print(",".join(b["name"] for b in json.load(sys.stdin)["backends"] if b["supported"]))') || fail "$tool does not tell its backends"

python3 - "$work/in.npy" "$mebi" << 'PYTHON' || exit 2
import array, random, struct, sys

mebi = int(sys.argv[2])
generator = random.Random(1)
values = array.array("f", (generator.gauss(0, 1) for _ in range(1 << 16)))
if sys.byteorder == "big":
    values.byteswap()
header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % (mebi << 20)
header += b" " * (-(len(header) + 11) % 64) + b"\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    for _ in range(16 * mebi):
        values.tofile(file)
PYTHON

mask="--p 0.1 --seed 1 --count $((4 * mebi))Mi"
for backend in $(printf '%s' "$backends" | tr ',' ' '); do
  # shellcheck disable=SC2086 # the options are meant to be split
  "$tool" mask $mask --backend "$backend" --output "$work/$backend.bits" || exit 2
  "$tool" apply "$work/in.npy" "$work/$backend.npy" --p 0.1 --seed 1 --backend "$backend" > "$work/log" || exit 2
  for kind in bits npy; do
    if [ -e "$work/first.$kind" ]; then
      cmp "$work/first.$kind" "$work/$backend.$kind" || fail "the backends' outputs differ"
      rm "$work/$backend.$kind"
    else
      mv "$work/$backend.$kind" "$work/first.$kind"
    fi
  done
done
rm "$work/first.bits" "$work/first.npy"

# compare <name> <command>: results are put in their places when all of them are there.
compare() {
  hyperfine --warmup 1 --runs 10 -N -L backend "$backends" --command-name "simdrop $1 --backend {backend}" \
    --export-json "$work/$1.json" --export-markdown "$work/$1.md" "$2" || exit 1
  # The commands name this machine's folders; the results need not.
  sed -e "s#$work/##g" -e "s#$tool#simdrop#g" "$work/$1.json" > "$folder/commands-$1.json" && cp "$work/$1.md" "$folder/commands-$1.md"
}
# hyperfine splits the command as a shell does.
compare mask "'$tool' mask $mask --backend {backend} --output '$work/out.bits'"
compare apply "'$tool' apply '$work/in.npy' '$work/out.npy' --p 0.1 --seed 1 --backend {backend}"
