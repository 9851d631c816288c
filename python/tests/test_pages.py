"""What the pages show is run as it stands there: every block of Python in README.md and in the pages of the package."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What blocks take for granted, which a reader has.
NETWORK = """
import torch
from torch import nn

model = nn.Sequential(nn.Flatten(), nn.Linear(64 * 28 * 28, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 10))
batches = [(torch.randn(4, 64, 28, 28), torch.randint(0, 10, (4,))) for _ in range(3)]
"""

# By page: what is needed, what comes before, and what must be true in the end.
PAGES = {
    "README.md": ((), "", "assert (y == 0).any() and (y != 0).any()"),
    "docs/python.md": ((), "", "assert np.array_equal(kept, y != 0) and np.array_equal(x, y) and np.array_equal(dx, y)"),
    "docs/pytorch.md": (("torch",), "", "assert simdrop.torch.is_enabled()"),
    "docs/pytorch-modules.md": (
        ("torch",),
        NETWORK,
        "assert isinstance(model[3], st.Dropout) and mean.shape == (len(x), 10) and (std > 0).any()",
    ),
    "docs/attention.md": (("torch",), "", "assert out.shape == y.shape and 'attention' in simdrop.torch.report().direct"),
}
# jax/test_jax_page.py runs the first, on four devices, and tests/dropping_in.sh the other, in a folder with nothing else.
ELSEWHERE = {"docs/jax.md", "docs/dropping-in.md"}


def blocks_of(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def missing(block: str) -> list[str]:
    """Which of the optional packages that a block imports are not there."""
    imported = re.findall(r"^(?:import|from) (?:simdrop\.)?(torch|jax)\b", block, re.MULTILINE)
    return [name for name in imported if not importlib.util.find_spec(name)]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(page, tmp_path):
    needed, before, after = PAGES[page]
    for package in needed:
        pytest.importorskip(package)
    blocks = blocks_of(page)
    assert blocks
    code = "\n".join([before, *(block for block in blocks if not missing(block)), after])
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_no_page_is_left_out():
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
    assert {page for page in pages if blocks_of(page)} == {*PAGES, *ELSEWHERE}


def test_blocks_of_python_are_marked():
    """A block that is indented only would not be run."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        assert not re.findall(r"^    (?:import|from) .*", text, re.M), page
