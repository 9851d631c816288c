// What a file keeps when another takes its place.
#ifndef SIMDROP_TOOL_SHARED_FILE_ATTRIBUTES_H
#define SIMDROP_TOOL_SHARED_FILE_ATTRIBUTES_H

#include <stdbool.h>
#include <sys/stat.h>

// Gives the file that is open as descriptor the owner, the group, the permissions, and where the system has them the access
// control list and the extended attributes of `path`, whose status is `status`, as far as the user may. What cannot be kept
// never makes the file readable for more people, nor carries a set-user-ID bit to another owner. False with errno if the
// permissions cannot be set.
bool file_attributes_copy(const char *path, const struct stat *status, int descriptor);

#endif
