#!/bin/sh
# Installs what is missing, on Debian and its relatives: `setup.sh run` for building and running, `setup.sh test` for the tests, `setup.sh
# all` also for those of test.sh --all. Quick and silent when nothing is missing. Waits for another process that installs something, and
# asks a mirror that fails again.
set -eu

missing=""
add() { # add <package>: to what is missing, once
  case " $missing " in
    *" $1 "*) ;;
    *) missing="$missing $1" ;;
  esac
}
want() { # want <package> <command>: the package, unless the command is there
  command -v "$2" > /dev/null 2>&1 || add "$1"
}
want_package() { # want_package <package>: for what is no command. Only Debian knows its packages.
  command -v dpkg-query > /dev/null 2>&1 || return 0
  dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q 'ok installed' || add "$1"
}

level="${1:-run}"
case "$level" in
  run | test | all) ;;
  *)
    echo "setup.sh: unknown level '$level'; use run, test or all" >&2
    exit 2
    ;;
esac

want gcc cc
want gcc gcc
want cmake cmake
want ninja-build ninja
want python3 python3
want_package libboost-math-dev
want_package libsleef-dev
want g++ g++
if [ "$level" != run ]; then
  want clang clang
  want clang clang++
  want binutils objdump
  want pkg-config pkg-config
  want qemu-user-static qemu-x86_64-static
  want clang-format clang-format
  want clang-tidy clang-tidy
  want ccache ccache
  want shellcheck shellcheck
  want abigail-tools abidiff
  want hyperfine hyperfine
  want doxygen doxygen
  want libopenmpi-dev mpicc
  want openmpi-bin mpirun
  want_package libopenblas-dev
  want_package libeigen3-dev
  want_package libdnnl-dev
  want_package ocl-icd-opencl-dev # which Debian 12's CMake package of oneDNN asks for
  want_package libclang-rt-dev
  want_package libcmocka-dev
  want_package libhwy-dev
  want_package python3-matplotlib
  # Packages, manual pages and completion.
  want lintian lintian
  want_package dpkg-dev
  want man-db man
  want_package bash-completion
  # AVX-512, under Bochs: what makes a disk that it starts from.
  want bochs bochs
  want_package bochs-term
  want_package bochsbios
  want_package vgabios
  want cpio cpio
  want xorriso xorriso
  want_package isolinux
  want_package syslinux-common
  # Other processors, under qemu.
  want g++-aarch64-linux-gnu aarch64-linux-gnu-g++
  want gcc-i686-linux-gnu i686-linux-gnu-gcc
  want_package libc6-dev-i386-cross
  want gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc
  want_package libc6-dev-armhf-cross
  want gcc-s390x-linux-gnu s390x-linux-gnu-gcc
  want_package libc6-dev-s390x-cross
  want_package libcmocka-dev:arm64
  want_package libsleef-dev:arm64
  want gcc-mingw-w64-x86-64 x86_64-w64-mingw32-gcc-posix
  want musl-tools musl-gcc
  want gcc-riscv64-linux-gnu riscv64-linux-gnu-gcc
  want_package libc6-dev-riscv64-cross
  python3 -c 'import numpy' 2> /dev/null || add python3-numpy
  python3 -c 'import ensurepip' 2> /dev/null || add python3-venv
  python3 -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2> /dev/null || add python3-dev
fi
if [ "$level" = all ] && [ "$(uname -m)" = x86_64 ]; then
  want_package wine64
  # Highway's backends for RISC-V and WebAssembly.
  want clang-19 clang-19
  want lld-19 wasm-ld-19
  want llvm llvm-ar
  want_package wasi-libc
  want_package libc++-19-dev-wasm32
  want_package libclang-rt-19-dev-wasm32
  want g++-riscv64-linux-gnu riscv64-linux-gnu-g++
fi
[ -n "$missing" ] || exit 0

# refuse <why>: what the user can do instead.
refuse() {
  echo "setup.sh: please install$missing ($1)" >&2
  exit 2
}

command -v apt-get > /dev/null 2>&1 || refuse "these are Debian's names; there is no apt-get here to do it"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root="sudo"
  command -v sudo > /dev/null 2>&1 || refuse "as root: there is no sudo here"
  # Without a terminal sudo cannot ask for the password.
  sudo -n true 2> /dev/null || (: < /dev/tty) 2> /dev/null || refuse "as root: sudo needs a password, and there is no terminal to ask for it"
fi
echo "setup: installing$missing"

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# apt <arguments>: apt-get, whose output is shown when it has failed for good. It waits for dpkg's lock by itself, but not for that of the
# lists of packages, which another process may hold for minutes (here at most ten); what else fails, a mirror for instance, is tried four times.
apt() {
  waited=0
  pauses="3 10 20"
  until $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
    -o APT::Update::Error-Mode=any "$@" > "$log" 2>&1 < /dev/null; do
    if grep -q 'Could not get lock' "$log" && [ "$waited" -lt 600 ]; then
      [ "$waited" -gt 0 ] || echo "setup: waiting for another process that installs packages"
      sleep 2
      waited=$((waited + 2))
    elif [ -n "$pauses" ] && ! grep -q 'Unable to locate package\|no installation candidate' "$log"; then
      pause=${pauses%% *}
      pauses=$(printf '%s' "$pauses" | cut -s -d ' ' -f 2-)
      echo "setup: apt-get $1 failed; once more in $pause s"
      sleep "$pause"
    else
      cat "$log" >&2
      return 1
    fi
  done
}

case "$missing" in
  *:arm64*) $as_root dpkg --add-architecture arm64 ;;
esac
# Some other source of packages may be the one that fails.
apt update || echo "setup: not all lists of packages could be brought up to date; going on with those that are here"
# shellcheck disable=SC2086 # the list is meant to be split
apt install -y --no-install-recommends $missing libc6-dev || refuse "apt-get could not"
