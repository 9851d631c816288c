// plugin_host PLUGIN...: loads all plugins, lets the first of them select the scalar backend, and prints each one's version and
// backend.
#include <dlfcn.h>
#include <stdio.h>

// Sets what `function` points to, a pointer to a function of any type, to the plugin's function of that name; whether there is
// one.
static int find(void *plugin, const char *name, void *function) {
  void *const found = dlsym(plugin, name);
  *(void **)function = found;
  return found != NULL;
}

int main(int argc, char **argv) {
  void *plugins[8] = {NULL};
  const char *(*version)(void), *(*backend)(void);
  int (*select)(const char *);
  for (int i = 1; i < argc && i <= 8; ++i) {
    plugins[i - 1] = dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL);
    if (plugins[i - 1] == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  if (!find(plugins[0], "plugin_select", &select) || !select("scalar")) return 1;
  for (int i = 1; i < argc && i <= 8; ++i) {
    if (!find(plugins[i - 1], "plugin_version", &version) || !find(plugins[i - 1], "plugin_backend", &backend)) return 1;
    printf("%s %s\n", version(), backend());
  }
  return 0;
}
