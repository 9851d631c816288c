"""What the tests of simdrop.torch have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

import simdrop.torch as st  # noqa: E402


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Every test begins with simdrop off, the same random numbers and counts of 0, and must not leave it on by accident."""
    st.disable()
    st.report(reset=True)
    torch.manual_seed(1234)
    yield
    st.disable()


@pytest.fixture
def on() -> Iterator[None]:
    """Simdrop in the place of PyTorch's dropouts."""
    st.enable()
    yield
    st.disable()
