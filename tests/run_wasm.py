"""run_wasm.py PROGRAM [ARGUMENT...]: runs a WebAssembly program for WASI with PyPI's wasmtime. It sees this tree's files, under the
paths that they have here, and the environment. run_wasm.py --has-vectors PROGRAM: whether an engine without SIMD128 refuses it, and one
with it does not."""

import pathlib
import sys

import wasmtime

TREE = str(pathlib.Path(__file__).resolve().parents[1])


def has_vectors(program):
    config = wasmtime.Config()
    config.wasm_relaxed_simd = False  # which is a part of the other
    config.wasm_simd = False
    wasmtime.Module.from_file(wasmtime.Engine(), program)
    try:
        wasmtime.Module.from_file(wasmtime.Engine(config), program)
    except wasmtime.WasmtimeError as error:
        print(error)
        return "simd" in str(error).lower()
    return False


def main():
    if sys.argv[1] == "--has-vectors":
        return 0 if has_vectors(sys.argv[2]) else 1
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    wasi = wasmtime.WasiConfig()
    wasi.argv = sys.argv[1:]
    wasi.inherit_env()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    wasi.preopen_dir(TREE, TREE, False)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    program = linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[1]))
    try:
        program.exports(store)["_start"](store)
    except wasmtime.ExitTrap as end:
        return end.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
