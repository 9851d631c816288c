#!/bin/sh
# bare_system.sh RELEASE [debian | newest] [root | user] [run | build | test [OPTION...]]: README's commands in a new Debian that has
# nothing but what debootstrap installs and this source: with Debian's CMake or the newest of PyPI, as root or as a user with sudo. "run"
# is scripts/run.sh; "build" also what scripts/test.sh installs and builds with gcc, clang and for aarch64, with warnings as errors; "test"
# is the whole of scripts/test.sh, or what its options choose. Needs root, debootstrap and a network; takes the mirror, proxies and
# certificates of this machine.
#
# Seen to fail, in such systems: MPI::MPI_C taken for MPI (run, CMake 3.31), a warning of clang 19 and Highway 1.2's other names for
# what its targets need (build, trixie), a check that took git for granted (test, bookworm).
set -u

release=${1:?usage: bare_system.sh RELEASE [debian | newest] [root | user] [run | build | test [OPTION...]]}
cmake=${2:-debian}
user=${3:-root}
level=${4:-run}
if [ $# -gt 4 ]; then shift 4; else shift $#; fi
name="$level${*:+ $*} in a bare $release, CMake: $cmake, as $user"
source=$(cd "$(dirname "$0")/.." && pwd)
if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap > /dev/null 2>&1; then
  echo "skipped $name: that needs root and debootstrap"
  exit 0
fi
mirror=$(sed -nE 's/^URIs: *([^ ]*\/debian) *$/\1/p; s/^deb (\[[^]]*\] )?([^ ]*\/debian) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | head -n 1)
: "${mirror:=http://deb.debian.org/debian}"

folder=$(mktemp -d /var/tmp/simdrop-bare.XXXXXX) || exit 2
root="$folder/root"
log="$folder/log"
leave() {
  for mount in dev/pts dev proc; do umount -l "$root/$mount" 2> /dev/null; done
  mountpoint -q "$root/dev" || rm -rf --one-file-system "$folder"
}
trap leave EXIT
trap 'exit 1' INT TERM

give_up() { # give_up <why>
  { grep '^FAILED' "$log"; tail -n 60 "$log"; } | sed 's/^/    /'
  echo "FAILED $name: $1"
  exit 1
}

debootstrap --variant=minbase "$release" "$root" "$mirror" > "$log" 2>&1 < /dev/null || give_up "debootstrap"
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" && mount -t devpts devpts "$root/dev/pts" || give_up "mounts"
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2> /dev/null
# What this machine says about proxies, dates and certificates, and nothing else of its settings.
grep -rhE '^ *Acquire::[A-Za-z:-]+ +"' /etc/apt/apt.conf /etc/apt/apt.conf.d 2> /dev/null | grep -v 'IndexTargets\|Languages\|GzipIndexes' > "$root/etc/apt/apt.conf.d/99here"
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
mkdir -p "$root/etc/ssl/certs"
[ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/simdrop-here.crt"

# inside <user> <command>
inside() {
  as=$1
  shift
  env -i PATH="${inside_path:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}" HOME="/home/$as" TERM=dumb \
    PIP_CERT=/etc/ssl/certs/simdrop-here.crt ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    chroot --userspec="$as:$as" "$root" /bin/sh -c "$*" > "$log" 2>&1 < /dev/null
}

prepare="mkdir -p /home/root"
if [ "$user" = user ]; then
  prepare="$prepare && apt-get -qq update && apt-get -qq -y install --no-install-recommends sudo && useradd -m user && echo 'user ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/user"
fi
if [ "$cmake" = newest ]; then
  prepare="$prepare && apt-get -qq update && apt-get -qq -y install --no-install-recommends python3-venv && python3 -m venv /opt/cmake && /opt/cmake/bin/pip install -q cmake"
fi
inside root "$prepare" || give_up "what comes before simdrop"
[ "$cmake" = debian ] || inside_path=/opt/cmake/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin

# The source as it is here, without what is built.
mkdir -p "$root/home/$user/simdrop"
(cd "$source" && tar --exclude=./build --exclude=./.git -cf - .) | tar -xf - -C "$root/home/$user/simdrop"
chroot "$root" chown -R "$user:$user" "/home/$user"

inside "$user" "cd ~/simdrop && sh scripts/run.sh" || give_up "scripts/run.sh"
grep -q 'The outputs are identical' "$log" && grep -q '^Speed on ' "$log" || give_up "scripts/run.sh says other things"
case $level in
  build)
    inside "$user" "cd ~/simdrop && sh scripts/setup.sh test" || give_up "scripts/setup.sh"
    for compiler in gcc clang aarch64-linux-gnu aarch64-linux-gnu-clang; do
      case $compiler in
        aarch64*) options="-DCMAKE_TOOLCHAIN_FILE=\$HOME/simdrop/cmake/toolchains/$compiler.cmake -DSIMDROP_WITH_BOOST=OFF -DSIMDROP_REQUIRED='backends;highway;sleef;cmocka'" ;;
        *) options="-DCMAKE_C_COMPILER=$compiler -DSIMDROP_REQUIRED='backends;highway;sleef;boost;blas;mpi;cmocka;python'" ;;
      esac
      inside "$user" "cd ~/simdrop && cmake -S . -B build/$compiler -G Ninja -DSIMDROP_WERROR=ON $options && cmake --build build/$compiler" \
        || give_up "the build by $compiler"
    done
    inside "$user" "cd ~/simdrop && SIMDROP_TEST_EFFORT=quick ctest --test-dir build/gcc -j 2 --output-on-failure -R '^(mask|api|api_shared|dispatch|golden_digest)\$'" \
      || give_up "tests"
    inside "$user" "cd ~/simdrop && python3 tests/scan_instructions.py build/gcc build/clang build/aarch64-linux-gnu build/aarch64-linux-gnu-clang" \
      || give_up "the scan of instructions"
    ;;
  test) inside "$user" "cd ~/simdrop && sh scripts/test.sh $*" || give_up "scripts/test.sh" ;;
esac
echo "ok $name"
