// The library's ways of going through memory, by name.
#ifndef SIMDROP_TOOL_SHARED_MEMORY_H
#define SIMDROP_TOOL_SHARED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

// Of a list of names with commas between, or "all": whether the library has them all. Otherwise prints the sentence.
bool memory_list_check(const char *list);

// Why the current choice is the current one, as a phrase of one line.
void memory_reason(size_t size, char *phrase);

#endif
