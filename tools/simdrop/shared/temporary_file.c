// The signal handler may run at any moment, so signals are held back while a file is created, renamed or removed, and the
// handler itself calls only what POSIX allows there.
#include "shared/temporary_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/descriptors.h"

#define MAX_TEMPORARIES 4

static char temporary_paths[MAX_TEMPORARIES][PATH_MAX];  // "" = free

// Those that end a process unless it says otherwise, and that it can catch; batch systems choose among all of them.
static const int ending_signals[] = {
    SIGHUP,    SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,  SIGSEGV, SIGUSR1,
    SIGUSR2,   SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGSYS,
#if defined(__linux__)  // elsewhere they are not there, or are ignored by default
    SIGIO,     SIGPWR,
#if defined(SIGSTKFLT)
    SIGSTKFLT,
#endif
#endif
#if defined(SIGEMT)
    SIGEMT,
#endif
};
#define ENDING_SIGNAL_COUNT (sizeof ending_signals / sizeof ending_signals[0])

static void remove_temporaries(int signal_number) {
  for (int i = 0; i < MAX_TEMPORARIES; ++i)
    if (temporary_paths[i][0] != '\0') unlink(temporary_paths[i]);
  signal(signal_number, SIG_DFL);
  raise(signal_number);  // delivered when this handler returns: the parent sees the true cause
}

static void handle_signal(int number) {
  struct sigaction action;
  if (sigaction(number, NULL, &action) != 0) return;
  // Ignored (nohup), or somebody else's (a sanitizer, a profiler).
  if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) return;
  action.sa_handler = remove_temporaries;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static void handle_signals_once(void) {
  static bool handled = false;
  if (handled) return;
  handled = true;
  for (size_t i = 0; i < ENDING_SIGNAL_COUNT; ++i) handle_signal(ending_signals[i]);
#if defined(SIGRTMIN) && defined(SIGRTMAX)
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) handle_signal(number);
#endif
}

static void hold_signals(sigset_t *before) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, before);
}

static void release_signals(const sigset_t *before) {
  const int saved = errno;
  pthread_sigmask(SIG_SETMASK, before, NULL);
  errno = saved;
}

static int create(const char *target, mode_t mode, int *descriptor) {
  int number = 0;
  while (number < MAX_TEMPORARIES && temporary_paths[number][0] != '\0') ++number;
  if (number == MAX_TEMPORARIES) {
    errno = EMFILE;
    return -1;
  }
  for (unsigned attempt = 0; attempt < 1000; ++attempt) {
    char path[PATH_MAX];
    // A short name of its own: one made from the target's could be too long for the folder.
    const int length =
        snprintf(path, sizeof path, "%.*s.simdrop-%ld-%u.tmp", (int)folder_length(target), target, (long)getpid(), attempt);
    if (length < 0 || length >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return -1;
    }
    *descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (*descriptor >= 0) {
      memcpy(temporary_paths[number], path, (size_t)length + 1);
      return number;
    }
    if (errno != EEXIST) return -1;
  }
  return -1;
}

int temporary_create(const char *target, mode_t mode, int *descriptor) {
  sigset_t before;
  handle_signals_once();
  hold_signals(&before);
  const int number = create(target, mode, descriptor);
  release_signals(&before);
  return number;
}

const char *temporary_path(int number) { return temporary_paths[number]; }

bool temporary_rename(int number, const char *target) {
  sigset_t before;
  hold_signals(&before);
  const bool renamed = rename(temporary_paths[number], target) == 0;
  if (renamed) temporary_paths[number][0] = '\0';
  release_signals(&before);
  return renamed;
}

void temporary_remove(int number) {
  sigset_t before;
  hold_signals(&before);
  unlink(temporary_paths[number]);
  temporary_paths[number][0] = '\0';
  release_signals(&before);
}

void temporary_keep(int number) {
  sigset_t before;
  hold_signals(&before);
  temporary_paths[number][0] = '\0';
  release_signals(&before);
}
