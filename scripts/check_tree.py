"""What no compiler sees of this tree: that every file that a comment or a page names exists, that no include of the library or the tool
points upward, and that the public host's workflow runs every group of scripts/test.sh. Prints a line a check.

Seen to fail: a page and a comment with the name of no file, engine/driver.h with layout's plan.h and a shared header with one of verify's,
a group misspelled, a script of a workflow's misspelled.
"""
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tokenize

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = re.compile(r"(?<![\w/<.*%$}~{-])(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)*\.(?:c|h|cpp|py|sh|md|txt|cmake|svg|yml|toml|in|abi)\b(?![\w(>*/])")
# Names of files that are not in this tree: the user's, what a build or a program makes, and other people's.
ELSEWHERE = {
    "the user's": "FILE.c my_program.c program.c program.py script.py vendor/simdrop/simdrop.c",
    "Linux's": "asm/hwcap.h uapi/asm/hwcap.h",
    "PyTorch's": "torch/csrc/inductor/aoti_torch/c/shim.h torch/csrc/stable/c/shim.h torch/csrc/stable/stableivalue_conversions.h "
    "test/nn/test_dropout.py",
    "made by a test": "output.txt",
    "made by scripts/release.sh": "release-notes.md",
    "made by scripts/amalgamate.py": "simdrop.c third_party/simdrop.c third_party/simdrop.h",
}
OTHERS = {name for names in ELSEWHERE.values() for name in names.split()}
# From the top down: a folder's files include what is in their own line or below it.
LIBRARY = (("core",), ("fused", "layout"), ("engine",), ("machine",), ("avx2", "avx512", "highway", "neon", "openmp", "scalar", "sleef", "sve"), ("common",))
TOOL = (("",), ("apply", "bench", "verify"), ("shared",))


def tree():
    """All files that belong to it, by their paths from the root."""
    command = ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False) if shutil.which("git") else None
    if listed is not None and listed.returncode == 0 and listed.stdout:
        return [pathlib.PurePosixPath(line) for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
    return [pathlib.PurePosixPath(path.relative_to(ROOT).as_posix()) for path in ROOT.rglob("*")
            if path.is_file() and path.relative_to(ROOT).parts[0] not in ("build", ".git")]


def c_comments(text):
    for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', text, re.DOTALL):
        if match.group().startswith("/"):
            yield match.start(), match.group()


def python_comments(text):
    lines = [0]
    for line in text.splitlines(True):
        lines.append(lines[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or token.type == tokenize.STRING and token.string.startswith('"""'):
            yield lines[token.start[0] - 1] + token.start[1], token.string


def hash_comments(text):
    for match in re.finditer(r"(?:^|(?<=\s))#(?!\[\[)[^\n]*", text):
        yield match.start(), match.group()


def spoken(path, text):
    """What of a file is written for people: (where, text) pairs."""
    if path.suffix in (".c", ".h", ".cpp"):
        return c_comments(text)
    if path.suffix == ".py":
        return python_comments(text)
    if path.parts[:2] == (".github", "workflows"):  # what they run, too
        return [(0, text)]
    if path.suffix in (".sh", ".cmake", ".yml") or path.name in ("CMakeLists.txt", ".clang-tidy", ".editorconfig"):
        return hash_comments(text)
    if path.suffix == ".md" and path.name != "CHANGELOG.md":  # which tells of what was
        return [(0, text)]
    return []


def check_names(files):
    """Names of files that do not exist. A name is enough if it is the end of a path."""
    ends = {"/".join(path.parts[i:]) for path in files for i in range(len(path.parts))}
    ends |= {end[:-len(".in")] for end in ends if end.endswith(".in")}
    for path in files:
        ends |= set(re.findall(r"#\s*include\s*<([^>]+)>", (ROOT / path).read_text())) if path.suffix in (".c", ".h", ".cpp") else set()
    ends |= {end.rsplit("/", 1)[-1] for end in ends} | OTHERS
    for path in files:
        text = (ROOT / path).read_text(errors="replace") if path.suffix not in (".svg", ".abi", ".json") else ""
        for at, comment in spoken(path, text):
            for match in NAME.finditer(comment):
                if match.group() not in ends and match.group().removeprefix("simdrop/") not in ends:  # a checkout in the user's folder
                    yield f"{path}:{text.count(chr(10), 0, at + match.start()) + 1}: there is no {match.group()}"


def floor(floors, folder):
    return next((i for i, folders in enumerate(floors) if folder in folders), None)


def check_includes(files):
    for root, floors in (("src", LIBRARY), ("tools/simdrop", TOOL)):
        for path in files:
            if not path.is_relative_to(root) or path.suffix not in (".c", ".h", ".cpp"):
                continue
            inside = path.relative_to(root)
            folder = inside.parent.as_posix().replace(".", "")
            here = floor(floors, folder)
            if here is None:
                yield f"{path}: scripts/check_tree.py does not know the place of this folder"
                continue
            for name in re.findall(r'#\s*include "([\w/.-]+)"', (ROOT / path).read_text()):
                other = name.rsplit("/", 1)[0] if "/" in name else ""
                there = floor(floors, other)
                other_file = pathlib.PurePosixPath(root, name)
                if other_file in files and there is not None and other != folder and there <= here:
                    yield f"{path}: includes {name}, which is not below it"


def check_workflow(_files):
    listed = subprocess.run(["sh", ROOT / "scripts/test.sh", "--list"], capture_output=True, text=True, check=True).stdout
    groups = {line for line in listed.splitlines() if not line.startswith(" ")}
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    named = set(re.search(r"^ *group: \[(.*?)\]", workflow, re.DOTALL | re.MULTILINE).group(1).replace(",", " ").split())
    for group in sorted(groups ^ named):
        yield f".github/workflows/test.yml: {'does not run' if group in groups else 'names what there is not:'} the group {group}"


def main():
    files = tree()
    good = True
    for name, check in (("files that are named exist", check_names), ("includes point downward", check_includes),
                        ("the workflow runs every group", check_workflow)):
        found = list(check(files))
        print("\n".join([*found, f"{'FAILED' if found else 'ok'} {name}"]))
        good &= not found
    return 0 if good else 1


sys.exit(main())
