"""What simdrop uses of PyTorch that is no public interface, and may have gone or changed in a version of it that nobody has tried.

`enable` looks for all of it before it changes anything, so that it refuses rather than half works.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable
from typing import Any

import torch

__all__ = ["HOOKS", "OPERATOR_HOOKS", "PARTITIONER_HOOKS", "check", "check_partitioner", "refusal"]

HOOKS = (
    ("torch._C", "DispatchKey"),
    ("torch._C", "DispatchKeySet"),
    ("torch._C", "_AutoDispatchBelowAutograd"),
    ("torch._C", "_ExcludeDispatchKeyGuard"),
    ("torch._C", "_after_autograd_keyset"),
    ("torch._C", "_disabled_torch_dispatch_impl"),
    ("torch._C._functorch", "_add_batch_dim"),
    ("torch._C._functorch", "_unwrap_batched"),
    ("torch._C._functorch", "peek_interpreter_stack"),
    ("torch._functorch.pyfunctorch", "retrieve_current_functorch_interpreter"),
    ("torch._functorch.utils", "enable_single_level_autograd_function"),
    ("torch._subclasses.fake_tensor", "FakeTensor"),
    ("torch._subclasses.functional_tensor", "FunctionalTensor"),
    ("torch.autograd.forward_ad", "_current_level"),
    ("torch.autograd.forward_ad", "_set_fwd_grad_enabled"),
    ("torch.autograd.forward_ad", "enter_dual_level"),
    ("torch.autograd.forward_ad", "exit_dual_level"),
    ("torch.autograd.function", "_SingleLevelFunction"),
    ("torch.compiler.config", "cache_key_tag"),
    ("torch.fx.experimental.proxy_tensor", "ProxyTorchDispatchMode"),
    ("torch.fx.experimental.proxy_tensor", "proxy_call"),
    ("torch.library.Library", "_destroy"),
    ("torch.ops.aten", "_safe_softmax"),
    ("torch.ops.aten", "_scaled_dot_product_attention_math"),
    ("torch.utils.checkpoint", "_enable_checkpoint_early_stop"),
)
"""Modules, classes and namespaces, and what must be in them."""

OPERATOR_HOOKS = ("_dispatch_cache", "_op_dk", "py_kernels", "redispatch")
"""What each operator must have that is replaced."""

PARTITIONER_HOOKS = (
    ("torch._functorch.compile_utils", "rand_ops", r"^rand_ops\b"),
    ("torch._functorch.partitioners", "choose_saved_values_set", r"^def choose_saved_values_set\(\s*joint_graph\b[^,]*,\s*node_info\b"),
    ("torch._functorch.partitioners", "NodeInfo.required_fw_nodes", r"^ +(def )?required_fw_nodes\b"),
)
"""What says that keys are random, and saved; and how it looks in the source, since to import it takes longer than all else."""


def refusal(missing: str) -> str:
    """Say what is missing."""
    return f"simdrop cannot be enabled: PyTorch {torch.__version__} has no {missing}"


def _find(path: str) -> Any:
    """Give a module, or what is in one; None if there is none."""
    here: Any = torch
    for depth, name in enumerate(path.split(".")[1:], 2):
        inner = getattr(here, name, None)
        if inner is None:
            try:
                inner = importlib.import_module(".".join(path.split(".")[:depth]))
            except ImportError:
                return None
        here = inner
    return here


def _require(path: str, name: str) -> None:
    if not hasattr(_find(path), name):
        raise RuntimeError(refusal(f"{path}.{name}"))


def _is_in_partitioner(module: str, name: str, pattern: str) -> bool:
    if module in sys.modules:
        outer, _, inner = name.partition(".")
        found: Any = getattr(sys.modules[module], outer, None)
        if name == "choose_saved_values_set" and found is not None:
            return list(inspect.signature(found).parameters)[:2] == ["joint_graph", "node_info"]
        return found is not None and (not inner or hasattr(found, inner) or inner in getattr(found, "__annotations__", ()))
    specification = importlib.util.find_spec(module)
    if specification is None or specification.loader is None:
        return False
    source: str | None = getattr(specification.loader, "get_source", lambda name: None)(module)
    return source is None or re.search(pattern, source, re.MULTILINE) is not None


def check_partitioner() -> None:
    """Refuse a PyTorch whose compiler cannot be taught what a key is."""
    for module, name, pattern in PARTITIONER_HOOKS:
        if not _is_in_partitioner(module, name, pattern):
            raise RuntimeError(refusal(f"{module}.{name}"))


def check(operators: Iterable[torch._ops.OpOverload]) -> None:
    """Refuse a PyTorch that lacks anything.

    Parameters
    ----------
    operators : iterable of OpOverload
        Those that are to be replaced.
    """
    for path, name in HOOKS:
        _require(path, name)
    for operator in operators:
        for name in OPERATOR_HOOKS:
            if not hasattr(operator, name):
                raise RuntimeError(refusal(f"torch._ops.OpOverload.{name}"))
    check_partitioner()
