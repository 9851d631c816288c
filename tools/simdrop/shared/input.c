// Reading with the errors told.
#include "shared/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/descriptors.h"
#include "shared/report.h"

#define MAX_INPUTS 4

static int open_inputs[MAX_INPUTS];  // descriptor + 1; 0 = free

static int input_descriptor(const char *name) { return strcmp(name, "-") == 0 ? STDIN_FILENO : descriptor_of_name(name); }

bool input_is_stdin(const char *name) { return input_descriptor(name) == STDIN_FILENO; }

bool input_same_descriptor(const char *a, const char *b) {
  const int descriptor = input_descriptor(a);
  return descriptor >= 0 && descriptor == input_descriptor(b);
}

const char *input_label(const char *name) { return input_is_stdin(name) ? "standard input" : name; }

static void remember(int descriptor, int before) {
  for (int i = 0; i < MAX_INPUTS; ++i) {
    if (open_inputs[i] != before) continue;
    open_inputs[i] = descriptor;
    return;
  }
}

int input_open(const char *name) {
  struct stat file;
  const int given = input_descriptor(name);
  const char *problem = given >= 0 ? descriptor_problem(given, O_RDONLY) : NULL;
  const int descriptor = problem != NULL ? -1 : given >= 0 ? given : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (problem == NULL) {
    const bool is_there = descriptor >= 0 && fstat(descriptor, &file) == 0;
    if (!is_there || S_ISDIR(file.st_mode)) problem = strerror(is_there ? EISDIR : errno);
  }
  if (problem == NULL) {
    remember(descriptor + 1, 0);
    return descriptor;
  }
  report_error("cannot read %s: %s", input_label(name), problem);
  input_close(descriptor);
  return -1;
}

void input_close(int descriptor) {
  if (descriptor < 0) return;
  remember(0, descriptor + 1);
  if (descriptor_is_own(descriptor)) close(descriptor);
}

bool input_reads(const struct stat *file) {
  for (int i = 0; i < MAX_INPUTS; ++i) {
    struct stat input;
    if (open_inputs[i] != 0 && S_ISREG(file->st_mode) && fstat(open_inputs[i] - 1, &input) == 0 &&
        input.st_dev == file->st_dev && input.st_ino == file->st_ino)
      return true;
  }
  return false;
}

ptrdiff_t input_read(int descriptor, const char *name, void *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(descriptor, (char *)data + done, size - done);
    if (got == 0) break;
    if (got < 0 && descriptor_retry(descriptor, POLLIN)) continue;
    if (got < 0) {
      report_error("cannot read %s: %s", name, strerror(errno));
      return -1;
    }
    done += (size_t)got;
  }
  return (ptrdiff_t)done;
}

int64_t input_bytes_left(int descriptor) {
  struct stat file;
  if (fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode)) return -1;
  const off_t position = lseek(descriptor, 0, SEEK_CUR);
  if (position < 0) return -1;
  return position < file.st_size ? (int64_t)(file.st_size - position) : 0;
}
