#!/bin/sh
# check_symbols.sh BUILD: what a release build's libraries export, need and keep in writable memory.
#
# Seen to fail: a function without SIMDROP_API in its header but exported (exported functions), an exported helper without the prefix
# (archive), malloc and getenv called from dispatch.c (needed functions), a static counter in driver.c and a hidden global one
# (writable data), a header's function without SIMDROP_API (marked functions), Sleef_expd4_u10 in place of Sleef_expd4_u10avx2 (needed functions, SLEEF's), the shared library's objects in the archive (hidden).
set -u
export LC_ALL=C # one order for sort and comm

build=${1:?usage: check_symbols.sh BUILD}
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# same <name> <wanted> <found>: two files with the same lines.
same() {
  if diff "$2" "$3" > "$work/difference"; then
    echo "ok $1"
  else
    echo "FAILED $1: (< expected, > found)"
    cat "$work/difference"
    failed=1
  fi
}

# declared <header>...: the functions that the headers declare, one a line, with whether SIMDROP_API marks them.
declared() {
  cat "$@" | python3 -c '
import re, sys
text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", sys.stdin.read(), flags=re.S)
text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
for statement in re.split(r"[;{}]", text):
    name = re.search(r"\b(simdrop_\w+)\s*\(", statement)
    if name and "typedef" not in statement:
        print(name.group(1), "marked" if "SIMDROP_API" in statement else "unmarked")
' | sort -u
}

# What the headers declare, and what the shared libraries export. openmp.h belongs to a library of its own.
core_headers=$(find "$source/include/simdrop" -name '*.h' ! -name openmp.h)
# shellcheck disable=SC2086 # a list of files without spaces in their names below the source folder
declared $core_headers > "$work/declarations"
: > "$work/nothing"
awk '$2 == "unmarked" {print $1}' "$work/declarations" > "$work/unmarked"
same 'SIMDROP_API marks every function of the headers' "$work/nothing" "$work/unmarked"
awk '{print $1}' "$work/declarations" > "$work/declared"
exported() { nm -D --defined-only "$1" | awk '{print $3}' | sort -u; }
exported "$build/libsimdrop.so" > "$work/exported"
same 'exported functions are those of the headers' "$work/declared" "$work/exported"
if [ -e "$build/libsimdrop_openmp.so" ]; then
  declared "$source/include/simdrop/openmp.h" | awk '{print $1}' > "$work/declared-openmp"
  exported "$build/libsimdrop_openmp.so" > "$work/exported-openmp"
  same 'exported functions of the OpenMP executor are those of its header' "$work/declared-openmp" "$work/exported-openmp"
fi

# What the shared library needs: no allocation, no thread, no input or output, no plain getenv.
sort > "$work/allowed" << 'ALLOWED'
__cxa_finalize
__errno_location
__gmon_start__
__stack_chk_fail
getauxval
getrusage
_ITM_deregisterTMCloneTable
_ITM_registerTMCloneTable
madvise
memcpy
memmove
memset
secure_getenv
strcmp
sysconf
timespec_get
ALLOWED
nm -D --undefined-only "$build/libsimdrop.so" | awk '{print $NF}' | sed 's/@.*//' | sort -u > "$work/all-needed"
# SLEEF's functions by the names that end in their instructions, never by those that choose by themselves, and differently.
sleef='^Sleef_[a-z]*d[1-8]_u1[05](avx512f|avx2|advsimd|purecfma)$'
grep -vE "$sleef" "$work/all-needed" > "$work/needed"
comm -13 "$work/allowed" "$work/needed" > "$work/not-allowed"
same 'needed functions are on the short list' "$work/nothing" "$work/not-allowed"
nm --undefined-only "$build/libsimdrop.a" 2> /dev/null | awk '{print $NF}' | grep '^Sleef_' | grep -vE "$sleef" | sort -u > "$work/dispatched"
same "SLEEF's functions are named with their instructions" "$work/nothing" "$work/dispatched"

# The archive's global symbols share one name space with the program's.
nm --defined-only --extern-only "$build/libsimdrop.a" 2> /dev/null | awk 'NF == 3 {print $3}' | sort -u > "$work/global"
grep -v '^simdrop_' "$work/global" > "$work/foreign"
same 'global symbols of the archive begin with simdrop_' "$work/nothing" "$work/foreign"
grep -c . "$work/global" | grep -qv '^0$' || same 'the archive has symbols' "$work/declared" "$work/global"

# They are hidden, so that a shared object that links the archive exports none.
objdump -t "$build/libsimdrop.a" | awk -F '\t' 'NF == 2 && $1 ~ /^[0-9a-f]+ g/ && $2 !~ / \.hidden / {sub(/.* /, "", $2); print $2}' | sort -u > "$work/visible"
same 'global symbols of the archive are hidden' "$work/nothing" "$work/visible"

printf '%s\n' current_choice current_f64_math decided_memory_choice decided_non_temporal_bytes memory_learners > "$work/decisions" # each is found out, or learned
# By section, because constant tables of addresses (.data.rel.ro) are written once by the loader and are read-only then. A line
# of objdump is "address flags section<tab>size [.hidden] name".
objdump -t "$build/libsimdrop.a" | awk -F '\t' 'NF == 2 {
    left = split($1, place, " "); right = split($2, what, " ")
    section = place[left]; name = what[right]
    if (section ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && section !~ /^\.data\.rel\.ro/ && name !~ /^\./) print name
  }' | sort -u > "$work/writable"
same 'what is found out is the only writable data' "$work/decisions" "$work/writable"
exit $failed
