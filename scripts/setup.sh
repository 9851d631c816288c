#!/bin/sh
# Installs what is missing, on Debian and its relatives: `setup.sh run` for building and running, `setup.sh test` for the tests, `setup.sh
# all` also for those of test.sh --all.
# Quick and silent when nothing is missing.
set -eu

missing=""
want() { # want <package> <command>: the package, unless the command is there
  command -v "$2" > /dev/null 2>&1 || missing="$missing $1"
}
want_package() { # want_package <package>: for what is no command
  dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q 'ok installed' || missing="$missing $1"
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
want g++ g++
if [ "$level" != run ]; then
  want clang clang
  want clang clang++
  want binutils objdump
  want pkg-config pkg-config
  want qemu-user-static qemu-x86_64-static
  want clang-format clang-format
  want clang-tidy clang-tidy
  want shellcheck shellcheck
  want hyperfine hyperfine
  want libopenmpi-dev mpicc
  want openmpi-bin mpirun
  want_package libclang-rt-14-dev
  want_package libcmocka-dev
  want_package libhwy-dev
  want_package python3-matplotlib
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
  python3 -c 'import numpy' 2> /dev/null || missing="$missing python3-numpy"
  python3 -c 'import ensurepip' 2> /dev/null || missing="$missing python3-venv"
fi
if [ "$level" = all ] && [ "$(uname -m)" = x86_64 ]; then
  want_package wine64
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null 2>&1; then
  echo "setup.sh: please install$missing (there is no apt-get here to do it)" >&2
  exit 2
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo > /dev/null 2>&1; then
    echo "setup.sh: please install$missing as root (there is no sudo here)" >&2
    exit 2
  fi
  as_root="sudo"
fi
echo "setup: installing$missing"
case "$missing" in
  *:arm64*) $as_root dpkg --add-architecture arm64 ;;
esac
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $missing libc6-dev > /dev/null
