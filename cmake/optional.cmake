# What the project can do without. A part that is not there, or does not work, is left out with one line, and never stops a build that has
# not asked for it.
set(SIMDROP_REQUIRED "" CACHE STRING "Optional parts without which to stop: all, or a list of backends (this architecture's own), highway, sleef, boost, blas, openmp, mpi, cmocka, python")
mark_as_advanced(SIMDROP_REQUIRED)

# simdrop_leave_out(<part> <sentence> [<kind of message>]): says so, or stops.
function(simdrop_leave_out part sentence)
  if(part IN_LIST SIMDROP_REQUIRED OR SIMDROP_REQUIRED STREQUAL "all")
    message(FATAL_ERROR "${sentence}, but SIMDROP_REQUIRED names ${part}")
  endif()
  list(APPEND ARGN STATUS)
  list(GET ARGN 0 kind)
  message(${kind} "${sentence}")
endfunction()
