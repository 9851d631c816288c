"""man_pages.py [--check] SIMDROP: writes the tool's manual pages, tools/simdrop/man/*.1, from what it says itself (--help, and help of each
command) and the sections below; with --check, compares them instead. Prints a line a page.

Seen to fail: another word in the help of an option, an option that the page has not, a page of a command that there is not.
"""
import pathlib
import re
import subprocess
import sys

PAGES = pathlib.Path(__file__).resolve().parent.parent / "tools/simdrop/man"

# What help does not say. Lines that begin with four spaces are shown as they are.
EXAMPLES = {
    "simdrop": """What runs here, a mask, and dropout on an array, forward and backward:

    simdrop info
    simdrop mask --p 0.5 --count 64 --format hex
    simdrop apply x.npy y.npy --p 0.1 --seed 2024 --stream 7
    simdrop apply dy.npy dx.npy --p 0.1 --seed 2024 --stream 7 --backward""",
    "info": """The table, and the name of the backend that calls would use:

    simdrop info
    simdrop info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["backend"])'""",
    "mask": """The first 64 decisions, and a mask of 2^30 elements in a file of 128 MiB:

    simdrop mask --p 0.5 --count 64 --format hex
    simdrop mask --p 0.1 --count 1024Mi --seed 2024 --output mask.bin""",
    "apply": """Forward and backward with one mask; whole channels of (N, C, H, W); through pipes:

    simdrop apply x.npy y.npy --p 0.1 --seed 2024 --stream 7
    simdrop apply dy.npy dx.npy --p 0.1 --seed 2024 --stream 7 --backward
    simdrop apply x.npy y.npy --p 0.2 --channels first --spatial 2
    zcat x.npy.gz | simdrop apply - - --p 0.1 | gzip > y.npy.gz""",
    "bench": """What dropout costs in a cache and in memory, and all backends next to each other, as JSON:

    simdrop bench --kernel memcpy,forward --n 64Ki,64Mi --p 0.1
    simdrop bench --backend all --short --json results.json""",
    "verify": """Every backend of this machine; the masks of another implementation, 2^24 of its bits:

    simdrop verify
    other_implementation | simdrop verify --from - --p 0.1 --elements 16Mi""",
}
ENVIRONMENT = (
    ("SIMDROP_BACKEND", "The backend to run on where --backend names none: one of those that simdrop info lists. Any other name is "
     "ignored."),
    ("SIMDROP_MEMORY", "How large calls go through memory: learned (the default), cached, pages-1, pages-1-prefetch, pages-2, "
     "pages-4 or pages-8."),
)
STATUS = (
    ("0", "All was done, or the reader of standard output had seen enough."),
    ("1", "simdrop verify found a fault."),
    ("2", "The arguments, a file or the machine did not allow it; a sentence on standard error says what was wrong."),
)


def help_of(tool, *words):
    return subprocess.run([tool, *words], capture_output=True, text=True, check=True).stdout


def escaped(text):
    text = text.replace("\\", "\\e")
    for plain, written in (("-", "\\-"), ("'", "\\(aq"), ("^", "\\(ha"), ("~", "\\(ti"), ("`", "\\(ga")):
        text = text.replace(plain, written)
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def filled(lines):
    """Lines of help as text that is filled, but for those with which something new begins."""
    text = ""
    for line in lines:
        if text and re.match(r"(with )?[\w./-]+( \([^)]*\))?: |not with ", line):
            text += "\n.br"
        text += "\n" + escaped(line)
    return text[1:]


def paragraphs(text):
    """Paragraphs, and what is shown as it is."""
    out = []
    for part in text.strip("\n").split("\n\n"):
        lines = part.splitlines()
        if lines[0].startswith("    "):
            out.append(".EX\n" + escaped("\n".join(lines)) + "\n.EE")
        else:
            out.append(".PP\n" + filled(lines))
    return "\n".join(out)[len(".PP\n"):]


def section(title, body):
    return f".SH {title}\n{body}\n"


def entries(pairs):
    return "\n".join(f".TP\n.B {escaped(name)}\n{escaped(text)}" for name, text in pairs)


def references(names):
    return ",\n".join(f".BR {escaped(name)} (1)" for name in names)


def page(name, version, summary, *sections):
    title = escaped(name)
    head = (".\\\" Made by scripts/man_pages.py from the tool's own help.\n"
            f".TH {title.upper()} 1 \"\" \"simdrop {version}\" \"User Commands\"\n")
    return head + section("NAME", f"{title} \\- {escaped(summary)}") + "".join(sections)


def emphasised(words):
    """Of a line of usage: what is typed in bold, what it stands for in italics."""
    out = []
    for word in words.split():
        plain = word.strip("[]")
        font = "B" if plain.startswith("--") or plain in ("simdrop", *EXAMPLES) else "I"
        out.append(escaped(word).replace(escaped(plain), f"\\f{font}{escaped(plain)}\\fR"))
    return " ".join(out)


def command_page(tool, version, command, summary, commands):
    text = help_of(tool, "help", command)
    usage, about, options = text.split("\n\n", 2)
    options, _, notes = options.removeprefix("options:\n").partition("\n\n")
    out = []
    for line in options.splitlines():
        match = re.match(r"  (--[a-z0-9-]+)(?: (\S+))? {2,}(.*)", line)
        if match:
            name, value, first = match.groups()
            out.append((name, value, [first]))
        else:
            out[-1][2].append(line.strip())
    listed = "\n".join(".TP\n" + f"\\fB{escaped(name)}\\fR" + (f" \\fI{escaped(value)}\\fR" if value else "") + "\n" + filled(lines)
                       for name, value, lines in out)
    others = ["simdrop"] + [f"simdrop-{other}" for other in commands if other != command]
    return page(f"simdrop-{command}", version, summary,
                section("SYNOPSIS", emphasised(usage.removeprefix("usage: "))),
                section("DESCRIPTION", filled(about.splitlines())),
                section("OPTIONS", listed),
                section("NOTES", paragraphs(notes)) if notes.strip() else "",
                section("EXIT STATUS", entries(STATUS if command == "verify" else (STATUS[0], STATUS[2]))),
                section("ENVIRONMENT", entries(ENVIRONMENT)),
                section("EXAMPLES", paragraphs(EXAMPLES[command])),
                section("SEE ALSO", references(others)))


def main_page(tool, version, commands):
    title, usage, _, rest = help_of(tool, "--help").split("\n\n", 3)
    listed = "\n".join(f".TP\n.BR simdrop\\-{command} (1)\n{escaped(summary)}" for command, summary in commands.items())
    return page("simdrop", version, title.partition(": ")[2],
                section("SYNOPSIS", emphasised(usage.removeprefix("usage: ")) + "\n.br\n\\fBsimdrop help\\fR \\fICOMMAND\\fR\n.br\n"
                        "\\fBsimdrop \\-\\-version\\fR"),
                section("DESCRIPTION", "The masks are a pure function of the probability, the seed, the stream and each element's index: "
                        "the same on every\nmachine and backend, with any number of threads.\n.PP\n" + filled(rest.strip().splitlines())),
                section("COMMANDS", listed),
                section("EXIT STATUS", entries(STATUS)),
                section("ENVIRONMENT", entries(ENVIRONMENT)),
                section("FILES", "Outputs are replaced whole or not at all, by way of a temporary file\n"
                        ".RI \\(lq .simdrop\\- PID \\- N .tmp \\(rq\n"
                        "in the same folder; pipes, devices and descriptors\n.RI ( /dev/fd/ N )\nare written directly."),
                section("EXAMPLES", paragraphs(EXAMPLES["simdrop"])),
                section("SEE ALSO", references(f"simdrop-{command}" for command in commands)))


def main():
    arguments = [word for word in sys.argv[1:] if word != "--check"]
    if len(arguments) != 1:
        print("usage: man_pages.py [--check] SIMDROP", file=sys.stderr)
        return 2
    tool = arguments[0]
    version = help_of(tool, "--version").split()[1]
    listed = help_of(tool, "--help").partition("commands:\n")[2].partition("\n\n")[0]
    commands = dict(re.match(r"  (\S+) +(.*)", line).groups() for line in listed.splitlines())
    if commands["verify"].startswith("left out"):
        print("skipped manual pages: this tool was built without verify")
        return 0
    made = {"simdrop": main_page(tool, version, commands)}
    made |= {f"simdrop-{command}": command_page(tool, version, command, summary, commands) for command, summary in commands.items()}
    if "--check" not in sys.argv[1:]:
        PAGES.mkdir(exist_ok=True)
        for name, text in made.items():
            (PAGES / f"{name}.1").write_text(text)
    good = True
    for name in sorted(made.keys() | {path.stem for path in PAGES.glob("*.1")}):
        path = PAGES / f"{name}.1"
        same = name in made and path.is_file() and path.read_text() == made[name]
        print(f"{'ok' if same else 'FAILED'} {name}.1 says what simdrop's help says{'' if same else ': run scripts/man_pages.py'}")
        good &= same
    return 0 if good else 1


sys.exit(main())
