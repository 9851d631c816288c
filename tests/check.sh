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
