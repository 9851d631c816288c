"""Packed sequences: which sequence of the batch a row belongs to."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

__all__ = ["original_rows"]


def original_rows(packed: PackedSequence) -> Tensor:
    """Give, for each row of the packed data, its sequence's number in the batch as it was before it was sorted."""
    most = int(packed.batch_sizes[0])
    sequences = torch.arange(most, device="cpu") if packed.sorted_indices is None else packed.sorted_indices
    return torch.cat([sequences[: int(size)] for size in packed.batch_sizes])
