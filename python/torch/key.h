/* Keys: the two words that a call of dropout draws from PyTorch's generator, from which everything else follows. */
#ifndef SIMDROP_TORCH_KEY_H
#define SIMDROP_TORCH_KEY_H

#include "tensor.h"

/* A new tensor of two int64, drawn by aten::random_: 63 random bits each. `generator` is an optional on the stack, and
 * consumed. */
AtenTensorHandle draw_key_tensor(StableIValue generator);

/* What is said of one that is none. */
#define NO_KEY "simdrop: a key is a tensor of two int64 on the CPU, from simdrop::key"

/* Whether a tensor is a key. */
bool is_key(AtenTensorHandle key);

/* The words of a key tensor; raises if it is none. */
void read_key(AtenTensorHandle key, simdrop_mask *mask);

/* Draws a key from the default generator, as draw_key_tensor does. */
void draw_key(simdrop_mask *mask);

#endif
