#!/bin/sh
# release.sh FOLDER [--all]: scripts/release.sh in a clone: what it refuses, and that nothing is left then. With --all a release is made, twice:
# its files must be the same.
#
# Seen to fail: a folder that is made before its files are (a step that fails), no look at CHANGELOG.md (unreleased), at the tag's commit
# (another commit), at Debian's changelog, and a tag whose v is not looked at.
set -u

folder=${1:?usage: release.sh FOLDER [--all]}
all=${2:-}
source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/check.sh"
own_folder "$folder"
mkdir "$folder/few" "$folder/place"
# shellcheck disable=SC2034 # check.sh uses it
log="$folder/log.txt"
failed=0

if ! git -C "$source" rev-parse -q --verify HEAD > /dev/null 2>&1; then
  echo 'skipped releases: they are made of a commit, and this is not a git repository'
  exit 0
fi
clone="$folder/clone"
git clone --quiet --no-tags "$source" "$clone" || exit 2
version=$(sed -n 's/^#define SIMDROP_VERSION_[MP][A-Z]* \([0-9]*\).*/\1/p' "$source/include/simdrop/version.h" | paste -s -d .)
commit() {
  git -C "$clone" add --all \
    && git -C "$clone" -c user.name=test -c user.email=test@example.org commit --quiet --allow-empty --message test
}
date_of_changes() { sed -i "s/^## \[$version\] - .*/## [$version] - $1/" "$clone/CHANGELOG.md"; }
cp "$source/scripts/release.sh" "$clone/scripts/"
date_of_changes unreleased
commit

# With a few commands alone: what release.sh asks for but one, and what it takes to come to its first step, where gzip fails.
for program in sh dirname basename mkdir mktemp mv paste sed awk grep rm nproc tail git tar sha256sum cc c++ cmake cpack ninja python3 \
  dpkg-shlibdeps strip; do
  ln -s "$(command -v "$program")" "$folder/few/"
done
printf '#!/bin/sh\necho "no space left" >&2\nexit 1\n' > "$folder/few/gzip"
chmod +x "$folder/few/gzip"
path="$folder/few"
release() { (cd "$folder/place" && PATH=$path sh "$clone/scripts/release.sh" "$@"); }
# refused <sentence> <argument>...: and nothing is left.
refused() {
  sentence=$1
  shift
  ! release "$@" > "$folder/said" 2>&1 && cat "$folder/said" && grep -qF -- "$sentence" "$folder/said" \
    && [ -z "$(find "$folder/place" -mindepth 1)" ]
}

check 'no folder' refused 'usage: release.sh FOLDER'
check 'a missing tool' refused 'there is no dpkg-buildflags here' made "v$version"
ln -s "$(command -v dpkg-buildflags)" "$folder/few/"
check 'the tag of another version' refused "the tag is v99.0.0, but include/simdrop/version.h says $version" made v99.0.0
check 'a tag without v' refused "the tag is $version, but" made "$version"
check 'a version that is called unreleased' refused "CHANGELOG.md has no section [$version] with a date" made "v$version"
check 'a folder in none' refused "there is no folder for 'none/made'" none/made
check 'a folder that is there' refused 'is there already' "$clone"
date_of_changes 2026-01-01
commit
git -C "$clone" tag "v$version" HEAD~1
check 'the tag of another commit' refused "v$version is another commit" made "v$version"
sed -i '1s/(.*)/(98.0.0-0.1)/' "$clone/packaging/debian/changelog"
commit
check "another version in Debian's changelog" refused "packaging/debian/changelog does not begin with $version" made
git -C "$clone" reset --quiet --hard HEAD~1
sed -i 's/"version": ".*"/"version": "98.0.0"/' "$clone/packaging/vcpkg/simdrop/vcpkg.json"
commit
check "another version in vcpkg's manifest" refused "packaging/vcpkg/simdrop/vcpkg.json has not the version $version" made
git -C "$clone" reset --quiet --hard HEAD~1
git -C "$clone" tag --force "v$version" > /dev/null

check 'a step that fails' refused 'this failed: simdrop' made "v$version"
path=$PATH

if [ "$all" = --all ]; then
  check 'made' release made "v$version"
  check 'made again' release 'made again'
  check 'made again, it is the same' diff -r "$folder/place/made" "$folder/place/made again"
  check 'sums' sh -c "cd '$folder/place/made' && sha256sum --check SHA256SUMS && [ \"\$(wc -l < SHA256SUMS)\" -eq 9 ]"
fi
exit $failed
