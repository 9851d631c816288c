// The public backend functions in words.
#include "shared/backend.h"

#include <simdrop/simdrop.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/name_list.h"
#include "shared/report.h"

bool backend_use(const char *name) {
  if (name == NULL) return true;
  const simdrop_status status = simdrop_backend_select(name);
  if (status == SIMDROP_OK) return true;
  char names[512] = "";
  for (size_t i = 0; i < simdrop_backend_count(); ++i)
    if (simdrop_backend_supported(i)) name_list_add(sizeof names, names, simdrop_backend_name(i));
  if (status == SIMDROP_ERROR_UNKNOWN_BACKEND) {
    report_error("there is no backend '%s'; those that run here: %s", name, names);
  } else {
    report_error("backend '%s' is not compiled in or cannot run on this machine; those that run here: %s", name, names);
  }
  return false;
}

bool backend_list_check(const char *list) { return name_list_check(list, backend_use); }

void backend_reason(size_t size, char *phrase) {
  const char *const wanted = getenv("SIMDROP_BACKEND");
  switch (simdrop_backend_reason()) {
    case SIMDROP_CHOICE_BEST: snprintf(phrase, size, "the best that runs here"); break;
    case SIMDROP_CHOICE_ENVIRONMENT: snprintf(phrase, size, "SIMDROP_BACKEND names it"); break;
    case SIMDROP_CHOICE_ENVIRONMENT_REFUSED:
      snprintf(phrase, size, "the best that runs here; SIMDROP_BACKEND=%s is unknown or cannot run here", wanted ? wanted : "");
      break;
    case SIMDROP_CHOICE_SELECTED: snprintf(phrase, size, "--backend names it"); break;
    default: snprintf(phrase, size, "chosen by the library"); break;
  }
}
