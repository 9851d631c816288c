// simdrop, the command-line tool: dropout masks, dropout on .npy files, and measurements, on any backend of the library.
// A new subcommand is one line of the table below, and a file or a folder.
#include <simdrop/simdrop.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "shared/console.h"
#include "shared/descriptors.h"
#include "shared/report.h"

typedef struct command {
  const char *name;
  const char *summary;
  int (*run)(int argc, char **argv);
} command;

#if !defined(SIMDROP_TOOL_VERIFY)
static int run_without_verify(int argc, char **argv) {
  (void)argc;
  (void)argv;
  report_error("verify: this tool was built without Boost.Math or a C++ compiler, which the command needs");
  return EXIT_REFUSED;
}
#endif

static const command commands[] = {
    {"info", "show the version, the processor and the backends", run_info},
    {"mask", "write a dropout mask", run_mask},
    {"apply", "apply dropout to a NumPy .npy file, forward or backward", run_apply},
    {"bench", "measure the kernels against memcpy and the machine's limit", run_bench},
#if defined(SIMDROP_TOOL_VERIFY)
    {"verify", "test the masks of every backend, or of any other implementation", run_verify},
#else
    {"verify", "left out: this tool was built without Boost.Math or a C++ compiler", run_without_verify},
#endif
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_usage(void) {
  console_print("simdrop %s: vectorised dropout, the same bits on every instruction set\n\n", simdrop_version_string());
  console_print("usage: simdrop COMMAND [options]\n\ncommands:\n");
  for (size_t i = 0; i < COMMAND_COUNT; ++i) console_print("  %-8s%s\n", commands[i].name, commands[i].summary);
  console_print(
      "\nsimdrop help COMMAND, or simdrop COMMAND --help, shows the options of a command; simdrop --version the version.\n");
  console_print(
      "Every command takes --backend NAME; the variable SIMDROP_BACKEND names a default, and\n"
      "SIMDROP_MEMORY how large calls go through memory.\n");
  console_print(
      "The exit status is 0, or 2 after a sentence on standard error that says what was wrong; 1 if verify found a fault.\n");
}

static const command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; ++i)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  report_error("there is no command '%s' (see simdrop --help)", name);
  return NULL;
}

static int help_on(char *name) {
  const command *const found = find_command(name);
  char help[] = "--help";
  char *arguments[] = {name, help, NULL};
  return found == NULL ? EXIT_REFUSED : found->run(2, arguments);
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    report_error("no command is given (see simdrop --help)");
    return EXIT_REFUSED;
  }
  const char *const name = argv[1];
  const bool helps = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0, asks_version = strcmp(name, "--version") == 0;
  const bool help_command = strcmp(name, "help") == 0;
  if ((helps || asks_version) && argc > 2) {
    report_error("unexpected argument '%s' after %s", argv[2], name);
    return EXIT_REFUSED;
  }
  if (help_command && argc > 3) {
    report_error("help: unexpected argument '%s'", argv[3]);
    return EXIT_REFUSED;
  }
  if (help_command && argc == 3) return help_on(argv[2]);
  if (asks_version) {
    console_print("simdrop %s\n", simdrop_version_string());
  } else if (helps || help_command) {
    print_usage();
  } else {
    const command *const found = find_command(name);
    return found == NULL ? EXIT_REFUSED : found->run(argc - 1, argv + 1);
  }
  return EXIT_SUCCESS;
}

// What was printed may still fail to arrive: a full disk is worth a sentence, a reader that has seen enough is not.
static int finish_stdout(int status) {
  if (console_flush() || errno == EPIPE) return status;
  const char *const problem = errno == EBADF ? descriptor_problem(STDOUT_FILENO, O_WRONLY) : NULL;
  report_error("cannot write standard output: %s", problem != NULL ? problem : strerror(errno));
  return EXIT_REFUSED;
}

int main(int argc, char **argv) {
  descriptors_fill_standard();
  // A closed pipe and a file past its size limit become error codes of write, so that temporary files can be removed.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  return finish_stdout(run(argc, argv));
}
