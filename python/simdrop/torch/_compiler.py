"""What PyTorch's compiler has to be taught about simdrop's operators."""

from __future__ import annotations

import functools
import sys
from typing import Any

import torch
from torch.fx import Graph, Node

from .. import scale
from . import _hooks


@functools.cache
def teach() -> None:
    """What AOTAutograd has lists or rules of its own for, in place of the tag ``nondeterministic_seeded``."""
    from torch._functorch import compile_utils, partitioners

    _hooks.check_partitioner()
    compile_utils.rand_ops.append(torch.ops.simdrop.key)
    choose = partitioners.choose_saved_values_set

    def choose_saved_values_set(joint_graph: Graph, node_info: Any, *rest: Any, **options: Any) -> list[Node]:
        """With a memory budget of 0, everything would be computed again: even keys, which would be others."""
        compare_what_is_saved(joint_graph)
        saved = list(choose(joint_graph, node_info, *rest, **options))
        target = torch.ops.simdrop.key.default
        return saved + [
            node for node in joint_graph.nodes if node.target is target and node in node_info.required_fw_nodes and node not in saved
        ]

    partitioners.choose_saved_values_set = choose_saved_values_set


def teach_inductor() -> None:
    """Have Inductor's programs, whose derivatives are part of them, call a dropout that asks for none: half of a short call's time.

    Inductor takes long to import, and is there already when it traces something. A version of it that has none of these names calls the
    operator as it is.
    """
    lowering: Any = sys.modules.get("torch._inductor.lowering")
    if not all(hasattr(lowering, name) for name in ("lowerings", "fallback_handler", "register_lowering")):
        return
    if torch.ops.simdrop.dropout.default not in lowering.lowerings:
        call = lowering.fallback_handler(torch.ops.simdrop._dropout.default)
        lowering.register_lowering(torch.ops.simdrop.dropout.default, type_promotion_kind=None)(call)


def compare_what_is_saved(joint_graph: Graph) -> None:
    """Have gradients of relu find the positive elements in what dropout made of relu's output, rather than in that output itself.

    The next layer keeps dropout's output for its gradient, and nobody keeps relu's. Of that the partitioner would keep the comparison
    alone, as a tensor of bools, and Inductor's stores and loads of bools take longer than the dropout. Kept elements have their signs
    still, as they were multiplied by 1 or more; the gradients of all others are zeros already.

    These zeros the comparison gives as well, since what was dropped is 0 and not positive. So the gradient needs no mask drawn again: it is
    multiplied by what kept elements were multiplied by, which Inductor fuses with the comparison.

    Parameters
    ----------
    joint_graph : Graph
        Both passes; changed in place. Values stay the same, bit for bit.
    """
    position = {node: i for i, node in enumerate(joint_graph.nodes)}
    for compared in joint_graph.find_nodes(op="call_function", target=torch.ops.aten.le.Scalar):
        x, threshold = compared.args
        while x.target in (torch.ops.aten.detach.default, torch.ops.aten.alias.default):
            x = x.args[0]
        if threshold != 0 or not compared.users:
            continue
        gradients = [_gradient_where(user, compared) for user in compared.users]
        for y in x.users:
            same = all(gradient is not None and _is_dropout_of_same_mask(y, x, gradient) for gradient in gradients)
            if same and position[y] < position[compared]:
                compared.args = (y, threshold)
                for gradient in gradients:
                    if gradient is not None:
                        _multiply_what_is_kept(gradient, compared)
                break


def _multiply_what_is_kept(gradient: Node, compared: Node) -> None:
    """Make a product of a gradient of dropout, if all that asks for it puts zeros where elements were dropped.

    In other types than these, a fused product would not be rounded as the dropout's was.
    """
    p = gradient.args[2]
    only_where = all(_gradient_where(user, compared) is gradient for user in gradient.users)
    if only_where and isinstance(p, float) and 0 < p < 1 and gradient.meta["val"].dtype in (torch.float32, torch.float64):
        gradient.target = torch.ops.aten.mul.Tensor
        gradient.args, gradient.kwargs = (gradient.args[0], scale(p)), {}


def _gradient_where(node: Node, compared: Node) -> Node | None:
    """Give g of ``where(compared, 0, g)``."""
    if node.target is not torch.ops.aten.where.self or node.args[0] is not compared:
        return None
    zero, gradient = node.args[1:]
    # Of which Inductor makes the one from the other before graphs are partitioned.
    constants = (torch.ops.aten.scalar_tensor.default, torch.ops.aten.full.default)
    is_zero = isinstance(zero, Node) and zero.target in constants and zero.args[-1] == 0
    return gradient if is_zero and isinstance(gradient, Node) else None


def _is_dropout_of_same_mask(y: Node, x: Node, gradient: Node) -> bool:
    """Whether y is a dropout of x, and the gradient one of something of the same sizes by the same mask."""
    target = torch.ops.simdrop.dropout.default
    if y.target is not target or gradient.target is not target or y.args[0] is not x:
        return False
    return (y.args[1:], y.kwargs) == (gradient.args[1:], gradient.kwargs) and y.meta["val"].shape == gradient.meta["val"].shape
