"""The examples run, and draw what they say. In one process, which imports PyTorch, scikit-learn and matplotlib once."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples" / "python"
NAMES = ["mlp", "dropout2d", "lstm", "transformer", "mc_dropout"]

RUN = """
import runpy, sys
folder = sys.argv[1]
sys.path.insert(0, folder)
for name in sys.argv[2:]:
    sys.argv = [f"{folder}/{name}.py", "--quick", "--picture", f"{name}.svg"]
    print(f"== {name}")
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the tests were installed without the examples")
def test_examples(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    result = subprocess.run(
        [sys.executable, "-c", RUN, str(EXAMPLES), *NAMES], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    for name in NAMES:
        text = result.stdout.split(f"== {name}\n")[1].split("== ")[0]
        assert "validation loss" in text and f"wrote {name}.svg" in text
        assert (tmp_path / f"{name}.svg").stat().st_size > 5000
