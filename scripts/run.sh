#!/bin/sh
# run.sh [FILE.npy]: builds simdrop and shows it at work: dropout of a tensor on every backend that runs here, with identical
# outputs, then a short benchmark.
set -eu

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

sh scripts/setup.sh run
build=build/run
mkdir -p "$build"
if ! { cmake -S . -B "$build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIMDROP_BUILD_TESTS=OFF \
  && cmake --build "$build/release"; } > "$build/build.log" 2>&1; then
  cat "$build/build.log" >&2
  echo "run.sh: the build failed" >&2
  exit 1
fi
simdrop="$build/release/tools/simdrop/simdrop"

"$simdrop" info

if [ -z "$tensor" ]; then
  tensor="$build/activations.npy"
  echo
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

echo
backends=$("$simdrop" info --json | python3 -c '
import json, sys
print(" ".join(b["name"] for b in json.load(sys.stdin)["backends"] if b["supported"]))')
first=""
identical=yes
for backend in $backends; do
  output="$build/dropped-$backend.npy"
  "$simdrop" apply "$tensor" "$output" --p 0.1 --seed 2024 --stream 7 --backend "$backend"
  echo
  [ -n "$first" ] || first="$output"
  cmp -s "$first" "$output" || identical=no
done
printf '%-13s  %s\n' backend 'sha256 of the output'
for backend in $backends; do
  printf '%-13s  %s\n' "$backend" "$(sha256sum < "$build/dropped-$backend.npy" | cut -d ' ' -f 1)"
done
if [ "$identical" = no ]; then
  echo "run.sh: the backends' outputs differ" >&2
  exit 1
fi
echo "The outputs are identical."

echo
"$simdrop" bench --short --backend all
