#!/bin/sh
# run.sh [--all-backends] [FILE.npy]: builds simdrop and shows it at work: dropout of a tensor on every backend that runs here, with
# identical outputs, then a short benchmark of the chosen backend, or a long one of all.
set -eu

long=no
if [ "${1:-}" = --all-backends ]; then
  long=yes
  shift
fi
case "${1:-}" in
  -*)
    echo "run.sh: unknown option '$1'; usage: run.sh [--all-backends] [FILE.npy]" >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then
  echo "run.sh: expected at most one file, got $# arguments" >&2
  exit 2
fi
if [ $# -eq 1 ]; then
  if [ ! -f "$1" ] || [ ! -r "$1" ]; then
    echo "run.sh: cannot read '$1'" >&2
    exit 2
  fi
  tensor=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
else
  tensor=""
fi
cd "$(dirname "$0")/.."

echo "simdrop: vectorised dropout. Each element of a tensor is zeroed with probability p, the rest is scaled by 1/(1-p);"
echo "the same seed gives the same bits on every instruction set, with any number of threads."
echo
sh scripts/setup.sh run
build=build/run
mkdir -p "$build"
echo "Building in $build (up to a few minutes) ..."
if ! { cmake -S . -B "$build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_BUILD_TESTS=OFF \
  && cmake --build "$build/release"; } > "$build/build.log" 2>&1; then
  cat "$build/build.log" >&2
  echo "run.sh: the build failed" >&2
  exit 1
fi
simdrop="$build/release/tools/simdrop/simdrop"

if [ -z "$tensor" ]; then
  tensor="$build/activations.npy"
  echo "Making $tensor: 16x64x32x32 activations (half of a normal distribution, as after a ReLU)"
  python3 - "$tensor" << 'PYTHON'
import array, random, struct, sys

shape = (16, 64, 32, 32)
count = 1
for extent in shape:
    count *= extent
generator = random.Random(2024)
values = array.array("f", (max(0.0, generator.gauss(0, 1)) for _ in range(count)))
if sys.byteorder == "big":
    values.byteswap()
header = ("{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (shape,)).encode()
header += b" " * (-(len(header) + 11) % 64) + b"\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    values.tofile(file)
PYTHON
fi

backends=$("$simdrop" info --json | python3 -c '
import json, sys
print(" ".join(b["name"] for b in json.load(sys.stdin)["backends"] if b["supported"]))')
echo
echo "Dropout with p = 0.1 on every backend that this processor has:"
first=""
identical=yes
printf '  %-13s  %s\n' backend 'sha256 of the output'
for backend in $backends; do
  output="$build/dropped-$backend.npy"
  "$simdrop" apply "$tensor" "$output" --p 0.1 --seed 2024 --stream 7 --backend "$backend" > "$build/apply-$backend.txt"
  printf '  %-13s  %s\n' "$backend" "$(sha256sum < "$output" | cut -d ' ' -f 1)"
  [ -n "$first" ] || first="$output"
  cmp -s "$first" "$output" || identical=no
done
if [ "$identical" = no ]; then
  echo "run.sh: the backends' outputs differ" >&2
  exit 1
fi
echo "The outputs are identical."
echo
chosen=$("$simdrop" info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["backend"])')
cat "$build/apply-$chosen.txt"
echo

if [ "$long" = yes ]; then
  "$simdrop" info
  echo
  "$simdrop" bench --short --backend all
  exit
fi
compared=$chosen
[ "$chosen" = scalar ] || compared="$chosen,scalar"
"$simdrop" bench --short --backend "$compared" --kernel memcpy,forward --n 64Ki,16Mi --p 0.1 --json "$build/bench.json" > "$build/bench.txt"
python3 - "$build/bench.json" "$chosen" << 'PYTHON'
import json, sys

with open(sys.argv[1], encoding="utf-8") as file:
    rows = json.load(file)["benchmarks"]
for n in sorted({row["n"] for row in rows}):
    chosen, scalar = ([row for row in rows if row["n"] == n and row["backend"] == name][0] for name in (sys.argv[2], "scalar"))
    ratio, scalars = (row["ratio_to_memcpy"]["median"] for row in (chosen, scalar))
    print(f"Speed on {sys.argv[2]}, {n} elements of f32, one thread: {chosen['ns_per_element']['median']:.3f} ns an element, "
          f"{ratio:.2f} times a memcpy ({scalars / ratio:.1f} times as fast as scalar)")
PYTHON
echo
cat "$build/bench.txt"
echo
echo "All backends and kernels: sh scripts/run.sh --all-backends; any of them: $simdrop bench --help"
