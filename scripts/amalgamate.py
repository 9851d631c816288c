#!/usr/bin/env python3
"""Makes simdrop.c and simdrop.h: the whole library in two files, for programs that have a build of their own (docs/two-files.md).

    scripts/amalgamate.py [--output FOLDER]

Equal sources give equal files. The lists of files, backends and flags are those of CMakeLists.txt and cmake/, so that there is one of each.

What is one translation unit there is a part of one here, and a part is told from the others in three ways:

* Headers that no vector backend has to itself are *shared*, and written once. The others, the backends' vocabularies and the bodies that
  are written in them, are written once for each backend, between pragmas that let the compiler use that backend's instructions.
* Names of a file's own get the name of their part: simd_f32_add is avx2_simd_f32_add, and decide() of machine/dispatch.c
  machine_dispatch_decide(). What only the library's files share (simdrop_...) becomes static.
* Macros end with their part.

The text is otherwise that of the sources, which are C that C++17 takes as well.
"""
import argparse
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PUBLIC, SOURCES = ROOT / "include", ROOT / "src"

# What the two files have of their own, in place of these files.
LEFT_OUT = {"common/compiled_features.h", "backend_list.h", "sleef_list.h"}
# Changes to the text of files; each must be found.
EDITS = {
    "common/kernel_table.h": [
        ("extern type SIMDROP_LOCAL(kernel);", "static type SIMDROP_LOCAL(kernel);"),
        (re.compile(r"#define SIMDROP_DECLARE_KERNELS .*?\n.*?\n.*?\n"), "#define SIMDROP_DECLARE_KERNELS SIMDROP_KERNEL_LIST(SIMDROP_DECLARE_KERNEL_)\n"),
        ("  const simdrop_kernels SIMDROP_LOCAL(kernels) = {   ", "  static const simdrop_kernels SIMDROP_LOCAL(kernels) = {"),
    ],
    "common/simd_word.h": [(re.compile(r"#ifdef __cplusplus.*#endif\n(?=\n#endif)", re.DOTALL), '#define SIMD_WORD(type, name, parameters) static_assert(1, "checked in the sources\' build")\n')],
    "engine/generator.h": [(re.compile(r"(extern const simdrop_generator.*\n)+"), "")],  # nobody else uses them
    "engine/generator.c": [(re.compile(r"^const simdrop_generator", re.MULTILINE), "static const simdrop_generator")],
    "machine/dispatch.c": [(re.compile(r"#define DECLARE_1.*?SIMDROP_BACKEND_LIST\(DECLARE\)\n", re.DOTALL), "")],
    "sleef/f64_math.h": [(re.compile(r"//  X\(set\): simdrop_sleef_.*?#undef SIMDROP_DECLARE_SET_\n", re.DOTALL), "")],
    "sleef/f64_body.h": [("const simdrop_f64_math SLEEF_JOIN(SLEEF_SET)", "static const simdrop_f64_math SLEEF_JOIN(SLEEF_SET)")],
    "sleef/purecfma.c": [(re.compile(r"// sleef.h has them.*?\n(double.*?\n)+"), "")],
}
EVERYWHERE = [
    (re.compile(r"\b_Alignas\b"), "alignas"),
    (re.compile(r"\b_Static_assert\b"), "static_assert"),
    (re.compile(r"\b_Atomic\(([^()]*)\)"), r"SIMDROP_ATOMIC(\1)"),
    (re.compile(r"\b_Atomic (\w+)"), r"SIMDROP_ATOMIC(\1)"),
    (re.compile(r"^((?:const )?(?!typedef|static|extern|return|else)\w+ \**simdrop_\w+\([^;{}]*\);)", re.MULTILINE), r"static \1"),  # of headers
    (re.compile(r"^SIMDROP_REQUIRE_COMPILED_FOR\(.*?\);\n", re.MULTILINE), ""),
    (re.compile(r"^SIMDROP_DECLARE_KERNELS;$", re.MULTILINE), "SIMDROP_DECLARE_KERNELS"),
]
# Headers of intrinsics, and what C++ has otherwise: the prologue includes them.
IN_PROLOGUE = {"immintrin.h", "arm_neon.h", "arm_sve.h", "sleef.h", "stdatomic.h", "omp.h"}
# Names of what is done once for each type and size begin with one of the names that are given to these macros.
JOINING = {"TYPED", "SIZED", "OF_VECTOR", "OF_COMPUTED", "SIMDROP_JOIN_WORDS"}
# Macros that paste names of a file's own.
PASTING = ("SLEEF_ENTRY_(",)

# ---- text of C

TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|\.?\d(?:[eEpP][+-]|[\w.])*|[A-Za-z_]\w*|\\\n|\s+|\#\#|->|.""", re.DOTALL)
WORD = re.compile(r"[A-Za-z_]\w*")


def is_comment(token):
    return token.startswith(("//", "/*"))


def significant(text):
    """The tokens that mean something."""
    return [token for token in TOKEN.findall(text) if not token.isspace() and token != "\\\n" and not is_comment(token)]


def directives(text):
    """Preprocessor lines as (first line, number of lines, word, rest)."""
    lines = text.split("\n")
    k = 0
    while k < len(lines):
        count = 1
        if lines[k].lstrip().startswith("#"):
            while lines[k + count - 1].endswith("\\"):
                count += 1
            match = re.match(r"\s*#\s*(\w*)\s*(.*)", "\n".join(lines[k:k + count]), re.DOTALL)
            yield k, count, match.group(1), match.group(2)
        k += count


def without_directives(text):
    lines = text.split("\n")
    for first, count, _, _ in directives(text):
        lines[first:first + count] = [""] * count
    return "\n".join(lines)


def group_end(tokens, k):
    """Where the bracket that tokens[k] opens is closed."""
    depth = 0
    while True:
        depth += (tokens[k] in "([{") - (tokens[k] in ")]}")
        if depth == 0:
            return k
        k += 1


def declarations(text):
    """The tokens of each declaration and definition at file scope."""
    tokens = significant(without_directives(text))
    begin = k = 0
    while k < len(tokens):
        if tokens[begin:begin + 3] == ["extern", '"C"', "{"] or tokens[begin] == "}":  # the parts of extern "C"
            begin = k = begin + (3 if tokens[begin] == "extern" else 1)
        elif k == begin and tokens[k].isupper() and tokens[k + 1:k + 2] == ["("] and tokens[group_end(tokens, k + 1) + 1:][:1] not in (["("], [";"], ["*"]):
            begin = k = group_end(tokens, k + 1) + 1  # a macro that declares something, and has no semicolon
        elif tokens[k] == ";":
            yield tokens[begin:k]
            begin = k = k + 1
        elif tokens[k] in "([{":
            is_body = tokens[k] == "{" and tokens[begin] not in ("typedef", "enum", "struct", "union") and "=" not in tokens[begin:k]
            k = group_end(tokens, k) + 1
            if is_body:
                yield tokens[begin:k]
                begin = k
        else:
            k += 1


def declared_name(tokens):
    """The name that a declarator declares, and whether it is but the beginning of names."""
    k = 0
    while k < len(tokens):
        token, after = tokens[k], tokens[k + 1] if k + 1 < len(tokens) else ";"
        if token == "__attribute__":
            k = group_end(tokens, k + 1)
        elif token == "(" and after == "*":  # a pointer to a function
            return declared_name(tokens[k + 2:group_end(tokens, k)])
        elif token in JOINING and after == "(":
            end = group_end(tokens, k + 1)
            if end + 1 == len(tokens) or tokens[end + 1] in "([=;,":
                return tokens[end - 1], True
            k = end
        elif token in ("SIMDROP_LOCAL", "SLEEF_JOIN"):  # makes a name of simdrop's
            return None, False
        elif WORD.fullmatch(token) and after in "([=;," and tokens[k + 1:k + 3] != ["(", "*"]:
            return token, False
        k += 1
    return None, False


def file_scope_names(text):
    """What a file declares at file scope and may keep to itself: names, and beginnings of names."""
    names, stems = set(), set()

    def add(tokens):
        name, is_stem = declared_name(tokens)
        if name:
            (stems if is_stem else names).add(name)

    for tokens in declarations(text):
        aggregate = next((word for word in ("enum", "struct", "union") if word in tokens[:2]), None)
        if aggregate and "{" in tokens:
            begin = tokens.index("{")
            end = group_end(tokens, begin)
            tag = tokens[tokens.index(aggregate) + 1:begin]
            if tag:
                add(tag)
            if aggregate == "enum":
                names.update(token for before, token in zip(tokens[begin:end], tokens[begin + 1:end]) if before in "{," and WORD.fullmatch(token))
            tokens = tokens[end + 1:]
            if not tokens:
                continue
        is_static_by_macro = tokens[0].isupper() and tokens[1] != "("  # MATH_FUNCTION
        if tokens[0] not in ("static", "typedef") and not aggregate and not is_static_by_macro:
            continue
        depth, begin = 0, 0
        for k, token in enumerate(tokens):  # what commas separate
            depth += (token in "([{") - (token in ")]}")
            if token == "," and depth == 0:
                add(tokens[begin:k])
                begin = k + 1
        add(tokens[begin:])
    for _, _, word, rest in directives(text):  # macros that paste the names of what they define, or of what is defined
        if word == "define":
            if rest.startswith(PASTING):
                stems.update(re.findall(r"\b(\w+)_##", rest))
            stems.update(re.findall(r"\b(?:static|struct)\b[^;{(]*?\b(\w+)_##\w+\s*[({]", rest))
    return names, stems


# ---- the sources


def cmake_list(file, name):
    match = re.search(r"^set\(" + name + r"\b([^)]*?)(?:\s+CACHE\b[^)]*)?\)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        sys.exit(f"{file} has no list {name}")
    value = re.sub(r"(^|\s)#[^\n]*", "", match.group(1)).replace('"', "")
    return value.replace(";", " ").split()


def resolve(name):
    """The file that a source includes as "name"."""
    for root in (SOURCES, PUBLIC):
        if (root / name).is_file():
            return name
    sys.exit(f"there is no {name}")


class Tree:
    """The sources' texts, and who includes whom."""

    def __init__(self):
        self.texts = {}

    def text(self, name):
        if name not in self.texts:
            text = (SOURCES / name).read_text(encoding="utf-8")
            for old, new in EDITS.get(name, []):
                changed = text.replace(old, new) if isinstance(old, str) else old.sub(new, text)
                if changed == text:
                    sys.exit(f"{name}: nothing to edit where this was expected: {old}")
                text = changed
            for pattern, new in EVERYWHERE:
                text = pattern.sub(new, text)
            self.texts[name] = text
        return self.texts[name]

    def includes(self, name):
        return [match for match in re.findall(r'^#include "([^"]+)"', self.text(name), re.MULTILINE) if match not in LEFT_OUT]

    def reached(self, names):
        """These files and all that they include, in the order in which a compiler sees them end."""
        found = {}

        def visit(name):
            if name not in found:
                found[name] = None
                for other in self.includes(name):
                    visit(resolve(other))

        for name in names:
            visit(name)
        return list(found)


def header_guard(text):
    match = re.match(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*#ifndef (SIMDROP_\w+_H)\n#define \1\n", text, re.DOTALL)
    return match.group(1) if match else None


def without_guard(text):
    guard = header_guard(text)
    if guard is None:
        return text
    text = re.sub(r"#ifndef " + guard + r"\n#define " + guard + r"\n\n?", "", text, count=1)
    return re.sub(r"\n*#endif[^\n]*\s*$", "\n", text)


def without_comments(text):
    """For text that has been written before."""
    text = "".join(token if not is_comment(token) else "" for token in TOKEN.findall(text))
    return re.sub(r"\n\s*\n+", "\n", re.sub(r"[ \t]+(?=\n)", "", text)).lstrip("\n")


class Names:
    """New names for what files keep to themselves: for names, and for beginnings of names."""

    def __init__(self, *others):
        self.new, self.stems = {}, {}
        for other in others:
            self.new.update(other.new)
            self.stems.update(other.stems)

    def add(self, text, part, wanted=lambda name: True):
        for found, table in zip(file_scope_names(text), (self.new, self.stems)):
            for name in found:
                if wanted(name) and not name.lower().startswith(("simdrop_", "simd_", "scalar_")):
                    stem, suffix = split(name)
                    if suffix:
                        self.stems[stem] = part + stem
                    else:
                        table[name] = part + name


def split(name):
    """A name as its beginning and the type or size that it is for, if it ends in one."""
    match = re.fullmatch(r"(\w+?)_(simd_f(?:32|64)|b?f\d+\w*|float|double|8|16|32|64|)", name)
    return match.groups() if match else (name, "")


def member_declarations(tokens):
    """Which of the tokens declare members of structures and unions."""
    found, opened = set(), []  # brackets that are open: whether they are a structure's
    meaningful = [k for k, token in enumerate(tokens) if not token.isspace() and token != "\\\n" and not is_comment(token)]
    for i, k in enumerate(meaningful):
        token = tokens[k]
        before = [tokens[j] for j in meaningful[max(0, i - 6):i]]
        if token == "{":
            opened.append(any(word in ("struct", "union") for word in before) and not {"(", ";", "="} & set(before[-2:]))
        elif token == "}" and opened:
            opened.pop()
        elif opened and opened[-1] and WORD.fullmatch(token) and i + 1 < len(meaningful) and tokens[meaningful[i + 1]] in (";", ",", "["):
            found.add(k)
    return found


def rename(text, names, part):
    """The text with the new names; those of vectors, simd_..., begin with that of the part as well. Members keep their names."""
    tokens, result, before = TOKEN.findall(text), [], ["", ""]
    stems, kept = names.stems, member_declarations(tokens)
    for k, token in enumerate(tokens):
        new = token
        if WORD.fullmatch(token) and before[1] not in (".", "->") and before != ["COMPUTE", "("] and k not in kept:
            stem, suffix = split(token)
            if token.startswith("simd_"):
                new = part + token
            elif token in names.new:
                new = names.new[token]
            elif token in stems and before[0] in JOINING and before[1] == "(":
                new = stems[token]
            elif suffix and stem in stems:
                new = stems[stem] + "_" + (part if suffix.startswith("simd_") else "") + suffix
            elif stem in stems and token.endswith("_") and tokens[k + 1] == "##":
                new = stems[stem] + "_"
        result.append(new)
        if not token.isspace() and token != "\\\n" and not is_comment(token):
            before = [before[1], token]
    return "".join(result)


# ---- the parts


class Writer:
    """The text of simdrop.c, as it grows part by part."""

    def __init__(self, tree):
        self.tree = tree
        self.pieces = []
        self.system = set()  # headers that the prologue includes
        self.header_names = {}  # of shared headers
        self.headers = set()  # shared ones that are written
        self.part_headers = set()  # those that are written in this part
        self.part_macros = []
        self.macros = []
        self.with_comments = set()

    def write(self, text):
        self.pieces.append(text)

    def part(self, files, part, title, is_shared=lambda file: False):
        """Files one after the other, with what they include; names of their own begin with `part`."""
        self.write(f"\n// ======== {title}\n")
        own = [file for file in self.tree.reached(files) if not is_shared(file)]
        owners = collections.Counter(name for file in own for names in file_scope_names(self.tree.text(file)) for name in names)
        of_headers = self.names_of_headers(files)
        names = Names(of_headers)
        for file in own:
            names.add(self.tree.text(file), part, lambda name: owners[name] == 1)

        def names_of(file):
            if file not in own:
                return self.names_of_headers([file])
            mine = Names(names)  # what several files have is told apart by the file
            mine.add(self.tree.text(file), part + pathlib.PurePath(file).stem + "_", lambda name: owners[name] > 1)
            return mine

        self.part_headers = set()
        for file in files:
            self.expand(file, names_of, part, is_shared)
        for macro in dict.fromkeys(self.part_macros):
            self.write(f"#undef {macro}\n")
        self.part_macros = []

    def shared(self, files):
        """Headers that more than one part includes."""
        for file in files:
            self.expand(file, lambda name: self.names_of_headers([name]), "", lambda _: True)

    def names_of_headers(self, files):
        return Names(*(self.header_names[name] for name in self.tree.reached(files) if name in self.header_names))

    def expand(self, file, names_of, part, is_shared):
        text = self.tree.text(file)
        if header_guard(text):
            written = self.headers if is_shared(file) else self.part_headers
            if file in written:
                return
            written.add(file)
            if is_shared(file):
                self.header_names[file] = Names()
                self.header_names[file].add(text, file.removesuffix(".h").replace("/", "_") + "_")
        macros = self.macros if is_shared(file) else self.part_macros
        text = without_guard(text)
        if file in self.with_comments:
            text = without_comments(text)
        self.with_comments.add(file)
        lines, depth = [], 0

        def release():
            piece = rename("\n".join(lines), names_of(file), part).strip("\n")
            if piece:
                self.write(f"\n// ---- {file}\n{piece}\n")
            lines.clear()

        for line in text.split("\n"):
            include = re.match(r'#include ([<"])([^>"]+)', line)
            directive = re.match(r"\s*#\s*(if|endif|define|undef)\w*\s*(\w*)", line)
            if directive:
                depth += {"if": 1, "endif": -1}.get(directive.group(1), 0)
                if directive.group(1) == "define":
                    macros.append(directive.group(2))
                elif directive.group(1) == "undef" and directive.group(2) in macros:
                    macros.remove(directive.group(2))
            if include is None:
                lines.append(line)
            elif include.group(1) == '"':
                if include.group(2) not in LEFT_OUT:
                    release()
                    self.expand(resolve(include.group(2)), names_of, part, is_shared)
            elif include.group(2) not in IN_PROLOGUE and not include.group(2).startswith("simdrop/"):
                if depth > 0:  # of some systems
                    lines.append(line)
                else:
                    self.system.add(include.group(2))
        release()


# ---- simdrop.h

EXPORT = """\
/** SIMDROP_API stands before every function. Unless it is defined already:
 *  - with SIMDROP_STATIC, functions are hidden: what is linked of the objects that are compiled with it exports none of them;
 *  - with SIMDROP_STATIC_FUNCTIONS, they are static, for a file that includes simdrop.c;
 *  - otherwise they are what the compiler makes of functions (-fvisibility). */
#if defined(SIMDROP_API)
#elif defined(SIMDROP_STATIC_FUNCTIONS)
#define SIMDROP_API static __attribute__((unused))
#elif defined(SIMDROP_STATIC) && defined(__GNUC__) && !defined(_WIN32)
#define SIMDROP_API __attribute__((visibility("hidden")))
#else
#define SIMDROP_API
#endif
"""

PREFIX = """\
/** With SIMDROP_PREFIX, mylib_ for instance, simdrop_forward is mylib_simdrop_forward to the linker, and so on for every function, so
 *  that a program may have several copies. simdrop.c and all that includes this file are compiled with the same prefix. */
#if defined(SIMDROP_PREFIX)
#define SIMDROP_PREFIX_JOIN_(prefix, name) prefix##name
#define SIMDROP_PREFIX_JOIN(prefix, name) SIMDROP_PREFIX_JOIN_(prefix, name)
#define SIMDROP_PREFIXED(name) SIMDROP_PREFIX_JOIN(SIMDROP_PREFIX, name)
@defines@#endif
"""


def public_text(name, written):
    """A public header with those that it includes."""
    if name in written:
        return ""
    written.append(name)
    text = without_guard((PUBLIC / name).read_text(encoding="utf-8"))
    if name == "simdrop/export.h":
        text = EXPORT
    if name == "simdrop/openmp.h":
        text = re.sub(r"/\*\* Whether this library is shared.*?#endif\n", "#define SIMDROP_OPENMP_API SIMDROP_API\n", text, flags=re.DOTALL)
        text = f"#if defined(SIMDROP_WITH_OPENMP)\n{text}#endif\n"
    before = []

    def include(match):
        before.append(public_text(match.group(1), written))
        return ""

    text = re.sub(r"^#include <(simdrop/[^>]*)>\n", include, text, flags=re.MULTILINE)
    text = re.sub(r"^#include <std\w+\.h>\n", "", text, flags=re.MULTILINE)
    return "".join(before) + f"/* ---- {name} */\n\n{text.strip()}\n\n"


def header(banner):
    written = []
    text = public_text("simdrop/simdrop.h", written) + public_text("simdrop/openmp.h", written)
    functions = re.findall(r"^SIMDROP_(?:OPENMP_)?API [\w ]*\W(simdrop_\w+)\(", text, re.MULTILINE)
    defines = "".join(f"#define {name} SIMDROP_PREFIXED({name})\n" for name in functions)
    return (f"{banner}#ifndef SIMDROP_SIMDROP_H\n#define SIMDROP_SIMDROP_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
            + PREFIX.replace("@defines@", defines) + "\n" + text + "#endif\n")


# ---- simdrop.c

BANNER = """\
/* simdrop @version@: vectorised dropout, the same bits on every instruction set.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with the License. You may
 * obtain a copy of the License at https://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or agreed to in writing, software distributed under
 * the License is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License
 * for the specific language governing permissions and limitations under the License.
 *
 * Made by scripts/amalgamate.py of simdrop's sources: change those. */
"""

HOW_TO = """\
// The library in one translation unit:
//     cc -O2 -c simdrop.c
// and link with -lm. SIMDROP_STATIC, SIMDROP_STATIC_FUNCTIONS and SIMDROP_PREFIX are explained in simdrop.h; SIMDROP_WITH_SLEEF adds the
// fused functions in double (link with -lsleef), SIMDROP_WITH_OPENMP simdrop_openmp_executor() (compile and link with -fopenmp).
"""

CHECKS = """\
#if !defined(__GNUC__)
#error "simdrop.c is compiled by gcc or clang"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "float and double would be computed in other types: on 32-bit x86 compile with -msse2 -mfpmath=sse, elsewhere with -fexcess-precision=fast"
#endif

#if defined(__x86_64__) || defined(__i386__)
#define SIMDROP_ON_X86 1
#else
#define SIMDROP_ON_X86 0
#endif
#if defined(__aarch64__) && !defined(__AARCH64EB__)
#define SIMDROP_ON_AARCH64 1
#else
#define SIMDROP_ON_AARCH64 0
#endif
// clang before 16 has SVE's intrinsics only where the whole file may use them.
#if SIMDROP_ON_AARCH64 && __has_include(<arm_sve.h>) && !defined(__APPLE__) && !defined(_WIN32) && \\
    (!defined(__clang__) || __clang_major__ >= 16) && !(defined(__ARM_FEATURE_SVE_BITS) && __ARM_FEATURE_SVE_BITS != 0)
#define SIMDROP_WITH_SVE 1
#else
#define SIMDROP_WITH_SVE 0
#endif
"""

# Before all that is compiled. A user's warnings are for the user's own sources; flags for arithmetic are those of CMake's build, as far as
# compilers let them be set again.
PRAGMAS = """\
#pragma GCC diagnostic push
#if defined(__clang__)
#pragma clang diagnostic ignored "-Weverything"
#pragma float_control(push)
#pragma float_control(precise, on)
#pragma clang fp contract(off)
#else
#pragma GCC diagnostic ignored "-Wpragmas"
@warnings@#pragma GCC push_options
#if defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)
#pragma GCC optimize("O3")  // as CMake's build: with -O2 short calls take up to a tenth longer
#endif
#pragma GCC optimize(@arithmetic@)
#endif
"""
# Those of gcc. (Each has some that the other compilers and languages do not know.)
WARNINGS = """
    uninitialized maybe-uninitialized unused-function unused-macros undef pedantic extra missing-field-initializers c++20-extensions
    old-style-cast deprecated-enum-enum-conversion conversion sign-conversion float-equal switch-default switch-enum double-promotion duplicated-branches
    bad-function-cast useless-cast zero-as-null-pointer-constant
"""

SYSTEM = """\
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#if defined(SIMDROP_WITH_OPENMP)
#include <omp.h>
#endif
@headers@#include <stdalign.h>
#include <time.h>
#if SIMDROP_ON_X86
#include <immintrin.h>
#elif SIMDROP_ON_AARCH64
#include <arm_neon.h>
#endif
#if SIMDROP_WITH_SVE
#include <arm_sve.h>
#endif
#if defined(SIMDROP_WITH_SLEEF)
#include <sleef.h>
#endif

// What the system has.
#if defined(__GLIBC__) && defined(__USE_GNU)
#define SIMDROP_HAVE_SECURE_GETENV 1
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#define SIMDROP_HAVE_ISSETUGID 1
#endif
#if defined(__linux__)
#define SIMDROP_HAVE_GETAUXVAL 1
#elif defined(__FreeBSD__) || defined(__OpenBSD__)
#define SIMDROP_HAVE_ELF_AUX_INFO 1
#endif
#if defined(TIME_UTC) && !defined(_WIN32) && !defined(__APPLE__) && !defined(__ANDROID__)
#define SIMDROP_HAVE_TIMESPEC_GET 1
#endif
#if defined(__linux__) && !defined(__cplusplus)  // if headers were included before that, without _GNU_SOURCE, glibc's do not declare it
int madvise(void *address, size_t bytes, int advice);
#endif

#if defined(__cplusplus)
#include <atomic>
#include <type_traits>
#define SIMDROP_ATOMIC(type) std::atomic<type>
using std::atomic_compare_exchange_strong;
using std::atomic_load_explicit;
using std::atomic_store_explicit;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
#else
#include <stdatomic.h>
#define SIMDROP_ATOMIC(type) _Atomic(type)
#endif

#include "simdrop.h"
"""

END = """
#pragma GCC diagnostic pop
#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
"""


def pragmas():
    warnings = "".join(f'#pragma GCC diagnostic ignored "-W{name}"\n' for name in WARNINGS.split())
    flags = cmake_list("CMakeLists.txt", "SIMDROP_ARITHMETIC_FLAGS") + cmake_list("CMakeLists.txt", "SIMDROP_ARITHMETIC_FLAGS_GNU")
    arithmetic = ", ".join(f'"{flag.removeprefix("-f")}"' for flag in flags if not flag.startswith("-fexcess-precision"))
    return PRAGMAS.replace("@warnings@", warnings).replace("@arithmetic@", arithmetic)


def target_begin(flags, gnu_flags):
    """Lets the compiler use instructions from here on: flags as for CMake, such as -mavx2 or +sve."""
    target = ",".join(flag.removeprefix("-m") for flag in flags)
    if not target:
        return ""
    optimize = "".join(f'#pragma GCC optimize("{flag.removeprefix("-f")}")\n' for flag in gnu_flags)
    return (f'#if defined(__clang__)\n#pragma clang attribute push(__attribute__((target("{target}"))), apply_to = function)\n#else\n'
            f'#pragma GCC push_options\n#pragma GCC target("{target}")\n{optimize}#endif\n')


def target_end(flags):
    return "#if defined(__clang__)\n#pragma clang attribute pop\n#else\n#pragma GCC pop_options\n#endif\n" if flags else ""


CONDITIONS = {"x86": "SIMDROP_ON_X86", "aarch64": "SIMDROP_ON_AARCH64", "sve": "SIMDROP_WITH_SVE"}


def backend_list(backends, compiled):
    entries = " \\\n  ".join(f'X({name.replace("-", "_")}, "{name}", {int(name in compiled)})' for name in backends)
    return f"#define SIMDROP_BACKEND_LIST(X) \\\n  {entries}\n"


def sleef_list(sets, compiled):
    return "#define SIMDROP_SLEEF_LIST(X) " + " ".join(f"X({name}, {int(name in compiled)})" for name in sets) + "\n"


def sleef_prototypes(functions):
    """SLEEF's own header has them only where the whole file may use their instructions."""
    vectors = {"8": "__m512d", "4": "__m256d", "2": "float64x2_t", "1": "double"}
    lines = []
    for function in functions:
        vector = vectors[re.search(r"d(\d)_", function).group(1)]
        lines.append(f"{vector} {function}({vector});\n")
    return '#if defined(__cplusplus)\nextern "C" {\n#endif\n' + "".join(lines) + "#if defined(__cplusplus)\n}\n#endif\n"


def source(banner):
    tree = Tree()
    kernel_files = cmake_list("CMakeLists.txt", "SIMDROP_KERNEL_FILES")
    core = [file.removeprefix("src/") for file in cmake_list("CMakeLists.txt", "simdrop_core")]
    backends = cmake_list("cmake/backends.cmake", "SIMDROP_BACKENDS")
    of_machine = {name: cmake_list("cmake/backends.cmake", f"SIMDROP_ARCHITECTURE_{name}")[0] for name in backends if "-" not in name}
    kernels = {name: [f"{name}/{file}" for file in kernel_files if (SOURCES / name / file).is_file()] for name in of_machine}
    vector_backends = [name for name in of_machine if name != "scalar"]

    # What no vector backend has to itself.
    of_core = {file for file in tree.reached(core) if file.endswith(".h")}
    common = of_core.union(tree.reached(kernels["scalar"]))
    seen_by_backends = tree.reached([file for name in vector_backends for file in kernels[name]])
    sets = cmake_list("cmake/sleef.cmake", "SIMDROP_SLEEF_SETS")
    seen_by_backends += tree.reached([f"sleef/{name}.c" for name in sets])

    def is_shared(file):
        return file in common or file in ("sleef/bundles.h", "common/unroll.h", "common/simd_word.h")

    writer = Writer(tree)
    writer.write("\n// ======== what the backends share\n")
    writer.shared([file for file in seen_by_backends if is_shared(file) and file.endswith(".h")])

    for name in vector_backends:
        flags = cmake_list("cmake/backends.cmake", f"SIMDROP_FLAGS_{name}")
        gnu_flags = cmake_list("cmake/backends.cmake", f"SIMDROP_GNU_FLAGS_{name}") if name == "avx2" else []
        writer.write(f"\n#if {CONDITIONS.get(name, CONDITIONS[of_machine[name]])}\n{target_begin(flags, gnu_flags)}")
        writer.part(kernels[name], f"{name}_", f"the backend {name}", is_shared)
        writer.write(f"{target_end(flags)}#endif\n")
    writer.part(kernels["scalar"], "scalar_backend_", "the backend scalar", lambda file: file in of_core or file.startswith("common/"))

    writer.write("\n#if defined(SIMDROP_WITH_SLEEF)\n")
    by_machine = {machine: cmake_list("cmake/sleef.cmake", f"SIMDROP_SLEEF_SETS_{machine}") for machine in ("x86", "aarch64")}
    for machine, its in by_machine.items():
        writer.write(f"#if {CONDITIONS[machine]}\n")
        for name in its:
            flags = sleef_flags(name)
            functions = cmake_list("cmake/sleef.cmake", f"SIMDROP_SLEEF_FUNCTIONS_{name}")
            writer.write(target_begin(flags, []) + sleef_prototypes(functions))
            writer.part([f"sleef/{name}.c"], f"sleef_{name}_", f"SLEEF's {name}", is_shared)
            writer.write(target_end(flags))
        writer.write("#endif\n")
    writer.write("#endif\n")

    compiled = {machine: {name for name in of_machine if of_machine[name] in ("*", machine)} for machine in ("x86", "aarch64", "other")}
    writer.write("\n// ======== the core\n\n// The backends, best first, and SLEEF's sets of instructions.\n"
                 f"#if SIMDROP_ON_X86\n{backend_list(backends, compiled['x86'])}"
                 f"#elif SIMDROP_WITH_SVE\n{backend_list(backends, compiled['aarch64'])}"
                 f"#elif SIMDROP_ON_AARCH64\n{backend_list(backends, compiled['aarch64'] - {'sve'})}"
                 f"#else\n{backend_list(backends, compiled['other'])}#endif\n"
                 f"#if defined(SIMDROP_WITH_SLEEF) && SIMDROP_ON_X86\n{sleef_list(sets, by_machine['x86'])}"
                 f"#elif defined(SIMDROP_WITH_SLEEF) && SIMDROP_ON_AARCH64\n{sleef_list(sets, by_machine['aarch64'])}"
                 f"#else\n{sleef_list(sets, [])}#endif\n")
    writer.shared([file for file in tree.reached(core) if file.endswith(".h")])
    for file in core:
        writer.part([file], file.removesuffix(".c").replace("/", "_") + "_", file, lambda file: file.endswith(".h"))
    writer.write("\n#if defined(SIMDROP_WITH_OPENMP)\n")
    writer.part(["openmp/executor.c"], "openmp_executor_", "the executor on OpenMP", lambda file: file.endswith(".h"))
    writer.write("#endif\n")

    headers = "".join(f"#include <{name}>\n" for name in sorted(writer.system - {"stdalign.h", "time.h", "type_traits"}))
    strict = tree.text("common/strict_arithmetic.h")
    macros = "".join(f"#undef {name}\n" for name in dict.fromkeys(writer.macros))
    return ("".join([banner, HOW_TO, "\n", without_guard(strict).strip("\n"), "\n", CHECKS, "\n", pragmas(), "\n", SYSTEM.replace("@headers@", headers)])
            + "".join(writer.pieces) + "\n" + macros + END)


def sleef_flags(name):
    """Those of a set of SLEEF's, which may begin with those of a backend."""
    flags = []
    for flag in cmake_list("cmake/sleef.cmake", f"SIMDROP_SLEEF_FLAGS_{name}") if name != "advsimd" else []:
        match = re.fullmatch(r"\$\{(SIMDROP_FLAGS_\w+)\}", flag)
        flags += cmake_list("cmake/backends.cmake", match.group(1)) if match else [flag]
    return flags


def version():
    text = (PUBLIC / "simdrop/version.h").read_text(encoding="utf-8")
    return ".".join(re.search(rf"SIMDROP_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", metavar="FOLDER", type=pathlib.Path, default=pathlib.Path("."), help="where to write them (default: here)")
    arguments = parser.parse_args()
    banner = BANNER.replace("@version@", version())
    files = {"simdrop.h": header(banner), "simdrop.c": source(banner)}
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (arguments.output / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        parser.exit(2, f"{parser.prog}: the files cannot be written: {error}\n")


if __name__ == "__main__":
    main()
