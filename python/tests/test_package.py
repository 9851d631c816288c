"""The package: examples in docstrings, signatures, types, what is in the wheel."""

from __future__ import annotations

import doctest
import importlib.metadata
import inspect
import json
import os
import pathlib
import subprocess
import sys
import sysconfig

import numpy as np
import pytest

import simdrop
from simdrop import _backends, _core

FUNCTIONS = [
    simdrop.dropout,
    simdrop.mask,
    simdrop.apply_bits,
    simdrop.scale,
    simdrop.Generator,
    simdrop.backends,
    simdrop.use_backend,
    simdrop.show_config,
]


@pytest.mark.parametrize("module", [_core, _backends], ids=lambda module: module.__name__)
def test_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_docstrings_have_every_argument(function):
    assert function.__doc__ and "Examples\n" in inspect.getdoc(function)
    for name in inspect.signature(function).parameters:
        assert name in inspect.getdoc(function)


def test_all_names():
    assert all(hasattr(simdrop, name) for name in simdrop.__all__)


def test_show_config(capsys):
    config = simdrop.show_config("dicts")
    assert json.loads(json.dumps(config)) == config
    assert simdrop.show_config() is None
    printed = capsys.readouterr().out
    assert all(value in printed for part in config.values() for value in part.values())
    assert config["packages"]["numpy"] == np.__version__
    with pytest.raises(ValueError, match="mode"):
        simdrop.show_config("yaml")


def test_the_environment_chooses():
    code = "import simdrop; print(simdrop.show_config('dicts')['backend']['current'])"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "SIMDROP_BACKEND": "scalar"}
    )
    assert printed.stdout == "scalar\n"


def test_the_extension_needs_nothing_but_python_and_c():
    """Of the symbols of Python, those of the limited API alone; of its own, one."""
    elf = pytest.importorskip("elftools.elf.elffile")
    with pathlib.Path(_core.__file__).open("rb") as file:
        symbols = list(elf.ELFFile(file).get_section_by_name(".dynsym").iter_symbols())
        libraries = [tag.needed for tag in elf.ELFFile(file).get_section_by_name(".dynamic").iter_tags("DT_NEEDED")]
    own = [s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["bind"] == "STB_GLOBAL"]
    assert own == ["PyInit__core"]
    assert sysconfig.get_config_var("Py_GIL_DISABLED") or not [  # which have no limited API
        s.name
        for s in symbols
        if s["st_shndx"] == "SHN_UNDEF"
        and s.name.startswith("_Py")
        and s.name not in ("_Py_Dealloc", "_Py_NoneStruct", "_Py_TrueStruct", "_Py_FalseStruct", "_Py_NotImplementedStruct")
    ]
    assert all(
        name.split(".so")[0] in ("libc", "libm", "libpthread", "ld-linux-x86-64", "libsleef") or name.startswith("libsleef")
        for name in libraries
    )


LICENCES = {"LICENSE": "Apache License", "SLEEF.txt": "Boost Software License", "Highway.txt": "Google LLC"}
OTHERS_LIBRARIES = {"libsleef": "SLEEF.txt"}


def test_the_licences_of_what_is_inside():
    """Whatever of other people's a wheel brings along comes with its licence, and the distribution's metadata names it."""
    distribution = importlib.metadata.distribution("simdrop")
    files = {file.name: file.locate().read_text() for file in distribution.files or [] if "licenses" in file.parts}
    assert files.keys() == LICENCES.keys()
    assert all(words in files[name] for name, words in LICENCES.items())
    assert '(the "Software") to use, reproduce, display, distribute' in files["SLEEF.txt"]
    assert distribution.metadata["License-Expression"] == "Apache-2.0 AND BSL-1.0"
    bundled = pathlib.Path(_core.__file__).parents[1] / "simdrop.libs"  # auditwheel's
    for library in bundled.glob("*") if bundled.exists() else []:
        assert OTHERS_LIBRARIES[library.name.split("-")[0].split(".so")[0]] in files


USER_PROGRAM = """
import numpy as np
import simdrop

y: np.ndarray = simdrop.dropout(np.ones(3, np.float32), 0.5, seed=1, mask_shape=(3,))
out = np.empty(3, np.float32)
same: np.ndarray = simdrop.dropout([1.0, 2.0, 3.0], seed=np.random.default_rng(1), out=out)
kept: "np.typing.NDArray[np.bool_]" = simdrop.mask((3, 4), 0.5, seed=1)
generator = simdrop.Generator(7).spawn(2)[0]
z: np.ndarray = generator.dropout(y, 0.1, threads=2)
config: dict[str, dict[str, str]] = simdrop.show_config("dicts")
"""


# What is installed is named by its modules: named by its files, all that lies beside them would pass for the program's own.
@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["mypy", "--strict", "user.py"],
        ["mypy", "--strict", "-m", "simdrop", "-m", "simdrop._backends"],
        ["mypy.stubtest", "simdrop._core"],
    ],
    ids=["program", "package", "stubs"],
)
def test_types(arguments, tmp_path):
    pytest.importorskip("mypy")
    package = pathlib.Path(simdrop.__file__).parent
    (tmp_path / "user.py").write_text(USER_PROGRAM)
    # mypy finds what is installed by itself, and refuses to be told of it.
    path = {} if package.parent.name == "site-packages" else {"MYPYPATH": str(package.parent)}
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **path},
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
