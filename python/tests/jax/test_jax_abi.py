"""What python/jax/xla_ffi.h says of XLA's interface, and the handler's answers to calls that XLA never makes."""

import ctypes
import os
import pathlib
import shutil
import subprocess

import pytest

ffi = pytest.importorskip("jax.ffi")

from simdrop.jax import _primitive  # noqa: E402

HERE = pathlib.Path(__file__).parent
SOURCES = HERE.parents[1] / "jax"


def compile_abi(declarations):
    compiler = shutil.which(os.environ.get("CC", "cc"))
    headers = pathlib.Path(ffi.include_dir())
    if compiler is None:
        pytest.skip("no C compiler")
    if not (headers / "xla/ffi/api/c_api.h").exists():
        pytest.skip("jaxlib has no headers")
    command = [compiler, "-std=c11", "-fsyntax-only", f"-I{declarations}", f"-I{headers}", str(HERE / "abi.c")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_declarations_are_those_of_jaxlib():
    done = compile_abi(SOURCES)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("XLA_TYPE_BF16 = 16", "XLA_TYPE_BF16 = 17"),
        ("int64_t rank;", "int32_t rank;"),
        ("not_used[8]", "not_used[7]"),
        ("  int stage;\n", ""),
    ],
)
def test_a_wrong_declaration_does_not_compile(tmp_path, line, wrong):
    text = (SOURCES / "xla_ffi.h").read_text()
    assert line in text
    (tmp_path / "xla_ffi.h").write_text(text.replace(line, wrong))
    assert compile_abi(tmp_path).returncode != 0


class Extension(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("type", ctypes.c_int), ("next", ctypes.c_void_p)]


class Version(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension_start", ctypes.c_void_p),
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
    ]


class Metadata(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("version", Version), ("traits", ctypes.c_uint32), ("state", ctypes.c_int64)]


class MetadataExtension(ctypes.Structure):
    _fields_ = [("base", Extension), ("metadata", ctypes.POINTER(Metadata))]


CREATE_ERROR = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)


class Api(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension_start", ctypes.c_void_p),
        ("version", Version),
        ("internal", ctypes.c_void_p),
        ("create_error", CREATE_ERROR),
        ("others", ctypes.c_void_p * 20),
    ]


class Call(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension_start", ctypes.c_void_p),
        ("api", ctypes.POINTER(Api)),
        ("context", ctypes.c_void_p),
        ("stage", ctypes.c_int),
        ("lists", ctypes.c_uint64 * 17),
    ]


def handler():
    function = _primitive._LIBRARY["simdrop_xla_dropout"]
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p]
    return function


def ask(minor):
    """What the handler answers to an XLA of version 0.minor that asks for metadata."""
    metadata = Metadata(struct_size=Metadata.state.offset - 4, traits=99, state=77)
    extension = MetadataExtension(Extension(ctypes.sizeof(Extension), 1, None), ctypes.pointer(metadata))
    other = Extension(ctypes.sizeof(Extension), 1000, ctypes.addressof(extension))
    api = Api(struct_size=ctypes.sizeof(Api), version=Version(24, None, 0, minor))
    call = Call(ctypes.sizeof(Call), ctypes.addressof(other), ctypes.pointer(api))
    assert handler()(ctypes.addressof(call)) is None
    return metadata


@pytest.mark.parametrize(("theirs", "answer"), [(3, 3), (9, 3), (1, 1)])
def test_metadata(theirs, answer):
    metadata = ask(theirs)
    assert (metadata.version.major, metadata.version.minor, metadata.traits) == (0, answer, 0)
    assert metadata.version.struct_size == ctypes.sizeof(Version)
    assert metadata.state == 77


@pytest.mark.parametrize("change", ["frame", "api", "stage", "operands"])
def test_calls_that_are_not_understood(change):
    errors = []

    @CREATE_ERROR
    def create_error(arguments):
        message = ctypes.cast(arguments + 16, ctypes.POINTER(ctypes.c_char_p))[0]
        errors.append(message.decode())
        return 4711

    api = Api(struct_size=ctypes.sizeof(Api), version=Version(24, None, 0, 3), create_error=create_error)
    call = Call(ctypes.sizeof(Call), None, ctypes.pointer(api), None, 3)
    if change == "frame":
        call.struct_size = 32
    elif change == "api":
        api.struct_size = 64
    elif change == "stage":
        call.stage = 1
    assert handler()(ctypes.addressof(call)) == 4711
    expected = {"frame": "older interface", "api": "older interface", "stage": "execute", "operands": "operands"}
    assert expected[change] in errors[0]


def test_the_library_needs_nothing_of_jaxlib():
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("no readelf")
    listed = subprocess.run([readelf, "-d", _primitive._LIBRARY._name], capture_output=True, text=True, check=True).stdout
    needed = [line for line in listed.splitlines() if "NEEDED" in line]
    assert needed
    assert not [line for line in needed if "jax" in line or "xla" in line or "python" in line or "stdc++" in line]
