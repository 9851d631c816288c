#!/bin/sh
# compare_commands.sh [options]: whole `simdrop apply` commands over backends, types and numbers of threads, timed by hyperfine.
#
#   --tool FILE       the program simdrop (default build/release/tools/simdrop/simdrop)
#   --folder FOLDER   receives commands-types.json and the same as a table, commands-types.md (default bench/results)
#   --size BYTES      size of the tensor, with Ki, Mi or Gi (default 1Gi)
#   --backends LIST   with commas between, or all (default avx512,avx2,scalar, those of them that run here)
#   --dtypes LIST     some of f32,f64,f16,bf16 (default all)
#   --threads LIST    (default 1,2)
#   --runs N          of each command, after one that warms up (default 5)
#
# With the defaults, some seven minutes on two cores. Before a type is timed, the outputs of all its commands are compared: they must be
# the same file. The files lie in TMPDIR (default /tmp) and should stay in memory; TMPDIR=/dev/shm leaves the disk out altogether.
# compare_backends.sh compares all backends with one type and thread.
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
tool=$source/build/release/tools/simdrop/simdrop
folder=$source/bench/results
size=1Gi
wanted=""
dtypes=f32,f64,f16,bf16
threads=1,2
runs=5
fail() {
  echo "compare_commands.sh: $1" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --help)
      sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    --tool | --folder | --size | --backends | --dtypes | --threads | --runs) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) fail "there is no option '$1'; --help lists them" ;;
  esac
  case $1 in
    --tool) tool=$2 ;;
    --folder) folder=$2 ;;
    --size) size=$2 ;;
    --backends) wanted=$2 ;;
    --dtypes) dtypes=$2 ;;
    --threads) threads=$2 ;;
    --runs) runs=$2 ;;
  esac
  shift 2
done
number=${size%[KMG]i}
case $number in
  '' | *[!0-9]* | 0*) fail "--size: '$size' is no number of bytes such as 1Gi or 64Mi" ;;
esac
[ "${#number}" -le 9 ] || fail "--size: '$size' is too large"
case $size in
  *Ki) bytes=$((number << 10)) ;;
  *Mi) bytes=$((number << 20)) ;;
  *Gi) bytes=$((number << 30)) ;;
  *) bytes=$number ;;
esac
[ $((bytes % 8)) -eq 0 ] || fail "--size: '$size' is no multiple of 8 bytes, the largest element's size"
case $runs in
  '' | *[!0-9]* | 0* | 1 | ?????*) fail "--runs: '$runs' is no number of runs from 2 to 9999" ;;
esac
for count in $(printf '%s' "$threads" | tr ',' ' '); do
  case $count in
    *[!0-9]* | 0*) fail "--threads: '$count' is no number of threads" ;;
  esac
done
for dtype in $(printf '%s' "$dtypes" | tr ',' ' '); do
  case $dtype in
    f32 | f64 | f16 | bf16) ;;
    *) fail "--dtypes: '$dtype' is none of f32, f64, f16, bf16" ;;
  esac
done
if [ -z "$dtypes" ] || [ -z "$threads" ]; then fail "--dtypes and --threads may not be empty"; fi
command -v hyperfine > /dev/null 2>&1 || fail "hyperfine is not installed"
command -v python3 > /dev/null 2>&1 || fail "python3 is not installed"
[ -x "$tool" ] || fail "$tool is not there; build it, or name the program simdrop with --tool"
mkdir -p "$folder" || exit 2
[ -w "$folder" ] || fail "$folder cannot be written to"

supported=$("$tool" info --json | python3 -c '
import json, sys
print(" ".join(b["name"] for b in json.load(sys.stdin)["backends"] if b["supported"]))') || fail "$tool does not tell its backends"
backends=""
case $wanted in
  all) backends=$supported ;;
  '')
    for backend in avx512 avx2 scalar; do
      case " $supported " in
        *" $backend "*) backends="$backends $backend" ;;
      esac
    done
    ;;
  *)
    for backend in $(printf '%s' "$wanted" | tr ',' ' '); do
      case " $supported " in
        *" $backend "*) backends="$backends $backend" ;;
        *) fail "--backends: '$backend' does not run here; these do: $supported" ;;
      esac
    done
    ;;
esac
backends=$(printf '%s' "${backends# }" | tr ' ' ',')

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The input, the output, and the output that takes its place are there at once.
needed=$((3 * bytes / 1024 + 1024))
free=$(df -Pk "$work" | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || fail "$size needs $((needed / 1024)) MiB in $(dirname "$work"), where $((free / 1024)) MiB are free; TMPDIR may name another folder"
if [ -r /proc/meminfo ]; then
  available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
  [ "${available:-$needed}" -ge "$needed" ] \
    || fail "$size needs $((needed / 1024)) MiB of memory, or else the disk would be measured; $((available / 1024)) MiB are available"
fi

# tensor <dtype>: activations, 64 Ki different ones again and again.
tensor() {
  python3 - "$work/in.npy" "$1" "$bytes" << 'PYTHON'
import random, struct, sys

path, dtype, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
generator = random.Random(1)
values = [generator.gauss(0, 1) for _ in range(1 << 16)]
if dtype == "bf16":  # the upper halves of f32
    data, descr = b"".join(struct.pack("<f", value)[2:] for value in values), "<u2"
else:
    letter, descr = {"f64": ("d", "<f8"), "f32": ("f", "<f4"), "f16": ("e", "<f2")}[dtype]
    data = struct.pack("<%d%s" % (len(values), letter), *values)
header = ("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }" % (descr, size // int(descr[2]))).encode()
header += b" " * (-(len(header) + 11) % 64) + b"\n"
try:
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        for _ in range(size // len(data)):
            file.write(data)
        file.write(data[:size % len(data)])
except OSError as error:
    sys.exit("compare_commands.sh: the tensor cannot be written: %s" % error.strerror)
PYTHON
}

options="--p 0.1 --seed 1"
for dtype in $(printf '%s' "$dtypes" | tr ',' ' '); do
  tensor "$dtype" || exit 2
  for backend in $(printf '%s' "$backends" | tr ',' ' '); do
    for count in $(printf '%s' "$threads" | tr ',' ' '); do
      # shellcheck disable=SC2086 # the options are meant to be split
      "$tool" apply "$work/in.npy" "$work/out.npy" $options --dtype "$dtype" --backend "$backend" --threads "$count" > "$work/log" || exit 2
      if [ -e "$work/first.npy" ]; then
        cmp "$work/first.npy" "$work/out.npy" || fail "of $dtype, the output of $backend with $count threads differs"
      else
        mv "$work/out.npy" "$work/first.npy"
      fi
      rm -f "$work/out.npy"
    done
  done
  rm "$work/first.npy"
  # hyperfine splits the command as a shell does.
  hyperfine --warmup 1 --runs "$runs" -N -L dtype "$dtype" -L backend "$backends" -L threads "$threads" \
    --command-name "simdrop apply --dtype {dtype} --backend {backend} --threads {threads}" --export-json "$work/$dtype.json" \
    "'$tool' apply '$work/in.npy' '$work/out.npy' $options --dtype {dtype} --backend {backend} --threads {threads}" || exit 1
  rm -f "$work/in.npy" "$work/out.npy"
done

# One file of all types, and a table of it; they are put in their places when both are there.
python3 - "$work" "$dtypes" "$size" << 'PYTHON' || exit 1
import json, os, sys

work, dtypes, size = sys.argv[1:]
results = []
for dtype in dtypes.split(","):
    with open(os.path.join(work, dtype + ".json"), encoding="utf-8") as file:
        results += json.load(file)["results"]
with open(os.path.join(work, "all.json"), "w", encoding="utf-8") as file:
    json.dump({"size": size, "results": results}, file, indent=1)
    file.write("\n")
times = {tuple(row["parameters"][key] for key in ("dtype", "backend", "threads")): row for row in results}
counts = list(dict.fromkeys(key[2] for key in times))
lines = [["type", "backend"] + ["%s thread%s, ms" % (count, "" if count == "1" else "s") for count in counts]]
for dtype, backend in dict.fromkeys(key[:2] for key in times):
    lines.append([dtype, backend] + ["%.0f [%.0f, %.0f]" % tuple(1000 * times[dtype, backend, count][key] for key in ("median", "min", "max"))
                                     for count in counts])
lines.insert(1, ["---"] * len(lines[0]))
with open(os.path.join(work, "all.md"), "w", encoding="utf-8") as file:
    file.write("".join("| %s |\n" % " | ".join(line) for line in lines))
PYTHON
cp "$work/all.json" "$folder/commands-types.json" && cp "$work/all.md" "$folder/commands-types.md" && cat "$work/all.md"
