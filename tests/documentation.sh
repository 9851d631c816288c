#!/bin/sh
# documentation.sh BUILD FOLDER: the pages, their links and an example for each public function; these compiled as users do, for the shared
# library of BUILD, and run; and, where doxygen is installed, the site that scripts/docs.sh makes in FOLDER.
#
# Seen to fail: a heading that is not there (links between pages), a page that nothing names (links to every page), a comment without its
# example, an example that calls another function, and one under another name (an example for each function), a wrong value and a function
# that main does not call (that example), an enumerator without a comment, a parameter without one (the site, without a warning;
# parameters), a function that does not say what it returns (parameters), a macro without a comment (every public name, links lead to every
# public name), a function that the library does not have (what the libraries export), examples in another folder (examples are shown), a
# page that the site leaves out (links lead to every page), a folder of pictures that it leaves out (links of the site, pictures), backticks
# in headings (no markup), comments left to Doxygen (figures), a folder that is removed whoever made it (pages of others),
# a link that Doxygen makes (the header of the two files).
set -u

if [ $# -ne 2 ]; then
  echo "usage: documentation.sh BUILD FOLDER" >&2
  exit 2
fi
build=$1
folder=$2
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
# shellcheck disable=SC2034 # check.sh uses it
log="$folder/log.txt"
failed=0
. "$root/tests/check.sh"

python3 "$root/tests/documentation.py" tree || failed=1

# example <file>: with every warning, and without what CMake knows.
example() {
  name=$(basename "$1" .c)
  libraries='-lsimdrop -lm'
  [ "$name" != openmp ] || libraries="-lsimdrop_openmp $libraries"
  # shellcheck disable=SC2086 # the list is meant to be split
  cc -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror -O1 -I "$root/include" "$1" -o "$folder/$name" -L "$build" "-Wl,-rpath,$build" \
    $libraries && "$folder/$name"
}
for file in "$root"/examples/functions/*.c; do
  if [ "$(basename "$file")" = openmp.c ] && [ ! -e "$build/libsimdrop_openmp.so" ]; then
    echo "skipped the example for OpenMP: it is not in $build"
  else
    check "examples/functions/$(basename "$file")" example "$file"
  fi
done

if command -v doxygen > /dev/null 2>&1; then
  rm -rf "$folder/other" && mkdir -p "$folder/other/html"
  left_alone() {
    ! sh "$root/scripts/docs.sh" "$folder/other" 2> "$folder/said" && [ -d "$folder/other/html" ] \
      && grep 'please name another folder' "$folder/said"
  }
  check 'a folder with pages of others is left alone' left_alone
  check 'the site, without a warning' sh "$root/scripts/docs.sh" "$folder/site"
  python3 "$root/tests/documentation.py" site "$folder/site" "$build" || failed=1
else
  echo 'skipped the site: doxygen is not installed'
fi
exit $failed
