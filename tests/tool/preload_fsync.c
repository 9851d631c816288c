// Preloaded into the tool by test_files.py: writes a line for each fsync and rename to the descriptor in LOG_DESCRIPTOR, and
// makes fsync of a file (FSYNC_FILE) or of a folder (FSYNC_FOLDER) fail with that error number.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(const char *what) {
  const char *const descriptor = getenv("LOG_DESCRIPTOR");
  if (descriptor != NULL) dprintf(atoi(descriptor), "%s\n", what);
}

int fsync(int descriptor) {
  struct stat file;
  const int is_folder = fstat(descriptor, &file) == 0 && S_ISDIR(file.st_mode);
  const char *const error = getenv(is_folder ? "FSYNC_FOLDER" : "FSYNC_FILE");
  note(is_folder ? "fsync folder" : "fsync file");
  if (error == NULL) return 0;
  errno = atoi(error);
  return -1;
}

int rename(const char *from, const char *to) {
  int (*const next)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  note("rename");
  return next(from, to);
}
