# simdrop::openmp: the executor on OpenMP's threads, in a library of its own.
option(SIMDROP_WITH_OPENMP "Build the executor on OpenMP's threads, if the compiler has OpenMP" ON)
if(SIMDROP_WITH_OPENMP)
  simdrop_begin_search()
  find_package(OpenMP MODULE COMPONENTS C QUIET)
  simdrop_end_search()
  if(NOT OpenMP_C_FOUND)
    simdrop_leave_out(openmp "simdrop::openmp is left out: this compiler has no OpenMP")
  endif()
endif()
if(SIMDROP_WITH_OPENMP AND OpenMP_C_FOUND)
  string(TOUPPER ${simdrop_default} kind)
  add_library(simdrop_lib_openmp ${kind} src/openmp/executor.c)
  add_library(simdrop::openmp ALIAS simdrop_lib_openmp)
  target_link_libraries(simdrop_lib_openmp PRIVATE OpenMP::OpenMP_C $<BUILD_INTERFACE:simdrop_flags>
                        INTERFACE $<BUILD_INTERFACE:simdrop_lib_${simdrop_default}> $<INSTALL_INTERFACE:simdrop::simdrop>)
  target_include_directories(simdrop_lib_openmp BEFORE PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_definitions(simdrop_lib_openmp PRIVATE SIMDROP_BUILDING_LIBRARY $<$<STREQUAL:${kind},STATIC>:SIMDROP_STATIC>
                             PUBLIC $<$<STREQUAL:${kind},STATIC>:SIMDROP_OPENMP_STATIC>)
  set_property(SOURCE src/openmp/executor.c PROPERTY COMPILE_OPTIONS ${SIMDROP_BASE_FLAGS} ${SIMDROP_SOURCE_FLAGS})
  set_target_properties(simdrop_lib_openmp PROPERTIES OUTPUT_NAME simdrop_openmp EXPORT_NAME openmp C_EXTENSIONS OFF
                        C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON
                        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  if(kind STREQUAL "SHARED")
    target_link_options(simdrop_lib_openmp PRIVATE ${SIMDROP_SHARED_LINK_OPTIONS})
  endif()
  if(kind STREQUAL "STATIC") # whoever links it links OpenMP
    set(simdrop_openmp_libs "${OpenMP_C_FLAGS}")
    set(simdrop_openmp_definitions "-DSIMDROP_OPENMP_STATIC")
  else()
    set(simdrop_openmp_private_libs "${OpenMP_C_FLAGS}")
  endif()
endif()
