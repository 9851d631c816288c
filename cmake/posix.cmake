# Signals and threads, which the library does without: the tool, the tests written with cmocka and the Python package need them.
simdrop_check_symbol(sigaction signal.h SIMDROP_HAVE_SIGACTION)
simdrop_begin_search()
find_package(Threads MODULE QUIET)
simdrop_end_search()
set(SIMDROP_HAVE_POSIX OFF)
if(SIMDROP_HAVE_SIGACTION AND CMAKE_USE_PTHREADS_INIT)
  set(SIMDROP_HAVE_POSIX ON)
endif()
