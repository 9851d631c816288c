// Where the bits under test come from: an implementation of dropout, asked in one of several forms (packed mask, forward,
// backward, whole channels), or a file or pipe of packed bits. The tests see bits only, so the same ones run on all of them.
#ifndef SIMDROP_TOOL_VERIFY_SOURCE_H
#define SIMDROP_TOOL_VERIFY_SOURCE_H

#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An implementation of dropout: the library's public functions, or others with the same signatures.
typedef struct dropout_functions {
  simdrop_status (*mask_bits)(const simdrop_mask *mask, size_t n, uint8_t *bits);
  simdrop_status (*forward)(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits);
  simdrop_status (*backward)(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx);
  simdrop_status (*apply_bits)(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y);
  simdrop_status (*forward_layout)(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                   void *y);
  simdrop_status (*backward_layout)(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, const void *dy,
                                    void *dx);
  // Those of fused.h, softmax.h and tile.h.
  simdrop_status (*chain_forward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                  const simdrop_matrix *matrix, const simdrop_chain *chain, const void *x, void *y,
                                  uint8_t *bits);
  simdrop_status (*chain_backward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                   const simdrop_matrix *matrix, const simdrop_chain *chain, const uint8_t *bits, const void *x,
                                   const void *dy, void *dx, void *bias_gradient);
  simdrop_status (*norm_forward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                 const simdrop_matrix *matrix, const simdrop_norm *norm, const void *x, void *h, void *y,
                                 void *statistics);
  simdrop_status (*norm_backward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                  const simdrop_matrix *matrix, const simdrop_norm *norm, const void *h, const void *statistics,
                                  const void *dy, const void *dh_added, void *dh, void *dx, void *gamma_gradient,
                                  void *beta_gradient, void *bias_gradient);
  simdrop_status (*softmax_forward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                    const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *x, void *y,
                                    void *probabilities, void *statistics);
  simdrop_status (*softmax_backward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                     const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *probabilities,
                                     const void *x, const void *statistics, const void *dy, void *dx);
  simdrop_status (*tile_init)(const simdrop_mask *mask, simdrop_dtype dtype, uint64_t index_stride, simdrop_tile *tile);
  simdrop_status (*tile_apply)(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows, size_t columns, void *x,
                               ptrdiff_t stride);
  simdrop_status (*tile_bits)(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows, size_t columns,
                              uint8_t *bits, size_t bits_stride);
  simdrop_status (*tile_apply_bits)(const simdrop_tile *tile, size_t rows, size_t columns, const uint8_t *bits,
                                    size_t bits_stride, void *x, ptrdiff_t stride);
  // Those of variants.h.
  simdrop_status (*alpha_forward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                  const void *x, void *y);
  simdrop_status (*alpha_backward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                   const void *dy, void *dx);
  simdrop_status (*alpha_forward_layout)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                         const simdrop_layout *layout, const void *x, void *y);
  simdrop_status (*normals)(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, float *normals);
  simdrop_status (*uniforms)(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, float *uniforms);
  simdrop_status (*gaussian_forward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                     const void *x, void *y);
  simdrop_status (*concrete_forward)(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                     simdrop_dtype dtype, size_t n, const void *x, void *y);
  simdrop_status (*concrete_backward)(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                      simdrop_dtype dtype, size_t n, const void *x, const void *dy, void *dx,
                                      double *p_gradient);
  simdrop_status (*concrete_forward_layout)(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                            simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y);
  simdrop_status (*concrete_backward_layout)(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                             simdrop_dtype dtype, const simdrop_layout *layout, const void *x, const void *dy,
                                             void *dx, double *p_gradient);
  simdrop_status (*dropblock_bits)(const simdrop_executor *executor, const simdrop_mask *mask, size_t images, size_t height,
                                   size_t width, size_t block_height, size_t block_width, uint8_t *bits, uint64_t *kept);
  simdrop_status (*dropconnect)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t rows,
                                size_t columns, const void *w, size_t w_stride, const void *x, void *y);
  simdrop_status (*dropconnect_backward)(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                         size_t rows, size_t columns, const void *w, size_t w_stride, const void *x,
                                         const void *dy, const void *dw_added, void *dw, void *dx);
  simdrop_status (*moments_update)(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes, size_t n,
                                   const void *x, void *mean, void *squares);
  simdrop_status (*moments_finish)(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes, size_t n,
                                   const void *squares, void *variance);
} dropout_functions;

// The library, on whichever backend is selected.
extern const dropout_functions library_functions;

// What is asked. The first forms ask for decisions, and all but the very first read them off the zeros of an output; the others
// have tests of their own, of values.
typedef enum verify_form {
  FORM_MASK,               // the packed mask
  FORM_FORWARD,            // y of ones
  FORM_BACKWARD,           // dx of ones
  FORM_CHANNELS,           // y of a tensor with one decision a channel
  FORM_CHANNELS_BACKWARD,  // dx of it
  FORM_CHAIN,              // y of a chain
  FORM_CHAIN_BACKWARD,     // dx of it
  FORM_SOFTMAX,            // y of softmax with dropout
  FORM_ALPHA,              // y of alpha dropout
  FORM_GAUSSIAN            // y of Gaussian dropout
} verify_form;
#define FORM_COUNT 10
extern const char *const form_names[FORM_COUNT + 1];  // ends with NULL

// Whether the form asks for decisions.
bool form_is_of_decisions(verify_form form);

// Whether the form takes forward's path or backward's, and whether a decision stands for a channel.
bool form_is_backward(verify_form form);
bool form_is_channels(verify_form form);

#define DRAW_MAX ((size_t)1 << 14)  // decisions in one draw
#define CHANNEL_EXTENT 3            // elements of a channel: no power of two
#define CHANNELS_OF_A_SAMPLE ((size_t)1024)

// Room for one draw.
typedef struct draw_buffer {
  float x[DRAW_MAX * CHANNEL_EXTENT];  // ones
  float y[DRAW_MAX * CHANNEL_EXTENT];
} draw_buffer;

void draw_buffer_begin(draw_buffer *buffer);

// The layout of n channels: samples of CHANNELS_OF_A_SAMPLE channels if n is a multiple of that, else one sample.
simdrop_layout channel_layout(size_t n);

// n <= DRAW_MAX decisions, the first of them mask->offset, as bits of (n + 63) / 64 words; 1 = kept, unused bits 0.
void draw_bits(const dropout_functions *functions, verify_form form, const simdrop_mask *mask, size_t n, uint64_t *words,
               draw_buffer *buffer);

// A sequence of bits. next fills in `words` words and returns how many of them it had: fewer at the end, or after a failure.
typedef struct bit_source {
  size_t (*next)(struct bit_source *source, size_t words, uint64_t *out);
  void *context;
  bool failed;  // the sentence has been printed
} bit_source;

typedef struct drawn_sequence {
  const dropout_functions *functions;
  verify_form form;
  simdrop_mask mask;
  draw_buffer *buffer;
} drawn_sequence;

bit_source bit_source_draw(drawn_sequence *sequence);

typedef struct file_sequence {
  const char *name;
  int descriptor;
} file_sequence;

bit_source bit_source_file(file_sequence *file);

// Zeroed memory for count things, or NULL after printing the sentence.
void *verify_allocate(size_t count, size_t size);

// Seeds for independent draws from one number: the finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014) of the two.
uint64_t derived_seed(uint64_t seed, uint64_t number);

// The probability of keeping that a mask really has: 1 - T / 2^32.
double keep_probability(double p);

#endif
