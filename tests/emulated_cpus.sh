#!/bin/sh
# emulated_cpus.sh BUILD FOLDER: the release build's static library on processors that this machine is not, under
# qemu-x86_64: the expected backend is chosen, nothing dies of an illegal instruction, and all give the same bits.
#
# Seen to fail: detection without OSXSAVE and XCR0 ("max,-xsave" dies with SIGILL), avx2's bundle without F16C's and AVX2's CPUID bits
# ("Nehalem" dies), the refused name not passed over ("SIMDROP_BACKEND=avx512 on Haswell" exits without a line), a float for a
# double in f64's scale of one backend (digests differ).
set -u

if [ $# -ne 2 ]; then
  echo "usage: emulated_cpus.sh BUILD FOLDER" >&2
  exit 2
fi
build=$1
folder=$2
source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
failed=0
ok() { echo "ok $1"; }
fail() {
  echo "FAILED $1: $2"
  failed=1
}

case "$(uname -m)" in
  x86_64) ;;
  *)
    echo "skipped emulated processors: the matrix is of x86-64 processors, and this machine is none"
    exit 0
    ;;
esac
if ! command -v qemu-x86_64-static > /dev/null 2>&1; then
  echo "skipped emulated processors: qemu-x86_64-static is not installed"
  exit 0
fi

probe="$folder/probe"
if ! cc -std=c11 -O1 -static -I "$source/include" "$source/tests/probe.c" "$build/libsimdrop.a" -o "$probe"; then
  fail "probe" "it does not build"
  exit 1
fi
value_of() { printf '%s\n' "$1" | sed -n "s/.*$2=\([^ ]*\).*/\1/p"; } # value_of <line> <key>

# The backends that the build has, best first.
compiled=$(tr ' ' '\n' < "$build/generated/backend_list.h" | tr -d '\n' | grep -o '"[^"]*",1' | cut -d '"' -f 2)
# or_scalar <backend>: it, or scalar where a backend of a family is left out.
or_scalar() { if printf '%s\n' "$compiled" | grep -qx -e "$1"; then echo "$1"; else echo scalar; fi; }

unset SIMDROP_BACKEND
reference=$(SIMDROP_BACKEND=scalar "$probe") || exit 1
digest=$(value_of "$reference" digest)

# compare <name> <expected backend> <expected reason> <line> <status>
compare() {
  if [ "$5" -ne 0 ]; then
    fail "$1" "the program ended with status $5"
  elif [ "$(value_of "$4" backend)" != "$2" ]; then
    fail "$1" "expected $2, got $4"
  elif [ "$(value_of "$4" reason)" != "$3" ]; then
    fail "$1" "expected reason $3, got $4"
  elif [ "$(value_of "$4" digest)" != "$digest" ]; then
    fail "$1" "other bits than scalar's $digest: $4"
  else
    ok "$1"
  fi
}

# Here, natively, on each backend that the processor has.
line=$("$probe")
best=$(value_of "$line" backend)
compare "native, best ($best)" "$best" 0 "$line" 0
for backend in $compiled; do
  line=$(SIMDROP_BACKEND=$backend "$probe")
  status=$?
  if [ "$(value_of "$line" reason)" = 1 ]; then
    compare "native, SIMDROP_BACKEND=$backend" "$backend" 1 "$line" "$status"
  else
    echo "skipped native, SIMDROP_BACKEND=$backend: this processor does not have it"
  fi
done

# Processor, SIMDROP_BACKEND or -, the backend that must be chosen, and why (0 best, 1 named, 2 the name was refused).
while read -r cpu wanted expected reason; do
  name="$cpu"
  expected=$(or_scalar "$expected")
  if [ "$wanted" = - ]; then
    line=$(qemu-x86_64-static -cpu "$cpu" "$probe" 2> "$folder/error.txt" < /dev/null)
    status=$?
  else
    name="$cpu, SIMDROP_BACKEND=$wanted"
    line=$(SIMDROP_BACKEND=$wanted qemu-x86_64-static -cpu "$cpu" "$probe" 2> "$folder/error.txt" < /dev/null)
    status=$?
  fi
  compare "$name" "$expected" "$reason" "$line" "$status"
done << 'TABLE'
qemu64      -       highway-sse2  0
Conroe      -       highway-ssse3 0
Nehalem     -       highway-sse4  0
Westmere    -       highway-sse4  0
SandyBridge -       highway-sse4  0
Haswell     -       avx2          0
max         -       avx2          0
max,-avx2   -       highway-sse4  0
max,-avx    -       highway-sse4  0
max,-xsave  -       highway-sse4  0
max,-f16c   -       highway-sse4  0
Haswell     avx512  avx2          2
Haswell     scalar  scalar        1
Haswell     nonsense avx2         2
Nehalem     avx2    highway-sse4  2
max,-xsave  avx2    highway-sse4  2
TABLE
# What Highway has, named.
if [ "$(or_scalar highway-avx2)" = highway-avx2 ]; then
  while read -r cpu wanted expected reason; do
    line=$(SIMDROP_BACKEND=$wanted qemu-x86_64-static -cpu "$cpu" "$probe" 2> "$folder/error.txt" < /dev/null)
    compare "$cpu, SIMDROP_BACKEND=$wanted" "$expected" "$reason" "$line" $?
  done << 'TABLE'
Haswell     highway-avx2  highway-avx2  1
Haswell     highway-avx3  avx2          2
Haswell     highway-ssse3 highway-ssse3 1
max,-bmi2   highway-avx2  avx2          2
max,-xsave  highway-avx2  highway-sse4  2
SandyBridge highway-avx2  highway-sse4  2
Nehalem     highway-sse4  highway-sse4  1
Conroe      highway-sse4  highway-ssse3 2
TABLE
else
  echo "skipped Highway's backends on emulated processors: they are not compiled in"
fi

tool="$build/tools/simdrop/simdrop"
if [ -x "$tool" ]; then
  for cpu in qemu64 Haswell max,-xsave; do
    case $cpu in
      qemu64) expected=$(or_scalar highway-sse2) ;;
      Haswell) expected=avx2 ;;
      *) expected=$(or_scalar highway-sse4) ;;
    esac
    if qemu-x86_64-static -cpu "$cpu" "$tool" info < /dev/null 2>&1 | grep -q "^$expected .*yes: the best"; then
      ok "simdrop info on $cpu"
    else
      fail "simdrop info on $cpu" "it does not say that $expected was chosen"
    fi
  done
fi
exit $failed
