// Statuses, types and versions in words and numbers.
#include <simdrop/simdrop.h>

#include "common/element_types.h"

const char *simdrop_status_string(simdrop_status status) {
  switch (status) {
    case SIMDROP_OK: return "success";
    case SIMDROP_ERROR_NULL_POINTER: return "a pointer that is needed is NULL";
    case SIMDROP_ERROR_PROBABILITY: return "the probability is not a number in [0, 1], or not one that the function takes";
    case SIMDROP_ERROR_DTYPE: return "the dtype is unknown, or not one that the function takes";
    case SIMDROP_ERROR_INDEX_OVERFLOW: return "an index of the mask passes 2^64 - 1";
    case SIMDROP_ERROR_SIZE_OVERFLOW: return "the elements take more bytes than an address can count";
    case SIMDROP_ERROR_OVERLAP: return "an output overlaps another array, or itself by its strides";
    case SIMDROP_ERROR_UNKNOWN_BACKEND: return "unknown backend";
    case SIMDROP_ERROR_UNSUPPORTED_BACKEND: return "the backend is not compiled in or cannot run on this machine";
    case SIMDROP_ERROR_RANK: return "the rank is not one that the function takes";
    case SIMDROP_ERROR_SHAPE: return "shapes or numbers do not go together";
    case SIMDROP_ERROR_FLAGS: return "the flags are not 0";
    case SIMDROP_ERROR_UNKNOWN_MEMORY: return "unknown way of going through memory";
    case SIMDROP_ERROR_NOT_BUILT: return "functions in double are not built in, or cannot run on this machine";
    case SIMDROP_ERROR_ACTIVATION: return "unknown activation";
    case SIMDROP_ERROR_NORM: return "unknown norm, or an epsilon that is below 0, too large or not a number";
  }
  return "unknown status";
}

size_t simdrop_dtype_size(simdrop_dtype dtype) { return simdrop_element_size(dtype); }

const char *simdrop_dtype_name(simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return #name;
    SIMDROP_ELEMENT_TYPES(CASE, )
#undef CASE
  }
  return NULL;
}

size_t simdrop_dtype_count(void) { return SIMDROP_ELEMENT_TYPE_COUNT; }

int simdrop_version_number(void) { return SIMDROP_VERSION_NUMBER; }

const char *simdrop_version_string(void) { return SIMDROP_VERSION_STRING; }
