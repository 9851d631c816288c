/** @file version.h
 *  The version of the headers (macros) and of the library that is linked (functions).
 *  CMake reads the three numbers from here, so this is the one place that states them. */
#ifndef SIMDROP_VERSION_H
#define SIMDROP_VERSION_H

#include <simdrop/export.h>

#define SIMDROP_VERSION_MAJOR 0 /**< grows when results change, or programs have to */
#define SIMDROP_VERSION_MINOR 1 /**< grows when something is added */
#define SIMDROP_VERSION_PATCH 0 /**< grows when something is mended */

/** The version as one number that grows with every release: major * 10000 + minor * 100 + patch. */
#define SIMDROP_VERSION_NUMBER (SIMDROP_VERSION_MAJOR * 10000 + SIMDROP_VERSION_MINOR * 100 + SIMDROP_VERSION_PATCH)

/** For SIMDROP_VERSION_STRING alone. */
#define SIMDROP_VERSION_QUOTE_(text) #text
/** For SIMDROP_VERSION_STRING alone. */
#define SIMDROP_VERSION_JOIN_(major, minor, patch) \
  SIMDROP_VERSION_QUOTE_(major) "." SIMDROP_VERSION_QUOTE_(minor) "." SIMDROP_VERSION_QUOTE_(patch)

/** The version as text, "major.minor.patch". */
#define SIMDROP_VERSION_STRING SIMDROP_VERSION_JOIN_(SIMDROP_VERSION_MAJOR, SIMDROP_VERSION_MINOR, SIMDROP_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library that is linked, which may be newer than the headers.
 *  @return its SIMDROP_VERSION_NUMBER
 *  @snippet library.c simdrop_version_number */
SIMDROP_API int simdrop_version_number(void);

/** The version of the library that is linked as text.
 *  @return its SIMDROP_VERSION_STRING; static storage
 *  @snippet library.c simdrop_version_string */
SIMDROP_API const char *simdrop_version_string(void);

#ifdef __cplusplus
}
#endif

#endif
