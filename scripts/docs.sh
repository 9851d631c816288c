#!/bin/sh
# docs.sh [FOLDER]: the documentation as a site, by Doxygen, in FOLDER (build/docs): pages, headers and examples, which link to one another.
# Prints where it begins. Fails if Doxygen has a warning.
set -eu
if [ $# -gt 1 ]; then
  echo "usage: docs.sh [FOLDER]" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/build/docs}
command -v doxygen > /dev/null 2>&1 || {
  echo "docs.sh: please install doxygen (Debian: doxygen)" >&2
  exit 2
}
if [ ! -e "$folder/examples.dox" ] && { [ -e "$folder/html" ] || [ -e "$folder/xml" ]; }; then
  echo "docs.sh: $folder has an html or xml that is not from here, and would be removed; please name another folder" >&2
  exit 2
fi
rm -rf "$folder/html" "$folder/xml"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$root"

# What an example says of itself: the comment that it begins with.
for file in examples/*.c examples/functions/*.c; do
  printf '/** @example %s\n%s */\n\n' "$(basename "$file")" "$(sed -n '/^\/\//!q; s/^\/\/ *//p' "$file")"
done > "$folder/examples.dox"

version=$(sed -n 's/^#define SIMDROP_VERSION_[MP][A-Z]* \([0-9]*\).*/\1/p' include/simdrop/version.h | paste -s -d .)
{
  cat docs/Doxyfile
  printf 'PROJECT_NUMBER = %s\nINPUT += "%s"\nOUTPUT_DIRECTORY = "%s"\n' "$version" "$folder/examples.dox" "$folder"
} | doxygen -
echo "$folder/html/index.html"
