"""The compiled part: found, loaded and bound to the PyTorch that is imported."""

from __future__ import annotations

import ctypes
import importlib.machinery
import pathlib
import sys

import torch

from simdrop._backends import LIBRARIES, on_use_backend

LIBTORCH = pathlib.Path(torch.__file__).parent / "lib" / {"darwin": "libtorch_cpu.dylib"}.get(sys.platform, "libtorch_cpu.so")


def _find_extension() -> pathlib.Path:
    for suffix in (".so", *importlib.machinery.EXTENSION_SUFFIXES):
        path = LIBRARIES / "torch" / f"_ops{suffix}"
        if path.exists():
            return path
    raise ImportError("simdrop was built without its PyTorch part (simdrop/torch/_ops.so is missing)")


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_find_extension()))
    library.simdrop_torch_use_backend.argtypes = [ctypes.c_char_p]
    library.simdrop_torch_load.argtypes = [ctypes.c_char_p]
    library.simdrop_torch_load.restype = ctypes.c_char_p
    missing = library.simdrop_torch_load(str(LIBTORCH).encode())
    if missing is not None:
        raise ImportError(f"simdrop needs PyTorch 2.10 or later: PyTorch {torch.__version__} has no {missing.decode()}")
    return library


extension: ctypes.CDLL = _load()


extension.simdrop_torch_current_backend.restype = ctypes.c_char_p


def _use_backend(name: str | None) -> None:
    extension.simdrop_torch_use_backend(None if name is None else name.encode())


on_use_backend(_use_backend)
