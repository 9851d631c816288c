"""What the tests of JAX have in common. They are skipped where JAX is missing."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def run_script():
    """Run a script of this folder in a process of its own, and return what it prints, line by line."""

    def run(name, *arguments, **environment):
        done = subprocess.run(
            [sys.executable, str(HERE / name), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return run


@pytest.fixture
def numbers():
    """Numbers of which none is 0, so that a 0 was dropped."""

    def make(*shape, dtype=np.float32):
        return (1 + np.arange(np.prod(shape, dtype=int)) % 13).reshape(shape).astype(dtype)

    return make
