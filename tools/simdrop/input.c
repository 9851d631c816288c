// Reading with the errors told.
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

bool input_is_stdin(const char *name) { return strcmp(name, "-") == 0 || strcmp(name, "/dev/stdin") == 0; }

const char *input_label(const char *name) { return input_is_stdin(name) ? "standard input" : name; }

int input_open(const char *name) {
  struct stat file;
  const int descriptor = input_is_stdin(name) ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0 && fstat(descriptor, &file) == 0 && !S_ISDIR(file.st_mode)) return descriptor;
  report_error("cannot read %s: %s", name, descriptor >= 0 ? strerror(EISDIR) : strerror(errno));
  input_close(descriptor);
  return -1;
}

void input_close(int descriptor) {
  if (descriptor > STDIN_FILENO) close(descriptor);
}

ptrdiff_t input_read(int descriptor, const char *name, void *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(descriptor, (char *)data + done, size - done);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
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
