// Memory streams and what is written of them.
#include "shared/console.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/descriptors.h"

typedef struct console {
  int descriptor;
  FILE *stream;
  char *text;
  size_t size, written;
  int problem;  // errno of the first write that failed; nothing is written after that
} console;

static console consoles[] = {{.descriptor = STDOUT_FILENO}, {.descriptor = STDERR_FILENO}};
static pthread_once_t opened = PTHREAD_ONCE_INIT;

static void flush_one(console *c) {
  if (c->stream == NULL) return;
  flockfile(c->stream);
  if (fflush(c->stream) != 0 && c->problem == 0) c->problem = ENOMEM;
  if (c->problem == 0 && !descriptor_write(c->descriptor, c->text + c->written, c->size - c->written)) c->problem = errno;
  c->written = c->size;
  funlockfile(c->stream);
}

bool console_flush(void) {
  flush_one(&consoles[0]);
  flush_one(&consoles[1]);
  errno = consoles[0].problem;
  return errno == 0;
}

static void close_consoles(void) {
  console_flush();
  for (int i = 0; i < 2; ++i) {
    if (consoles[i].stream != NULL) fclose(consoles[i].stream);
    consoles[i].stream = NULL;
    free(consoles[i].text);
  }
}

static void open_consoles(void) {
  for (int i = 0; i < 2; ++i) consoles[i].stream = open_memstream(&consoles[i].text, &consoles[i].size);
  atexit(close_consoles);
}

FILE *console_out(void) {
  pthread_once(&opened, open_consoles);
  return consoles[0].stream != NULL ? consoles[0].stream : stdout;  // without memory there is nothing better
}

FILE *console_error(void) {
  pthread_once(&opened, open_consoles);
  return consoles[1].stream != NULL ? consoles[1].stream : stderr;
}

void console_print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(console_out(), format, arguments);
  va_end(arguments);
}
