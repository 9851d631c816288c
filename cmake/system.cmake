# What the C library of the system shows and has. The sources are strict C11 (no compiler extensions), for which glibc, musl and newlib
# show ISO C alone unless asked for the rest. The BSDs and macOS show everything unless asked for less: _XOPEN_SOURCE and
# _POSIX_C_SOURCE hide there what is not in that standard, such as the number of processors, so neither is defined anywhere.
include(CheckSymbolExists)

add_library(simdrop_system INTERFACE)
# As options, which come after CMAKE_C_FLAGS: those may define _GNU_SOURCE to another value, which is a warning.
target_compile_options(simdrop_system INTERFACE "SHELL:-U_GNU_SOURCE -D_GNU_SOURCE=1 -U_FILE_OFFSET_BITS -D_FILE_OFFSET_BITS=64")

# simdrop_check_symbol(<symbol> <header> <variable>): whether programs that are compiled as the sources are can call it. The sources of
# targets that link to simdrop_system see <variable> as a macro.
function(simdrop_check_symbol symbol header variable)
  set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
  check_symbol_exists(${symbol} ${header} ${variable})
  if(${variable})
    target_compile_definitions(simdrop_system INTERFACE ${variable})
  endif()
endfunction()
simdrop_check_symbol(secure_getenv stdlib.h SIMDROP_HAVE_SECURE_GETENV) # Linux, newer FreeBSD
if(NOT SIMDROP_HAVE_SECURE_GETENV)
  simdrop_check_symbol(issetugid unistd.h SIMDROP_HAVE_ISSETUGID) # macOS, the BSDs
endif()
if(NOT SIMDROP_HAVE_SECURE_GETENV AND NOT SIMDROP_HAVE_ISSETUGID)
  simdrop_check_symbol(getauxval sys/auxv.h SIMDROP_HAVE_GETAUXVAL) # Android
elseif(NOT SIMDROP_ARCHITECTURE STREQUAL "x86") # there the processor is asked itself
  simdrop_check_symbol(getauxval sys/auxv.h SIMDROP_HAVE_GETAUXVAL) # Linux
  if(NOT SIMDROP_HAVE_GETAUXVAL)
    simdrop_check_symbol(elf_aux_info sys/auxv.h SIMDROP_HAVE_ELF_AUX_INFO) # FreeBSD, OpenBSD
  endif()
endif()
simdrop_check_symbol(timespec_get time.h SIMDROP_HAVE_TIMESPEC_GET) # C11, but not everywhere

# The functions of math.h are in a library of their own on most Unix systems. check_library_exists would declare them otherwise than
# the compiler knows them, which -Werror makes an error.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES -lm)
check_c_source_compiles("
  #include <math.h>
  int main(int count, char **arguments) { return arguments == 0 || log1p(count) > 1; }" SIMDROP_HAVE_MATH_LIBRARY)
unset(CMAKE_REQUIRED_LIBRARIES)

# WebAssembly has no shared libraries that a program could be linked to, and CMake does not know that of WASI.
get_property(SIMDROP_HAVE_SHARED_LIBRARIES GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS)
if(CMAKE_SYSTEM_NAME STREQUAL "WASI")
  set(SIMDROP_HAVE_SHARED_LIBRARIES OFF)
endif()
