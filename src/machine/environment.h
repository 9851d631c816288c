// What the environment asks for.
#ifndef SIMDROP_MACHINE_ENVIRONMENT_H
#define SIMDROP_MACHINE_ENVIRONMENT_H

// The value of a variable; NULL where there is none, and in programs that run with privileges that their caller lacks.
const char *simdrop_environment(const char *name);

#endif
