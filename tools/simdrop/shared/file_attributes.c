// Owner, then extended attributes, then permissions: a change of owner takes the set-user-ID bit away, and an access control
// list sets the permissions of the group.
#include "shared/file_attributes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/xattr.h>
#elif defined(__APPLE__)
#include <copyfile.h>
#include <fcntl.h>
#endif

#if defined(__linux__)

#define ACCESS_CONTROL_LIST "system.posix_acl_access"

// These are about a file's content, which is another now.
static bool is_about_content(const char *name) {
  return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0 || strcmp(name, "security.capability") == 0;
}

static bool copy_attribute(const char *path, const char *name, int descriptor) {
  const ssize_t size = getxattr(path, name, NULL, 0);
  if (size < 0) return false;
  void *const value = malloc((size_t)size + 1);
  const ssize_t got = value != NULL ? getxattr(path, name, value, (size_t)size) : -1;
  const bool copied = got >= 0 && fsetxattr(descriptor, name, value, (size_t)got, 0) == 0;
  free(value);
  return copied;
}

// False if the file has an access control list that could not be copied.
static bool copy_extended_attributes(const char *path, int descriptor) {
  const bool listed = getxattr(path, ACCESS_CONTROL_LIST, NULL, 0) >= 0;
  // A new file has the list that its folder gives to new files.
  const bool same = listed ? copy_attribute(path, ACCESS_CONTROL_LIST, descriptor)
                           : fremovexattr(descriptor, ACCESS_CONTROL_LIST) == 0 || errno == ENODATA || errno == ENOTSUP;
  const ssize_t size = listxattr(path, NULL, 0);
  char *const names = size > 0 ? malloc((size_t)size) : NULL;
  const ssize_t got = names != NULL ? listxattr(path, names, (size_t)size) : 0;
  for (ssize_t at = 0; at < got; at += (ssize_t)strlen(names + at) + 1)
    if (!is_about_content(names + at)) copy_attribute(path, names + at, descriptor);
  free(names);
  return same;
}

#elif defined(__APPLE__)

static bool copy_extended_attributes(const char *path, int descriptor) {
  const int from = open(path, O_RDONLY | O_CLOEXEC);
  const bool copied = from >= 0 && fcopyfile(from, descriptor, NULL, COPYFILE_ACL | COPYFILE_XATTR) == 0;
  if (from >= 0) close(from);
  return copied;
}

#else

static bool copy_extended_attributes(const char *path, int descriptor) {
  (void)path;
  (void)descriptor;
  return true;
}

#endif

// The permissions that the file may have under what could be kept.
static mode_t kept_mode(const struct stat *status, const struct stat *is, bool has_list) {
  mode_t mode = status->st_mode & 07777;
  if (is->st_uid != status->st_uid) mode &= ~(mode_t)S_ISUID;
  if (is->st_gid != status->st_gid) mode &= ~(mode_t)S_ISGID;
  // The members of another group are some among all others; and beside a list, the bits of the group are not the group's.
  const mode_t of_others = (mode & S_IRWXO) << 3;
  if (is->st_gid != status->st_gid || !has_list) mode &= ~(mode_t)S_IRWXG | of_others;
  return mode;
}

// Giving files away is for root, but their group may be any of the user's.
static bool copy_owner(const struct stat *status, const struct stat *is, int descriptor) {
  const bool differs = is->st_uid != status->st_uid || is->st_gid != status->st_gid;
  return !differs || fchown(descriptor, status->st_uid, status->st_gid) == 0 ||
         fchown(descriptor, (uid_t)-1, status->st_gid) == 0;
}

bool file_attributes_copy(const char *path, const struct stat *status, int descriptor) {
  struct stat is;
  if (fstat(descriptor, &is) != 0) return false;
  copy_owner(status, &is, descriptor);
  const bool has_list = copy_extended_attributes(path, descriptor);
  if (fstat(descriptor, &is) != 0) return false;
  const mode_t mode = kept_mode(status, &is, has_list);
  // Some file systems have no permissions, and show the same ones for all files.
  return (is.st_mode & 07777) == mode || fchmod(descriptor, mode) == 0;
}
