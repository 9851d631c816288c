#include "shared/name_list.h"

#include <stdio.h>
#include <string.h>

// The length of the first name of a list, and the rest behind the comma, or NULL.
static size_t split_list(const char *list, const char **rest) {
  const char *const comma = strchr(list, ',');
  *rest = comma == NULL ? NULL : comma + 1;
  return comma == NULL ? strlen(list) : (size_t)(comma - list);
}

bool name_list_check(const char *list, bool (*check)(const char *name)) {
  if (strcmp(list, "all") == 0) return true;
  for (const char *rest; list != NULL; list = rest) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)split_list(list, &rest), list);
    if (!check(name)) return false;
  }
  return true;
}

bool name_list_has(const char *list, const char *name) {
  if (strcmp(list, "all") == 0) return true;
  for (const char *rest; list != NULL; list = rest) {
    const size_t length = split_list(list, &rest);
    if (strlen(name) == length && strncmp(list, name, length) == 0) return true;
  }
  return false;
}

void name_list_add(size_t size, char *names, const char *name) {
  const size_t used = strlen(names);
  snprintf(names + used, size - used, "%s%s", used == 0 ? "" : ", ", name);
}
