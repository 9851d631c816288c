#!/bin/sh
# build.sh FOLDER [cmake arguments...]: builds in that folder as Debian builds its packages, and leaves the .deb files there. The
# maintainer is who DEBFULLNAME and DEBEMAIL say.
set -eu

folder=${1:?usage: build.sh FOLDER [cmake arguments...]}
shift
for tool in cmake cpack dpkg-buildflags dpkg-shlibdeps; do # without them there would be packages without Debian's flags, or none in the end
  command -v $tool > /dev/null 2>&1 || {
    echo "build.sh: there is no $tool; please install cmake and dpkg-dev" >&2
    exit 2
  }
done
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$source" # whose path the flags leave out of the packages
flags() { DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get "$1"; } # bindnow too
# Files in the packages as old as the changelog's newest entry, so that equal sources make equal packages.
written=$(sed -n 's/^ -- @maintainer@  //p' "$source/packaging/debian/changelog" | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -d "$written" +%s)}
export SOURCE_DATE_EPOCH
umask 022
cmake -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr \
  -DSIMDROP_BUILD_TESTS=OFF -DSIMDROP_BUILD_EXAMPLES=OFF \
  -DCMAKE_C_FLAGS="$(flags CFLAGS) $(flags CPPFLAGS)" -DCMAKE_CXX_FLAGS="$(flags CXXFLAGS) $(flags CPPFLAGS)" \
  -DCMAKE_EXE_LINKER_FLAGS="$(flags LDFLAGS)" -DCMAKE_SHARED_LINKER_FLAGS="$(flags LDFLAGS)" "$@"
cmake --build "$folder" --parallel "$(nproc)"
cd "$folder"
cpack -G DEB
