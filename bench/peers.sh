#!/bin/sh
# peers.sh FOLDER [options of peers.py]: builds simdrop and makes a Python environment for each peer in FOLDER (about 6 GB), then runs
# bench/peers.py with them. What is in FOLDER already is used again; a peer that cannot be installed is a row that says so. PYTHON is the
# Python to make them with (default python3). PEERS_TORCH, PEERS_JAX, ... say what pip installs in place of the default, for instance
# PEERS_TORCH='torch --index-url ...' for a PyTorch without CUDA's gigabytes.
#
# With --fused before the options: bench/peers_fused.py with PyTorch alone.
#
# Not installed here: Random123 (Debian: librandom123-dev) and libxsmm (LIBXSMM_ROOT names the folder of a build).
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
fail() {
  echo "peers.sh: $1" >&2
  exit 2
}
[ $# -ge 1 ] || fail "usage: peers.sh FOLDER [options of peers.py]"
case $1 in
  -*) fail "the first argument is the folder for the peers, not '$1'" ;;
esac
mkdir -p "$1" || exit 2
folder=$(cd "$1" && pwd)
shift
only=
if [ "${1:-}" = --fused ]; then
  only=torch
  shift
fi
case $folder in
  *[[:space:]]*) fail "'$folder' has a space in its name, which the programs in pip's environments cannot be started with" ;;
esac
command -v "$python" > /dev/null 2>&1 || fail "$python is not installed"

# environment <peer> <module to import> <pip's arguments>: leaves a note where pip failed, and goes on.
interpreters=""
environment() {
  peer=$1
  module=$2
  packages=$3
  [ "${only:-$peer}" = "$peer" ] || return 0
  home="$folder/$peer"
  if ! { [ -x "$home/bin/python" ] && "$home/bin/python" -c "$module" > /dev/null 2>&1; }; then
    echo "peers.sh: installing $packages"
    # shellcheck disable=SC2086 # the arguments are meant to be split
    if ! { "$python" -m venv "$home" && "$home/bin/python" -m pip install --quiet $packages; } > "$folder/$peer.log" 2>&1; then
      echo "peers.sh: $packages could not be installed; $folder/$peer.log says why" >&2
    fi
  fi
  [ ! -x "$home/bin/python" ] || interpreters="$interpreters --python $peer=$home/bin/python"
}
environment torch 'import torch, numpy' "${PEERS_TORCH:-torch numpy}"
[ ! -x "$folder/torch/bin/python" ] || interpreters="$interpreters --python native-dropout=$folder/torch/bin/python"
environment numpy 'import numpy' "${PEERS_NUMPY:-numpy}"
environment onednn 'import os, sys; os.stat(sys.prefix + "/lib/libdnnl.so")' "${PEERS_ONEDNN:-onednn onednn-devel}"
environment onnxruntime 'import onnxruntime, onnx' "${PEERS_ONNXRUNTIME:-onnxruntime onnx}"
environment mkl 'import glob, sys; glob.glob(sys.prefix + "/lib/libmkl_rt.so*")[0]' "${PEERS_MKL:-mkl}"
environment jax 'import jax' "${PEERS_JAX:-jax}"
environment tensorflow 'import tensorflow' "${PEERS_TENSORFLOW:-tensorflow-cpu}"

if ! { cmake -S "$source" -B "$folder/simdrop" -DCMAKE_BUILD_TYPE=Release -DSIMDROP_BUILD_TESTS=OFF -DSIMDROP_BUILD_TOOL=OFF \
  -DSIMDROP_BUILD_EXAMPLES=OFF && cmake --build "$folder/simdrop"; } > "$folder/simdrop.log" 2>&1; then
  fail "simdrop does not build; $folder/simdrop.log says why"
fi
if [ -n "$only" ]; then
  [ -x "$folder/torch/bin/python" ] || fail "there is no PyTorch; $folder/torch.log says why"
  exec "$folder/torch/bin/python" "$source/bench/peers_fused.py" --library "$folder/simdrop" "$@"
fi
# shellcheck disable=SC2086 # the options are meant to be split
exec "$python" "$source/bench/peers.py" --library "$folder/simdrop" $interpreters "$@"
