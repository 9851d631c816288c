"""What docs/jax.md has is run as it stands there, on four devices."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("jax")
pytest.importorskip("flax")

CODE = """
import importlib.util, pathlib, re, sys

blocks = re.findall("```python\\n(.*?)```", pathlib.Path(sys.argv[1]).read_text(), re.DOTALL)
names = {}
for block in blocks:
    if "import keras" not in block or importlib.util.find_spec("keras"):
        exec(block, names)
jax, x, y = names["jax"], names["x"], names["y"]
assert y.sharding == x.sharding and len(y.devices()) == 4
assert (y == names["dropout"](jax.numpy.ones(x.shape), jax.random.key(7), 0.1)).all()
print(len(blocks))
"""


def test_the_page_runs():
    page = pathlib.Path(__file__).resolve().parents[3] / "docs/jax.md"
    environment = {
        **os.environ,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "jax",
    }
    printed = subprocess.run(
        [sys.executable, "-c", CODE, str(page)], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    assert printed.returncode == 0, printed.stderr
    assert int(printed.stdout.split()[-1]) >= 3
