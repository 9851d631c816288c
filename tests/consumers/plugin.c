// A plugin that links the static library.
#include <simdrop/simdrop.h>

const char *plugin_version(void) { return simdrop_version_string(); }

const char *plugin_backend(void) { return simdrop_backend_current(); }

int plugin_select(const char *name) { return simdrop_backend_select(name) == SIMDROP_OK; }
