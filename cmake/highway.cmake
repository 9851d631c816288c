# The Highway backends, a family of cmake/backends.cmake: one C++ source, which Google's Highway compiles once for each of its
# targets. Sets SIMDROP_COMPILED_highway to those of the family's backends that are compiled in.
#
# Only Highway's headers are used. Without them, or without a C++ compiler, the family is left out, and the project is C alone.
include(cmake/cxx.cmake)

# simdrop_find_highway(<variable>): the folders of Highway's headers: the one that SIMDROP_HIGHWAY_INCLUDE_DIR names, or those of a target, from
# a parent project or Highway's CMake package, or by pkg-config, or by looking for the headers. Folders that the compiler knows by itself may
# be left out, but <variable>_FOUND says whether there is a Highway.
function(simdrop_find_highway variable)
  set(found OFF)
  set(directories)
  simdrop_begin_search()
  if(SIMDROP_HIGHWAY_INCLUDE_DIR)
    set(found "its headers in ${SIMDROP_HIGHWAY_INCLUDE_DIR}")
    set(directories ${SIMDROP_HIGHWAY_INCLUDE_DIR})
  elseif(NOT TARGET hwy AND NOT TARGET hwy::hwy)
    find_package(hwy 1.0.3 CONFIG QUIET)
  endif()
  foreach(target hwy::hwy hwy) # only the package has a name space
    if(TARGET ${target} AND NOT found)
      get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
      if(directories)
        set(found "the target ${target}")
        # Of a target of this build the property has generator expressions.
        list(FILTER directories EXCLUDE REGEX "^\\$<INSTALL_INTERFACE:")
        list(TRANSFORM directories REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1")
      else() # something else of that name
        set(directories)
      endif()
    endif()
  endforeach()
  if(NOT found)
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
      pkg_check_modules(SIMDROP_HIGHWAY QUIET libhwy>=1.0.3)
    endif()
    if(SIMDROP_HIGHWAY_FOUND)
      set(found "pkg-config, version ${SIMDROP_HIGHWAY_VERSION}")
      set(directories ${SIMDROP_HIGHWAY_INCLUDE_DIRS})
    endif()
  endif()
  simdrop_end_search()
  if(NOT found)
    find_path(SIMDROP_HIGHWAY_INCLUDE_DIR hwy/foreach_target.h)
    mark_as_advanced(SIMDROP_HIGHWAY_INCLUDE_DIR)
    if(SIMDROP_HIGHWAY_INCLUDE_DIR)
      set(found "its headers in ${SIMDROP_HIGHWAY_INCLUDE_DIR}")
      set(directories ${SIMDROP_HIGHWAY_INCLUDE_DIR})
    endif()
  endif()
  set(${variable}_FOUND ${found} PARENT_SCOPE)
  set(${variable} ${directories} PARENT_SCOPE)
endfunction()

# simdrop_highway_targets(<variable> <folders of headers> <backend>...): those of the backends whose targets Highway generates with this
# compiler and its flags; none if this Highway cannot be used.
function(simdrop_highway_targets variable directories)
  set(program ${PROJECT_BINARY_DIR}/generated/highway_targets)
  set(CMAKE_CXX_FLAGS_DEBUG "") # which try_compile adds after the others
  unset(SIMDROP_HIGHWAY_COMPILES CACHE)
  try_compile(SIMDROP_HIGHWAY_COMPILES ${PROJECT_BINARY_DIR}/generated/highway ${PROJECT_SOURCE_DIR}/src/highway/generated.cpp
              COMPILE_DEFINITIONS ${SIMDROP_HIGHWAY_FLAGS}
              CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${PROJECT_SOURCE_DIR}/src;${PROJECT_SOURCE_DIR}/include;${directories}"
              CXX_STANDARD 17 COPY_FILE ${program} COPY_FILE_ERROR copy_error)
  set(targets)
  if(SIMDROP_HIGHWAY_COMPILES AND NOT copy_error)
    file(STRINGS ${program} names REGEX "generated:[^:]*:")
    foreach(backend IN LISTS ARGN)
      if(names MATCHES "generated:${backend}:")
        list(APPEND targets ${backend})
      endif()
    endforeach()
  endif()
  set(${variable} ${targets} PARENT_SCOPE)
endfunction()

# What the file is compiled for where Highway names no target. On aarch64 that is what Highway compiles its target NEON for: gcc compiles
# what C++ adds to structures (constructors) for the file's flags, whatever a pragma says around them. On RISC-V it is all that there is:
# Highway 1.2 has its one target there only if the whole file is compiled for it.
set(SIMDROP_HIGHWAY_FLAGS ${SIMDROP_BASE_FLAGS})
if(SIMDROP_ARCHITECTURE STREQUAL "aarch64")
  simdrop_exact_flags(SIMDROP_HIGHWAY_FLAGS "#include \"common/compiled_features.h\"
SIMDROP_REQUIRE_COMPILED_FOR((SIMDROP_CPU(AES) | SIMDROP_CPU(PMULL) | SIMDROP_CPU(SHA1) | SIMDROP_CPU(SHA2)));" +crypto)
elseif(SIMDROP_ARCHITECTURE STREQUAL "riscv64")
  simdrop_exact_flags(SIMDROP_HIGHWAY_FLAGS "#include \"common/compiled_features.h\"
SIMDROP_REQUIRE_COMPILED_FOR(SIMDROP_CPU(RVV));" +v)
endif()

set(SIMDROP_COMPILED_highway)
get_property(simdrop_languages GLOBAL PROPERTY ENABLED_LANGUAGES)
set(simdrop_highway_wanted ON)
if(NOT PROJECT_IS_TOP_LEVEL AND NOT "CXX" IN_LIST simdrop_languages)
  set(simdrop_highway_wanted OFF) # a language is the parent's to enable, with its variables in the cache
endif()
option(SIMDROP_WITH_HIGHWAY "Build the Highway backends, if Highway and a C++ compiler are there" ${simdrop_highway_wanted})
if(SIMDROP_WITH_HIGHWAY)
  simdrop_find_highway(simdrop_highway_directories)
  if(NOT simdrop_highway_directories_FOUND)
    simdrop_leave_out(highway "The Highway backends are left out: Highway was not found")
  else()
    simdrop_enable_cxx()
    if(NOT SIMDROP_CXX)
      simdrop_leave_out(highway "The Highway backends are left out: there is no C++ compiler that works")
    else()
      set(members ${SIMDROP_BACKENDS})
      list(FILTER members INCLUDE REGEX "^highway-")
      simdrop_highway_targets(SIMDROP_COMPILED_highway "${simdrop_highway_directories}" ${members})
      string(REPLACE ";" ", " names "${SIMDROP_COMPILED_highway}")
      if(SIMDROP_COMPILED_highway)
        message(STATUS "Highway was found by ${simdrop_highway_directories_FOUND}: ${names}")
      else()
        simdrop_leave_out(highway "The Highway backends are left out: that found by ${simdrop_highway_directories_FOUND} is older than \
1.0.3 (for RISC-V and WebAssembly, 1.2), compiles for more than highway/bundles.h says, or does not compile here")
      endif()
    endif()
  endif()
elseif(NOT simdrop_highway_wanted)
  simdrop_leave_out(highway "The Highway backends are left out: the parent project is C alone (SIMDROP_WITH_HIGHWAY=ON enables C++)")
endif()

# simdrop_add_highway_objects(<name> <source>): a source that Highway compiles for all of its targets.
function(simdrop_add_highway_objects name source)
  simdrop_add_objects(${name} "${SIMDROP_HIGHWAY_FLAGS}" ${source})
  target_include_directories(simdrop_${name} SYSTEM PRIVATE ${simdrop_highway_directories})
  target_compile_features(simdrop_${name} PRIVATE cxx_std_17)
  target_compile_options(simdrop_${name} PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-lto)
  set_target_properties(simdrop_${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden)
endfunction()

if(SIMDROP_COMPILED_highway)
  simdrop_add_highway_objects(highway src/highway/kernels.cpp)

  # The libraries take a copy of the object, which does not tell CMake that it comes from C++: it needs nothing of the C++ runtime, so
  # a program in C that links to the static library needs no C++ linker.
  set(simdrop_highway_object ${PROJECT_BINARY_DIR}/generated/$<CONFIG>/highway${CMAKE_CXX_OUTPUT_EXTENSION})
  add_custom_command(OUTPUT ${simdrop_highway_object}
                     COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_OBJECTS:simdrop_highway> ${simdrop_highway_object}
                     DEPENDS simdrop_highway $<TARGET_OBJECTS:simdrop_highway> VERBATIM)
  add_custom_target(simdrop_highway_copy DEPENDS ${simdrop_highway_object})
  list(APPEND simdrop_objects ${simdrop_highway_object})
endif()
