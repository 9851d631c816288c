/** @file openmp.h
 *  An executor on OpenMP's threads. It is a library of its own (simdrop_openmp; CMake: simdrop::openmp; pkg-config:
 *  simdrop-openmp), so that nobody else links a thread runtime. Not included by simdrop.h. */
#ifndef SIMDROP_OPENMP_H
#define SIMDROP_OPENMP_H

#include <simdrop/executor.h>
#include <simdrop/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An executor that runs its pieces in an OpenMP parallel region, as many at a time as it has threads. Copies of it are as
 *  good; there is nothing to free.
 *
 *  In the child of a fork the pieces run one after another on the calling thread, whatever the parent has done with OpenMP:
 *  GNU's would wait for ever for the parent's threads. A program that the child executes has threads again. This holds if the
 *  library was loaded before the fork.
 *  @param threads  how many; 0: as many as OpenMP would use (OMP_NUM_THREADS, omp_set_num_threads) when this is called */
SIMDROP_API simdrop_executor simdrop_openmp_executor(size_t threads);

#ifdef __cplusplus
}
#endif

#endif
