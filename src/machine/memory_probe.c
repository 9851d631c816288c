// Asks the system. Everything that is decided from the answers is in engine/memory_way.c and engine/memory_walk.c. Sandboxes
// may refuse any of it, which must not show in errno.
#include "machine/memory_probe.h"

#include <errno.h>
#include <time.h>
#if defined(__unix__)
#include <sys/resource.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

uint64_t simdrop_nanoseconds(void) {
#if defined(SIMDROP_HAVE_TIMESPEC_GET)
  const int errno_before = errno;
  struct timespec now;
  const bool is_known = timespec_get(&now, TIME_UTC) == TIME_UTC;
  errno = errno_before;
  if (!is_known) return 0;
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#else
  return 0;
#endif
}

uint64_t simdrop_page_faults(void) {
#if defined(RUSAGE_THREAD)  // Linux, the BSDs
  const int errno_before = errno;
  struct rusage usage;
  const bool is_known = getrusage(RUSAGE_THREAD, &usage) == 0;
  errno = errno_before;
  return is_known ? (uint64_t)usage.ru_minflt : 0;
#else
  return 0;
#endif
}

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23  // of Linux 5.14 and later; what is earlier refuses it
#endif

bool simdrop_populate(void *memory, size_t bytes) {
#if defined(__linux__)
  const int errno_before = errno;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t skipped = (page - (uintptr_t)memory % page) % page;  // a page that is not written whole is none of ours
  bool done = false;
  if (bytes >= skipped + page)
    done = madvise((char *)memory + skipped, (bytes - skipped) / page * page, MADV_POPULATE_WRITE) == 0;
  errno = errno_before;
  return done;
#else
  (void)memory;
  (void)bytes;
  return false;
#endif
}
