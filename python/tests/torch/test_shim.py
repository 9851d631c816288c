"""The extension's declarations of PyTorch's C functions against those of the installed headers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import simdrop.torch  # noqa: E402, F401
from simdrop.torch._extension import extension  # noqa: E402

SOURCES = Path(__file__).resolve().parents[2] / "torch"

PROGRAM = """
#include <torch/csrc/stable/c/shim.h>
#include <torch/headeronly/version.h>
#include <type_traits>

#define SIMDROP_TORCH_SHIM_TYPES_ARE_DECLARED
#include "shim.h"

#define IS_SAME(result, name, parameters) \\
  static_assert(std::is_same_v<decltype(&::name), result(*) parameters>, #name);
SIMDROP_TORCH_SHIM(IS_SAME)
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 13
SIMDROP_TORCH_SHIM_LATER(IS_SAME)
#endif
static_assert(sizeof(AOTITorchError) == 4 && sizeof(StableIValue) == 8);
"""


def test_declarations_are_those_of_the_headers(tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    headers = Path(torch.__file__).parent / "include"
    if compiler is None or not headers.exists() or not SOURCES.exists():
        pytest.skip("needs a C++ compiler, PyTorch's headers and simdrop's sources")
    source = tmp_path / "shim.cpp"

    def compile_program(text: str) -> subprocess.CompletedProcess[str]:
        source.write_text(text)
        command = [compiler, "-std=c++20", "-fsyntax-only", f"-I{headers}", f"-I{SOURCES}", str(source)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    result = compile_program(PROGRAM)
    assert result.returncode == 0, result.stderr
    wrong = PROGRAM + "\nIS_SAME(int, torch_get_num_threads, (int))\n"
    assert compile_program(wrong).returncode != 0


def test_a_pytorch_without_a_function_is_refused_by_its_name() -> None:
    import ctypes

    libc = next((name for name in ("libc.so.6", "libSystem.B.dylib", "libc.musl-x86_64.so.1") if _opens(name)), None)
    if libc is None:
        pytest.skip("no library to stand in for an old PyTorch")
    path = ctypes.CDLL(str(extension._name))
    path.simdrop_torch_load.restype = ctypes.c_char_p
    libtorch = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        assert path.simdrop_torch_load(libc.encode()) == b"aoti_torch_abi_version"
        assert path.simdrop_torch_load(b"no/such/library.so") == b"no/such/library.so"
    finally:
        assert path.simdrop_torch_load(str(libtorch).encode()) is None


def _opens(name: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
