/** @file openmp.h
 *  An executor on OpenMP's threads. It is a library of its own (simdrop_openmp; CMake: simdrop::openmp; pkg-config:
 *  simdrop-openmp), so that nobody else links a thread runtime. It goes with either form of simdrop's library. Not included by
 *  simdrop.h. */
#ifndef SIMDROP_OPENMP_H
#define SIMDROP_OPENMP_H

#include <simdrop/executor.h>
#include <simdrop/export.h>

/** @def SIMDROP_OPENMP_API
 *  Marks what this library exports. Whether it is shared or static has nothing to do with whether simdrop's is: define
 * SIMDROP_OPENMP_STATIC before including this when you link it as a static library on Windows. The CMake and pkg-config
 * packages do it for you. */
#if defined(_WIN32) && defined(SIMDROP_OPENMP_STATIC)
#define SIMDROP_OPENMP_API
#elif defined(_WIN32) && defined(SIMDROP_BUILDING_LIBRARY)
#define SIMDROP_OPENMP_API __declspec(dllexport)
#elif defined(_WIN32)
#define SIMDROP_OPENMP_API __declspec(dllimport)
#elif defined(__GNUC__) && defined(SIMDROP_OPENMP_STATIC)
#define SIMDROP_OPENMP_API __attribute__((visibility("hidden")))
#elif defined(__GNUC__)
#define SIMDROP_OPENMP_API __attribute__((visibility("default")))
#else
#define SIMDROP_OPENMP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** An executor that runs its pieces in an OpenMP parallel region, as many at a time as it has threads. Copies of it are as
 *  good; there is nothing to free.
 *
 *  In the child of a fork the pieces run one after another on the calling thread, whatever the parent has done with OpenMP:
 *  GNU's would wait for ever for the parent's threads. A program that the child executes has threads again. This holds if the
 *  library was loaded before the fork.
 *  @param threads  how many; 0: as many as OpenMP would use (OMP_NUM_THREADS, omp_set_num_threads) when this is called
 *  @return the executor, to be given to functions by its address
 *  @snippet openmp.c simdrop_openmp_executor */
SIMDROP_OPENMP_API simdrop_executor simdrop_openmp_executor(size_t threads);

#ifdef __cplusplus
}
#endif

#endif
