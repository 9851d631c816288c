// The progress bar.
#include "shared/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/console.h"

#define BAR_WIDTH 40
#define FIRST_SHOWN_AFTER 1.0  // seconds
#define REDRAWN_EVERY 0.1      // seconds

void progress_begin(progress *bar, const char *label, uint64_t total) {
  const double now = clock_seconds();
  *bar = (progress){label, total, now, now, isatty(STDERR_FILENO) == 1, false};
}

void progress_update(progress *bar, uint64_t done) {
  if (!bar->terminal || bar->total == 0) return;
  const double now = clock_seconds();
  if (now - bar->start < FIRST_SHOWN_AFTER || now - bar->last < REDRAWN_EVERY) return;
  bar->last = now;
  bar->shown = true;
  const double share = (double)done / (double)bar->total;
  const double left = share > 0 ? (now - bar->start) * (1 - share) / share : 0;
  char cells[BAR_WIDTH + 1] = {0};
  for (int i = 0; i < BAR_WIDTH; ++i) cells[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
  fprintf(console_error(), "\r%s [%s] %3.0f %%, %.0f s left \033[K", bar->label, cells, 100 * share, left);
  console_flush();
}

void progress_end(progress *bar) {
  if (bar->shown) fputs("\r\033[K", console_error());
  console_flush();
  bar->shown = false;
}
