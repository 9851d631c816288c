#!/bin/sh
# check_symbols.sh BUILD: what a release build's libraries export, need and keep in writable memory.
#
# Seen to fail: a function without SIMDROP_API in its header but exported (exported functions), an exported helper without the prefix
# (archive), malloc and getenv called from dispatch.c (needed functions), a static counter in driver.c (writable data).
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

# What the headers declare, and what the shared library exports.
cat "$source"/include/simdrop/*.h | tr '\n' ' ' | grep -oE 'SIMDROP_API [a-z_0-9 *]*simdrop_[a-z_0-9]+\(' \
  | grep -oE 'simdrop_[a-z_0-9]+\(' | tr -d '(' | sort -u > "$work/declared"
nm -D --defined-only "$build/libsimdrop.so" | awk '{print $3}' | sort -u > "$work/exported"
same 'exported functions are those of the headers' "$work/declared" "$work/exported"

# What the shared library needs: no allocation, no thread, no input or output, no plain getenv.
sort > "$work/allowed" << 'ALLOWED'
__cxa_finalize
__gmon_start__
__stack_chk_fail
_ITM_deregisterTMCloneTable
_ITM_registerTMCloneTable
memcpy
memmove
memset
secure_getenv
strcmp
ALLOWED
nm -D --undefined-only "$build/libsimdrop.so" | awk '{print $NF}' | sed 's/@.*//' | sort -u > "$work/needed"
comm -13 "$work/allowed" "$work/needed" > "$work/not-allowed"
: > "$work/nothing"
same 'needed functions are on the short list' "$work/nothing" "$work/not-allowed"

# The archive's global symbols share one name space with the program's.
nm --defined-only --extern-only "$build/libsimdrop.a" 2> /dev/null | awk 'NF == 3 {print $3}' | sort -u > "$work/global"
grep -v '^simdrop_' "$work/global" > "$work/foreign"
same 'global symbols of the archive begin with simdrop_' "$work/nothing" "$work/foreign"
grep -c . "$work/global" | grep -qv '^0$' || same 'the archive has symbols' "$work/declared" "$work/global"

echo current_choice > "$work/choice"
# By section, because constant tables of addresses (.data.rel.ro) are written once by the loader and are read-only then.
objdump -t "$build/libsimdrop.a" | awk 'NF >= 5 && $(NF - 2) ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $(NF - 2) !~ /^\.data\.rel\.ro/ && $NF !~ /^\./ {print $NF}' \
  | sort -u > "$work/writable"
same 'the choice is the only writable data' "$work/choice" "$work/writable"
exit $failed
