"""Simdrop in the place of PyTorch's own dropouts."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import dataclasses
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.utils.checkpoint
from torch import Tensor
from torch._C import DispatchKey
from torch.autograd import forward_ad

from .. import __version__
from . import _dtensor, _hooks
from ._extension import extension
from ._operators import library

__all__ = ["Report", "disable", "enable", "enabled", "is_enabled", "report"]

# Numbered as in python/torch/override.c.
_KINDS = ("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
_DROPOUT, _ALPHA, _FEATURE, _FEATURE_ALPHA = range(4)
_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)

extension.simdrop_torch_enable.restype = ctypes.c_char_p
extension.simdrop_torch_register_is_plain.argtypes = [ctypes.c_char_p, ctypes.c_int]

library.define("_is_plain(Tensor x) -> bool")
library.define("_other(Tensor x, float p, int kind) -> Tensor")
library.define("_other_native(Tensor x, float p, bool train) -> (Tensor, Tensor)")
library.define("_other_native_backward(Tensor gradient, Tensor mask, float scale) -> Tensor")
library.impl("_is_plain", torch.library.fallthrough_kernel, "Autograd")

# The keys that come before a backend's own. At each there may be a tensor that is not what its memory says.
_NOT_PLAIN = (
    "Python",
    "Functionalize",
    "Conjugate",
    "Negative",
    "ZeroTensor",
    "FuncTorchBatched",
    "FuncTorchGradWrapper",
    "FuncTorchVmapMode",
    "FuncTorchDynamicLayerFrontMode",
)


def _register_is_plain() -> None:
    for key, answer in ((b"CPU", 1), *((key.encode(), 0) for key in _NOT_PLAIN)):
        if extension.simdrop_torch_register_is_plain(key, answer) != 0:
            raise ImportError(f"simdrop: PyTorch refused a kernel at the dispatch key {key.decode()}")


_register_is_plain()

_operator_calls = 0  # calls that became simdrop's operators: in graphs, in transforms, of shards
_left_to_pytorch: collections.Counter[str] = collections.Counter()
_calls_of_parts: collections.Counter[str] = collections.Counter()
_parts: list[Callable[[contextlib.ExitStack], None]] = []
_operators_of_parts: list[torch._ops.OpOverload] = []


def register_part(put: Callable[[contextlib.ExitStack], None], operator: torch._ops.OpOverload) -> None:
    """Have `enable` put something else in its place, too.

    Parameters
    ----------
    put : callable
        Does it, and pushes what undoes it. It raises where that cannot be done: then nothing is enabled.
    operator : OpOverload
        What it replaces, which must have what is used of operators.
    """
    _parts.append(put)
    _operators_of_parts.append(operator)


def count_call_of_part(name: str, obstacle: str | None) -> None:
    """Count a call for `report`.

    Parameters
    ----------
    name : str
        What was called.
    obstacle : str, optional
        Why it was left to PyTorch.
    """
    if obstacle is None:
        _calls_of_parts[name] += 1
    else:
        _left_to_pytorch[f"{name}: {obstacle}"] += 1


def _reason_against(x: Tensor) -> str | None:
    """Why a tensor of the CPU cannot go through simdrop; None if it can."""
    if x.dtype not in _DTYPES:
        return str(x.dtype).removeprefix("torch.")
    if x.layout is not torch.strided:
        return str(x.layout).removeprefix("torch.")
    if type(x).__torch_dispatch__ is torch._C._disabled_torch_dispatch_impl or type(x) in _known_wrappers():
        return None
    return type(x).__name__


def _known_wrappers() -> tuple[type, ...]:
    """The classes with a ``__torch_dispatch__`` of their own that take simdrop's operators."""
    from torch._subclasses.fake_tensor import FakeTensor
    from torch._subclasses.functional_tensor import FunctionalTensor

    dtensor = _dtensor.find_class()
    return (Tensor, torch.nn.Parameter, FakeTensor, FunctionalTensor, *(() if dtensor is None else (dtensor,)))


def _feature_sizes(x: Tensor) -> list[int]:
    if x.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return [*x.shape[:2], *(1 for _ in x.shape[2:])]


def _compose(kind: int, x: Tensor, p: float) -> Tensor:
    """One of the dropouts made of simdrop's operators, which every mode and transform sees."""
    global _operator_calls
    _operator_calls += 1
    operators = torch.ops.simdrop
    key = operators.key(x)
    if kind == _DROPOUT:
        return operators.dropout(x, key, p)
    if kind == _ALPHA:
        return operators.alpha_dropout(x, key, p)
    sizes = _feature_sizes(x)
    if kind == _FEATURE:
        return x * operators.dropout(x.new_ones(sizes), key, p)
    return operators.alpha_dropout(x, key, p, [sizes[1], 1, *(0 for _ in sizes[2:])])


def _composition_of_pytorch(kind: int, x: Tensor, p: float) -> Tensor:
    operator = getattr(torch.ops.aten, _KINDS[kind]).default
    result: Tensor = operator._op_dk(DispatchKey.CompositeImplicitAutograd, x, p, True)
    return result


def _other(x: Tensor, p: float, kind: int) -> Tensor:
    """What the kernels in C leave to Python."""
    if p == 1:
        return _composition_of_pytorch(kind, x, p)
    reason = _reason_against(x)
    if reason is None:
        return _compose(kind, x, p)
    _left_to_pytorch[reason] += 1
    return _composition_of_pytorch(kind, x, p)


def _other_native(x: Tensor, p: float, train: bool) -> tuple[Tensor, Tensor]:
    """``native_dropout`` of what has no kernel in C, as PyTorch computes it."""
    if not train:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    mask = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p)
    return (x * mask).mul_(0.0 if p == 1 else 1 / (1 - p)), mask  # in place: for integers, that is an error


def _other_native_backward(gradient: Tensor, mask: Tensor, scale: float) -> Tensor:
    return gradient * mask * scale


library.impl("_other", _other, "CompositeImplicitAutograd")
library.impl("_other_native", _other_native, "CPU")
library.impl("_other_native_backward", _other_native_backward, "CPU")


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")


def _rule(kind: int, in_place: bool, other: Callable[[int, Tensor, float], Tensor]) -> Callable[[Tensor, float, bool], Tensor]:
    def rule(x: Tensor, p: float, train: bool) -> Tensor:
        _check_probability(p)
        if not train or p == 0 or x.numel() == 0:
            return x
        y = other(kind, x, p)
        return x.copy_(y) if in_place else y

    return rule


def _in_graph(kind: int, x: Tensor, p: float) -> Tensor:
    return _other(x, p, kind)


def _in_transform(kind: int, x: Tensor, p: float) -> Tensor:
    """Under ``torch.func``: random numbers are drawn out of place there, as each level has its own idea of them."""
    if x.device.type == "cpu" and p < 1:
        reason = _reason_against(x)
        if reason is None:
            return _compose(kind, x, p)
        _left_to_pytorch[reason] += 1
    is_feature, is_alpha = kind in (_FEATURE, _FEATURE_ALPHA), kind in (_ALPHA, _FEATURE_ALPHA)
    if p == 1:
        return x * torch.zeros((), dtype=x.dtype, device=x.device)
    sizes = _feature_sizes(x) if is_feature else x.shape
    noise = torch.bernoulli(torch.empty((), dtype=x.dtype, device=x.device).expand(sizes), 1 - p)
    if not is_alpha:
        return x * (noise / (1 - p))
    alpha = 1.7580993408473766
    a = 1 / ((alpha * alpha * p + 1) * (1 - p)) ** 0.5
    return x * (noise * a) + ((noise - 1) * (alpha * a) + alpha * a * p)


_PYTHON_KEYS = (DispatchKey.AutogradCPU, DispatchKey.CPU)


class _State:
    """What has been put in place, and how to take it out again."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.undo: contextlib.ExitStack | None = None
        self.channels = True


_state = _State()


def _operator_of(kind: int, in_place: bool) -> torch._ops.OpOverload:
    operator: torch._ops.OpOverload = getattr(torch.ops.aten, _KINDS[kind] + ("_" if in_place else "")).default
    return operator


def _kinds(channels: bool) -> tuple[int, ...]:
    return tuple(range(4)) if channels else (_DROPOUT, _ALPHA)


def _forget_compiled() -> None:
    """Whatever was compiled holds the other state's dropouts."""
    for kind in range(4):
        for in_place in (False, True):
            _operator_of(kind, in_place)._dispatch_cache.clear()
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()


def _put_kernels(undo: contextlib.ExitStack, channels: bool) -> None:
    """The kernels in C. PyTorch warns once a process that a kernel is replaced, and shall not: it is what was asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernels = torch.library.Library("aten", "IMPL")
        undo.callback(kernels._destroy)
        for kind in _kinds(channels):
            for in_place in (False, True):
                name = _KINDS[kind] + ("_" if in_place else "")
                kernels.impl(name, _rule(kind, in_place, _in_transform), "FuncTorchDynamicLayerFrontMode")
                kernels.impl(name, _rule(kind, in_place, _in_graph), "Python")  # wrappers and modes in inference mode
    refused = extension.simdrop_torch_enable(int(channels))
    if refused is not None:
        raise RuntimeError(f"simdrop cannot be enabled: PyTorch refused a kernel for {refused.decode()}")
    undo.callback(extension.simdrop_torch_disable)


def _put_rules(undo: contextlib.ExitStack, channels: bool) -> None:
    """The rules that are used while a graph is traced, and only then."""
    for kind in _kinds(channels):
        for in_place in (False, True):
            kernels = _operator_of(kind, in_place).py_kernels
            for key in _PYTHON_KEYS:
                before = kernels.get(key)
                kernels[key] = _rule(kind, in_place, _in_graph)
                if before is None:
                    undo.callback(kernels.pop, key, None)
                else:
                    undo.callback(kernels.__setitem__, key, before)


def _put_tag(undo: contextlib.ExitStack) -> None:
    """Compiled code that is kept on disk is found again by a tag: that of this state, and of this version of simdrop, is another."""
    from torch.compiler import config

    before = config.cache_key_tag
    config.cache_key_tag = f"{before}+simdrop-{__version__}"
    undo.callback(setattr, config, "cache_key_tag", before)


def _watch_tangents(undo: contextlib.ExitStack) -> None:
    """Keep the kernels in C told of levels of forward-mode differentiation."""
    enter, leave = forward_ad.enter_dual_level, forward_ad.exit_dual_level

    def enter_dual_level() -> Any:
        level = enter()
        extension.simdrop_torch_set_tangent_levels(forward_ad._current_level + 1)
        return level

    def exit_dual_level(*, level: int | None = None) -> None:
        leave(level=level)
        extension.simdrop_torch_set_tangent_levels(forward_ad._current_level + 1)

    forward_ad.enter_dual_level, forward_ad.exit_dual_level = enter_dual_level, exit_dual_level
    extension.simdrop_torch_set_tangent_levels(forward_ad._current_level + 1)

    def put_back() -> None:
        forward_ad.enter_dual_level, forward_ad.exit_dual_level = enter, leave

    undo.callback(put_back)


def _run_checkpoints_to_their_ends(undo: contextlib.ExitStack) -> None:
    """Keep recomputation from being cut short by an exception, whose type would be lost on its way through kernels in C.

    The stable interface hands errors over as text. A checkpoint that is not reentrant ends its recomputation at the last tensor that it
    needs with an exception of its own, from within whatever saves that tensor, which may be a dropout.
    """
    checkpoint = torch.utils.checkpoint
    before = checkpoint._enable_checkpoint_early_stop
    checkpoint._enable_checkpoint_early_stop = False
    undo.callback(setattr, checkpoint, "_enable_checkpoint_early_stop", before)


def enable(*, channels: bool = True) -> None:
    """Make every dropout of the CPU in this process simdrop's.

    Parameters
    ----------
    channels : bool, default: True
        Whether that goes for the dropouts of whole channels, too: ``dropout1d``, ``dropout2d``, ``dropout3d`` and
        ``feature_alpha_dropout``. They are bound by memory, and gain no time but that compiled programs draw the masks of others.

    Raises
    ------
    RuntimeError
        If PyTorch has not got what this needs; nothing is changed then.

    Notes
    -----
    Programs that are compiled already are forgotten, and compiled again at their next call, here as in `disable`.

    Examples
    --------
    >>> import torch, simdrop.torch
    >>> simdrop.torch.enable()
    >>> simdrop.torch.is_enabled()
    True
    >>> simdrop.torch.disable()
    """
    with _state.lock:
        if _state.undo is not None and _state.channels == channels:
            return
        disable()
        _hooks.check((*(_operator_of(kind, in_place) for kind in range(4) for in_place in (False, True)), *_operators_of_parts))
        with contextlib.ExitStack() as undo:
            undo.callback(_forget_compiled)
            _put_tag(undo)
            _put_rules(undo, channels)
            _put_kernels(undo, channels)
            _watch_tangents(undo)
            for put in _parts:
                put(undo)
            _run_checkpoints_to_their_ends(undo)
            _forget_compiled()
            _state.undo, _state.channels = undo.pop_all(), channels


def disable() -> None:
    """Give PyTorch its own dropouts back."""
    with _state.lock:
        undo, _state.undo = _state.undo, None
        if undo is not None:
            undo.close()


def is_enabled() -> bool:
    """Whether dropouts of the CPU are simdrop's."""
    return _state.undo is not None


@contextlib.contextmanager
def enabled(*, channels: bool = True) -> Iterator[None]:
    """Enable simdrop for a block, and then leave all as it was before.

    Parameters
    ----------
    channels : bool, default: True
        As for `enable`.
    """
    before = (is_enabled(), _state.channels)
    enable(channels=channels)
    try:
        yield
    finally:
        disable()
        if before[0]:
            enable(channels=before[1])


@dataclasses.dataclass(frozen=True)
class Report:
    """How many calls of dropout went where, since the process began or `report` was last called with ``reset=True``.

    Attributes
    ----------
    direct : dict of str to int
        Calls of each dropout that simdrop's kernels took over from PyTorch; and of attention with dropout, also while a graph was traced.
    operators : int
        Calls that became calls of simdrop's operators: while a graph was traced (once, however often it then runs), under ``torch.func``,
        in forward mode, under modes, of sharded tensors.
    pytorch : dict of str to int
        Calls that were left to PyTorch's own composition, by the type of element, layout or class that simdrop has nothing for.
    """

    direct: dict[str, int]
    operators: int
    pytorch: dict[str, int]

    def __str__(self) -> str:
        def listing(counts: dict[str, int]) -> str:
            return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"

        return f"by simdrop: {listing(self.direct)}; as operators: {self.operators}; left to PyTorch: {listing(self.pytorch)}"


def report(*, reset: bool = False) -> Report:
    """Tell how many calls went through simdrop, and what was left to PyTorch.

    Parameters
    ----------
    reset : bool, default: False
        Begin to count from 0 again.

    Returns
    -------
    Report
    """
    global _operator_calls
    calls = (ctypes.c_uint64 * 4)()
    extension.simdrop_torch_read_calls(calls)
    result = Report(
        direct={name: count for name, count in zip(_KINDS, calls, strict=True) if count} | dict(_calls_of_parts),
        operators=_operator_calls,
        pytorch=dict(_left_to_pytorch),
    )
    if reset:
        extension.simdrop_torch_reset_calls()
        _operator_calls = 0
        _left_to_pytorch.clear()
        _calls_of_parts.clear()
    return result
