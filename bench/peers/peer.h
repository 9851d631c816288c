// What a peer written in C is to bench/peers.py: one source that defines these functions, compiled when it is measured. Whoever
// has a dropout of their own to compare writes one more (peers.py --own FILE.c).
#ifndef SIMDROP_PEER_H
#define SIMDROP_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// One dropout: y[k] = x[k] / (1 - p), or 0 with probability p. Neither array overlaps the other; both are aligned to 64 bytes.
typedef struct peer_case {
  size_t n;
  double p;
  int threads;
  int is_bf16;  // 1: the arrays hold n bfloat16s; never so for a peer by --own
  const float *x;
  float *y;
} peer_case;

// The peer's version, as people know it.
const char *peer_version(void);

// Gets ready for this case, the former one closed. NULL, or the reason why the peer cannot run it.
const char *peer_open(const peer_case *c);

// Drops out x so many times, with another mask each time. 0, or the peer's own number of an error.
int peer_run(uint64_t calls);

// Where the last call's output is: c->y, unless the peer has arrays of its own.
const float *peer_output(void);

void peer_close(void);

#endif
