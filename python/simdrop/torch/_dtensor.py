"""Tensors that are spread over machines: every shard gets its part of the mask of the whole, without communication."""

from __future__ import annotations

import functools
import sys
from typing import Any

import torch
from torch import Tensor

from ._operators import library, row_major_strides


def find_class() -> type[Tensor] | None:
    """``DTensor``, if the program has imported it, and so may have tensors of it; simdrop's operators take them from then on."""
    module = sys.modules.get("torch.distributed.tensor")
    dtensor: type[Tensor] | None = getattr(module, "DTensor", None)
    if dtensor is not None:
        _register(dtensor)
    return dtensor


@functools.cache
def _register(dtensor: Any) -> None:
    from torch.distributed.tensor import Replicate, Shard

    def first_index(x: Any, placements: Any, strides: Any) -> Any:
        """The first index of this rank's shard, which is cut as torch.chunk cuts, one axis of the mesh after the other."""
        sizes, index = list(x.shape), 0
        for axis, (place, rank) in enumerate(zip(placements, x.device_mesh.get_coordinate(), strict=True)):
            if isinstance(place, Shard):
                dim, ranks = place.dim, x.device_mesh.size(axis)
                chunk = (sizes[dim] + ranks - 1) // ranks
                begin = min(rank * chunk, sizes[dim])
                index = index + begin * strides[dim]
                sizes[dim] = min(chunk, sizes[dim] - begin)
        return index

    def key(cls: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Tensor:
        """Each rank draws from its own generator: all must be in the same state, as after the same ``torch.manual_seed``."""
        result: Tensor = func(args[0].to_local(), **(kwargs or {}))
        return result

    def dropout(cls: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        x, key, p = args[:3]
        strides: Any = args[3] if len(args) > 3 else None
        offset: Any = args[4] if len(args) > 4 else 0
        if isinstance(key, dtensor):
            key = key.to_local()
        before = x.placements
        # Only whole values can be dropped, and only those that lie in one piece have indices in one piece.
        placements = tuple(place if type(place) in (Shard, Replicate) else Replicate() for place in before)
        if placements != before:
            x = x.redistribute(placements=placements)
        strides = list(strides) if strides is not None else row_major_strides(x.shape)
        local = func(x.to_local(), key, p, strides, offset + first_index(x, placements, strides))
        return dtensor.from_local(local, x.device_mesh, placements, run_check=False, shape=x.shape, stride=x.stride())

    torch.library.register_torch_dispatch("simdrop::key", dtensor, key, lib=library)
    for name in ("dropout", "alpha_dropout", "alpha_dropout_backward"):
        torch.library.register_torch_dispatch(f"simdrop::{name}", dtensor, dropout, lib=library)


find_class()
