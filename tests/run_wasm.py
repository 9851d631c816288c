"""run_wasm.py PROGRAM [ARGUMENT...]: runs a WebAssembly program for WASI with PyPI's wasmtime. It sees this tree's files, under the
paths that they have here, and the environment."""

import pathlib
import sys

import wasmtime

TREE = str(pathlib.Path(__file__).resolve().parents[1])


def main():
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
