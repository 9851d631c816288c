#!/bin/sh
# lint.sh [--part K/N] BUILD...: formatting by .clang-format, clang-tidy with the compile commands of these build folders (clang's), shellcheck, whether the
# tables in the documents say what the benchmark's results say, and what scripts/check_tree.py checks. A line a check.
set -u
cd "$(dirname "$0")/.." || exit 2
part=0/1 # of the files that clang-tidy looks at: every N-th
if [ "${1:-}" = --part ] && [ $# -gt 1 ]; then
  part=$2
  shift 2
fi
[ $# -gt 0 ] || {
  echo 'usage: lint.sh [--part K/N] BUILD...' >&2
  exit 2
}
failed=0
sources() { find include src tests tools bench examples packaging scripts python "$@" | sort; } # sources <find's tests>

if command -v clang-format > /dev/null 2>&1; then
  if sources -name '*.[ch]' | xargs clang-format --dry-run --Werror; then
    echo "ok formatting"
  else
    echo "FAILED formatting: run clang-format -i on the files above"
    failed=1
  fi
else
  echo "skipped formatting: clang-format is not installed"
fi

python3 scripts/tidy.py --part "$part" "$@" || failed=1

if command -v shellcheck > /dev/null 2>&1; then
  if sources -name '*.sh' | xargs shellcheck --severity=warning; then
    echo "ok shellcheck"
  else
    echo "FAILED shellcheck"
    failed=1
  fi
else
  echo "skipped shellcheck: it is not installed"
fi
python3 scripts/check_tree.py || failed=1
python3 bench/figures.py --check || failed=1
exit $failed
