#!/usr/bin/env python3
"""Tests of the completion of command lines in bash: test_completion.py PATH_OF_SIMDROP [name of a test ...]

bash is asked for completions of words as it would cut a line into; once it is an interactive one on a terminal, with bash-completion, if
that is installed. One line a test; the exit status is 1 if one fails.

Seen to fail, each by the test in brackets: options with an h not found in help (options, values), options offered again (given_options),
the words of --option=value not seen (values_joined, files), the beginning of a list dropped, "all" offered in the middle of one (lists),
files of any ending for IN.npy (operands), options offered behind -- (dashes), commands with an s not found (all), backends asked of the command
that is completed (backends), a tool that there is not run (no_tool), a variable that is not local (unset_variables), the script installed
under its source's name (terminal).
"""
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = ""  # set by main
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/simdrop/completion/simdrop.bash")
LOADER = "/usr/share/bash-completion/bash_completion"

# compopt says outside of a completion that there is none.
ASK = """source "$1"; shift
compopt() { echo "compopt $*" >&2; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_simdrop "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


def ask(*words, folder=None, tool=None):
    """What is offered for the last of these words, and what bash is told of it."""
    done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", SCRIPT, tool or TOOL, *words], capture_output=True, text=True,
                          timeout=60, check=True, cwd=folder)
    return done.stdout.splitlines(), done.stderr


def offered(*words, **options):
    return ask(*words, **options)[0]


def commands():
    text = subprocess.run([TOOL, "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  (\S+)  ", text, re.MULTILINE)


def backends():
    text = subprocess.run([TOOL, "info", "--json"], capture_output=True, text=True, check=True).stdout
    return [backend["name"] for backend in json.loads(text)["backends"] if backend["supported"]]


def choices(command, option):
    """By the sentence that refuses what is no choice."""
    text = subprocess.run([TOOL, command, option, "?"], capture_output=True, text=True).stderr
    return re.search(r"(?:one of|some of) (.*), not", text).group(1).split(", ")


class TestCompletion(unittest.TestCase):
    maxDiff = None

    def test_commands(self):
        self.assertEqual(len(commands()), 5)
        self.assertEqual(offered(""), [*commands(), "help", "--help", "--version"])
        self.assertEqual(offered("ma"), ["mask"])
        self.assertEqual(offered("--v"), ["--version"])
        self.assertEqual(offered("help", ""), commands())
        self.assertEqual(offered("help", "mask", ""), [])
        self.assertEqual(offered("masks", ""), [])
        self.assertEqual(offered("ma", ""), [])

    def test_options(self):
        for command in commands():
            done = subprocess.run([TOOL, "help", command], capture_output=True, text=True)
            if done.returncode == 0:  # verify may be left out
                self.assertEqual(offered(command, "-"), re.findall(r"^  (--\S+)", done.stdout, re.MULTILINE))
        self.assertEqual(offered("mask", "--o"), ["--offset", "--output"])
        self.assertEqual(offered("mask", ""), offered("mask", "-"))

    def test_given_options(self):
        self.assertNotIn("--seed", offered("mask", "--seed", "7", "-"))
        self.assertNotIn("--seed", offered("mask", "--seed", "=", "7", "-"))
        self.assertIn("--stream", offered("mask", "--seed", "7", "-"))
        self.assertEqual(offered("mask", "--seed", "7", "--seed"), [])

    def test_values(self):
        self.assertEqual(offered("mask", "--format", ""), ["bits", "bytes", "hex"])
        self.assertEqual(offered("mask", "--format", "b"), ["bits", "bytes"])
        self.assertEqual(offered("apply", "--channels", ""), ["first", "last"])
        self.assertEqual(offered("apply", "--dtype", ""), choices("apply", "--dtype"))
        self.assertEqual(offered("bench", "--short", "--fr"), ["--fresh"])
        self.assertEqual(offered("mask", "--seed", ""), [])
        self.assertEqual(offered("mask", "--p", "0"), [])
        self.assertIn("--count", offered("mask", "--p", "--"))

    def test_values_joined(self):
        self.assertEqual(offered("mask", "--format", "="), ["bits", "bytes", "hex"])
        self.assertEqual(offered("mask", "--format", "=", "by"), ["bytes"])

    def test_backends(self):
        for command in ("info", "mask", "apply"):
            self.assertEqual(offered(command, "--backend", ""), backends())
        self.assertEqual(offered("bench", "--backend", ""), ["all", *backends()])
        self.assertEqual(offered("mask", "--backend", "sc"), ["scalar"])

    def test_lists(self):
        kernels = choices("bench", "--kernel")
        self.assertIn("apply-bits", kernels)
        self.assertEqual(offered("bench", "--kernel", ""), ["all", *kernels])
        self.assertEqual(offered("bench", "--layout", ""), ["all", *choices("bench", "--layout")])
        replies, told = ask("bench", "--kernel", "memcpy,forward-b")
        self.assertEqual(replies, ["memcpy,forward-bits", "memcpy,forward-bytes"])
        self.assertIn("nospace", told)
        self.assertEqual(offered("bench", "--kernel", "memcpy,"), ["memcpy," + kernel for kernel in kernels])
        self.assertEqual(offered("bench", "--backend", "avx2,sc"), ["avx2,scalar"])
        ways = offered("bench", "--memory", "")
        self.assertEqual(ways[:3], ["all", "learned", "cached"])
        self.assertEqual(offered("bench", "--memory", "cached,l"), ["cached,learned"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a.npy", "a b.npy", "a.bin"):
                open(os.path.join(folder, name), "w").close()
            os.mkdir(os.path.join(folder, "at"))
            replies, told = ask("mask", "--output", "a", folder=folder)
            self.assertEqual(sorted(replies), ["a b.npy", "a.bin", "a.npy", "at"])
            self.assertIn("filenames", told)
            self.assertEqual(sorted(offered("apply", "--bits", "a.", folder=folder)), ["a.bin", "a.npy"])
            self.assertEqual(offered("bench", "--json", "=", "at", folder=folder), ["at"])

    def test_operands(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a.npy", "a b.npy", "a.bin"):
                open(os.path.join(folder, name), "w").close()
            os.mkdir(os.path.join(folder, "at"))
            for words in (("apply", ""), ("apply", "a.npy", ""), ("apply", "--p", "0.1", "a")):
                self.assertEqual(sorted(offered(*words, folder=folder)), ["a b.npy", "a.npy", "at"])
            self.assertEqual(offered("info", "a", folder=folder), [])

    def test_dashes(self):
        with tempfile.TemporaryDirectory() as folder:
            open(os.path.join(folder, "-x.npy"), "w").close()
            self.assertEqual(offered("apply", "--", "-", folder=folder), ["-x.npy"])
            self.assertEqual(offered("mask", "--", "-", folder=folder), [])

    def test_no_tool(self):
        self.assertEqual(offered("", tool="/none/simdrop"), [])
        self.assertEqual(offered("mask", "--format", "", tool="/none/simdrop"), [])

    def test_unset_variables(self):
        """No word of the script's counts on a variable that there may not be, nor leaves one behind."""
        text = 'set -u; source "$1"; before=$(compgen -v); COMP_WORDS=("$2" mask --format b); COMP_CWORD=3; compopt() { :; }; ' \
            '_simdrop "$2"; diff <(echo "$before") <(compgen -v | grep -v ^before$) | grep "^>"; echo "${COMPREPLY[*]}"'
        done = subprocess.run(["bash", "--norc", "-c", text, "bash", SCRIPT, TOOL], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        self.assertEqual({line for line in done.stdout.splitlines() if line.startswith(">")} -
                         {"> BASH_REMATCH", "> COMPREPLY", "> COMP_CWORD", "> COMP_WORDS", "> MAPFILE", "> PIPESTATUS"}, set())
        self.assertEqual(done.stdout.splitlines()[-1], "bits bytes")

    def test_terminal(self):
        """An interactive bash, which finds the script where it is installed."""
        if not os.path.exists(LOADER):
            self.skipTest("bash-completion is not installed")
        with tempfile.TemporaryDirectory() as folder:
            place = os.path.join(folder, "share/bash-completion/completions")
            os.makedirs(place)
            os.mkdir(os.path.join(folder, "bin"))
            shutil.copy(SCRIPT, os.path.join(place, "simdrop"))
            os.symlink(TOOL, os.path.join(folder, "bin/simdrop"))
            environment = dict(os.environ, PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"], PS1="ready> ", TERM="dumb",
                               XDG_DATA_DIRS=os.path.join(folder, "share"), HOME=folder, HISTFILE="")
            child, terminal = pty.fork()
            if child == 0:
                os.chdir(folder)
                os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
            try:
                def until(pattern):
                    text = b""
                    end = time.monotonic() + 30
                    while not re.search(pattern, text):
                        self.assertTrue(time.monotonic() < end and select.select([terminal], [], [], 30)[0], text)
                        text += os.read(terminal, 4096)
                    return text

                until(b"ready> ")
                os.write(terminal, b"bind 'set bell-style none'; source %s\n" % LOADER.encode())
                until(b"ready> $")
                os.write(terminal, b"simdrop ma\t--form\thex --p=1 --count=8 --ba\tsc\t\n")
                self.assertRegex(until(b"\n[0-9a-f]{2}\r?\n"), rb"simdrop mask --format hex --p=1 --count=8 --backend scalar \r?\n00\r?\n")
                os.write(terminal, b"exit\n")
            finally:
                os.close(terminal)
                os.waitpid(child, 0)


class LineResult(unittest.TestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        print("ok " + test.id().split(".")[-1], flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print("skipped " + test.id().split(".")[-1] + ": " + reason, flush=True)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        print(self.failures[-1][1] + "FAILED " + test.id().split(".")[-1], flush=True)

    def addError(self, test, error):
        super().addError(test, error)
        print(self.errors[-1][1] + "FAILED " + test.id().split(".")[-1], flush=True)


def main():
    global TOOL
    TOOL = os.path.abspath(sys.argv[1])
    names = ["TestCompletion." + name if name.startswith("test_") else name for name in sys.argv[2:]]
    loader = unittest.defaultTestLoader
    module = sys.modules[__name__]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    return 0 if suite.run(LineResult()).wasSuccessful() else 1


sys.exit(main())
