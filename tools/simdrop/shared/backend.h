// Choosing a backend by name, and saying which one runs and why.
#ifndef SIMDROP_TOOL_SHARED_BACKEND_H
#define SIMDROP_TOOL_SHARED_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

// Uses the named backend, or leaves the library's choice if name is NULL. Prints the sentence and returns false if there is
// no such backend or this machine cannot run it.
bool backend_use(const char *name);

// The same for a list of names with commas between, or "all": whether every one of them can be used.
bool backend_list_check(const char *list);

// Why the current backend is the current one, as a phrase of one line.
void backend_reason(size_t size, char *phrase);

#endif
