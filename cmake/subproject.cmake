# What a parent project wants for its own code and not for this, and what it is to see nothing of (docs/subproject.md).

# Each file by itself, whatever the parent wants: the same names of files' own mean something else in each backend.
set(CMAKE_UNITY_BUILD OFF)

# Last of all options, after those of a parent's folder: sources are C11 and C++17, position-independent, and export what headers declare.
set(SIMDROP_SOURCE_FLAGS $<$<COMPILE_LANGUAGE:C>:-std=c11> $<$<COMPILE_LANGUAGE:CXX>:-std=c++17> -fvisibility=hidden ${CMAKE_C_COMPILE_OPTIONS_PIC})

# simdrop_refuse_names(<name>...): stops if the parent has targets of these names. CMake would, too, but would not say what to do.
function(simdrop_refuse_names)
  get_property(added GLOBAL PROPERTY SIMDROP_ADDED_FROM)
  if(added)
    message(FATAL_ERROR "simdrop is added more than once, from ${added} and from ${PROJECT_SOURCE_DIR}: a program has room for one. "
                        "Add it if there is no target simdrop::simdrop yet")
  endif()
  set_property(GLOBAL PROPERTY SIMDROP_ADDED_FROM ${PROJECT_SOURCE_DIR})
  foreach(name IN LISTS ARGN)
    if(TARGET ${name})
      message(FATAL_ERROR "The parent project has a target ${name} already, a name of simdrop's own. If it is from an installed simdrop "
                          "(find_package), use that one or this one; if it is another target, rename it")
    endif()
  endforeach()
endfunction()
simdrop_refuse_names(simdrop::simdrop simdrop::shared simdrop::static simdrop::openmp simdrop_lib_shared simdrop_lib_static simdrop_lib_openmp
                     simdrop_core_shared simdrop_core_static simdrop_flags simdrop_system)

# simdrop_refuse_files(): stops if a target simdrop of the parent's would be written to the same file as ours. Called when all targets are there.
function(simdrop_refuse_files)
  if(NOT TARGET simdrop)
    return()
  endif()
  get_target_property(aliased simdrop ALIASED_TARGET)
  if(aliased MATCHES "^simdrop_lib_") # another name of ours
    return()
  endif()
  foreach(kind ARCHIVE LIBRARY RUNTIME)
    get_target_property(theirs simdrop ${kind}_OUTPUT_DIRECTORY)
    foreach(target simdrop_lib_shared simdrop_lib_static simdrop_tool)
      if(TARGET ${target} AND theirs)
        get_target_property(ours ${target} ${kind}_OUTPUT_DIRECTORY)
        get_target_property(type ${target} TYPE)
        get_target_property(their_type simdrop TYPE)
        if(theirs STREQUAL ours AND type STREQUAL their_type)
          message(FATAL_ERROR "The parent project's target simdrop and simdrop's own ${target} are of one kind, and both are written as simdrop "
                              "to ${theirs}: set OUTPUT_NAME or ${kind}_OUTPUT_DIRECTORY of one of them")
        endif()
      endif()
    endforeach()
  endforeach()
endfunction()

# simdrop_begin_search(), simdrop_end_search(): around what looks for packages. Modules keep what they find in the cache under names of their
# own; in a parent's cache that would decide what the parent finds later. There it is kept in ordinary variables, and looked for again each time.
macro(simdrop_begin_search)
  get_cmake_property(simdrop_cache_before CACHE_VARIABLES)
endmacro()
macro(simdrop_end_search)
  if(NOT PROJECT_IS_TOP_LEVEL)
    get_cmake_property(simdrop_cache_after CACHE_VARIABLES)
    list(REMOVE_ITEM simdrop_cache_after ${simdrop_cache_before})
    foreach(simdrop_name IN LISTS simdrop_cache_after)
      if(NOT simdrop_name MATCHES "^SIMDROP_")
        set(simdrop_value "${${simdrop_name}}")
        unset(${simdrop_name} CACHE)
        set(${simdrop_name} "${simdrop_value}")
      endif()
    endforeach()
  endif()
endmacro()

# simdrop_end_of_subproject(): what can be known only when the parent has all its targets.
function(simdrop_end_of_subproject)
  if(NOT PROJECT_IS_TOP_LEVEL)
    cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL simdrop_refuse_files)
  endif()
endfunction()

if(PROJECT_IS_TOP_LEVEL)
  return()
endif()

# What looks at the parent's code while it is compiled, and makes some of it, has no business here.
foreach(what AUTOMOC AUTOUIC AUTORCC LINK_WHAT_YOU_USE C_CLANG_TIDY CXX_CLANG_TIDY C_CPPCHECK CXX_CPPCHECK C_CPPLINT CXX_CPPLINT
        C_INCLUDE_WHAT_YOU_USE CXX_INCLUDE_WHAT_YOU_USE)
  set(CMAKE_${what} "")
endforeach()

# A parent's -no-pie, or -pie, would take back that a library is linked.
set(SIMDROP_SHARED_LINK_OPTIONS "SHELL:${CMAKE_SHARED_LIBRARY_CREATE_C_FLAGS}")

# A parent's warnings are for its own code, and so are its errors. (The tests compile this code with warnings of its own.)
if(NOT SIMDROP_WERROR)
  string(APPEND CMAKE_C_FLAGS " -w")
  string(APPEND CMAKE_CXX_FLAGS " -w")
endif()

# What a parent has for its own checks, and would have ours fail.
foreach(what FLAGS DEFINITIONS INCLUDES LIBRARIES LINK_OPTIONS LINK_DIRECTORIES)
  set(CMAKE_REQUIRED_${what} "")
endforeach()

# What all of a parent's targets are linked to is none of the library's business, nor of those who find it installed. Options are.
get_directory_property(simdrop_linked LINK_LIBRARIES)
list(FILTER simdrop_linked INCLUDE REGEX "^-[^l]")
set_directory_properties(PROPERTIES LINK_LIBRARIES "${simdrop_linked}")

# gcc and clang link what switches on flush-to-zero to a program that is linked with liberties in arithmetic.
get_directory_property(simdrop_link_options LINK_OPTIONS)
set(simdrop_flags_of_parent "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_EXE_LINKER_FLAGS} ${simdrop_link_options}")
foreach(simdrop_type ${CMAKE_BUILD_TYPE} ${CMAKE_CONFIGURATION_TYPES})
  string(TOUPPER "${simdrop_type}" simdrop_type)
  string(APPEND simdrop_flags_of_parent " ${CMAKE_C_FLAGS_${simdrop_type}} ${CMAKE_CXX_FLAGS_${simdrop_type}} ${CMAKE_EXE_LINKER_FLAGS_${simdrop_type}}")
endforeach()
if(simdrop_flags_of_parent MATCHES "-ffast-math|-Ofast|-funsafe-math-optimizations")
  message(WARNING "The flags with which the parent project is linked have its programs start with flush-to-zero (-ffast-math, -Ofast or \
-funsafe-math-optimizations): simdrop's results are as promised (docs/numerics.md) but for subnormal numbers. Append \
-fno-fast-math -fno-unsafe-math-optimizations -O2 to the programs' link options, and they are as promised throughout")
endif()
