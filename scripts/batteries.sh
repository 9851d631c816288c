#!/bin/sh
# batteries.sh BUILD [SIZE]: the masks of p = 1/2 and the numbers U(index) through the batteries for random numbers that are installed:
# PractRand's RNG_test, dieharder, and TestU01's SmallCrush (tests/conformance/smallcrush.c is compiled for that). SIZE is what RNG_test
# reads (default 4GB). BUILD has the tool and the tests. Takes minutes to hours; one line a battery, and exit status 1 if one fails.
# CPPFLAGS and LDFLAGS tell the C compiler where TestU01 is, if it does not know.
set -u

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: batteries.sh BUILD [SIZE]" >&2
  exit 2
fi
tool="$1/tools/simdrop/simdrop"
words="$1/tests/conformance/raw_words"
size=${2:-4GB}
for program in "$tool" "$words"; do
  if [ ! -x "$program" ]; then
    echo "batteries.sh: there is no program $program" >&2
    exit 2
  fi
done
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
failed=0
tests=$(cd "$(dirname "$0")/../tests/conformance" && pwd)
# shellcheck disable=SC2086 # the flags are meant to be split
${CC:-cc} -O2 ${CPPFLAGS:-} "$tests/smallcrush.c" ${LDFLAGS:-} -ltestu01 -lprobdist -lmylib -lm -o "$folder/smallcrush" 2> "$folder/log"

# The streams of bits, called by name. What reads them decides how long they are.
# shellcheck disable=SC2317
mask_bits() { "$tool" mask --p 0.5 --count 64Ti --seed 1; }
# shellcheck disable=SC2317
word_bits() { "$words" 1 0; }

# judge <name> <exit status> <pattern of a failure> <pattern of a result>: reads the log. A battery that came to no result has failed.
judge() {
  if grep -qE "$3" "$folder/log"; then
    echo "FAILED $1"
    grep -E "$3" "$folder/log"
    failed=1
  elif [ "$2" -ne 0 ] || ! grep -qE "$4" "$folder/log"; then
    echo "FAILED $1: it came to no result (exit status $2)"
    tail -n 5 "$folder/log"
    failed=1
  else
    echo "ok $1"
  fi
  : > "$folder/log"
}

for source in mask_bits word_bits; do
  if command -v RNG_test > /dev/null 2>&1; then
    $source 2> /dev/null | RNG_test stdin32 -tlmax "$size" -multithreaded > "$folder/log" 2>&1
    judge "PractRand on $source" $? 'FAIL' 'no anomalies in|unusual|suspicious'
  else
    echo "skipped PractRand on $source: RNG_test is not installed"
  fi
  if [ -x "$folder/smallcrush" ]; then
    $source 2> /dev/null | "$folder/smallcrush" > "$folder/log" 2>&1
    judge "SmallCrush on $source" $? '^smallcrush: ' 'All tests were passed|Summary results'
  else
    echo "skipped SmallCrush on $source: TestU01 is not where the C compiler looks"
  fi
  if command -v dieharder > /dev/null 2>&1; then
    # Those of its tests that its own page calls good, with the default sizes.
    for test in 0 1 2 3 4 8 9 10 15 16 17; do
      $source 2> /dev/null | dieharder -g 200 -d "$test" -Y 1 > "$folder/log" 2>&1
      judge "dieharder, test $test, on $source" $? 'FAILED' 'PASSED|WEAK'
    done
  else
    echo "skipped dieharder on $source: it is not installed"
  fi
done
exit $failed
