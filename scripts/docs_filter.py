"""What Doxygen reads in place of a header or a page of this tree: docs_filter.py FILE prints it, for scripts/docs.sh.

Headers and pages are written for people who read them as they are, in an editor or a repository. Here they get what a site needs: names of
functions, types, statuses and pages become links, headings the anchors that a repository's own pages give them, and a header's @snippet
becomes an example; a function whose comment says that it is another "on an executor" has the other's parameters.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = sorted((ROOT / "include/simdrop").glob("*.h"))
# A name outside of what another link, or code in backticks, has already.
PAGE_NAME = r"(?<![\w/])docs/(?P<page>[\w-]+)\.md\b"


def pages():
    """The identifier of each page by its path."""
    found = {path: f"docs_{path.stem}" for path in (ROOT / "docs").glob("*.md")}  # Doxygen has a page "files" of its own
    found |= {ROOT / f"{name}.md": f"docs_{name.lower()}" for name in ("CONTRIBUTING", "CHANGELOG", "SECURITY")}
    return found | {ROOT / "tests/README.md": "docs_tests", ROOT / "README.md": "mainpage"}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


def public_names():
    """Functions, types, enumerators and macros of the public headers: what a mention of them is linked to."""
    names = set()
    for header in HEADERS:
        code = without_comments(header.read_text())
        for pattern in (r"\b(simdrop_\w+)\(", r"\} (simdrop_\w+);", r"^ *(SIMDROP_\w+) = ", r"^#define (SIMDROP_\w*[A-Z])\b"):
            names |= set(re.findall(pattern, code, re.MULTILINE))
        names.discard(f"SIMDROP_{header.stem.upper()}_H")
    return names


def comment_of(name):
    """The lines of a function's comment, without what begins and ends them."""
    for header in HEADERS:
        match = re.search(r"/\*\*((?:(?!\*/).)*?)\s*\*/\nSIMDROP_\w*API [^;(]*?\b" + name + r"\(", header.read_text(), re.DOTALL)
        if match:
            return re.sub(r"^ \* ?", "", match.group(1), flags=re.MULTILINE).strip().splitlines()
    sys.exit(f"docs_filter.py: there is no function {name}")


def on_an_executor(match):
    """The parameters of the function that a parallel one does the same as."""
    parameters = re.search(r"^ *@param.*?(?=^ *@return)", "\n".join(comment_of(match[1])), re.DOTALL | re.MULTILINE)[0].splitlines()
    return "\n *  ".join([match[0], "@param executor  threads, or NULL", *(line.strip() for line in parameters)])


def header(text, names):
    def comment(match):
        inside = match.group()
        inside = re.sub(r"^/\*\* (\w+) on an executor\.$", on_an_executor, inside, flags=re.MULTILINE)
        inside = re.sub(PAGE_NAME, r'@ref docs_\1 "\g<0>"', inside)
        inside = re.sub(r"(?<![\w#\[\"])(?:SIMDROP_)?ERROR_([A-Z_]+)\b", r'@ref SIMDROP_ERROR_\1 "\g<0>"', inside)
        words = r"(?<![\w#\[\"/.])(?<!@ref )(?<!@def )(?<!\.c )(simdrop_\w+|SIMDROP_\w+)(?:\(\))?(?![\w*(])"
        inside = re.sub(words, lambda word: f'@ref {word[1]} "{word[0]}"' if word[1] in names else word[0], inside)
        return re.sub(r"^( \* *)@snippet", r"\1@par Example\n\1@snippet", inside, flags=re.MULTILINE)

    return re.sub(r"/\*\*.*?\*/", comment, text, flags=re.DOTALL)


def anchor(heading):
    """As repositories' hosts make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def link(path, match, ids):
    """A link to another page, or to a heading, by its identifier on the site."""
    text, target = match.group("text"), match.group("target")
    name, _, place = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    if file in ids:
        return f"[{text}](@ref {ids[file]}{'_' + place if place else ''})"
    if file.suffix == ".c" and file.is_relative_to(ROOT / "examples"):
        return f"[{text}]({file.stem}_8c-example.html)"
    if name and file.exists() and file.suffix not in (".svg", ".png"):  # is in the repository alone
        return text
    return match.group()


def prose(path, text, ids, names):
    def replace(match):
        if match.group("target"):
            return link(path, match, ids)
        if match.group("name"):
            return f"[{match.group('name')}](@ref docs_{match.group('page')})"
        code = match.group("code")
        if code.removesuffix("()") in names:
            return f'<code>@ref {code.removesuffix("()")} "{code}"</code>'
        if re.fullmatch(r"include/simdrop/\w+\.h", code):
            return f'<code>@ref {code.rsplit("/", 1)[1]} "{code}"</code>'
        if code == "simdrop.h":  # by this name alone it is that of the two files, and not the library's, to which Doxygen would link it
            return f"<code>%{code}</code>"
        if ROOT / code in ids:
            return f'<code>@ref {ids[ROOT / code]} "{code}"</code>'
        return f"``{code}``" if "'" in code else match.group()  # to Doxygen a quotation mark is the end of what `began

    pattern = rf"(?<!`)`(?P<code>[^`\n]+)`(?!`)|\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)\)|(?P<name>{PAGE_NAME})"
    return re.sub(pattern, replace, re.sub(r"\*\*(`[^`\n]+`)\*\*", r"<b>\1</b>", text))


def page(path, text, ids, names):
    parts, chunk, fence, before, anchors = [], [], False, "", collections.Counter()

    def flush():
        parts.append(prose(path, "".join(chunk), ids, names))
        chunk.clear()

    for line in text.splitlines(True):
        heading = re.fullmatch(r"(#+) (.*?)\s*", line)
        if fence or line.startswith("```"):
            flush()
            parts.append(line)
            if line.startswith("```"):
                fence = not fence
        elif heading:
            flush()
            name = ids[path]
            if len(heading[1]) > 1:
                place = anchor(heading[2])
                name += f"_{place}" + (f"-{anchors[place]}" if anchors[place] else "")
                anchors[place] += 1
            title = heading[2].replace("`", "")  # Doxygen shows them
            parts.append(f"{heading[1]} {title} {{#{name}}}\n")
        elif line.startswith("    ") and before in ("", "code"):
            flush()
            parts.append(line)
            before = "code"
            continue
        else:
            chunk.append(re.sub(r"<!--.*?-->", "", line))  # with a comment Doxygen takes the space after it away
        before = line.strip() and "text"
    flush()
    return "".join(parts)


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    text = path.read_text()
    if path.suffix == ".h":
        text = header(text, public_names())
    elif path.suffix == ".md":
        text = page(path, text, pages(), public_names())
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
