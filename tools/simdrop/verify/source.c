// Bits from an implementation of dropout, or from a file.
#include "verify/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/input.h"
#include "shared/report.h"

const dropout_functions library_functions = {.mask_bits = simdrop_mask_bits,
                                             .forward = simdrop_forward,
                                             .backward = simdrop_backward,
                                             .apply_bits = simdrop_apply_bits,
                                             .forward_layout = simdrop_forward_layout,
                                             .backward_layout = simdrop_backward_layout,
                                             .chain_forward = simdrop_chain_forward,
                                             .chain_backward = simdrop_chain_backward,
                                             .norm_forward = simdrop_norm_forward,
                                             .norm_backward = simdrop_norm_backward,
                                             .softmax_forward = simdrop_softmax_forward,
                                             .softmax_backward = simdrop_softmax_backward,
                                             .tile_init = simdrop_tile_init,
                                             .tile_apply = simdrop_tile_apply,
                                             .tile_bits = simdrop_tile_bits,
                                             .tile_apply_bits = simdrop_tile_apply_bits,
                                             .alpha_forward = simdrop_alpha_forward,
                                             .alpha_backward = simdrop_alpha_backward,
                                             .alpha_forward_layout = simdrop_alpha_forward_layout,
                                             .normals = simdrop_normals,
                                             .uniforms = simdrop_uniforms,
                                             .gaussian_forward = simdrop_gaussian_forward,
                                             .concrete_forward = simdrop_concrete_forward,
                                             .concrete_backward = simdrop_concrete_backward,
                                             .concrete_forward_layout = simdrop_concrete_forward_layout,
                                             .concrete_backward_layout = simdrop_concrete_backward_layout,
                                             .dropblock_bits = simdrop_dropblock_bits,
                                             .dropconnect = simdrop_dropconnect,
                                             .dropconnect_backward = simdrop_dropconnect_backward,
                                             .moments_update = simdrop_moments_update,
                                             .moments_finish = simdrop_moments_finish};

const char *const form_names[FORM_COUNT + 1] = {"mask",  "forward",        "backward", "channels", "channels-backward",
                                                "chain", "chain-backward", "softmax",  "alpha",    "gaussian",
                                                NULL};

bool form_is_of_decisions(verify_form form) { return form <= FORM_CHANNELS_BACKWARD; }
bool form_is_backward(verify_form form) { return form == FORM_BACKWARD || form == FORM_CHANNELS_BACKWARD; }
bool form_is_channels(verify_form form) { return form == FORM_CHANNELS || form == FORM_CHANNELS_BACKWARD; }

void draw_buffer_begin(draw_buffer *buffer) {
  for (size_t k = 0; k < DRAW_MAX * CHANNEL_EXTENT; ++k) buffer->x[k] = 1;
}

simdrop_layout channel_layout(size_t n) {
  const size_t channels = n > 0 && n % CHANNELS_OF_A_SAMPLE == 0 ? CHANNELS_OF_A_SAMPLE : n;
  const size_t dims[] = {channels > 0 ? n / channels : 0, channels, CHANNEL_EXTENT};
  simdrop_layout layout = {.rank = 0};
  simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout);
  return layout;
}

// A word little-endian as stored, whatever the machine's order.
static uint64_t load_word(const uint8_t *bytes) {
  uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= (uint64_t)bytes[i] << 8 * i;
  return word;
}

// Bits from outputs that are 0 where dropped, one of every `stride`.
static void bits_of_outputs(size_t n, const float *y, size_t stride, uint64_t *words) {
  for (size_t k = 0; k < n; k += 64) {
    const size_t count = n - k < 64 ? n - k : 64;
    uint64_t word = 0;
    for (size_t i = 0; i < count; ++i) word |= (uint64_t)(y[(k + i) * stride] != 0) << i;
    words[k / 64] = word;
  }
}

void draw_bits(const dropout_functions *functions, verify_form form, const simdrop_mask *mask, size_t n, uint64_t *words,
               draw_buffer *buffer) {
  if (form == FORM_MASK) {
    uint8_t *const bytes = (uint8_t *)buffer->y;
    const size_t count = (n + 7) / 8, padded = (n + 63) / 64 * 8;
    memset(bytes, 0, padded);
    functions->mask_bits(mask, n, bytes);
    if (n % 8 != 0) bytes[count - 1] &= (uint8_t)((1u << n % 8) - 1);  // that these are 0 is an exact test's business
    for (size_t i = 0; i < padded / 8; ++i) words[i] = load_word(bytes + 8 * i);
    return;
  }
  if (form_is_channels(form)) {
    const simdrop_layout layout = channel_layout(n);
    (form == FORM_CHANNELS ? functions->forward_layout : functions->backward_layout)(mask, SIMDROP_F32, &layout, buffer->x,
                                                                                     buffer->y);
  } else if (form == FORM_FORWARD) {
    functions->forward(mask, SIMDROP_F32, n, buffer->x, buffer->y, NULL);
  } else {
    functions->backward(mask, SIMDROP_F32, n, buffer->x, buffer->y);
  }
  bits_of_outputs(n, buffer->y, form_is_channels(form) ? CHANNEL_EXTENT : 1, words);
}

static size_t next_drawn(bit_source *source, size_t words, uint64_t *out) {
  drawn_sequence *const sequence = source->context;
  for (size_t done = 0; done < words;) {
    const size_t count = words - done < DRAW_MAX / 64 ? words - done : DRAW_MAX / 64;
    draw_bits(sequence->functions, sequence->form, &sequence->mask, 64 * count, out + done, sequence->buffer);
    sequence->mask.offset += 64 * count;
    done += count;
  }
  return words;
}

bit_source bit_source_draw(drawn_sequence *sequence) { return (bit_source){next_drawn, sequence, false}; }

static size_t next_of_file(bit_source *source, size_t words, uint64_t *out) {
  const file_sequence *const file = source->context;
  uint8_t bytes[4096];
  size_t done = 0;
  while (done < words) {
    const size_t wanted = (words - done) * 8 < sizeof bytes ? (words - done) * 8 : sizeof bytes;
    const ptrdiff_t got = input_read(file->descriptor, file->name, bytes, wanted);
    if (got < 0) source->failed = true;
    if (got < 8) break;
    for (size_t i = 0; i + 8 <= (size_t)got; i += 8) out[done++] = load_word(bytes + i);
    if ((size_t)got < wanted) break;
  }
  return done;
}

bit_source bit_source_file(file_sequence *file) { return (bit_source){next_of_file, file, false}; }

void *verify_allocate(size_t count, size_t size) {
  void *const memory = calloc(count > 0 ? count : 1, size);
  if (memory == NULL) report_error("verify: not enough memory");
  return memory;
}

uint64_t derived_seed(uint64_t seed, uint64_t number) {
  uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

double keep_probability(double p) {
  if (p >= 1) return 0;
  const double threshold = nearbyint(p * 0x1p32);  // ties to even, as the mask's definition wants
  return 1 - (threshold < 0x1p32 ? threshold : 0x1p32 - 1) * 0x1p-32;
}
