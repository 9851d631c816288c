/** @file export.h
 *  What the shared library exports. Define SIMDROP_STATIC before including any header when you link the
 *  static library on Windows; the CMake and pkg-config packages do it for you. What links the static library does not export
 *  its functions. */
#ifndef SIMDROP_EXPORT_H
#define SIMDROP_EXPORT_H

/** @def SIMDROP_API
 *  Marks every function that the shared library exports. */
#if defined(_WIN32)
#if defined(SIMDROP_STATIC)
#define SIMDROP_API
#elif defined(SIMDROP_BUILDING_LIBRARY)
#define SIMDROP_API __declspec(dllexport)
#else
#define SIMDROP_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && defined(SIMDROP_STATIC)
#define SIMDROP_API __attribute__((visibility("hidden")))
#elif defined(__GNUC__)
#define SIMDROP_API __attribute__((visibility("default")))
#else
#define SIMDROP_API
#endif

#endif
