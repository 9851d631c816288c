#!/bin/sh
# two_files.sh FOLDER [--all | --part K/N | --gcc]: simdrop.c and simdrop.h, as scripts/amalgamate.py makes them, compiled as their users do: golden data,
# the C tests that see nothing but the public interface, two copies in one program. With --all also by clang, as C++, with flags that others
# like, and for other machines, with --part every N-th of these; with --gcc nothing but the golden data by gcc, and what its object exports.
#
# Seen to fail: contraction left to gcc, whose AVX-512 then fuses (golden data), tables that are not static (only public functions are
# seen), a name that a part gives to another's parameter (g++), a cast from void * left out of the sources (g++), errors that were Python's
# tracebacks (a file in the place of the folder, a full disk), a header that had grown (sizes), a warning that is new in C++20 (c++20). With
# --all: a blend by bytes in the AVX2 backend (unsigned char), arithmetic that only CMake's flags hold exact (constants in float, sums put
# together anew by clang), warnings ignored one by one as they were met (all warnings, pedantic errors), a variable named small, and
# secure_getenv and madvise not declared (after other headers).
set -u

folder=${1:?usage: two_files.sh FOLDER [--all | --part K/N | --gcc]}
all=${2:-}
part=${3:-0/1}
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/.." && pwd)
. "$here/check.sh"
own_folder "$folder"
mkdir -p "$folder/include/simdrop"
# shellcheck disable=SC2034 # check.sh uses it
log="$folder/log.txt"
failed=0
cache=
if command -v ccache > /dev/null; then cache=ccache; fi
warnings='-Wall -Wextra -Wshadow -Werror'
has() { command -v "$1" > /dev/null || { echo "skipped $2: there is no $1" && false; }; }

# shellcheck disable=SC2317 # called by check
left_alone() {
  mkdir "$folder/others" && : > "$folder/others/kept" || return
  ! sh -c '. "$1" && own_folder "$2"' sh "$here/check.sh" "$folder/others" && [ -f "$folder/others/kept" ]
}
check "a folder that is no test's is left alone" left_alone
check 'they are made' python3 "$source/scripts/amalgamate.py" --output "$folder"
check 'and made again, they are the same' sh -c \
  "python3 '$source/scripts/amalgamate.py' --output '$folder/again' && cmp '$folder/simdrop.c' '$folder/again/simdrop.c' && cmp '$folder/simdrop.h' '$folder/again/simdrop.h'"
refused() { # refused <folder>: with a sentence
  python3 "$source/scripts/amalgamate.py" --output "$1" > "$folder/refused" 2>&1
  [ $? -eq 2 ] && cat "$folder/refused" && [ "$(wc -l < "$folder/refused")" -eq 1 ]
}
check 'a file in the place of the folder is refused' refused "$folder/simdrop.h"
mkdir -p "$folder/full" && ln -sf /dev/full "$folder/full/simdrop.h"
check 'a full disk is told of' refused "$folder/full"
# megabytes <file>: as the README says it
megabytes() { awk -v bytes="$(wc -c < "$folder/$1")" -v name="$1" 'BEGIN { printf "`%s` (%.1f MB)\n", name, bytes / 1e6 }'; }
check 'the sizes that the README names' sh -c 'tr -s "\n" " " < "$1/README.md" | grep -oF -e "$2" -e "$3" | wc -l | grep -x 2' \
  sh "$source" "$(megabytes simdrop.c)" "$(megabytes simdrop.h)"
check 'no includes of files of the project' sh -c \
  "! grep -h '^ *# *include \"' '$folder/simdrop.c' '$folder/simdrop.h' | grep -vxF '#include \"simdrop.h\"' && ! grep -h '^ *# *include <simdrop' '$folder/simdrop.c' '$folder/simdrop.h'"

# The tests include the headers by their names.
for header in "$source"/include/simdrop/*.h; do
  echo '#include "../../simdrop.h"' > "$folder/include/simdrop/${header##*/}"
done

# object <name> <compiler and flags>: simdrop.c compiled by them.
object() {
  object=$1
  shift
  # shellcheck disable=SC2086 # flags
  (cd "$folder" && $cache "$@" $warnings -c simdrop.c -o "$object.o")
}

# program <name> <object> <compiler and flags> -- <source of tests>...
program() {
  program=$1 object=$2
  shift 2
  flags=
  while [ "$1" != -- ]; do
    flags="$flags $1"
    shift
  done
  shift
  # shellcheck disable=SC2086 # flags
  (cd "$here" && $flags -O2 -D_GNU_SOURCE "-DSIMDROP_TEST_DATA=\"$here/data\"" "-DSIMDROP_TEST_INCLUDE=\"$source/include\"" -I "$folder/include" -I "$source/src" -I "$here" \
    "$@" plain.c promises.c "$folder/$object.o" $libraries -lm -o "$folder/$program")
}
libraries=

# golden <title> <launcher> <name> <compiler and flags>: the object <name> is compiled, and gives golden data.
golden() {
  what=$1 launcher=$2 made=$3
  shift 3
  check "$what" object "$made" "$@"
  linker=$1
  case $* in *' -static'*) linker="$1 -static" ;; esac
  case $* in *' -flto'*) linker="$1 -flto -O2" ;; esac
  case $linker in *++*) linker=$(echo "$linker" | sed 's/clang++/clang/; s/g++/gcc/') ;; esac
  # shellcheck disable=SC2086 # words
  check "$what: golden program" program "golden_$made" "$made" $linker -- golden_alone.c golden.c
  # shellcheck disable=SC2086 # words
  check "$what: golden data" $launcher "$folder/golden_$made"
}

golden 'gcc' '' gcc gcc -O2 # and no -std=c11, with which gcc contracts nothing anyway
check 'only public functions are seen' sh -c \
  "nm '$folder/gcc.o' | grep ' [TDBRVW] ' | sed 's/.* //' | sort > '$folder/seen' && grep -oE '^#define simdrop_\w+' '$folder/simdrop.h' | sed 's/.* //' | grep -v openmp | sort | diff - '$folder/seen'"
[ "$all" != --gcc ] || exit $failed
if echo '#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>' | gcc -E - > /dev/null 2>&1; then
  libraries='-lcmocka -lpthread'
  for test in api golden_digest parallel tile variants; do
    sources="test_$test.c support.c oracle.c"
    case $test in golden_digest | variants) sources="$sources golden.c" ;; esac
    # shellcheck disable=SC2086 # words
    check "test_$test is compiled" program "test_$test" gcc gcc -std=c11 -- $sources
    check "test_$test" env SIMDROP_TEST_EFFORT=quick "$folder/test_$test"
  done
  libraries=
else
  echo 'skipped the C tests: there is no cmocka'
fi

# Two copies, of which one has a prefix and another backend.
cat > "$folder/copy.c" << 'PROGRAM'
#include "simdrop.h"
#include <string.h>
int other_mask(const simdrop_mask *mask, size_t n, uint8_t *bits) {
  if (simdrop_backend_select("scalar") != SIMDROP_OK) return 1;
  return simdrop_mask_bits(mask, n, bits) != SIMDROP_OK || strcmp(simdrop_backend_current(), "scalar") != 0;
}
PROGRAM
cat > "$folder/copies.c" << 'PROGRAM'
#include "simdrop.h"
#include <string.h>
int other_mask(const simdrop_mask *mask, size_t n, uint8_t *bits);
int main(void) {
  static uint8_t mine[1000], other[1000];
  const simdrop_mask mask = {0.3, 1, 2, 3, 0};
  const char *const backend = simdrop_backend_current();
  if (simdrop_mask_bits(&mask, 8000, mine) != SIMDROP_OK || other_mask(&mask, 8000, other) != 0) return 1;
  return memcmp(mine, other, sizeof mine) != 0 || simdrop_backend_current() != backend;
}
PROGRAM
check 'a copy with a prefix, without optimisation' object prefixed gcc -O0 -DSIMDROP_PREFIX=mylib_ -DSIMDROP_STATIC
check 'all its functions have the prefix' sh -c "! nm '$folder/prefixed.o' | grep ' [TDBRVW] ' | grep -v ' mylib_simdrop_'"
check 'two copies in one program' sh -c \
  "cd '$folder' && gcc -c copies.c && gcc -c -DSIMDROP_PREFIX=mylib_ copy.c && gcc copies.o copy.o gcc.o prefixed.o -lm -o copies && ./copies"

for compiler in gcc g++ clang++ clang; do
  if ! has $compiler "the check by $compiler"; then continue; fi
  case $compiler in *++) language='c++ -std=c++17' ;; *) language='c -std=c11 -pedantic' ;; esac
  # shellcheck disable=SC2086 # flags
  check "$compiler takes them as ${language#* -std=}" $compiler -x $language $warnings -fsyntax-only "$folder/simdrop.c"
done
for flag in -ffast-math -Ofast -funsafe-math-optimizations; do
  check "$flag is refused" sh -c "! gcc -O2 $flag -fsyntax-only '$folder/simdrop.c' 2> '$folder/refused' && grep -q 'compile simdrop without' '$folder/refused'"
done

case $all in --all | --part) ;; *) exit $failed ;; esac
number=0
today() { # whether the next of these is in the part: they take about equally long, what is only read and not compiled all together
  number=$((number + 1))
  [ $((number % ${part#*/})) -eq $((${part%/*} % ${part#*/})) ]
}
cat > "$folder/included.c" << 'PROGRAM'
#define SIMDROP_STATIC_FUNCTIONS
#include "simdrop.c"
int main(void) {
  uint8_t bits[2];
  const simdrop_mask mask = {0.3, 1, 2, 3, 0};
  return simdrop_mask_bits(&mask, 16, bits) != SIMDROP_OK;
}
PROGRAM
today && check 'included in a program, with static functions' sh -c \
  "cd '$folder' && gcc -O1 -Wall -Wextra -Werror -c included.c && ! nm included.o | grep ' [TDBRVW] ' | grep -v ' main' && gcc included.o -lm -o included && ./included"
# In a file with other things before it: macros of the Windows headers, and headers that were told nothing of _GNU_SOURCE.
for name in small near far min max IN OUT OPTIONAL interface ERROR TRUE FALSE CONST VOID; do echo "#define $name ("; done > "$folder/before.h"
sed 's/^#include "simdrop.c"/#include <complex.h>\n#include <stdlib.h>\n#include "before.h"\n&/' "$folder/included.c" > "$folder/after.c"
if today; then
  for compiler in gcc musl-gcc clang; do
    if ! has $compiler "after other headers, by $compiler"; then continue; fi
    check "after other headers, by $compiler" $compiler -std=c11 -Wall -Wextra -Werror -fsyntax-only "$folder/after.c"
  done
  for compiler in g++ clang++; do
    if ! has $compiler "C++20 by $compiler"; then continue; fi
    # shellcheck disable=SC2086 # flags
    check "$compiler takes them as c++20" $compiler -x c++ -std=c++20 $warnings -fsyntax-only "$folder/simdrop.c"
  done
  for compiler in gcc g++ clang clang++; do
    if ! has $compiler "all warnings of $compiler"; then continue; fi
    case $compiler in *++) language='c++ -std=c++20' more='-Wold-style-cast -Wuseless-cast' ;; *) language=c more='-Wbad-function-cast -Wmissing-prototypes -Wunused-macros' ;; esac
    case $compiler in clang*) more=-Weverything ;; esac
    # shellcheck disable=SC2086 # flags
    check "all warnings of $compiler, as errors" $compiler -x $language -O2 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef \
      -Wcast-qual -Wfloat-equal -Wswitch-default -Wswitch-enum -Wdouble-promotion -Wredundant-decls $more -Werror -fsyntax-only \
      "$folder/simdrop.c"
  done
  check 'pedantic errors of g++' g++ -x c++ -std=c++17 -O2 -pedantic-errors -fsyntax-only "$folder/simdrop.c"
fi
today && has gcc-11 'gcc 11' && golden 'gcc 11' '' gcc11 gcc-11 -O2
today && has g++-11 'C++17 by g++ 11' && golden 'C++17 by g++ 11' '' gxx11 g++-11 -x c++ -std=c++17 -O2
today && has clang 'clang' && golden 'clang' '' clang clang -O2
today && golden 'C++17' '' cxx g++ -x c++ -std=c++17 -O2
today && has clang++ 'clang++' && golden 'C++17 by clang' '' clangxx clang++ -x c++ -std=c++17 -O2
today && golden '-Os' '' os gcc -Os
has_sleef() { echo '#include <sleef.h>' | gcc -E - > /dev/null 2>&1 || { echo 'skipped SLEEF: there is no sleef.h' && false; }; }
if today && has_sleef; then
  libraries=-lsleef
  golden 'SLEEF' '' sleef gcc -O2 -DSIMDROP_WITH_SLEEF
  libraries=
fi
cat > "$folder/threads.c" << 'PROGRAM'
#include "simdrop.h"
int main(void) {
  static float x[1 << 20], y[1 << 20];
  const simdrop_mask mask = {0.3, 1, 2, 3, 0};
  const simdrop_executor executor = simdrop_openmp_executor(2);
  return simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, 1 << 20, x, y, NULL) != SIMDROP_OK;
}
PROGRAM
if today; then
  check 'OpenMP' object openmp gcc -O2 -fopenmp -DSIMDROP_WITH_OPENMP
  check 'a program with OpenMP' sh -c "cd '$folder' && gcc -fopenmp -DSIMDROP_WITH_OPENMP threads.c openmp.o -lm -o threads && ./threads"
fi
today && golden '-O3 -march=native' '' native gcc -O3 -march=native
today && golden '-mno-avx' '' noavx gcc -O2 -mno-avx
today && golden 'char without a sign, constants in float' '' uchar gcc -O2 -funsigned-char -fsingle-precision-constant
if today && has clang 'sums that may be put together anew'; then
  golden 'sums that may be put together anew' '' anew clang -O2 -march=native -fassociative-math -freciprocal-math -fno-signed-zeros -fno-trapping-math
fi
today && golden 'contraction that is asked for' '' contract gcc -O2 -march=native -ffp-contract=fast
today && golden 'link-time optimisation' '' lto gcc -O2 -flto
if today && has aarch64-linux-gnu-gcc aarch64 && has qemu-aarch64-static aarch64; then
  golden 'aarch64' 'qemu-aarch64-static -cpu max' aarch64 aarch64-linux-gnu-gcc -O2 -static
fi
if today && has s390x-linux-gnu-gcc s390x && has qemu-s390x-static s390x; then
  golden 's390x' qemu-s390x-static s390x s390x-linux-gnu-gcc -O2 -static
fi
today && has i686-linux-gnu-gcc i686 && golden 'i686' '' i686 i686-linux-gnu-gcc -O2 -msse2 -mfpmath=sse -static
today && has x86_64-w64-mingw32-gcc MinGW && check 'MinGW' object mingw x86_64-w64-mingw32-gcc -O2
exit $failed
