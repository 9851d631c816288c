"""``python -m simdrop.torch [-m module | script.py] [arguments]``: run a program with simdrop in the place of PyTorch's dropouts."""

from __future__ import annotations

import argparse
import runpy
import sys

from . import enable, report


def main() -> None:
    """Run the program that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m simdrop.torch", description="Run a Python program with simdrop in the place of PyTorch's dropouts of the CPU."
    )
    parser.add_argument("--report", action="store_true", help="say at the end, on stderr, how many calls went where")
    parser.add_argument("-m", dest="is_module", action="store_true", help="the program is a module")
    parser.add_argument("program", help="a script, or with -m a module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    options = parser.parse_args()

    sys.argv = [options.program, *options.arguments]
    enable()
    try:
        if options.is_module:
            runpy.run_module(options.program, run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = str(__import__("pathlib").Path(options.program).resolve().parent)
            runpy.run_path(options.program, run_name="__main__")
    finally:
        if options.report:
            print(f"simdrop: {report()}", file=sys.stderr)


if __name__ == "__main__":
    main()
