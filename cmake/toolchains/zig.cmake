# zig's clang, for the systems whose C library comes with it: macOS, the BSDs, Linux with musl, Windows and WebAssembly.
#   -DSIMDROP_ZIG_TARGET=aarch64-macos   what to compile for; "zig targets" lists all
#   -DSIMDROP_ZIG=FILE                   the program zig, where it is not in the PATH
# Programs for Linux run under the emulators of Debian's qemu-user-static if they are linked to the static library (BUILD_SHARED_LIBS
# is OFF): musl's loader is not there. Only what is made for the target is looked at: neither this machine's libraries nor their packages.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SIMDROP_ZIG SIMDROP_ZIG_TARGET)
foreach(variable SIMDROP_ZIG SIMDROP_ZIG_TARGET) # a project that only looks for a compiler (CheckLanguage) is told nothing but the environment
  if(NOT DEFINED ${variable} AND DEFINED ENV{${variable}})
    set(${variable} "$ENV{${variable}}")
  endif()
endforeach()
find_program(SIMDROP_ZIG zig REQUIRED)
set(ENV{SIMDROP_ZIG} "${SIMDROP_ZIG}")
set(ENV{SIMDROP_ZIG_TARGET} "${SIMDROP_ZIG_TARGET}")
if(NOT SIMDROP_ZIG_TARGET MATCHES "^([^-]+)-([^-]+)")
  message(FATAL_ERROR "Say what to compile for, as in -DSIMDROP_ZIG_TARGET=aarch64-macos")
endif()
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
set(zig_system ${CMAKE_MATCH_2})
set(zig_systems "linux=Linux;macos=Darwin;freebsd=FreeBSD;netbsd=NetBSD;openbsd=OpenBSD;windows=Windows;wasi=WASI")
if(NOT zig_systems MATCHES "(^|;)${zig_system}=([^;]+)")
  message(FATAL_ERROR "cmake/toolchains/zig.cmake does not know what CMake calls the system of ${SIMDROP_ZIG_TARGET}")
endif()
set(CMAKE_SYSTEM_NAME ${CMAKE_MATCH_2})
if(CMAKE_SYSTEM_NAME STREQUAL "WASI" AND CMAKE_VERSION VERSION_LESS 3.31) # which knows no WASI
  set(CMAKE_SYSTEM_NAME Generic)
endif()

set(CMAKE_C_COMPILER ${SIMDROP_ZIG} cc -target ${SIMDROP_ZIG_TARGET})
set(CMAKE_CXX_COMPILER ${SIMDROP_ZIG} c++ -target ${SIMDROP_ZIG_TARGET})
foreach(tool ar ranlib) # of these CMake takes the path alone, without a first argument
  set(zig_${tool} ${CMAKE_BINARY_DIR}/zig-${tool})
  file(WRITE ${zig_${tool}} "#!/bin/sh\nexec '${SIMDROP_ZIG}' ${tool} \"$@\"\n")
  file(CHMOD ${zig_${tool}} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()
set(CMAKE_AR ${zig_ar} CACHE FILEPATH "zig ar")
set(CMAKE_RANLIB ${zig_ranlib} CACHE FILEPATH "zig ranlib")

cmake_host_system_information(RESULT zig_host QUERY OS_PLATFORM)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT CMAKE_SYSTEM_PROCESSOR STREQUAL zig_host)
  set(zig_emulator ${CMAKE_SYSTEM_PROCESSOR})
  string(REGEX REPLACE "^x86$" "i386" zig_emulator ${zig_emulator})
  string(REGEX REPLACE "^powerpc" "ppc" zig_emulator ${zig_emulator})
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${zig_emulator}-static)
endif()
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/none)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
