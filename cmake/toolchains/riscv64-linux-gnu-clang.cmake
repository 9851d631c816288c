# clang for 64-bit RISC-V on another machine (Debian: clang-19, g++-riscv64-linux-gnu, qemu-user-static): one that has intrinsics for
# vectors, which Highway's backend is made of, and which Debian 12's clang and gcc have not.
include(${CMAKE_CURRENT_LIST_DIR}/riscv64-linux-gnu.cmake)
find_program(SIMDROP_RISCV_CLANG NAMES clang-21 clang-20 clang-19 clang REQUIRED)
string(REPLACE "clang" "clang++" riscv_clangxx "${SIMDROP_RISCV_CLANG}")
set(CMAKE_C_COMPILER ${SIMDROP_RISCV_CLANG})
set(CMAKE_C_COMPILER_TARGET riscv64-linux-gnu)
set(CMAKE_CXX_COMPILER ${riscv_clangxx})
set(CMAKE_CXX_COMPILER_TARGET riscv64-linux-gnu)
