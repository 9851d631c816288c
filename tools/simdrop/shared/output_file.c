// Write beside, then rename; what cannot be done so is written directly.
#include "shared/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/console.h"
#include "shared/descriptors.h"
#include "shared/file_attributes.h"
#include "shared/input.h"
#include "shared/report.h"
#include "shared/temporary_file.h"

int output_descriptor(const char *name) { return strcmp(name, "-") == 0 ? STDOUT_FILENO : descriptor_of_name(name); }

bool output_is_stdout(const char *name) { return output_descriptor(name) == STDOUT_FILENO; }

// The folder of a path, "." if it names none.
static void folder_of(const char *path, char folder[PATH_MAX]) {
  const size_t length = folder_length(path);
  snprintf(folder, PATH_MAX, "%.*s", length > 0 ? (int)length : 1, length > 0 ? path : ".");
}

static bool same_inode(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }

static bool same_folder(const char *a, const char *b) {
  char folder_a[PATH_MAX], folder_b[PATH_MAX];
  struct stat stat_a, stat_b;
  folder_of(a, folder_a);
  folder_of(b, folder_b);
  return stat(folder_a, &stat_a) == 0 && stat(folder_b, &stat_b) == 0 && same_inode(&stat_a, &stat_b);
}

static bool find_place(const char *name, file_place *place) {
  if (strcmp(name, "-") == 0) name = "/dev/stdout";
  return file_place_find(name, place);
}

static bool exists(const file_place *place, struct stat *file) {
  return (place->descriptor >= 0 ? fstat(place->descriptor, file) : stat(place->path, file)) == 0;
}

bool output_same_file(const char *a, const char *b) {
  file_place place_a, place_b;
  struct stat stat_a, stat_b;
  if (!find_place(a, &place_a) || !find_place(b, &place_b)) return false;
  if (place_a.descriptor >= 0 && place_a.descriptor == place_b.descriptor) return true;
  const bool a_exists = exists(&place_a, &stat_a), b_exists = exists(&place_b, &stat_b);
  if (a_exists && b_exists) return same_inode(&stat_a, &stat_b) && !S_ISCHR(stat_a.st_mode);
  if (a_exists || b_exists || place_a.descriptor >= 0 || place_b.descriptor >= 0) return false;
  const char *const path_a = place_a.path, *const path_b = place_b.path;
  return strcmp(path_a + folder_length(path_a), path_b + folder_length(path_b)) == 0 && same_folder(path_a, path_b);
}

static void report_problem(const output_file *output, const char *problem) {
  report_error("cannot write %s: %s", output->name, problem);
}

static void note_in_place(const output_file *output, int problem) {
  report_note("%s is written in place, as it cannot be replaced (%s)", output->name, strerror(problem));
}

// Refuses a file that would change while it is read.
static bool check_unread(const output_file *output) {
  struct stat file;
  const bool reads = fstat(output->descriptor, &file) == 0 && input_reads(&file);
  if (reads) report_problem(output, "it is the file that is read");
  return !reads;
}

static bool open_descriptor(output_file *output, int descriptor) {
  const char *const problem = descriptor_problem(descriptor, O_WRONLY);
  if (problem != NULL) {
    report_problem(output, problem);
    return false;
  }
  console_flush();  // what was printed before may go to the same place
  output->descriptor = descriptor;
  return check_unread(output);
}

static bool open_directly(output_file *output, bool is_file) {
  output->descriptor = open(output->target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  output->to_truncate = is_file;
  if (output->descriptor >= 0) return check_unread(output);
  report_problem(output, strerror(errno));
  return false;
}

// Where files cannot be created or replaced, they may still be writable.
static bool forbids_replacing(int problem) {
  return problem == EACCES || problem == EPERM || problem == EROFS || problem == EBUSY || problem == EXDEV;
}

static bool open_beside(output_file *output) {
  // What replaces a file is nobody else's business before it has that file's permissions; a new one has those that the umask
  // leaves.
  int descriptor;
  output->temporary = temporary_create(output->target, output->was_there ? 0600 : 0666, &descriptor);
  if (output->temporary >= 0) {
    output->descriptor = descriptor;
    return true;
  }
  const int problem = errno;
  if (!output->was_there || !forbids_replacing(problem)) {
    report_problem(output, strerror(problem));
    return false;
  }
  output->obstacle = problem;
  return open_directly(output, true);
}

static bool open_target(output_file *output, bool of_process) {
  struct stat file;
  output->was_there = stat(output->target, &file) == 0;
  int problem = output->was_there || errno == ENOENT ? 0 : errno;
  if (output->was_there && S_ISDIR(file.st_mode)) problem = EISDIR;
  const bool special = output->was_there && !S_ISREG(file.st_mode);  // a device, a pipe
  if (problem == 0 && (special || of_process)) return open_directly(output, !special);
  // Renaming would replace even a file that is write-protected.
  if (problem == 0 && output->was_there && access(output->target, W_OK) != 0) problem = errno;
  if (problem != 0) {
    report_problem(output, strerror(problem));
    return false;
  }
  if (output->was_there) output->mode = file.st_mode & 01777;
  return open_beside(output);
}

bool output_open(output_file *output, const char *name) {
  file_place place;
  *output = (output_file){OUTPUT_FILE_CLOSED};
  output->name = name;
  const bool found = find_place(name, &place);
  if (found && place.descriptor == STDOUT_FILENO) output->name = "standard output";
  if (found && place.descriptor >= 0) return open_descriptor(output, place.descriptor);
  if (found) output->target = strdup(place.path);
  if (output->target != NULL) return open_target(output, place.of_process);
  report_problem(output, strerror(errno));
  return false;
}

static bool truncate_once(output_file *output) {
  if (!output->to_truncate) return true;
  output->to_truncate = false;
  if (output->obstacle != 0) note_in_place(output, output->obstacle);
  return ftruncate(output->descriptor, 0) == 0;
}

bool output_write(output_file *output, const void *data, size_t size) {
  if (truncate_once(output) && descriptor_write(output->descriptor, data, size)) return true;
  output->reader_gone = errno == EPIPE;
  if (!output->reader_gone) report_problem(output, strerror(errno));
  return false;
}

static bool close_descriptor(output_file *output) {
  const int descriptor = output->descriptor;
  output->descriptor = -1;
  return descriptor < 0 || output->target == NULL || close(descriptor) == 0;  // the caller's stays open
}

// What is no file on a disk cannot be synchronised, nor need it be.
static bool synchronise(int descriptor) {
  return fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS || errno == ENOSYS;
}

// The name, too, must outlive a loss of power.
static bool synchronise_folder(const char *path) {
  char folder[PATH_MAX];
  folder_of(path, folder);
  const int descriptor = open(folder, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return true;  // it may be written, but not read
  const bool synchronised = synchronise(descriptor) || errno == EBADF || errno == EACCES;
  const int problem = errno;
  close(descriptor);
  errno = problem;
  return synchronised;
}

static bool copy_all(int from, int to) {
  static char buffer[1 << 16];
  for (;;) {
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got == 0) return true;
    if (got < 0 && !descriptor_retry(from, POLLIN)) return false;
    if (got > 0 && !descriptor_write(to, buffer, (size_t)got)) return false;
  }
}

// From here on the temporary file is the only whole one: it is kept if the copy fails, even by a signal.
static bool copy_to_target(output_file *output, int from, int to) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", temporary_path(output->temporary));
  temporary_keep(output->temporary);
  output->temporary = -1;
  if (ftruncate(to, 0) == 0 && copy_all(from, to) && synchronise(to)) {
    unlink(path);
    return true;
  }
  report_error("cannot write %s: %s; all of it is in %s", output->name, strerror(errno), path);
  return false;
}

// Into the place of a file that cannot be replaced.
static bool copy_over(output_file *output, int problem) {
  chmod(temporary_path(output->temporary), 0600);  // it has the target's permissions, which may forbid reading it
  const int from = open(temporary_path(output->temporary), O_RDONLY | O_CLOEXEC);
  const int to = from >= 0 ? open(output->target, O_WRONLY | O_CLOEXEC) : -1;
  bool copied = false;
  if (to < 0) {
    report_problem(output, strerror(errno));
  } else {
    note_in_place(output, problem);
    copied = copy_to_target(output, from, to);
  }
  if (from >= 0) close(from);
  if (to >= 0) close(to);
  return copied;
}

static bool keep_attributes(const output_file *output) {
  struct stat file;
  if (stat(output->target, &file) == 0) return file_attributes_copy(output->target, &file, output->descriptor);
  return !output->was_there || fchmod(output->descriptor, output->mode) == 0;  // it was removed meanwhile
}

static bool commit_temporary(output_file *output) {
  // Some file systems tell only when they close it that the disk is full.
  bool done = keep_attributes(output) && synchronise(output->descriptor) && close_descriptor(output);
  if (done && !temporary_rename(output->temporary, output->target)) {
    const int problem = errno;
    if (forbids_replacing(problem)) return copy_over(output, problem);
    errno = problem;
    done = false;
  } else if (done) {
    output->temporary = -1;
    done = synchronise_folder(output->target);
  }
  if (!done) report_problem(output, strerror(errno));
  return done;
}

static bool commit_directly(output_file *output) {
  const bool done =
      truncate_once(output) && (output->target == NULL || synchronise(output->descriptor)) && close_descriptor(output);
  if (!done) report_problem(output, strerror(errno));
  return done;
}

static void forget(output_file *output) {
  free(output->target);
  output->target = NULL;
}

bool output_commit(output_file *output) {
  if (!(output->temporary >= 0 ? commit_temporary(output) : commit_directly(output))) return false;
  forget(output);
  return true;
}

void output_discard(output_file *output) {
  close_descriptor(output);
  if (output->temporary >= 0) temporary_remove(output->temporary);
  output->temporary = -1;
  forget(output);
}

bool output_save(output_file *output, const void *data, size_t size) {
  console_flush();  // what was printed since it was opened may go to the same place
  return (output_write(output, data, size) && output_commit(output)) || output->reader_gone;
}
