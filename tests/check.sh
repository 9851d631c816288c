# For scripts of tests, which source it: they set `log`, a file, and `failed` to 0, and end with `exit $failed`.
# shellcheck shell=sh

# check <title> <command...>: a test, whose command must succeed; what it prints is shown when it fails.
check() {
  title=$1
  shift
  # shellcheck disable=SC2154 # the caller's
  if "$@" > "$log" 2>&1 < /dev/null; then
    echo "ok $title"
  else
    tail -n 40 "$log" | sed 's/^/    /'
    echo "FAILED $title"
    # shellcheck disable=SC2034 # the caller's
    failed=1
  fi
}

# own_folder <folder>: makes it, or makes it empty if it is one of a test's, and sets `folder` to its path. Of others nothing is removed.
own_folder() {
  if { [ -e "$1" ] || [ -L "$1" ]; } && [ ! -f "$1/.simdrop-test" ] && { [ ! -d "$1" ] || [ -n "$(ls -A "$1")" ]; }; then
    echo "$1 is not a folder of this test's: name another, or remove it" >&2
    exit 2
  fi
  rm -rf "$1"
  mkdir -p "$1" && : > "$1/.simdrop-test" || exit 2
  # shellcheck disable=SC2034 # the caller's
  folder=$(cd "$1" && pwd)
}
