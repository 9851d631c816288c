#!/bin/sh
# reproducible.sh FOLDER: two copies of the source, built in two folders, give the same libraries and the same tool; in one of them the parent
# wants a unity build.
#
# Seen to fail: all flags in the benchmark's context (the tool), an absolute run path (the tool on the shared library).
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/check.sh"
own_folder "${1:?usage: reproducible.sh FOLDER}"
failed=0

# build <copy> <cmake arguments...>: debug information too, with the folders mapped away, as distributions do.
build() {
  copy="$folder/$1"
  shift
  mkdir -p "$copy/source" && tar -C "$source" -cf - CMakeLists.txt cmake include src tools bench | tar -C "$copy/source" -xf - || return
  for kind in static shared; do
    other=$([ "$kind" = static ] && echo SHARED || echo STATIC)
    cmake -S "$copy/source" -B "$copy/$kind" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE='-O1 -g' -DCMAKE_CXX_FLAGS_RELEASE='-O1 -g' \
      -DCMAKE_C_FLAGS="-ffile-prefix-map=$copy=." -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$copy=." -DSIMDROP_BUILD_$other=OFF \
      -DSIMDROP_BUILD_TESTS=OFF -DSIMDROP_BUILD_EXAMPLES=OFF -DSIMDROP_WITH_AVX512=OFF -DSIMDROP_WITH_HIGHWAY=OFF -DSIMDROP_WITH_BOOST=OFF "$@" \
      && cmake --build "$copy/$kind" || return
  done
}

for copy in one another; do
  if [ "$copy" = one ]; then unity=OFF; else unity=ON; fi
  if ! build "$copy" -DCMAKE_UNITY_BUILD=$unity -DCMAKE_UNITY_BUILD_BATCH_SIZE=0 > "$folder/log.txt" 2>&1 < /dev/null; then
    tail -n 30 "$folder/log.txt"
    echo "FAILED the build in $copy"
    exit 1
  fi
done
for file in static/libsimdrop.a static/libsimdrop_openmp.a static/tools/simdrop/simdrop shared/libsimdrop.so shared/libsimdrop_openmp.so \
  shared/tools/simdrop/simdrop; do
  if cmp "$folder/one/$file" "$folder/another/$file"; then
    echo "ok $file is the same in two folders"
  else
    echo "FAILED $file differs"
    failed=1
  fi
done
exit $failed
