// What the system knows about time and memory, as far as it tells: nothing depends on the answers but the time that calls take.
#ifndef SIMDROP_MACHINE_MEMORY_PROBE_H
#define SIMDROP_MACHINE_MEMORY_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Nanoseconds since some time in the past, of a clock that may be set meanwhile; 0 where there is none.
uint64_t simdrop_nanoseconds(void);

// Pages that this thread was given so far, because it wrote to memory that had none; 0 where nobody counts them.
uint64_t simdrop_page_faults(void);

// Gives the memory its pages in one go, which takes less time than at the first write to each; what is in it stays. It is about
// to be written. False where that cannot be done, and then nothing has happened. errno stays as it is.
bool simdrop_populate(void *memory, size_t bytes);

#endif
