// Write beside, then rename. The signal handler may run at any moment, so signals are held back while a temporary file is
// created, renamed or removed, and the handler itself calls only what POSIX allows there.
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#define MAX_TEMPORARIES 4
#define MAX_LINKS 40  // as many as Linux follows

static char temporary_paths[MAX_TEMPORARIES][PATH_MAX];  // "" = free
static const int removing_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define REMOVING_SIGNAL_COUNT (sizeof removing_signals / sizeof removing_signals[0])

static void remove_temporaries(int signal_number) {
  for (int i = 0; i < MAX_TEMPORARIES; ++i)
    if (temporary_paths[i][0] != '\0') unlink(temporary_paths[i]);
  signal(signal_number, SIG_DFL);
  raise(signal_number);  // delivered when this handler returns: the parent sees the true cause
}

static void handle_signals_once(void) {
  static bool handled = false;
  if (handled) return;
  handled = true;
  for (size_t i = 0; i < REMOVING_SIGNAL_COUNT; ++i) {
    struct sigaction action;
    sigaction(removing_signals[i], NULL, &action);
    if (action.sa_handler == SIG_IGN) continue;  // nohup
    action.sa_handler = remove_temporaries;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    sigaction(removing_signals[i], &action, NULL);
  }
}

static void hold_signals(sigset_t *before) {
  sigset_t held;
  sigemptyset(&held);
  for (size_t i = 0; i < REMOVING_SIGNAL_COUNT; ++i) sigaddset(&held, removing_signals[i]);
  pthread_sigmask(SIG_BLOCK, &held, before);
}

static void release_signals(const sigset_t *before) {
  const int saved = errno;
  pthread_sigmask(SIG_SETMASK, before, NULL);
  errno = saved;
}

bool output_is_stdout(const char *name) {
  static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
    if (strcmp(name, names[i]) == 0) return true;
  return false;
}

// Length of the folder's part of a path, with its slash; 0 if there is none.
static size_t folder_length(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

// Follows symbolic links, also to files that do not exist yet, so that the link stays and its target is replaced.
static bool resolve_links(const char *name, char path[PATH_MAX]) {
  if (strlen(name) >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return false;
  }
  strcpy(path, name);
  for (int links = 0; links < MAX_LINKS; ++links) {
    char link[PATH_MAX];
    const ssize_t length = readlink(path, link, sizeof link);
    if (length < 0) return true;  // not a link; whatever else is wrong, creating the file will tell
    const size_t folder = length > 0 && link[0] == '/' ? 0 : folder_length(path);
    if (folder + (size_t)length >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return false;
    }
    memcpy(path + folder, link, (size_t)length);
    path[folder + (size_t)length] = '\0';
  }
  errno = ELOOP;
  return false;
}

static bool same_folder(const char *a, const char *b) {
  char folder_a[PATH_MAX] = ".", folder_b[PATH_MAX] = ".";
  if (folder_length(a) > 0) snprintf(folder_a, sizeof folder_a, "%.*s", (int)folder_length(a), a);
  if (folder_length(b) > 0) snprintf(folder_b, sizeof folder_b, "%.*s", (int)folder_length(b), b);
  struct stat stat_a, stat_b;
  return stat(folder_a, &stat_a) == 0 && stat(folder_b, &stat_b) == 0 && stat_a.st_dev == stat_b.st_dev &&
         stat_a.st_ino == stat_b.st_ino;
}

bool output_same_file(const char *a, const char *b) {
  char path_a[PATH_MAX], path_b[PATH_MAX];
  struct stat stat_a, stat_b;
  if (output_is_stdout(a) || output_is_stdout(b)) return output_is_stdout(a) && output_is_stdout(b);
  if (!resolve_links(a, path_a) || !resolve_links(b, path_b)) return false;
  const bool a_exists = stat(path_a, &stat_a) == 0, b_exists = stat(path_b, &stat_b) == 0;
  if (a_exists != b_exists) return false;
  if (a_exists) return S_ISREG(stat_a.st_mode) && stat_a.st_dev == stat_b.st_dev && stat_a.st_ino == stat_b.st_ino;
  return strcmp(path_a + folder_length(path_a), path_b + folder_length(path_b)) == 0 && same_folder(path_a, path_b);
}

// Creates a file of a new name beside target; its number goes to output->temporary.
static bool create_temporary(output_file *output) {
  int slot = 0;
  while (slot < MAX_TEMPORARIES && temporary_paths[slot][0] != '\0') ++slot;
  if (slot == MAX_TEMPORARIES) {
    errno = EMFILE;
    return false;
  }
  for (unsigned attempt = 0; attempt < 1000; ++attempt) {
    char path[PATH_MAX];
    // A short name of its own: one made from the target's could be too long for the folder.
    const int length = snprintf(path, sizeof path, "%.*s.simdrop-%ld-%u.tmp", (int)folder_length(output->target),
                                output->target, (long)getpid(), attempt);
    if (length < 0 || length >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return false;
    }
    output->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (output->descriptor >= 0) {
      strcpy(temporary_paths[slot], path);
      output->temporary = slot;
      return true;
    }
    if (errno != EEXIST) return false;
  }
  return false;
}

static bool open_target(output_file *output) {
  struct stat existing;
  const bool exists = stat(output->target, &existing) == 0;
  if (!exists && (errno != ENOENT)) return false;
  if (exists && S_ISDIR(existing.st_mode)) {
    errno = EISDIR;
    return false;
  }
  if (exists && !S_ISREG(existing.st_mode)) {  // a device, a pipe
    output->descriptor = open(output->target, O_WRONLY | O_CLOEXEC);
    return output->descriptor >= 0;
  }
  // Renaming would replace even a file that is write-protected.
  if (exists && access(output->target, W_OK) != 0) return false;
  sigset_t before;
  handle_signals_once();
  hold_signals(&before);
  const bool created = create_temporary(output);
  release_signals(&before);
  // A replaced file keeps its permissions; a new one has those that the umask leaves.
  if (created && exists && fchmod(output->descriptor, existing.st_mode & 07777) != 0) return false;
  return created;
}

static void report_write_error(const output_file *output) {
  report_error("cannot write %s: %s", output->name, strerror(errno));
}

bool output_open(output_file *output, const char *name) {
  *output = (output_file)OUTPUT_FILE_CLOSED;
  output->name = name;
  if (output_is_stdout(name)) {
    output->name = "standard output";
    output->descriptor = STDOUT_FILENO;
    return true;
  }
  char path[PATH_MAX];
  struct stat existing;
  // The links of /dev/fd lead to names like "pipe:[123]", which only the kernel can follow: let it.
  const bool special = stat(name, &existing) == 0 && !S_ISREG(existing.st_mode);
  const bool resolved = special || resolve_links(name, path);
  if (resolved) output->target = strdup(special ? name : path);
  if (output->target != NULL && open_target(output)) return true;
  report_write_error(output);
  return false;
}

bool output_write(output_file *output, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    const ssize_t written = write(output->descriptor, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      output->reader_gone = errno == EPIPE;
      if (!output->reader_gone) report_write_error(output);
      return false;
    }
    at += written;
    size -= (size_t)written;
  }
  return true;
}

static bool close_descriptor(output_file *output) {
  const int descriptor = output->descriptor;
  output->descriptor = -1;
  return descriptor < 0 || output->target == NULL || close(descriptor) == 0;  // standard output stays open
}

static void forget(output_file *output) {
  if (output->temporary >= 0) temporary_paths[output->temporary][0] = '\0';
  output->temporary = -1;
  free(output->target);
  output->target = NULL;
}

bool output_commit(output_file *output) {
  if (!close_descriptor(output)) {  // some file systems tell only now that the disk is full
    report_write_error(output);
    return false;
  }
  if (output->temporary >= 0) {
    sigset_t before;
    hold_signals(&before);
    const bool renamed = rename(temporary_paths[output->temporary], output->target) == 0;
    if (renamed) temporary_paths[output->temporary][0] = '\0';
    release_signals(&before);
    if (!renamed) {
      report_write_error(output);
      return false;
    }
  }
  forget(output);
  return true;
}

void output_discard(output_file *output) {
  close_descriptor(output);
  sigset_t before;
  hold_signals(&before);
  if (output->temporary >= 0) unlink(temporary_paths[output->temporary]);
  forget(output);
  release_signals(&before);
}

bool output_save(const char *name, const void *data, size_t size) {
  output_file file;
  const bool saved = output_open(&file, name) && output_write(&file, data, size) && output_commit(&file);
  const bool reader_gone = file.reader_gone;
  if (!saved) output_discard(&file);
  return saved || reader_gone;
}
