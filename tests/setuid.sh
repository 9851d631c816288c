#!/bin/sh
# setuid.sh PROBE FOLDER: a program with raised privileges does not listen to SIMDROP_BACKEND; the same program without them does.
#
# Seen to fail: getenv in place of secure_getenv (setuid), and no variable at all (without setuid).
set -u

probe=${1:?usage: setuid.sh PROBE FOLDER}
folder=${2:?usage: setuid.sh PROBE FOLDER}

if [ "$(id -u)" -ne 0 ]; then
  echo "skipped setuid: only root can give a program to another user"
  exit 0
fi
mkdir -p "$folder"
failed=0
# reason <program>: why its backend was chosen, when the variable names scalar.
reason() { SIMDROP_BACKEND=scalar "$1" | sed 's/.*reason=\([0-9]\).*/\1/'; }

cp "$probe" "$folder/plain"
cp "$probe" "$folder/raised"
chown nobody "$folder/raised"
chmod 4755 "$folder/raised"
if findmnt --noheadings --output OPTIONS --target "$folder" | grep -qw nosuid; then
  echo "skipped setuid: $folder is mounted nosuid"
  exit 0
fi
if [ "$(reason "$folder/plain")" = 1 ]; then
  echo "ok without setuid, the variable is read"
else
  echo "FAILED without setuid, the variable is read"
  failed=1
fi
if [ "$(reason "$folder/raised")" = 0 ]; then
  echo "ok with setuid, the variable is not read"
else
  echo "FAILED with setuid, the variable is not read"
  failed=1
fi
exit $failed
