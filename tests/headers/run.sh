#!/bin/sh
# run.sh BUILD FOLDER: the public headers by themselves, for every standard of C, C++, Objective-C and Objective-C++ and with every warning
# that a user may have switched on; and for Python's cffi, which parses them itself and then calls the shared library of BUILD.
#
# Seen to fail: stdint.h left out of a header (alone), a _Bool, a parameter called new, an enumeration that ends with a comma (C++), a
# function without void (C), an anonymous union (C99), an inline function with a cast (C++, cffi) and one that compares signs, a
# static_assert (C++98, cffi), a parameter that the comment calls otherwise (clang), a mask with another seed (cffi),
# an attribute outside what asks for __GNUC__ (nothing of gcc's), an array of no elements (clang-cl, MinGW), a parameter's [static 2] (both).
set -u

if [ $# -ne 2 ]; then
  echo "usage: run.sh BUILD FOLDER" >&2
  exit 2
fi
build=$1
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
headers="$source/include/simdrop"
rm -rf "$folder"
mkdir -p "$folder/empty"
# shellcheck disable=SC2034 # check.sh uses it
log="$folder/log.txt"
failed=0

. "$here/../check.sh"

# One file a header, one with all of them, and what users do with their macros.
for header in "$headers"/*.h; do
  name=$(basename "$header" .h)
  printf '#include <simdrop/%s.h>\nextern int not_empty;\n' "$name" > "$folder/$name.c"
done
cat > "$folder/all.c" << 'PROGRAM'
#include <simdrop/simdrop.h>
#include <simdrop/openmp.h>
#include <simdrop/simdrop.h>
#if SIMDROP_VERSION_NUMBER < 1
#error "no version"
#endif
extern const char version[sizeof SIMDROP_VERSION_STRING];
extern size_t dims[SIMDROP_MAX_RANK];
PROGRAM
set -- "$folder"/*.c

# compile <compiler> <language> <standard> <warnings> <file>...
compile() {
  compiler=$1
  language=$2
  standard=$3
  warnings=$4
  shift 4
  for file in "$@"; do
    # shellcheck disable=SC2086 # the list is meant to be split
    "$compiler" -x "$language" -std="$standard" $warnings -Werror -I "$source/include" -fsyntax-only "$file" || return 1
  done
}

common='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Wredundant-decls -Wdouble-promotion'
of_c="$common -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wc++-compat"
of_cpp="$common -Wold-style-cast -Wuseless-cast -Wzero-as-null-pointer-constant -Wextra-semi"
# Padding is the platform's, and no fault of a structure.
everything='-Weverything -Wno-padded'

for standard in c99 c11 c17 c2x; do
  check "C, $standard, gcc" compile gcc c "$standard" "$of_c" "$@"
  check "C, $standard, clang" compile clang c "$standard" "$everything" "$@"
done
for standard in c++98 c++03 c++11 c++14 c++17 c++20 c++2b; do
  check "C++, $standard, gcc" compile g++ c++ "$standard" "$of_cpp" "$@"
  check "C++, $standard, clang" compile clang++ c++ "$standard" "$everything" "$@"
done
for standard in gnu99 gnu11; do
  check "Objective-C, $standard, clang" compile clang objective-c "$standard" "$everything" "$@"
done
for standard in gnu++98 gnu++17; do
  check "Objective-C++, $standard, clang" compile clang++ objective-c++ "$standard" "$everything" "$@"
done

# As Microsoft's compiler would see them, for Windows, to which __GNUC__ is not defined: clang by its options and by clang-cl's, with the
# headers of MinGW's C library, of which only what a compiler brings along is read. The compiler itself has not been here. For the other
# two kinds of library, SIMDROP_API is something else.
windows=x86_64-pc-windows-msvc
if [ -d /usr/x86_64-w64-mingw32/include ]; then
  resources=$(clang -print-resource-dir)
  as_msvc() {
    for macro in NONE SIMDROP_STATIC SIMDROP_BUILDING_LIBRARY; do
      for file in "$@"; do
        clang --target=$windows -std=c11 -pedantic-errors -Wall -Wextra -Werror -fms-compatibility -fms-compatibility-version=19.30 -nostdinc \
          -isystem "$resources/include" -isystem /usr/x86_64-w64-mingw32/include -D$macro -I "$source/include" -fsyntax-only "$file" || return 1
        for mode in /TC /TP; do
          clang --driver-mode=cl --target=$windows /nologo /W4 /WX /D$macro -imsvc /usr/x86_64-w64-mingw32/include /I "$source/include" \
            /Zs $mode "$file" || return 1
        done
      done
    done
  }
  check "C and C++ for Windows, clang-cl" as_msvc "$@"
  for standard in c11 c17; do
    check "C, $standard, MinGW" compile x86_64-w64-mingw32-gcc c "$standard" "$of_c -pedantic-errors" "$@"
  done
else
  echo "skipped headers for Windows: there is no MinGW"
fi

# What gcc and clang alone know, in what is left of the headers by a preprocessor for Windows: clang takes some of it in silence.
# Standard headers are left out: they are not ours.
gnu_words() {
  mkdir -p "$folder/bare"
  touch "$folder/bare/stddef.h" "$folder/bare/stdint.h"
  for macro in NONE SIMDROP_STATIC SIMDROP_BUILDING_LIBRARY; do
    clang --target=$windows -E -P -nostdinc -I "$folder/bare" -I "$source/include" -D$macro "$folder/all.c" > "$folder/bare/all.i" || return 1
    test -s "$folder/bare/all.i" || return 1
    ! grep -nE '__attribute|__builtin|__extension__|__typeof|\btypeof\b|__asm|__inline__|__restrict__|__int128|\(\{|_Atomic|_Float16|\[ *static' \
      "$folder/bare/all.i" || return 1
  done
}
check "nothing of gcc's in the headers for Windows" gnu_words "$@"

# cffi knows the types of stddef.h and stdint.h, and no attributes and directives.
if bin=$(sh "$source/scripts/pypi.sh" cffi cffi); then
  touch "$folder/empty/stddef.h" "$folder/empty/stdint.h"
  declarations() {
    cc -E -P -nostdinc -I "$folder/empty" -I "$source/include" '-D__attribute__(x)=' "$folder/simdrop.c" | grep -v not_empty > "$folder/simdrop.txt"
  }
  check 'cffi: the preprocessed header' declarations
  check 'cffi: parsed, and called' "$bin/python" "$here/call_by_cffi.py" "$folder/simdrop.txt" "$build/libsimdrop.so" \
    "$source/tests/data/mask_golden.txt"
else
  echo "FAILED cffi: it cannot be installed"
  failed=1
fi
exit $failed
