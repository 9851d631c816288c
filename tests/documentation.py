"""The documentation: `documentation.py tree` looks at the pages and examples as they lie here, `documentation.py site FOLDER BUILD` at the
site that scripts/docs.sh has made in FOLDER, next to what BUILD's libraries export. Prints a line a check; documentation.sh says what was
seen to turn them red.
"""
import collections
import html.parser
import pathlib
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = sorted((ROOT / "include/simdrop").glob("*.h"))
EXAMPLES = ROOT / "examples/functions"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
import docs_filter  # noqa: E402 (which pages there are)


def functions():
    """What the headers declare: each function with its comment."""
    found = {}
    for header in HEADERS:
        text = header.read_text()
        for match in re.finditer(r"\bSIMDROP_(?:OPENMP_)?API (?!__)[^;(#]*?\b(simdrop_\w+)\(", text):
            before = text[:match.start()].rstrip()
            found[match[1]] = before[before.rfind("/**"):] if before.endswith("*/") else ""
    return found


# ---- the tree


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<=\n\n)(?: {4}[^\n]*\n|\n)+", "\n", text)


def anchors(path):
    """Of the headings of a page, as repositories' hosts make them."""
    seen = collections.Counter()
    for heading in re.findall(r"^#+ (.*?)\s*$", without_code(path.read_text()), re.MULTILINE):
        name = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        yield f"{name}-{seen[name]}" if seen[name] else name
        seen[name] += 1


def check_page_links():
    for page in docs_filter.pages():
        for target in re.findall(r"\[[^\[\]]*\]\(([^()\s]+)\)", re.sub(r"`[^`\n]+`", "", without_code(page.read_text()))):
            name, _, place = target.partition("#")
            if re.match(r"https?:", target):
                continue
            file = (page.parent / name).resolve() if name else page
            if not file.is_file():
                yield f"{page.relative_to(ROOT)}: there is no {target}"
            elif place and place not in anchors(file):
                yield f"{page.relative_to(ROOT)}: {file.name} has no heading for #{place}"


def check_pages_known():
    """A page that nobody leads to is not read."""
    pages = docs_filter.pages()
    linked = {ROOT / "README.md"}
    for page in pages:
        text = page.read_text()
        linked |= {(page.parent / target.partition("#")[0]).resolve() for target in re.findall(r"\]\(([^()\s]+)\)", text)}
        linked |= {ROOT / name for name in re.findall(r"(?<![\w/])(?:docs|tests)/[\w-]+\.md", text)}
    for page in sorted(set(pages) - linked):
        yield f"{page.relative_to(ROOT)}: no page has a link to it"


def check_examples():
    for name, comment in functions().items():
        named = re.findall(r"^ \*  @snippet (\w+\.c) (\w+)(?: \*/)?$", comment, re.MULTILINE)
        if len(named) != 1 or named[0][1] != name:
            yield f"{name}: its comment names no example of it"
            continue
        file = EXAMPLES / named[0][0]
        parts = re.split(rf"^ *//! \[{name}\]\n", file.read_text() if file.is_file() else "", flags=re.MULTILINE)
        if len(parts) != 3:
            yield f"{name}: {file.name} has no part of this name"
        elif f"{name}(" not in parts[1]:
            yield f"{name}: is not called in its example"
    known = set(functions())
    for file in sorted(EXAMPLES.glob("*.c")):
        for name in sorted(set(re.findall(r"//! \[(\w+)\]", file.read_text())) - known):
            yield f"{file.name}: there is no function {name}"


# ---- the site


class Page(html.parser.HTMLParser):
    """Where a page of the site leads to, which places it has, and what text of it is not code."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places, self.text = [], set(), []
        self.open = []  # elements, and whether they are code
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag in ("pre", "code", "script", "style", "div"):
            self.open.append((tag, tag != "div" or "fragment" in of.get("class", "").split()))
        self.links += [of[name] for name in ("href", "src", "data") if of.get(name) and (tag, name) != ("link", "href")]
        self.places |= {of[name] for name in ("id", "name") if of.get(name)}

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def handle_data(self, data):
        if not any(code for _, code in self.open):
            self.text.append(data)


Member = collections.namedtuple("Member", "kind page place said element")


class Site:
    """Doxygen's output: pages as HTML, and by its XML what is documented, where, and how."""

    def __init__(self, folder, build):
        self.build = build
        self.html = folder / "html"
        self.pages = {path.name: Page(path) for path in self.html.glob("*.html")}
        self.members = {}
        for path in (folder / "xml").glob("*.xml"):
            if path.name not in ("index.xml", "Doxyfile.xml"):
                self.read(xml.etree.ElementTree.parse(path).getroot())

    def read(self, root):
        def add(kind, element, name, page, place):
            descriptions = (element.find(f"{length}description") for length in ("brief", "detailed"))
            said = "".join("".join(description.itertext()).strip() for description in descriptions)
            self.members[name] = Member(kind, f"{page}.html", place, said, element)

        for compound in root.iter("compounddef"):
            name, kind = compound.findtext("compoundname"), compound.get("kind")
            if kind == "struct":
                add(kind, compound, name, compound.get("id"), "")
            elif not name.endswith(".h"):
                continue
            for member in compound.iter("memberdef"):
                page, _, place = member.get("id").rpartition("_1")
                add(member.get("kind"), member, (name + "." if kind == "struct" else "") + member.findtext("name"), page, place)
                for value in member.iter("enumvalue"):
                    add("enumerator", value, value.findtext("name"), page, value.get("id").rpartition("_1")[2])

    def reached(self):
        """Pages, and places of pages, that links lead to from the first page on, one after the other."""
        pages, targets, waiting = {"index.html"}, set(), ["index.html"]
        while waiting:
            here = waiting.pop()
            for target in self.pages[here].links:
                name, _, place = urllib.parse.unquote(target).partition("#")
                if name in self.pages:
                    targets.add((name, place))
                    if name not in pages:
                        pages.add(name)
                        waiting.append(name)
        return pages, targets


def exported(build):
    for library in ("libsimdrop.so", "libsimdrop_openmp.so"):
        if (build / library).exists():
            listed = subprocess.run(["nm", "-D", "--defined-only", build / library], capture_output=True, text=True, check=True).stdout
            yield from re.findall(r" T (simdrop_\w+)", listed)


def macros():
    includes = "".join(f"#include <simdrop/{header.name}>\n" for header in HEADERS)
    command = ["cc", "-E", "-dM", "-I", ROOT / "include", "-"]
    listed = subprocess.run(command, input=includes, capture_output=True, text=True, check=True).stdout
    guards = {f"SIMDROP_{header.stem.upper()}_H" for header in HEADERS}
    return set(re.findall(r"^#define (SIMDROP_\w+)", listed, re.MULTILINE)) - guards


def types():
    """Types, members and enumerators, by the headers' text."""
    for header in HEADERS:
        code = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.DOTALL)
        for kind, body, name in re.findall(r"typedef (struct|enum) \w+ \{(.*?)\} (\w+);", code, re.DOTALL):
            yield name
            if kind == "enum":
                yield from re.findall(r"\b(SIMDROP_\w+)", body)
            else:
                yield from (f"{name}.{member}" for member in re.findall(r"\b(\w+)(?:\[\w+\])?(?=[;,])", body))
        yield from re.findall(r"typedef void (\w+)\(", code)


def check_exported(site):
    documented = {name for name, member in site.members.items() if member.kind == "function"}
    for name in sorted(set(exported(site.build)) ^ documented):
        if name != "simdrop_openmp_executor" or (site.build / "libsimdrop_openmp.so").exists():
            yield f"{name}: {'is not exported' if name in documented else 'has no documentation'}"


def check_documented(site):
    public = sorted({*functions(), *macros(), *types()})
    if len(public) < 200:
        yield f"only {len(public)} names were found in the headers"
    for name in public:
        if name not in site.members:
            yield f"{name}: is not on the site"
        elif not site.members[name].said:
            yield f"{name}: says nothing"


def check_parameters(site):
    """By name and in the order of the declaration, and what is returned."""
    for name, member in site.members.items():
        if member.kind != "function":
            continue
        declared = [parameter.findtext("declname") for parameter in member.element.findall("param") if parameter.findtext("declname")]
        described = [parameter.text for parameter in member.element.iter("parametername")]
        if declared != described:
            yield f"{name}: takes {', '.join(declared)}, and describes {', '.join(described)}"
        if not any(section.get("kind") == "return" for section in member.element.iter("simplesect")):
            yield f"{name}: does not say what it returns"


def check_shown(site):
    for name, member in site.members.items():
        if member.kind == "function":
            code = ["".join(listing.itertext()) for listing in member.element.iter("programlisting")]
            if len(code) != 1 or f"{name}(" not in code[0]:
                yield f"{name}: its example is not shown with it"


def check_reached(site):
    pages, targets = site.reached()
    for name, member in sorted(site.members.items()):
        if not name.endswith("_") and (member.page, member.place) not in targets:
            yield f"{name}: no link leads to it"
    for page in sorted({f"{name}.html" for name in docs_filter.pages().values() if name != "mainpage"} - pages):
        yield f"{page}: no link leads to it"
    for file in sorted(EXAMPLES.glob("*.c")):
        if f"{file.stem}_8c-example.html" not in pages:
            yield f"{file.name}: no link leads to it"


def check_links(site):
    for name, page in site.pages.items():
        for target in page.links:
            if re.match(r"[a-z]+:", target):
                continue
            file, _, place = urllib.parse.unquote(target).partition("#")
            file = file or name
            if not (site.html / file).is_file():
                yield f"{name}: there is no {target}"
            elif place and file in site.pages and place not in site.pages[file].places:
                yield f"{name}: {file} has no place {place}"


def check_pictures(site):
    """Each picture of a page of the tree is on that page of the site."""
    for path, identifier in docs_filter.pages().items():
        page = site.pages[f"{identifier}.html" if identifier != "mainpage" else "index.html"]
        for picture in re.findall(r"!\[[^\[\]]*\]\(([^()\s]+)\)", path.read_text()):
            if picture.rsplit("/", 1)[-1] not in page.links:
                yield f"{path.relative_to(ROOT)}: {picture} is not on the site"


def check_figures(site):
    """A figure that bench/figures.py writes, between comments, is a word of its own."""
    for path, identifier in docs_filter.pages().items():
        text = " ".join("".join(site.pages[f"{identifier}.html" if identifier != "mainpage" else "index.html"].text).split())
        for figure, word in re.findall(r"-->([^<\n]+)<!-- end -->\s+(\w+)", path.read_text()):
            if f"{figure} {word}" not in text:
                yield f"{path.relative_to(ROOT)}: there is no '{figure} {word}' on the site"


def check_two_files(site):
    """simdrop.h of the two files is not the library's header of that name."""
    if ">simdrop.h</a>" in (site.html / "docs_two-files.html").read_text():
        yield "docs_two-files.html: simdrop.h is a link to include/simdrop/simdrop.h"


def check_markup(site):
    """What Doxygen did not understand is left in the text as it was written."""
    for name, page in site.pages.items():
        for left in re.findall(r"[^\n]{0,30}(?:`|\]\(|@ref|@param|\{#|\*\*|<\w+>|^#+ )[^\n]{0,30}", "".join(page.text)):
            yield f"{name}: {left.strip()}"


TREE = {
    "links between pages": check_page_links,
    "links to every page": check_pages_known,
    "an example for each function": check_examples,
}
SITE = {
    "what the libraries export is documented": check_exported,
    "every public name is documented": check_documented,
    "parameters and what is returned": check_parameters,
    "examples are shown": check_shown,
    "links lead to every public name, page and example": check_reached,
    "links of the site": check_links,
    "pictures of the site": check_pictures,
    "figures in the text": check_figures,
    "the header of the two files": check_two_files,
    "no markup is left": check_markup,
}


def main():
    if len(sys.argv) == 2 and sys.argv[1] == "tree":
        checks, arguments = TREE, ()
    elif len(sys.argv) == 4 and sys.argv[1] == "site":
        checks, arguments = SITE, (Site(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])),)
    else:
        sys.exit("usage: documentation.py tree, or documentation.py site FOLDER BUILD")
    good = True
    for name, check in checks.items():
        found = list(check(*arguments))
        print("\n".join([*(f"    {line}" for line in found), f"{'FAILED' if found else 'ok'} {name}"]))
        good &= not found
    return 0 if good else 1


sys.exit(main())
