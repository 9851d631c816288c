#include "shared/memory.h"

#include <simdrop/simdrop.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/name_list.h"
#include "shared/report.h"

static bool is_known(const char *name) {
  char names[512] = "";
  for (size_t i = 0; i < simdrop_memory_count(); ++i) {
    if (strcmp(simdrop_memory_name(i), name) == 0) return true;
    name_list_add(sizeof names, names, simdrop_memory_name(i));
  }
  report_error("there is no way of going through memory '%s'; those there are: %s", name, names);
  return false;
}

bool memory_list_check(const char *list) { return name_list_check(list, is_known); }

void memory_reason(size_t size, char *phrase) {
  const char *const wanted = getenv("SIMDROP_MEMORY");
  if (wanted == NULL || *wanted == '\0') {
    snprintf(phrase, size, "the default");
  } else if (strcmp(wanted, simdrop_memory_current()) == 0) {
    snprintf(phrase, size, "SIMDROP_MEMORY names it");
  } else {
    snprintf(phrase, size, "the default; SIMDROP_MEMORY=%s is unknown", wanted);
  }
}
