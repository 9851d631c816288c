/** @file version.h
 *  The version of the headers (macros) and of the library that is linked (functions).
 *  CMake reads the three numbers from here, so this is the one place that states them. */
#ifndef SIMDROP_VERSION_H
#define SIMDROP_VERSION_H

#include <simdrop/export.h>

#define SIMDROP_VERSION_MAJOR 0
#define SIMDROP_VERSION_MINOR 1
#define SIMDROP_VERSION_PATCH 0

/** The version as one number that grows with every release: major * 10000 + minor * 100 + patch. */
#define SIMDROP_VERSION_NUMBER (SIMDROP_VERSION_MAJOR * 10000 + SIMDROP_VERSION_MINOR * 100 + SIMDROP_VERSION_PATCH)

#define SIMDROP_VERSION_QUOTE_(text) #text
#define SIMDROP_VERSION_JOIN_(major, minor, patch) \
  SIMDROP_VERSION_QUOTE_(major) "." SIMDROP_VERSION_QUOTE_(minor) "." SIMDROP_VERSION_QUOTE_(patch)

/** The version as text, "major.minor.patch". */
#define SIMDROP_VERSION_STRING SIMDROP_VERSION_JOIN_(SIMDROP_VERSION_MAJOR, SIMDROP_VERSION_MINOR, SIMDROP_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/** SIMDROP_VERSION_NUMBER of the library that is linked, which may be newer than the headers. */
SIMDROP_API int simdrop_version_number(void);

/** SIMDROP_VERSION_STRING of the library that is linked; static storage. */
SIMDROP_API const char *simdrop_version_string(void);

#ifdef __cplusplus
}
#endif

#endif
