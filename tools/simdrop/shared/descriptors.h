// Descriptors that the caller of the tool opened: by number, and by the names that lead to them.
#ifndef SIMDROP_TOOL_SHARED_DESCRIPTORS_H
#define SIMDROP_TOOL_SHARED_DESCRIPTORS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

// Where a name leads.
typedef struct file_place {
  int descriptor;       // of this process: /dev/fd/N, /dev/stdout, and links to such names; -1 if it is none
  bool of_process;      // path is another process's /proc/PID/fd/N, a link that only the kernel can follow
  char path[PATH_MAX];  // if it is no descriptor: with symbolic links followed, also to files that are not there yet
} file_place;

// False with errno.
bool file_place_find(const char *name, file_place *place);

// The descriptor that a name leads to, or -1.
int descriptor_of_name(const char *name);

// Where the last part of a path begins.
size_t folder_length(const char *path);

// To be called before anything is opened: files must not get the numbers of closed standard streams.
void descriptors_fill_standard(void);

// What keeps a descriptor from being read (access O_RDONLY) or written (O_WRONLY), in words; NULL if nothing does.
const char *descriptor_problem(int descriptor, int access);

// Opened by this process, not by whoever started it.
bool descriptor_is_own(int descriptor);

// After a read or a write failed: true if it is worth another try, which for a non-blocking descriptor is after a wait for the
// events of poll.
bool descriptor_retry(int descriptor, short events);

// Writes all of it, however long that takes; false with errno.
bool descriptor_write(int descriptor, const void *data, size_t size);

#endif
