// Temporary files that are removed when a signal ends the process.
#ifndef SIMDROP_TOOL_SHARED_TEMPORARY_FILE_H
#define SIMDROP_TOOL_SHARED_TEMPORARY_FILE_H

#include <stdbool.h>
#include <sys/types.h>

// Creates a file of a new name in the folder of target and opens it for writing. Returns its number, or -1 with errno.
int temporary_create(const char *target, mode_t mode, int *descriptor);

const char *temporary_path(int number);

// The number is free after each of these, but for a rename that failed (false with errno).
bool temporary_rename(int number, const char *target);
void temporary_remove(int number);
void temporary_keep(int number);  // it stays where it is, whatever happens

#endif
