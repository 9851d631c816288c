// Names with commas between, or "all", where only the library knows the names.
#ifndef SIMDROP_TOOL_SHARED_NAME_LIST_H
#define SIMDROP_TOOL_SHARED_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

// Whether every one of them passes; check is called until one does not. "all" passes.
bool name_list_check(const char *list, bool (*check)(const char *name));

bool name_list_has(const char *list, const char *name);

// Puts one more name behind those of a sentence; what does not fit is left out.
void name_list_add(size_t size, char *names, const char *name);

#endif
