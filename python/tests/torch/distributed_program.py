"""What test_distributed.py runs on every rank: tensors spread over ranks must get what the whole gets, byte for byte.

python distributed_program.py PART RANK RANKS PORT
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, SequenceParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

import simdrop.torch as st


def seeded(call: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(7)
    return call(x)


def check_shards(mesh: DeviceMesh) -> None:
    calls: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda x: F.dropout(x, 0.5),
        lambda x: F.alpha_dropout(x, 0.4, True),
        lambda x: F.dropout1d(x, 0.5),
        lambda x: F.feature_alpha_dropout(x, 0.5, True),
    ]
    whole = torch.randn(5, 6, 7)  # no multiple of the ranks: shards are uneven
    for call in calls:
        leaf = whole.clone().requires_grad_()
        expected = seeded(call, leaf)
        expected.square().sum().backward()
        for placement in (Shard(0), Shard(1), Shard(2), Replicate()):
            x = distribute_tensor(whole, mesh, [placement]).requires_grad_()
            y = seeded(call, x)
            assert isinstance(y, DTensor) and y.placements == (placement,), y.placements
            assert torch.equal(y.full_tensor(), expected), placement
            y.square().sum().backward()
            assert torch.equal(x.grad.full_tensor(), leaf.grad), placement
    parts = DTensor.from_local(whole / dist.get_world_size(), mesh, [Partial()])
    torch.testing.assert_close(seeded(calls[0], parts).full_tensor(), seeded(calls[0], whole))
    assert st.report().pytorch == {}
    with torch.inference_mode():
        x = distribute_tensor(whole, mesh, [Shard(1)])
        assert torch.equal(seeded(calls[0], x).full_tensor(), seeded(calls[0], whole))


class Feed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.inner, self.outer = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        return self.outer(F.dropout(torch.relu(self.inner(x)), 0.5))


def check_tensor_parallel(mesh: DeviceMesh) -> None:
    torch.manual_seed(1)
    model, x = Feed(), torch.randn(4, 6, 8)
    expected = seeded(model, x)
    plan = {"inner": ColwiseParallel(use_local_output=False), "outer": RowwiseParallel()}
    parallel = parallelize_module(copy.deepcopy(model), mesh, plan)
    torch.testing.assert_close(seeded(parallel, x), expected)

    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.drop = nn.LayerNorm(8), nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.drop(self.norm(x))

    model = Sequence()
    expected = seeded(model, x)
    parallel = parallelize_module(copy.deepcopy(model), mesh, {"norm": SequenceParallel(), "drop": SequenceParallel()})
    y = seeded(parallel, distribute_tensor(x, mesh, [Shard(1)]))
    assert y.placements == (Shard(1),)
    torch.testing.assert_close(y.full_tensor(), expected)


def check_data_parallel(mesh: DeviceMesh) -> None:
    """Every rank the same data and the same generator: one step must be that of a single process."""
    torch.manual_seed(1)
    model, x = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8), nn.Dropout(0.5)), torch.randn(4, 8)
    seeded(model, x).square().sum().backward()
    expected = [parameter.grad for parameter in model.parameters()]

    replicated = DistributedDataParallel(copy.deepcopy(model))
    replicated.zero_grad()
    seeded(replicated, x).square().sum().backward()
    for parameter, gradient in zip(replicated.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)

    sharded = copy.deepcopy(model)
    sharded.zero_grad()
    fully_shard(sharded, mesh=mesh)
    seeded(sharded, x).square().sum().backward()
    for parameter, gradient in zip(sharded.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad.full_tensor(), gradient)


def check_two_axes_of_ranks(ranks: int) -> None:
    """Samples over one axis of a mesh, features over the other."""
    mesh = init_device_mesh("cpu", (2, ranks // 2), mesh_dim_names=("data", "model"))
    whole = torch.randn(6, 5, 10)
    leaf = whole.clone().requires_grad_()
    expected = seeded(lambda x: F.dropout(x, 0.5), leaf)
    expected.square().sum().backward()
    for placements in ((Shard(0), Shard(2)), (Shard(1), Replicate()), (Shard(0), Shard(0))):
        x = distribute_tensor(whole, mesh, placements).requires_grad_()
        y = seeded(lambda x: F.dropout(x, 0.5), x)
        assert torch.equal(y.full_tensor(), expected), placements
        y.square().sum().backward()
        assert torch.equal(x.grad.full_tensor(), leaf.grad), placements


def check_compiled(mesh: DeviceMesh, backend: str) -> None:
    """In a graph, the place of the shard is a constant of the rank."""
    calls: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda x: F.dropout(x, 0.5) * 2,
        lambda x: F.alpha_dropout(x, 0.4, True),
        lambda x: F.dropout1d(x, 0.5),
    ]
    whole = torch.randn(5, 6, 7)
    for call in calls:
        leaf = whole.clone().requires_grad_()
        expected = seeded(call, leaf)
        expected.square().sum().backward()
        for placement in (Shard(0), Shard(1), Replicate()) if call is calls[0] else (Shard(0),):
            torch._dynamo.reset()
            x = distribute_tensor(whole, mesh, [placement]).requires_grad_()
            y = seeded(torch.compile(call, backend=backend, fullgraph=True), x)
            assert isinstance(y, DTensor) and y.placements == (placement,), y.placements
            torch.testing.assert_close(y.full_tensor(), expected)
            assert torch.equal(y.full_tensor() == y.full_tensor().min(), expected == expected.min())
            y.square().sum().backward()
            torch.testing.assert_close(x.grad.full_tensor(), leaf.grad)

    torch._dynamo.reset()
    torch.manual_seed(1)
    model, x = Feed(), torch.randn(4, 6, 8)
    expected = seeded(model, x)
    plan = {"inner": ColwiseParallel(use_local_output=False), "outer": RowwiseParallel()}
    parallel = torch.compile(parallelize_module(copy.deepcopy(model), mesh, plan), backend=backend)
    y = seeded(parallel, x)
    torch.testing.assert_close(y, expected)
    y.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(parallel.inner.weight.grad.full_tensor(), model.inner.weight.grad)

    torch._dynamo.reset()
    torch.manual_seed(1)
    model, x = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8), nn.Dropout(0.5)), torch.randn(4, 8)
    replicated = torch.compile(DistributedDataParallel(copy.deepcopy(model)), backend=backend)
    torch.testing.assert_close(seeded(replicated, x), seeded(model, x))


def main() -> None:
    part = sys.argv[1]
    rank, ranks, port = map(int, sys.argv[2:5])
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=ranks)
    st.enable()
    torch.manual_seed(0)
    mesh = init_device_mesh("cpu", (ranks,))
    if part == "eager":
        check_shards(mesh)
        check_tensor_parallel(mesh)
        check_data_parallel(mesh)
        if ranks > 2:
            check_two_axes_of_ranks(ranks)
    else:
        check_compiled(mesh, part)
    assert st.report().pytorch == {}, st.report()
    dist.destroy_process_group()
    print("all well")


if __name__ == "__main__":
    main()
