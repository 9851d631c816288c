// Which backends this machine must run, by what the operating system says of its processor and without a line of the library:
// where the library's own detection finds too little, tests would leave backends out and pass.
#ifndef SIMDROP_TESTS_PROMISES_H
#define SIMDROP_TESTS_PROMISES_H

#include <stdbool.h>
#include <stddef.h>

// NULL where the operating system can be asked, otherwise why not.
const char *no_promises(void);

// Whether the processor has all that backend number index needs; true of scalar anywhere.
bool is_promised(size_t index);

// Whether backend number index is promised and compiled in, and the library takes it for one that cannot run.
bool is_missed(size_t index);

#endif
