#!/bin/sh
# test.sh [--all] [--list] [--only NAME]...: builds simdrop in every way that matters and runs every test; with --all also those that take
# long and find little that is new; with --only just these groups of steps, or single steps, which may use what those of their group before
# them made; --list prints the names. Goes on after a failure, so that one run reports all; the last line counts the tests. A skipped test
# says why where it is skipped. Two lanes take the groups one after the other, since many a step leaves a processor idle by itself.
#
# Seen to fail: a tree that is not built (each step that uses it, in either lane), a lane that ends before the groups do.
set -u

refuse() { # refuse <why>
  echo "test.sh: $1; the options are --all, --list and --only NAME" >&2
  exit 2
}

all=no
list=no
only=""
while [ $# -gt 0 ]; do
  case "$1" in
    --all) all=yes ;;
    --list) list=yes ;;
    --only)
      [ $# -gt 1 ] || refuse "--only needs a name"
      shift
      sh "$0" --all --list | sed 's/^  //' | grep -qxF -e "$1" || refuse "there is no group or step '$1' (see --list)"
      only="$only$1
"
      ;;
    *) refuse "unknown argument '$1'" ;;
  esac
  shift
done
if [ -n "$only" ] && [ "$all" = no ]; then
  rest=$(printf '%s' "$only" | grep -vxF -e "$(sh "$0" --list | sed 's/^  //')")
  [ -z "$rest" ] || refuse "'$rest' is run only with --all"
fi

cd "$(dirname "$0")/.." || exit 2
level="test"
[ "$all" = no ] || level=all
[ "$list" = yes ] || sh scripts/setup.sh "$level" || exit 2

root=$(pwd)
build="$root/build/test"
mkdir -p "$build"
# Much is compiled more than once: by several steps in the same way, and again after each planted fault.
export CCACHE_DIR="$build/ccache" CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
# Some of what takes long is done by turns, one day of the year in so many, and in full with --all and --only. SIMDROP_TEST_DAY=N has it done
# as on that day, also with --only.
day=${SIMDROP_TEST_DAY:-$(date +%j | sed 's/^0*//')}
turns=no
if [ "$all" = no ] && [ -z "$only" ] || [ -n "${SIMDROP_TEST_DAY:-}" ]; then turns=yes; fi
summary="$build/summary.txt"
lanes="$build/lanes" # what the lanes tell each other: groups that are taken, trees that are built
if [ "$list" = no ]; then
  rm -rf "$lanes"
  mkdir "$lanes"
  : > "$summary"
fi

# uses <tree>...: the builds that the steps that follow need.
uses() { trees=$*; }

# chosen <title>: whether this step is to be run.
chosen() {
  if [ "$list" = yes ]; then
    echo "  $1"
    return 1
  fi
  [ -z "$only" ] || printf '%s' "$only" | grep -qxF -e "$group" -e "$1"
}

# What this lane's steps so far have taken of all processors, in seconds; `times` must not be called in a subshell of the lane's.
processor_seconds() {
  awk 'NR == 2 { gsub("s", ""); for (i = 1; i <= 2; ++i) { split($i, part, "m"); sum += 60 * part[1] + part[2] } print int(sum) }' \
    "$build/times-$lane.txt"
}

log_of() { printf '%s/%s.log' "$build" "$(printf '%s' "$1" | tr -c 'A-Za-z0-9\n' '-')"; }

# with_trees <command...>: with what it uses, or it has failed.
with_trees() {
  for tree in $trees; do built "$tree" || return; done
  "$@"
}

# step <title> <command...>: runs the command, shows what it prints when something fails, and counts.
step() {
  title=$1
  shift
  chosen "$title" || return 0
  log=$(log_of "$title")
  printf '== %s\n' "$title"
  started=$(date +%s)
  times > "$build/times-$lane.txt"
  processors=$(processor_seconds)
  with_trees "$@" > "$log" 2>&1 < /dev/null
  status=$?
  times > "$build/times-$lane.txt"
  count > "$log.counted"
  cat "$log.counted"
}

# count: the tests in a step's log. Every checker prints lines that begin with "ok ", "FAILED " or "skipped ", one a test; ctest has lines
# of its own.
count() {
  ok=$(grep -cE '^ok |^ *[0-9]+/[0-9]+ Test .* Passed ' "$log")
  bad=$(grep -cE '^FAILED |^ *[0-9]+/[0-9]+ Test .*\*\*\*(Failed|Timeout|Exception|Not Run)' "$log")
  left=$(grep -cE '^skipped |^ *[0-9]+/[0-9]+ Test .*\*\*\*Skipped' "$log")
  # A command that fails without naming a test, or that ran none, is a failed test itself.
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  if [ "$((ok + bad + left))" -eq 0 ]; then bad=1; fi
  if [ "$bad" -ne 0 ]; then tail -n 80 "$log"; fi
  grep -E '^skipped ' "$log"
  printf '%-58s %4d passed %4d failed %4d skipped %5d s, %d s of processors\n' "$title" "$ok" "$bad" "$left" "$(($(date +%s) - started))" \
    "$(($(processor_seconds) - processors))" | tee -a "$summary"
}

# at_once <command line>...: for a step of several commands that leave processors idle: side by side, and what they print one after the
# other, last of all what failed. One that prints nothing has failed.
at_once() {
  processes=""
  for line in "$@"; do
    (eval "$line") > "$log.$(printf '%s' "$processes" | wc -w)" 2>&1 &
    processes="$processes $!"
  done
  number=0
  : > "$log.failed"
  for process in $processes; do
    if wait "$process" && [ -s "$log.$number" ]; then
      cat "$log.$number"
    else
      { cat "$log.$number" && echo "(status other than 0, or no output)"; } >> "$log.failed"
    fi
    number=$((number + 1))
  done
  cat "$log.failed"
  [ ! -s "$log.failed" ]
}

# configure <folder> <cmake arguments...>: what is left out of a build because it was not found would not be missed, so the tests' own parts are
# required, and all that setup.sh installs where arguments say so.
configure() {
  tree="$build/$1"
  shift
  cmake -S "$root" -B "$tree" -G Ninja -DSIMDROP_WERROR=ON -DSIMDROP_REQUIRED="backends;cmocka;python" "$@"
}
compile() { configure "$@" && cmake --build "$build/$1"; }

# tree <folder>: the builds that more than one group uses.
tree() {
  case "$1" in
    release) compile "$1" -DCMAKE_BUILD_TYPE=Release -DSIMDROP_REQUIRED=all ;;
    clang) compile "$1" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang -DSIMDROP_REQUIRED="backends;highway;sleef;boost;blas;mpi;cmocka;python" ;;
    aarch64) compile_for "$1" aarch64-linux-gnu ;;
    # Highway's functions for aarch64 by gcc alone, unless --all: those for x86 are compiled by both.
    aarch64-clang) compile_for "$1" aarch64-linux-gnu-clang -DSIMDROP_WITH_HIGHWAY="$(echo "$all" | sed 's/yes/ON/; s/no/OFF/')" ;;
  esac
}

# built <folder>: builds one of these, unless a lane has done it, or waits until the other has; what happened to it is told each time.
built() {
  (
    flock 9
    if [ ! -f "$lanes/$1.built" ]; then
      tree "$1" > "$build/$1-tree.log" 2>&1 < /dev/null
      echo $? > "$lanes/$1.built"
    fi
  ) 9> "$lanes/$1.lock"
  [ "$(cat "$lanes/$1.built")" -eq 0 ] && return
  tail -n 80 "$build/$1-tree.log"
  echo "FAILED the build $1"
  return 1
}

# Only that it builds, and that the fastest tests pass.
compile_and_try() {
  folder=$1
  shift
  compile "$folder" -DCMAKE_BUILD_TYPE=Release "$@" \
    && SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/$folder" -j 2 --output-on-failure -R '^(mask|api|api_shared|dispatch)$'
}

# by_turns <days> <number>: whether what takes long and finds little is done today, one day in so many. Turns are spread so that days take
# about equally long: in seconds of processors some 180 for flags and other systems each, 150 for SVE and for each half of what Bochs does, 100
# for Neoverse N1, reproducible builds, builds without some parts and benchmarks each, 80 for a kind of package, 65 for layouts, 50 for
# clang's tests, the tool by sanitizers and 32-bit x86 each.
by_turns() { [ "$turns" = no ] || [ "$((day % $1))" -eq "$2" ]; }

# part_of <days>: what part of something is done today, as K/N.
part_of() { if [ "$turns" = yes ]; then echo "$day/$1"; else echo 0/1; fi; }

# on_turn <days> <number> <command...>: a step, by turns.
on_turn() {
  if ! by_turns "$1" "$2"; then
    echo "skipped this step: it is run on one day in $1"
    return
  fi
  shift 2
  "$@"
}

# Benchmarks and their pictures by turns: no result of the library depends on them. Layouts, which take the longest, with every size only so.
gcc_release() {
  without='no test'
  if ! by_turns 6 4; then
    without='tool_bench|peers|peers_fused|pictures'
    echo "skipped $without: they are run on one day in six"
  fi
  less='no test'
  if ! by_turns 3 2; then less=layout; fi
  built release && ctest --test-dir "$build/release" -j 2 --output-on-failure -E "^($without|$less)\$" || return
  [ "$less" = 'no test' ] || SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/release" --output-on-failure -R "^($less)\$"
}

# The same code by another compiler: every test, with shorter loops, but those of scripts, which no compiler has a share in, and those of the
# tool, which the build with sanitizers, clang's too, has as well.
clang_release() {
  built clang || return
  if ! by_turns 6 1; then
    echo 'skipped the other tests by clang: they are run on one day in six, and every day with sanitizers'
    "$build/clang/tests/golden_alone"
    return
  fi
  SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/clang" -j 2 --output-on-failure -E '^(peers|peers_fused|pictures|tune|tool|tool_bench|tool_verify|tool_files)$'
}

# Sanitizers' builds optimise less, and of what a debugger wants they keep the lines, which are what reports name: so they compile in half
# of the time.
with_sanitizer() { # with_sanitizer <sanitizers> <folder> <cmake arguments...>
  sanitizers=$1
  folder=$2
  shift 2
  configure "$folder" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang -DSIMDROP_SANITIZE="$sanitizers" \
    -DCMAKE_C_FLAGS_RELWITHDEBINFO='-O1 -gline-tables-only -DNDEBUG' -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -gline-tables-only -DNDEBUG' "$@"
}

# Without Highway's backends, which take a minute and a half to compile so, without the tool's benchmarks, which read no files, and without what
# in the kernels takes up to two thirds of their time to compile: with all of these, --all.
sanitized() {
  folder=$1
  without=$2
  shift 2
  if ! by_turns 5 4; then
    without="$without|tool"
    echo 'skipped tool: sanitizers see it on one day in five'
  fi
  with_sanitizer address,undefined "$folder" "$@" && cmake --build "$build/$folder" \
    && ASAN_OPTIONS=redzone=256 SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/$folder" -j 2 --output-on-failure -E "^($without)\$"
}

# The two tests in which threads meet. Kernels know nothing of threads, whichever backend's they are: with Highway's, --all.
thread_sanitized() {
  folder=$1
  shift
  with_sanitizer thread "$folder" -DSIMDROP_BUILD_TOOL=OFF -DSIMDROP_BUILD_EXAMPLES=OFF "$@" \
    && cmake --build "$build/$folder" --target test_dispatch test_parallel \
    && SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/$folder" -j 2 --output-on-failure -R '^(dispatch|parallel)$'
}

# run_on <backend>: the release build's tests with the environment choosing the backend.
run_on() {
  SIMDROP_BACKEND=$1 SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/release" -j 2 --output-on-failure -R '^(api|api_shared|golden_alone)$'
}

# Other processors are emulated. OpenMP's, MPI's and C++'s libraries are not there for them, and so no special functions for verify.
compile_for() {
  folder=$1
  toolchain=$2
  shift 2
  compile "$folder" -DCMAKE_TOOLCHAIN_FILE="$root/cmake/toolchains/$toolchain.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DSIMDROP_WITH_OPENMP=OFF -DSIMDROP_WITH_BOOST=OFF -DSIMDROP_BUILD_EXAMPLES=OFF "$@"
}

# The C test suite: emulate <tree> <processor>... The golden data by golden_alone, once: golden_digest would draw the same again.
emulate() {
  folder=$1
  built "$1" || return
  shift
  for processor in "$@"; do
    printf 'On %s:\n' "$processor"
    # Of scalar, which has been tested here, the golden data; on "max" what it has besides, and what that may change. What takes minutes and no
    # processor does otherwise, by one compiler's build alone: layouts by the one's, threads by the other's, and of the fused functions,
    # whose golden data both have, some by each.
    backends="neon highway-neon"
    golden="$backends scalar"
    tests=.
    without='parallel|norm|tile|variants'
    if [ "$processor" = max ]; then
      backends="sve highway-sve2 highway-sve"
      golden=$backends
      tests='^(philox|mask|kernels|vocabulary|math|norm|guard|stack|dispatch)$'
    elif [ "$folder" = aarch64 ]; then
      without='layout|bench_limits|chain|softmax|stack'
    fi
    QEMU_CPU=$processor SIMDROP_TEST_BACKENDS=$golden "$build/$folder/tests/run-golden_alone" || return
    case $processor in
      cortex-a53) turn='2 1' ;;
      max) turn='2 0' ;;
      *) turn='3 2' ;;
    esac
    # shellcheck disable=SC2086 # two numbers
    if ! by_turns $turn; then
      echo "skipped the other tests on $processor: they are run on one day in ${turn% *}"
      continue
    fi
    SIMDROP_TEST_BACKENDS=$backends QEMU_CPU=$processor SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/$folder" -j 2 \
      --output-on-failure -L '^c$' -R "$tests" -E "^(golden_alone|golden_digest|$without)\$" || return
  done
}

# SVE of every length, with what has vectors of one length left out, but for neon, which runs where SVE must not be used (384 bits). More
# of the tests where a part of each vector is used (2048).
emulate_length() {
  printf 'Vectors of %d bits:\n' "$1"
  tests='^(vocabulary|math)$'
  backends=sve
  golden="sve highway-sve2 highway-sve"
  trees=aarch64
  case $1 in
    384)
      tests='^dispatch$'
      backends=neon
      golden="neon $golden"
      ;;
    2048)
      tests='^(vocabulary|math|philox|mask|kernels|norm)$'
      trees="aarch64 aarch64-clang"
      ;;
  esac
  export SIMDROP_TEST_EFFORT=quick QEMU_CPU="max,sve-max-vq=$(($1 / 128)),sve-default-vector-length=-1"
  for tree in $trees; do
    SIMDROP_TEST_BACKENDS=$golden "$build/$tree/tests/run-golden_alone" || return 1
  done
  SIMDROP_TEST_BACKENDS=$backends ctest --test-dir "$build/aarch64" --output-on-failure -R "$tests"
}
emulate_lengths() {
  at_once 'for bits in 128 256 2048; do emulate_length $bits || exit; done' 'for bits in 384 512 1024; do emulate_length $bits || exit; done' \
    && QEMU_CPU=a64fx SIMDROP_TEST_EFFORT=quick ctest --test-dir "$build/aarch64" -j 2 --output-on-failure \
      -R '^(vocabulary|math|philox|mask|kernels|dispatch|golden_alone)$'
}

# Golden data on processors without cmocka, and files of both byte orders.
emulate_golden() { # emulate_golden <folder> <toolchain> <turn>
  if ! by_turns 2 "$3"; then
    echo "skipped $1: on every other day"
    return
  fi
  compile_for "$1" "$2" -DSIMDROP_TEST_CMOCKA=OFF && "$build/$1/tests/run-golden_alone" \
    && ctest --test-dir "$build/$1" --output-on-failure -R '^tool_byte_orders$'
}

# The masks of every backend, and of that for AVX2 on an emulated processor: some hundred times slower, and so with fewer elements.
verify_here() { python3 tests/conformance/verify.py 'verify' "$build/release/tools/simdrop/simdrop" verify; }
verify_emulated() {
  python3 tests/conformance/verify.py 'verify on Haswell' qemu-x86_64-static -cpu Haswell "$build/release/tools/simdrop/simdrop" verify \
    --backend avx2 --elements 512Ki --p 0.1,0.3,0.5
}

# Headers of .npy files, as the tool and as two NumPys read them.
npy_headers() {
  bin=$(sh scripts/pypi.sh numpy-2 numpy==2.2.6 ml_dtypes==0.5.1) || return
  set -- "$bin/python"
  if python3 -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then
    bin=$(sh scripts/pypi.sh numpy-1 numpy==1.26.4 ml_dtypes==0.3.2) || return
    set -- "$@" "$bin/python"
  else
    echo 'skipped headers as NumPy 1.26.4 reads them: it is not built for this Python'
  fi
  python3 tests/tool/npy_headers.py "$build/release/tests/tool/simdrop_npy_headers" "$@"
}

# Where the machine itself has AVX-512, one backend on one day in five, and the other on another.
emulated_avx512() {
  halves='avx512 highway-avx3'
  if [ "$turns" = yes ] && grep -qw avx512f /proc/cpuinfo 2> /dev/null; then
    halves=
    if by_turns 5 0; then halves=avx512; fi
    if by_turns 5 2; then halves=highway-avx3; fi
    if [ -z "$halves" ]; then
      echo 'skipped AVX-512 under Bochs: this machine has AVX-512, and then it is emulated on two days in five'
      return
    fi
  fi
  # shellcheck disable=SC2086 # a list of words
  sh tests/emulated_avx512.sh "$build/release" "$build/bochs" $halves
}

# By one compiler in turn, or both.
flags() {
  compiler=
  if [ "$turns" = yes ]; then compiler=$([ $((day % 2)) -eq 0 ] && echo gcc || echo clang); fi
  # shellcheck disable=SC2086 # a word or none
  CCACHE_DISABLE=1 sh tests/compiler_flags.sh "$build/release" "$build/compiler-flags" $compiler
}

# Kinds of packages that take minutes, on two days of six.
more_packages() {
  for part in hardened vcpkg conan; do
    case $part in
      hardened) turn=1 ;;
      vcpkg) turn=3 ;;
      conan) turn=3 ;;
    esac
    if by_turns 6 $turn; then
      sh tests/packages.sh "$build/packages-$part" $part || return
    else
      echo "skipped packages, $part: they are made on one day in 6"
    fi
  done
}

# README's commands, and what test.sh builds, in systems that have nothing else.
bare_systems() {
  failures=0
  for system in 'bookworm debian root build' 'bookworm newest user run' 'trixie debian user build' 'trixie newest root run'; do
    # shellcheck disable=SC2086 # the words are arguments
    sh tests/bare_system.sh $system || failures=1
  done
  [ "$failures" -eq 0 ]
}

# What takes the longest comes first, and what needs others' trees last: so neither lane waits for the other, and both end at about the same
# time.
groups='gcc sanitizers users python aarch64 clang flags masks faults gcc-variants emulators architectures systems style objects'
[ "$all" = no ] || groups="$groups bare"

steps_of() { # steps_of <group>
  group=$1
  uses
  case "$group" in
    gcc)
      step 'gcc, release' gcc_release
      for backend in scalar avx2 highway-sse4; do
        step "gcc, release, SIMDROP_BACKEND=$backend" run_on "$backend"
      done
      step 'backends of this machine' "$build/release/tests/golden_alone"
      ;;
    sanitizers)
      step 'clang, address and undefined-behaviour sanitizers' sanitized asan-ubsan tool_bench -DSIMDROP_WITH_HIGHWAY=OFF \
        "-DCMAKE_C_FLAGS=-fsanitize-ignorelist=$root/tests/sanitizers_ignore.txt"
      step 'clang, thread sanitizer' thread_sanitized tsan -DSIMDROP_WITH_HIGHWAY=OFF
      if [ "$all" = yes ]; then
        step 'clang, address and undefined-behaviour sanitizers, all backends' sanitized asan-ubsan-highway ''
        step 'clang, thread sanitizer, all backends' thread_sanitized tsan-highway
      fi
      ;;
    users)
      step 'optional parts, consumers' at_once 'sh tests/optional_parts.sh "$build/optional-parts" --part "$day/18"' \
        'sh tests/consumers/run.sh "$build/consumers"'
      step 'packages, two files' at_once 'sh tests/packages.sh "$build/packages"' \
        'sh tests/two_files.sh "$build/two-files" --part "$(part_of 7)"'
      step 'more packages' more_packages
      step 'ABI' sh tests/check_abi.sh "$build/abi"
      step 'hostile parents' sh tests/hostile_parents.sh "$build/hostile-parents" --part "$day/18"
      step 'set-up' sh tests/setup.sh "$build/set-up"
      step 'releases' sh tests/release.sh "$build/releases"
      if [ "$all" = yes ]; then
        step 'optional parts, all combinations' sh tests/optional_parts.sh "$build/optional-parts" --all
        step 'releases, made twice' sh tests/release.sh "$build/releases" --all
        step 'hostile parents, all of them' sh tests/hostile_parents.sh "$build/hostile-parents" --all
      fi
      uses release
      step 'dropping in' sh tests/dropping_in.sh "$build/release" "$build/dropping-in" --part "$(part_of 4)"
      ;;
    python)
      step 'python' sh python/tests/run.sh "$build/python"
      [ "$all" = no ] || step 'python, all of it' sh python/tests/run.sh "$build/python" --all
      ;;
    aarch64)
      step 'aarch64, gcc' emulate aarch64 cortex-a53 max
      step 'aarch64, clang' emulate aarch64-clang neoverse-n1
      step 'aarch64, SVE' on_turn 6 1 emulate_lengths
      ;;
    clang) step 'clang, release' clang_release ;;
    flags)
      uses release
      step 'compiler flags' on_turn 3 0 flags
      uses
      step 'reproducible builds' on_turn 12 1 env CCACHE_DISABLE=1 sh tests/reproducible.sh "$build/reproducible"
      ;;
    masks)
      uses release
      step 'masks of every backend' verify_here
      step 'masks on an emulated processor' verify_emulated
      step 'headers of .npy files' npy_headers
      step 'planted faults of masks' python3 tests/conformance/run.py "$build/release/tests/conformance/simdrop_faulty"
      if [ "$all" = yes ]; then
        step 'functions of all floats' env SIMDROP_TEST_EFFORT=thorough SIMDROP_TEST_BACKENDS=avx2 "$build/release/tests/test_math" \
          results_are_frozen
      fi
      ;;
    faults)
      # A tenth of them on one day, and another on the next: all of them, which take some ten minutes, with --all.
      step 'planted faults' python3 tests/faults/run.py --jobs 2 --quick --part "$day/10"
      [ "$all" = no ] || step 'planted faults, all machines' python3 tests/faults/run.py --jobs 2
      ;;
    gcc-variants)
      step 'gcc, without some parts' on_turn 6 4 at_once \
        'compile_and_try no-avx512 -DCMAKE_BUILD_TYPE=Debug -DSIMDROP_WITH_AVX512=OFF -DSIMDROP_WITH_BOOST=OFF' \
        'compile_and_try scalar-only -DSIMDROP_WITH_AVX512=OFF -DSIMDROP_WITH_AVX2=OFF -DSIMDROP_BUILD_SHARED=OFF -DSIMDROP_WITH_BOOST=OFF' \
        'compile_and_try shared-only -DSIMDROP_BUILD_STATIC=OFF -DSIMDROP_WITH_BOOST=OFF' \
        'compile_and_try c-alone -DSIMDROP_WITH_HIGHWAY=OFF -DCMAKE_CXX_COMPILER=/none'
      ;;
    emulators)
      uses release
      step 'emulated processors' sh tests/emulated_cpus.sh "$build/release" "$build/emulated"
      step 'a setuid program ignores SIMDROP_BACKEND' sh tests/setuid.sh "$build/emulated/probe" "$build/setuid"
      step 'AVX-512 under Bochs' emulated_avx512
      ;;
    architectures)
      step '32-bit x86, and s390x, big-endian' at_once 'emulate_golden i686 i686-linux-gnu 0' 'emulate_golden s390x s390x-linux-gnu 1'
      ;;
    systems)
      step 'other systems' on_turn 6 5 env CCACHE_DISABLE=1 sh tests/other_systems.sh "$build/other-systems"
      # One of six on a day, with the golden data; the C tests of all of them with --all.
      step 'cross compilers' sh tests/cross_compilers.sh "$build/cross-compilers" --turn "$day"
      if [ "$all" = yes ]; then
        step 'all other systems' env CCACHE_DISABLE=1 sh tests/other_systems.sh "$build/other-systems" --all
        step 'cross compilers, C tests' sh tests/cross_compilers.sh "$build/cross-compilers" --all
      fi
      ;;
    style)
      uses clang aarch64-clang
      step 'style' sh scripts/lint.sh --part "$(part_of 4)" "$build/clang" "$build/aarch64-clang" # clang-tidy knows none of gcc's flags
      ;;
    objects)
      uses release clang aarch64 aarch64-clang
      step 'instructions of each object' python3 tests/scan_instructions.py "$build/release" "$build/clang" "$build/aarch64" "$build/aarch64-clang"
      uses
      step 'the instruction scan sees planted instructions' python3 tests/scan_instructions.py --self-test "$build/scan-self-test"
      uses release
      step 'symbols' sh tests/check_symbols.sh "$build/release"
      step 'headers' sh tests/headers/run.sh "$build/release" "$build/headers"
      step 'documentation' sh tests/documentation.sh "$build/release" "$build/documentation"
      ;;
    bare) step 'bare systems' bare_systems ;;
  esac
}

if [ "$list" = yes ]; then
  for group in $groups; do
    echo "$group"
    steps_of "$group"
  done
  exit 0
fi

# take_groups: those that the other lane has not taken, to the last.
take_groups() {
  for group in $groups; do
    if mkdir "$lanes/$group" 2> /dev/null; then steps_of "$group"; fi
  done
  : > "$lanes/$lane.ended"
}
(lane=first && take_groups) &
first=$!
(lane=second && take_groups) &
second=$!
trap 'kill "$first" "$second" 2> /dev/null; exit 130' INT TERM
wait "$first" "$second"
for lane in first second; do
  [ -f "$lanes/$lane.ended" ] || printf '%-58s    0 passed    1 failed    0 skipped\n' "the $lane lane, to its end" | tee -a "$summary"
done

printf '\n'
cat "$summary"
if [ -z "$only" ]; then
  printf 'Tested on this machine, and the rest on emulated ones:%s\n' "$(sed -n 's/^backends://p' "$build/backends-of-this-machine.log")"
fi
awk '{
  for (i = 2; i <= NF; ++i) count[$i] += $(i - 1)
} END {
  printf "%d passed, %d failed, %d skipped\n", count["passed"], count["failed"], count["skipped"]
  exit count["failed"] > 0
}' "$summary"
