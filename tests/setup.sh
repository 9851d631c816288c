#!/bin/sh
# setup.sh FOLDER: scripts/setup.sh where apt-get, sudo and sleep are made up: another process that installs something, mirrors that fail,
# no sudo, no apt-get.
#
# Seen to fail: one call of apt-get in place of the loop (a mirror that fails twice, the lists are locked), no DPkg::Lock::Timeout
# (dpkg's lock), the failure of a list taken for the end (a mirror that is gone), no look at sudo -n (sudo without a terminal).
set -u

folder=${1:?usage: setup.sh FOLDER}
source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/check.sh"
own_folder "$folder"
mkdir "$folder/bin"
failed=0

for program in sh env grep cat cut mktemp rm date; do ln -s "$(command -v "$program")" "$folder/bin/"; done
stub() { # stub <name>: a command whose text is on standard input
  { echo '#!/bin/sh'; cat; } > "$folder/bin/$1"
  chmod +x "$folder/bin/$1"
}
# apt-get fails as often as the file says, with its message: $folder/update, $folder/install.
stub apt-get << STUB
echo "\$*" >> "$folder/calls"
case " \$* " in *' update '*) what=update ;; *) what=install ;; esac
read -r times message < "$folder/\$what"
[ "\$times" -gt 0 ] || exit 0
echo "\$((times - 1)) \$message" > "$folder/\$what"
echo "E: \$message" >&2
exit 100
STUB
stub dpkg-query < /dev/null
stub sleep << STUB
echo "\$1" >> "$folder/slept"
STUB
stub id << STUB
cat "$folder/id"
STUB

# try <name> <exit status> <pattern of the output> <updates> <installs> <failures of update> <of install>
try() {
  echo "$6" > "$folder/update"
  echo "$7" > "$folder/install"
  : > "$folder/calls"
  : > "$folder/slept"
  # In a session of its own there is no terminal.
  PATH="$folder/bin" "$setsid" -w "$folder/bin/sh" "$source/scripts/setup.sh" run > "$folder/output" 2>&1 < /dev/null
  status=$?
  updates=$(grep -c ' update$' "$folder/calls")
  installs=$(grep -c ' install ' "$folder/calls")
  if [ $status -eq "$2" ] && grep -q "$3" "$folder/output" && [ "$updates-$installs" = "$4-$5" ] && ! grep -v 'DPkg::Lock::Timeout' "$folder/calls"; then
    echo "ok setup: $1"
  else
    sed 's/^/    /' "$folder/output"
    echo "FAILED setup: $1: exit status $status, $updates updates, $installs installations"
    failed=1
  fi
}

setsid=$(command -v setsid)
locked='Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)'
gone='Failed to fetch http://mirror/: 503'
echo 0 > "$folder/id"
try 'nothing in the way' 0 'installing gcc cmake' 1 1 0 0
try 'a mirror that fails twice' 0 'once more in 10 s' 3 1 "2 $gone" 0
try 'a mirror that is gone' 0 'not all lists' 4 1 "99 $gone" 0
try 'packages that cannot be fetched' 2 'Failed to fetch' 1 4 0 "99 $gone"
try 'a package that there is not' 2 'Unable to locate' 1 1 0 '99 Unable to locate package gcc'
try 'the lists are locked for a while' 0 'waiting for another process' 31 1 "30 $locked" 0
try "dpkg's lock, after its time" 0 'waiting for another process' 1 2 0 '1 Could not get lock /var/lib/dpkg/lock-frontend'
try 'the lists are locked for ever' 0 'not all lists' 304 1 "9999 $locked" 0
echo 1000 > "$folder/id"
try 'no sudo' 2 'as root: there is no sudo' 0 0 0 0
stub sudo << 'STUB'
[ "$1" != -n ] || exit 1
exec "$@"
STUB
try 'sudo without a terminal' 2 'as root: sudo needs a password' 0 0 0 0
stub sudo << 'STUB'
[ "$1" != -n ] || shift
exec "$@"
STUB
stub true < /dev/null
try 'sudo' 0 'installing gcc cmake' 1 1 0 0
rm "$folder/bin/apt-get"
try 'no apt-get' 2 'please install gcc cmake.*no apt-get' 0 0 0 0
exit $failed
