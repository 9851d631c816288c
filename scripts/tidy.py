"""clang-tidy over every C and C++ source, with the compile commands of build folders (clang's: it knows none of gcc's flags); a file that
several compile is looked at as the first does it. What no build compiles gets plain flags. Prints a line a file.

    python3 scripts/tidy.py [--part K/N] BUILD...       # every N-th file alone, from number K mod N on
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tools", "tests", "bench", "examples", "python")
# Their headers are those of libraries that nothing here installs.
FOREIGN = ("bench/peers/libxsmm.c", "bench/peers/mkl.c", "bench/peers/onednn.c", "bench/peers/random123.c", "python/tests/jax/abi.c", "tests/conformance/smallcrush.c")


def plain_command(path):
    arguments = ["clang", "-D_GNU_SOURCE", "-Iinclude", "-Isrc"]
    arguments += ["-std=c11"] if path.suffix == ".c" else ["-std=c++17"]
    if path.parts[0] == "python":
        arguments += ["-DPy_LIMITED_API=0x030b0000", "-DSIMDROP_STATIC", "-isystem", sysconfig.get_path("include")]
    if str(path.parent) == "examples/dropin/eigen":
        arguments += ["-isystem", "/usr/include/eigen3"]  # Debian's, as pkg-config says
    if str(path.parent) == "bench/neon_model":
        arguments += ["--target=aarch64-linux-gnu"]
    if "<omp.h>" in (ROOT / path).read_text():
        # gcc's header, since clang has its own only with its library; there, an attribute has arguments that clang does not know.
        folder = subprocess.run(["gcc", "-print-file-name=include"], capture_output=True, text=True, check=True).stdout.strip()
        arguments += ["-fopenmp", "-Itests", "-idirafter", folder, "-D__malloc__(...)=__malloc__"]
    return {"directory": str(ROOT), "file": str(ROOT / path), "arguments": arguments + ["-c", str(path)]}


def compile_commands(builds):
    """One for each source, by its path in the tree."""
    commands = {}
    for build in builds:
        for command in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
            path = pathlib.Path(command["directory"], command["file"]).resolve()
            if path.is_relative_to(ROOT):
                commands.setdefault(path.relative_to(ROOT), command)
    return commands


def check(database, path):
    run = subprocess.run(["clang-tidy", "--quiet", "-p", database, str(ROOT / path)], capture_output=True, text=True)
    if run.returncode == 0:
        return f"ok clang-tidy {path}", True
    return f"{run.stdout}{run.stderr}FAILED clang-tidy {path}", False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="0/1", metavar="K/N")
    parser.add_argument("builds", nargs="+", metavar="BUILD")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    if shutil.which("clang-tidy") is None:
        print("skipped clang-tidy: it is not installed")
        return 0
    commands = compile_commands(arguments.builds)
    sources = sorted(path.relative_to(ROOT) for folder in FOLDERS for suffix in ("*.c", "*.cpp") for path in (ROOT / folder).rglob(suffix))[part % parts::parts]
    checked = []
    for path in sources:
        if path in commands or str(path) not in FOREIGN and path.parts[:2] != ("src", "neon"):
            commands.setdefault(path, plain_command(path))
            checked.append(path)
        else:
            print(f"skipped clang-tidy {path}: it needs the headers of libraries that are not installed")
    with tempfile.TemporaryDirectory() as database, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        pathlib.Path(database, "compile_commands.json").write_text(json.dumps([commands[path] for path in checked]))
        good = True
        # C++ takes longest, and so begins first.
        for line, passed in pool.map(lambda path: check(database, path), sorted(checked, key=lambda path: path.suffix != ".cpp")):
            print(line, flush=True)
            good &= passed
    return 0 if good else 1


sys.exit(main())
