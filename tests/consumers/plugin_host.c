// plugin_host PLUGIN...: loads all plugins, lets the first of them select the scalar backend, and prints each one's version and
// backend.
#include <dlfcn.h>
#include <stdio.h>

// The function of that name in a plugin, as one of whatever type `function` is a pointer to.
#define FIND(plugin, name, function) (*(void **)&(function) = dlsym(plugin, name))

int main(int argc, char **argv) {
  void *plugins[8];
  const char *(*version)(void), *(*backend)(void);
  int (*select)(const char *);
  for (int i = 1; i < argc && i <= 8; ++i) {
    plugins[i - 1] = dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL);
    if (plugins[i - 1] == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  if (!FIND(plugins[0], "plugin_select", select) || !select("scalar")) return 1;
  for (int i = 1; i < argc && i <= 8; ++i) {
    if (!FIND(plugins[i - 1], "plugin_version", version) || !FIND(plugins[i - 1], "plugin_backend", backend)) return 1;
    printf("%s %s\n", version(), backend());
  }
  return 0;
}
