// A descriptor of the caller's is used as it is, with its offset and its flags. Opening its name would on Linux open the file
// anew, at its beginning and without O_APPEND, and fail on a socket; replacing the file behind it would leave the caller with
// the old one.
#include "shared/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40  // as many as Linux follows

size_t folder_length(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

// A number as the kernel writes it: no sign, no leading zeros.
static int parse_descriptor(const char *digits) {
  if (digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1] != '\0')) return -1;
  char *end;
  errno = 0;
  const long number = strtol(digits, &end, 10);
  return *end == '\0' && errno == 0 && number <= INT_MAX ? (int)number : -1;
}

typedef enum folder_kind {
  FOLDER_OF_FILES,
  FOLDER_OF_OWN_DESCRIPTORS,
  FOLDER_OF_OTHER_DESCRIPTORS  // of another process
} folder_kind;

static folder_kind kind_of_folder(const char *folder) {
  // These two hold even where they are not there, as in a chroot.
  if (strcmp(folder, "/dev/fd/") == 0 || strcmp(folder, "/proc/self/fd/") == 0) return FOLDER_OF_OWN_DESCRIPTORS;
  char *const real = realpath(folder, NULL);
  if (real == NULL) return FOLDER_OF_FILES;
  const size_t length = strlen(real);
  folder_kind kind = FOLDER_OF_FILES;
  if (strcmp(real, "/dev/fd") == 0) {
    kind = FOLDER_OF_OWN_DESCRIPTORS;
  } else if (strncmp(real, "/proc/", 6) == 0 && strcmp(real + length - 3, "/fd") == 0) {
    // /proc/PID/fd or /proc/PID/task/TID/fd: all threads have the same descriptors.
    char *const self = realpath("/proc/self", NULL);
    const size_t self_length = self != NULL ? strlen(self) : 0;
    const bool own = self != NULL && strncmp(real, self, self_length) == 0 && real[self_length] == '/';
    kind = own ? FOLDER_OF_OWN_DESCRIPTORS : FOLDER_OF_OTHER_DESCRIPTORS;
    free(self);
  }
  free(real);
  return kind;
}

// True if links need not be followed any further.
static bool leads_to_descriptor(file_place *place) {
  static const char *const streams[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (int i = 0; i < 3; ++i)
    if (strcmp(place->path, streams[i]) == 0) place->descriptor = i;
  const size_t length = folder_length(place->path);
  const int number = parse_descriptor(place->path + length);
  if (place->descriptor >= 0 || number < 0) return place->descriptor >= 0;
  char folder[PATH_MAX] = ".";
  if (length > 0) memcpy(folder, place->path, length);
  const folder_kind kind = kind_of_folder(folder);
  if (kind == FOLDER_OF_OWN_DESCRIPTORS) place->descriptor = number;
  place->of_process = kind == FOLDER_OF_OTHER_DESCRIPTORS;
  return kind != FOLDER_OF_FILES;
}

// Following links by name passes over what Linux guards against (fs.protected_symlinks): in /tmp and folders like it, links of
// other people's lead nowhere. To be asked when the link has been read, so that another cannot take its place in between.
static bool may_follow(const char *path) {
  struct stat link, in;
  char folder[PATH_MAX] = ".";
  const size_t length = folder_length(path);
  if (length > 0) memcpy(folder, path, length);
  if (lstat(path, &link) != 0 || stat(folder, &in) != 0) return false;
  const bool shared = (in.st_mode & S_ISVTX) != 0 && (in.st_mode & S_IWOTH) != 0;
  errno = EACCES;
  return !shared || link.st_uid == geteuid() || link.st_uid == in.st_uid;
}

// Replaces the last part of the path by what the link holds.
static bool follow_link(char path[PATH_MAX], const char *link, size_t length) {
  const size_t folder = length > 0 && link[0] == '/' ? 0 : folder_length(path);
  if (folder + length >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(path + folder, link, length);
  path[folder + length] = '\0';
  return true;
}

bool file_place_find(const char *name, file_place *place) {
  *place = (file_place){.descriptor = -1};
  const size_t length = strlen(name);
  if (length >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(place->path, name, length + 1);
  for (int links = 0; links < MAX_LINKS; ++links) {
    if (leads_to_descriptor(place)) return true;
    char link[PATH_MAX];
    const ssize_t linked = readlink(place->path, link, sizeof link);
    if (linked < 0) return true;  // not a link; whatever else is wrong, opening the file will tell
    if (!may_follow(place->path) || !follow_link(place->path, link, (size_t)linked)) return false;
  }
  errno = ELOOP;
  return false;
}

int descriptor_of_name(const char *name) {
  file_place place;
  return file_place_find(name, &place) ? place.descriptor : -1;
}

void descriptors_fill_standard(void) {
  // "/" is everywhere, and cannot be written through. descriptor_problem knows from O_CLOEXEC that the stream was closed.
  int descriptor;
  do {
    descriptor = open("/", O_RDONLY | O_CLOEXEC);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor > STDERR_FILENO) close(descriptor);
}

bool descriptor_is_own(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) != 0;  // what the caller passed has survived exec, and all else is opened with it
}

const char *descriptor_problem(int descriptor, int access) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || descriptor_is_own(descriptor)) return "it is closed";
  const int mode = flags & O_ACCMODE;
  if (access == O_RDONLY && mode == O_WRONLY) return "it is open for writing only";
  if (access == O_WRONLY && mode == O_RDONLY) return "it is open for reading only";
  return NULL;
}

bool descriptor_retry(int descriptor, short events) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
  struct pollfd waited = {.fd = descriptor, .events = events};
  return poll(&waited, 1, -1) >= 0 || errno == EINTR;
}

bool descriptor_write(int descriptor, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    const ssize_t written = write(descriptor, at, size);
    if (written < 0 && !descriptor_retry(descriptor, POLLOUT)) return false;
    if (written < 0) continue;
    at += written;
    size -= (size_t)written;
  }
  return true;
}
