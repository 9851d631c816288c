# The library is C; C++ is for what takes it from others: Highway's backends, and Boost.Math in the tool.
include(CheckLanguage)

# simdrop_find_cxx(): sets CMAKE_CXX_COMPILER, if there is a C++ compiler: the one that comes with the C compiler, unless another is asked
# for (g++ with gcc, clang++-14 with clang-14). The caller then enables the language.
macro(simdrop_find_cxx)
  if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
    get_filename_component(simdrop_cxx "${CMAKE_C_COMPILER}" NAME)
    get_filename_component(simdrop_cxx_directory "${CMAKE_C_COMPILER}" DIRECTORY)
    string(REGEX REPLACE "clang" "clang++" simdrop_cxx "${simdrop_cxx}")
    string(REGEX REPLACE "gcc" "g++" simdrop_cxx "${simdrop_cxx}")
    if(EXISTS "${simdrop_cxx_directory}/${simdrop_cxx}" AND NOT "${simdrop_cxx_directory}/${simdrop_cxx}" STREQUAL CMAKE_C_COMPILER)
      set(CMAKE_CXX_COMPILER "${simdrop_cxx_directory}/${simdrop_cxx}" CACHE FILEPATH "C++ compiler")
    elseif(CMAKE_CROSSCOMPILING)
      set(CMAKE_CXX_COMPILER NOTFOUND)  # CMake would find that of the machine that compiles
    endif()
  endif()
  if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CXX_COMPILER OR DEFINED ENV{CXX})
    check_language(CXX)
  endif()
endmacro()
