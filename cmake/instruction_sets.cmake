# The architecture, as the compiler says (CMAKE_SYSTEM_PROCESSOR is that of the kernel, or whatever a toolchain file says), and flags by
# which a file is compiled for exactly the instructions that it may use. A processor that CMAKE_C_FLAGS names (-march=native) must not change
# that: backends are chosen at run time, and what is chosen must run.

if(APPLE AND CMAKE_OSX_ARCHITECTURES MATCHES ";")
  message(FATAL_ERROR "CMAKE_OSX_ARCHITECTURES names more than one architecture (${CMAKE_OSX_ARCHITECTURES}): simdrop is built for one at a time; "
                      "build each in a folder of its own, and join the libraries by lipo")
endif()

# simdrop_compiles(<variable> <text of C> <flag>...): whether the compiler takes the text with the flags after those of the user. Headers of
# others are looked for as they will be, in the folders of SIMDROP_COMPILES_INCLUDES too.
function(simdrop_compiles variable text)
  set(source ${PROJECT_BINARY_DIR}/generated/instruction_set.c)
  file(WRITE ${source} "${text}\nint main(void) { return 0; }\n")
  # try_compile takes the flags of a configuration, if only Debug's, after ours.
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  get_directory_property(options COMPILE_OPTIONS) # of a parent
  list(TRANSFORM options REPLACE "^SHELL:" "")
  list(FILTER options INCLUDE REGEX "^-m")
  list(JOIN options " " options)
  set(CMAKE_C_FLAGS "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}} ${options}")
  set(CMAKE_C_FLAGS_DEBUG "")
  set(CMAKE_TRY_COMPILE_CONFIGURATION "")
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(folders ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${SIMDROP_COMPILES_INCLUDES})
  string(REPLACE ";" "\\;" folders "${folders}")
  unset(SIMDROP_COMPILES CACHE)
  try_compile(SIMDROP_COMPILES ${PROJECT_BINARY_DIR}/generated/instruction_set ${source}
              COMPILE_DEFINITIONS ${SIMDROP_ARITHMETIC_FLAGS} ${SIMDROP_ARITHMETIC_FLAGS_${CMAKE_C_COMPILER_ID}} ${ARGN}
              CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${folders}" C_STANDARD 11 C_STANDARD_REQUIRED ON)
  set(${variable} ${SIMDROP_COMPILES} PARENT_SCOPE)
  unset(SIMDROP_COMPILES CACHE)
endfunction()

set(SIMDROP_MACROS_x86 "defined(__x86_64__) || defined(__i386__)")
set(SIMDROP_MACROS_aarch64 "defined(__aarch64__) && !defined(__AARCH64EB__)")
set(SIMDROP_MACROS_riscv64 "defined(__riscv_float_abi_double) && __riscv_xlen == 64 && defined(__riscv_compressed)") # RV64GC, as Linux has it
set(SIMDROP_ARCHITECTURE other)
foreach(architecture x86 aarch64 riscv64)
  simdrop_compiles(simdrop_is_it "#if !(${SIMDROP_MACROS_${architecture}})\n#error another architecture\n#endif")
  if(simdrop_is_it)
    set(SIMDROP_ARCHITECTURE ${architecture})
    break()
  endif()
endforeach()

# Ways back to the architecture's base, the best first. A later -march takes back an earlier one, but not -mavx2; -mno-sse3 takes back all
# that builds on it. Zig's compiler spells the processor otherwise, does not take registers of 512 bits to be a part of AVX-512, and to it
# what was taken back stays so. On aarch64 extensions are a part of a processor's name (@), and gcc 13 warns if two flags name different ones;
# on RISC-V they are letters (%).
set(SIMDROP_BASES_x86
    "-march=x86-64 -mno-sse3 -mno-sse4a -mno-popcnt -mno-lzcnt -mno-bmi -mno-bmi2 -mno-tbm -mno-movbe -mno-adx -mno-aes -mno-pclmul -mno-sha -mno-gfni -mno-vaes -mno-vpclmulqdq"
    "-march=x86_64 -mevex512" "-march=x86_64")
set(SIMDROP_BASES_aarch64 "-mcpu=generic@ -march=armv8-a@ -msve-vector-bits=scalable" "-mcpu=generic@ -march=armv8-a@" "-mcpu=generic@")
set(SIMDROP_BASES_riscv64 "-march=rv64gc%" "-mcpu=baseline_rv64@")
set(SIMDROP_BASES_other)

# simdrop_exact_flags(<variable> <text of C> <flag>...): a way back to the base and the flags, with which the compiler takes the text; a flag
# such as +sve is an extension of the base. Sets <variable>_FOUND; where there is no such way, <variable> is the flags alone.
function(simdrop_exact_flags variable text)
  set(extensions ${ARGN})
  list(FILTER extensions INCLUDE REGEX "^\\+")
  list(JOIN extensions "" extensions)
  string(REPLACE "+" "" letters "${extensions}")
  set(others ${ARGN})
  list(FILTER others EXCLUDE REGEX "^\\+")
  foreach(base IN LISTS SIMDROP_BASES_${SIMDROP_ARCHITECTURE} ITEMS "")
    string(REPLACE "@" "${extensions}" base "${base}")
    string(REPLACE "%" "${letters}" base "${base}")
    separate_arguments(flags UNIX_COMMAND "${base}")
    list(APPEND flags ${others})
    simdrop_compiles(found "${text}" ${flags})
    if(found)
      break()
    endif()
  endforeach()
  set(${variable} ${flags} PARENT_SCOPE)
  set(${variable}_FOUND ${found} PARENT_SCOPE)
endfunction()

# For what every machine must run.
simdrop_exact_flags(SIMDROP_BASE_FLAGS "#include \"common/compiled_features.h\"\nSIMDROP_REQUIRE_COMPILED_FOR(0);
double sum(double a, float b);
double sum(double a, float b) { return a + (double)b; }")
if(NOT SIMDROP_BASE_FLAGS_FOUND)
  message(FATAL_ERROR "simdrop cannot be compiled with these flags (CMAKE_C_FLAGS: ${CMAKE_C_FLAGS}): the compiler cannot be held to the base "
                      "of this architecture, or has no numbers with a point there")
endif()
