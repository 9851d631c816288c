# The one list of backends, best first; src/machine/dispatch.c and the tests are made from it. Each has its own folder src/<name>,
# an option SIMDROP_WITH_<NAME>, the architecture that it is for (of cmake/instruction_sets.cmake; * = all) and the flags that its files, and
# no others, are compiled with: exactly the bundle that its bundle.h requires of the machine, each part named, because not every
# compiler takes one for implied by another; but SSE3, whose flag would make gcc pass over the -mno-sse3 of instruction_sets.cmake. Where
# compilers that build the rest may lack the header of its intrinsics, that is named too.
#
# A name with a dash is that of a member of a family, <family>-<member>. A family has one folder src/<family> and one option
# SIMDROP_WITH_<FAMILY>; its cmake/<family>.cmake compiles it, and sets SIMDROP_COMPILED_<family> to the members that it has here. In
# C identifiers the dash is an underscore.
set(SIMDROP_BACKENDS avx512 avx2 neon sve highway-avx3 highway-avx2 highway-sse4 highway-ssse3 highway-sse2
    highway-sve2 highway-sve highway-neon highway-rvv highway-wasm
    scalar)
set(SIMDROP_FAMILIES highway)

set(SIMDROP_ARCHITECTURE_avx512 x86)
set(SIMDROP_ARCHITECTURE_avx2 x86)
set(SIMDROP_ARCHITECTURE_neon aarch64)
set(SIMDROP_ARCHITECTURE_sve aarch64)
set(SIMDROP_ARCHITECTURE_scalar *)

set(SIMDROP_FLAGS_avx512 "-mssse3;-msse4.1;-msse4.2;-mpopcnt;-mavx;-mf16c;-mfma;-mavx2;-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl"
    CACHE STRING "Compiler flags of the AVX-512 backend's files")
set(SIMDROP_FLAGS_avx2 "-mssse3;-msse4.1;-msse4.2;-mpopcnt;-mavx;-mf16c;-mavx2" CACHE STRING "Compiler flags of the AVX2 backend's files")
set(SIMDROP_FLAGS_neon "" CACHE STRING "Compiler flags of the NEON backend's files")
set(SIMDROP_FLAGS_sve "+sve" CACHE STRING "Compiler flags of the SVE backend's files")
set(SIMDROP_FLAGS_scalar "" CACHE STRING "Compiler flags of the scalar backend's files")
mark_as_advanced(SIMDROP_FLAGS_avx512 SIMDROP_FLAGS_avx2 SIMDROP_FLAGS_neon SIMDROP_FLAGS_sve SIMDROP_FLAGS_scalar)

set(SIMDROP_HEADER_sve arm_sve.h)

# What GCC alone is told besides. It would put sums of three xors together anew, so that what a round has first waits for both others: with
# AVX2, whose xors have two operands, masks of 2048 and of 64 Ki elements at p = 0.1 took 1.08 and 1.1 times as long (gcc 12, Zen 4), with as
# many instructions.
set(SIMDROP_GNU_FLAGS_avx2 -fno-tree-reassoc)

# And for the files of normal numbers (common/normals_body.h): with instructions put in order before registers are given out, those that draw are
# mixed with those that compute. Without, numbers take 1.09 times as long with AVX-512, and 1.2 times with AVX2 (gcc 12, Zen 4).
set(SIMDROP_GNU_FLAGS_normals -fschedule-insns -fsched-pressure)
