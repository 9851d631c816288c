#!/bin/sh
# lint.sh BUILD: formatting by .clang-format, clang-tidy over the library with BUILD's compile commands (clang's), shellcheck, and whether the
# tables in the documents say what the benchmark's results say. A line a check.
set -u
cd "$(dirname "$0")/.." || exit 2
build=${1:?usage: lint.sh BUILD}
failed=0
sources() { find include src tests tools bench examples scripts "$@" | sort; } # sources <find's tests>

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

if command -v clang-tidy > /dev/null 2>&1; then
  for file in src/core/*.c src/layout/*.c src/engine/*.c src/machine/*.c src/scalar/*.c src/avx2/*.c; do
    if clang-tidy --quiet -p "$build" "$file"; then
      echo "ok clang-tidy $file"
    else
      echo "FAILED clang-tidy $file"
      failed=1
    fi
  done
else
  echo "skipped clang-tidy: it is not installed"
fi

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
python3 bench/figures.py --check || failed=1
exit $failed
