"""Dropout in the workers of a DataLoader, which are forks of a process whose threads have been at work."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.utils.data import DataLoader, Dataset, get_worker_info  # noqa: E402

import simdrop  # noqa: E402
import simdrop.torch as st  # noqa: E402

ONES = torch.ones(1 << 16)
ARRAY = np.ones(1 << 18, np.float32)  # long enough for threads


class Dropped(Dataset[tuple[int, Tensor, Tensor]]):
    """Samples that are dropped out of where they are made; and the seed that PyTorch gave the worker."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[int, Tensor, Tensor]:
        worker = get_worker_info()
        assert st.is_enabled()
        return worker.seed, F.dropout(ONES, 0.5), torch.from_numpy(simdrop.dropout(ARRAY, 0.1, seed=index, threads=4))


def load() -> list[tuple[int, Tensor, Tensor]]:
    torch.manual_seed(99)
    loader = DataLoader(Dropped(), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=100)
    return [(int(seed), one, other) for seed, one, other in loader]


@pytest.mark.usefixtures("on")
def test_workers() -> None:
    """Each has the mask of its own seed, which is the same in every run; workers of either kind begin with no thread of the parent's."""
    expected = [torch.from_numpy(simdrop.dropout(ARRAY, 0.1, seed=index, threads=4)) for index in range(8)]
    F.dropout(torch.ones(1 << 22), 0.5)
    samples, again = load(), load()
    for (seed, one, other), (same_seed, same_one, _), array in zip(samples, again, expected, strict=True):
        assert seed == same_seed and torch.equal(one, same_one) and torch.equal(other, array)
    assert len({seed for seed, _, _ in samples}) == 2 and len({tuple(one[:64].tolist()) for _, one, _ in samples}) == 8
    for seed, one, _ in samples[:2]:  # the first of each worker
        torch.manual_seed(seed)
        assert torch.equal(one, F.dropout(ONES, 0.5))
