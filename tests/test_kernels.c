// K5, K6, K7 and K9: what forward, backward and apply_bits write. Every case goes to every backend and is compared, byte for
// byte, with the reference; margins around the outputs must stay as they are, and so must errno and the floating-point
// environment.
#include <errno.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "common/float8.h"
#include "engine/driver.h"
#include "engine/generator.h"
#include "engine/memory_way.h"
#include "engine/parameters.h"
#include "machine/dispatch.h"
#include "oracle.h"
#include "support.h"

enum {
  MOST = 20000,  // elements of the common buffers
  MARGIN = 128,
  MOST_BYTES = MARGIN + 8 * (MOST + 64) + MARGIN,
  CANARY = 0xA5
};

// One call: which mask, and how its arrays lie.
typedef struct kernel_case {
  simdrop_mask mask;
  simdrop_dtype dtype;
  size_t n;
  size_t x_shift, y_shift;  // bytes past a multiple of 64
  bool in_place;
} kernel_case;

#define CASE_FORMAT "%s %s of %s, n %zu, p %.17g, offset %#" PRIx64 ", x + %zu, y + %zu%s"
#define CASE_VALUES(c)                                                                                          \
  backend, function, dtype_name((c)->dtype), (c)->n, (c)->mask.p, (c)->mask.offset, (c)->x_shift, (c)->y_shift, \
      (c)->in_place ? ", in place" : ""

// What the case works on: values, the reference's mask and the reference's output.
static uint8_t values[8 * MOST], reference[8 * MOST], kept[MOST], packed[MOST / 8 + 1];
static uint32_t u[MOST];
static _Alignas(64) uint8_t x_memory[MOST_BYTES], y_memory[MOST_BYTES], decisions_memory[MARGIN + MOST + MARGIN];

static void prepare(const kernel_case *c, uint64_t *random) {
  assert_true(c->n <= MOST);
  oracle_u(c->mask.seed, c->mask.stream, c->mask.offset, c->n, u);
  oracle_kept(c->mask.p, c->n, u, kept);
  oracle_pack(c->n, kept, packed);
  fill_values(c->dtype, c->n, random, values);
  oracle_apply(c->mask.p, c->dtype, c->n, kept, values, reference);
}

typedef enum call_kind {
  FORWARD,
  FORWARD_WITH_BITS,
  FORWARD_BYTES,
  BACKWARD,
  APPLY_BITS
} call_kind;
static const char *const call_names[] = {"forward", "forward with bits", "forward_bytes", "backward", "apply_bits"};

// Makes one call of the case on the selected backend and compares everything.
static void check_call(const char *backend, const kernel_case *c, call_kind kind, size_t decisions_shift) {
  const char *const function = call_names[kind];
  const size_t size = c->n * simdrop_dtype_size(c->dtype), packed_size = PACKED(c->n);
  uint8_t *const y = (c->in_place ? x_memory : y_memory) + MARGIN + (c->in_place ? c->x_shift : c->y_shift);
  uint8_t *const x = x_memory + MARGIN + c->x_shift;
  uint8_t *const decisions = decisions_memory + MARGIN + decisions_shift;
  memset(y - MARGIN, CANARY, size + 2 * MARGIN);
  memset(decisions - MARGIN, CANARY, c->n + MARGIN + 32);
  memcpy(x, values, size);
  const int marked_errno = 12345;
  errno = marked_errno;
  simdrop_status status = SIMDROP_OK;
  switch (kind) {
    case FORWARD: status = simdrop_forward(&c->mask, c->dtype, c->n, x, y, NULL); break;
    case FORWARD_WITH_BITS: status = simdrop_forward(&c->mask, c->dtype, c->n, x, y, decisions); break;
    case FORWARD_BYTES: status = simdrop_forward_bytes(&c->mask, c->dtype, c->n, x, y, decisions); break;
    case BACKWARD: status = simdrop_backward(&c->mask, c->dtype, c->n, x, y); break;
    case APPLY_BITS:
      memcpy(decisions, packed, packed_size);
      if (c->n % 8 != 0) decisions[packed_size - 1] |= (uint8_t)(0xff << c->n % 8);  // unused bits are ignored
      status = simdrop_apply_bits(c->mask.p, c->dtype, c->n, decisions, x, y);
      break;
  }
  assert_int_equal(status, SIMDROP_OK);
  assert_int_equal(errno, marked_errno);
  check_bytes(reference, y, size, CASE_FORMAT, CASE_VALUES(c));
  if (!c->in_place) check_bytes(values, x, size, "x after " CASE_FORMAT, CASE_VALUES(c));
  check_filled(y - MARGIN, MARGIN, CANARY, "before y of " CASE_FORMAT, CASE_VALUES(c));
  check_filled(y + size, MARGIN, CANARY, "after y of " CASE_FORMAT, CASE_VALUES(c));
  if (kind == FORWARD_WITH_BITS) check_bytes(packed, decisions, packed_size, "bits of " CASE_FORMAT, CASE_VALUES(c));
  if (kind == FORWARD_BYTES) check_bytes(kept, decisions, c->n, "bytes of " CASE_FORMAT, CASE_VALUES(c));
  if (kind != APPLY_BITS) {
    const size_t written = kind == FORWARD_WITH_BITS ? packed_size : kind == FORWARD_BYTES ? c->n : 0;
    check_filled(decisions - MARGIN, MARGIN, CANARY, "before decisions of " CASE_FORMAT, CASE_VALUES(c));
    check_filled(decisions + written, c->n - written + 32, CANARY, "after decisions of " CASE_FORMAT, CASE_VALUES(c));
  }
}

// All five calls. The backend is to be selected already.
static void check_calls(const char *backend, const kernel_case *c, uint64_t *random) {
  prepare(c, random);
  for (int kind = FORWARD; kind <= APPLY_BITS; ++kind) check_call(backend, c, (call_kind)kind, next_random(random) % 32);
}

static kernel_case random_case(simdrop_dtype dtype, size_t n, double p, uint64_t *random) {
  const size_t size = simdrop_dtype_size(dtype);
  return (kernel_case){
      .mask = {comparable_probability(dtype, p), next_random(random), next_random(random), next_random(random) >> 1, 0},
      .dtype = dtype,
      .n = n,
      .x_shift = next_random(random) % 64 / size * size,
      .y_shift = next_random(random) % 64 / size * size,
      .in_place = next_random(random) % 2,
  };
}

static uint64_t begin(uint64_t seed) {
  print_message("seed %" PRIu64 "\n", seed);
  return seed;
}

static void every_length(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(10);
    for (size_t n = 0; n <= 257; ++n)
      for (size_t d = 0; d < LENGTH(all_dtypes); ++d)
        for (size_t i = n % 4; i < LENGTH(some_probabilities); i += full_effort() ? 1 : 4) {
          const kernel_case c = random_case(all_dtypes[d], n, some_probabilities[i], &random);
          check_calls(backend, &c, &random);
        }
  }
}

// x and y at every multiple of the element's size past a multiple of 64, and each with the mask at another bit. Of the pairs of
// single bytes, which are many, every fourth.
static void every_misalignment(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(11);
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
      const size_t size = simdrop_dtype_size(all_dtypes[d]);
      for (size_t x_place = 0; x_place * size < 64; ++x_place)
        for (size_t y_place = 0; y_place * size < 64; ++y_place) {
          if ((x_place + y_place) % (size == 1 ? 4 : 1) != 0 || (!full_effort() && (x_place + y_place) % 8 != 0)) continue;
          kernel_case c = random_case(all_dtypes[d], 1 + next_random(&random) % 300, 0.3, &random);
          c.x_shift = x_place * size;
          c.y_shift = y_place * size;
          c.in_place = x_place == y_place && next_random(&random) % 2;
          check_calls(backend, &c, &random);
        }
    }
  }
}

static void every_bit_offset(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(12);
    for (uint64_t start = 0; start < 128; start += full_effort() ? 1 : 4)
      for (size_t d = 0; d < LENGTH(all_dtypes); ++d)
        for (int round = 0; round < 3; ++round) {
          const double p = some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
          // The last has several chunks, each of which begins inside a block.
          const size_t n = round == 2 ? 8200 + next_random(&random) % 2000 : next_random(&random) % 260;
          kernel_case c = random_case(all_dtypes[d], n, p, &random);
          c.mask.offset = c.mask.offset >> 7 << 7 | start;
          check_calls(backend, &c, &random);
        }
  }
}

// Around the sizes of the driver's chunks, and of several.
static void chunk_boundaries(void **state) {
  (void)state;
  static const int around[] = {-129, -128, -127, -64, -1, 0, 1, 64, 127, 128, 129};
  static const size_t chunks[] = {1024, 2048, 4096, 8192, 16384};
  static const double probabilities[] = {0.1, 0.25, 0.5, 0.9};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(13);
    for (size_t s = 0; s < LENGTH(chunks); ++s)
      for (size_t a = 0; a < LENGTH(around); ++a)
        for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
          if (!full_effort() && (s + a + d) % 8 != 0) continue;
          kernel_case c = random_case(all_dtypes[d], chunks[s] + (size_t)(ptrdiff_t)around[a],
                                      probabilities[next_random(&random) % LENGTH(probabilities)], &random);
          if (next_random(&random) % 3 == 0) c.mask.offset &= ~UINT64_C(127);
          check_calls(backend, &c, &random);
        }
  }
}

// Stored masks that no p has drawn, random ones and the two constant ones: the bits alone decide, p gives the scale.
static void stored_masks(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(14);
    for (int round = 0; round < (full_effort() ? 2000 : 300); ++round) {
      const double p = some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
      const kernel_case c = random_case(all_dtypes[(size_t)round % LENGTH(all_dtypes)],
                                        next_random(&random) % (round % 8 == 0 ? MOST : 300), p, &random);
      const uint64_t kind = next_random(&random) % 8;
      for (size_t k = 0; k < c.n; ++k) kept[k] = kind == 0 ? 0 : kind == 1 ? 1 : next_random(&random) >> 63;
      oracle_pack(c.n, kept, packed);
      fill_values(c.dtype, c.n, &random, values);
      oracle_apply(c.mask.p, c.dtype, c.n, kept, values, reference);
      check_call(backend, &c, APPLY_BITS, next_random(&random) % 32);
    }
  }
}

// p = 0 copies the bits, signalling NaNs too; p = 1 writes +0. -0.0 is 0; a p so small that T = 0 is not: it multiplies by 1.
static void certain_probabilities(void **state) {
  (void)state;
  static const double probabilities[] = {0, -0.0, 1, 0x1p-1074, 1e-12, 0x1p-33};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(15);
    for (size_t i = 0; i < LENGTH(probabilities); ++i)
      for (size_t d = 0; d < LENGTH(all_dtypes); ++d)
        for (int round = 0; round < 20; ++round) {
          const kernel_case c = random_case(all_dtypes[d], next_random(&random) % 5000, probabilities[i], &random);
          check_calls(backend, &c, &random);
        }
  }
}

// K6: a call cut anywhere gives the same bytes.
static void any_cut(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(16);
    for (size_t n = 1; n <= 257; n += full_effort() ? 1 : 16)
      for (size_t cut = 0; cut <= n; cut += full_effort() ? 1 + n / 64 : 7) {
        const simdrop_dtype dtype = all_dtypes[next_random(&random) % LENGTH(all_dtypes)];
        const double p = some_probabilities[1 + next_random(&random) % 10];
        const kernel_case c = random_case(dtype, n, p, &random);
        const size_t size = simdrop_dtype_size(dtype);
        static uint8_t whole[8 * 257], whole_mask[257], parts_mask[257];
        fill_values(dtype, n, &random, values);
        simdrop_mask rest = c.mask;
        rest.offset += cut;
        assert_int_equal(simdrop_forward(&c.mask, dtype, n, values, whole, NULL), SIMDROP_OK);
        assert_int_equal(simdrop_forward(&c.mask, dtype, cut, values, y_memory, NULL), SIMDROP_OK);
        assert_int_equal(simdrop_forward(&rest, dtype, n - cut, values + cut * size, y_memory + cut * size, NULL), SIMDROP_OK);
        check_bytes(whole, y_memory, n * size, "%s: forward of %s, n %zu cut at %zu", backend, dtype_name(dtype), n, cut);
        assert_int_equal(simdrop_mask_bytes(&c.mask, n, whole_mask), SIMDROP_OK);
        assert_int_equal(simdrop_mask_bytes(&c.mask, cut, parts_mask), SIMDROP_OK);
        assert_int_equal(simdrop_mask_bytes(&rest, n - cut, parts_mask + cut), SIMDROP_OK);
        check_bytes(whole_mask, parts_mask, n, "%s: mask, n %zu cut at %zu", backend, n, cut);
      }
  }
}

typedef struct thread_part {
  simdrop_mask mask;
  simdrop_dtype dtype;
  size_t n;
  const uint8_t *x;
  uint8_t *y;
  simdrop_status status;
} thread_part;

static void *run_part(void *argument) {
  thread_part *const part = argument;
  for (int repeat = 0; repeat < 30 && part->status == SIMDROP_OK;
       ++repeat)  // one call may be over before another thread begins
    part->status = simdrop_forward(&part->mask, part->dtype, part->n, part->x, part->y, NULL);
  return NULL;
}

// K6 with threads: each takes a part that begins and ends anywhere.
static void cut_into_threads(void **state) {
  (void)state;
  enum {
    THREADS = 5
  };
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(17);
    for (int round = 0; round < (full_effort() ? 40 : 8); ++round) {
      const kernel_case c =
          random_case(all_dtypes[(size_t)round % LENGTH(all_dtypes)], MOST - next_random(&random) % 500, 0.3, &random);
      const size_t size = simdrop_dtype_size(c.dtype);
      prepare(&c, &random);
      thread_part parts[THREADS];
      pthread_t threads[THREADS];
      size_t done = 0;
      for (int t = 0; t < THREADS; ++t) {
        const size_t left = c.n - done, count = t == THREADS - 1 ? left : next_random(&random) % (left + 1);
        parts[t] = (thread_part){c.mask, c.dtype, count, values + done * size, y_memory + done * size, SIMDROP_OK};
        parts[t].mask.offset += done;
        done += count;
        assert_int_equal(pthread_create(&threads[t], NULL, run_part, &parts[t]), 0);
      }
      for (int t = 0; t < THREADS; ++t) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_int_equal(parts[t].status, SIMDROP_OK);
      }
      check_bytes(reference, y_memory, c.n * size, "%s: forward of %s in threads", backend, dtype_name(c.dtype));
    }
  }
}

// K7: forward's mask, backward's, the stored one and the two that are written out are one and the same. Values of 1 show
// which elements were kept.
static void one_mask_everywhere(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(18);
    for (int round = 0; round < (full_effort() ? 200 : 40); ++round) {
      enum {
        N = 9000
      };
      static float ones[N], forward[N], backward[N], stored[N];
      static uint8_t bits[PACKED(N)], mask_bits[PACKED(N)], mask_bytes[N];
      const size_t n = 1 + next_random(&random) % N;
      const simdrop_mask mask = {some_probabilities[next_random(&random) % LENGTH(some_probabilities)], next_random(&random),
                                 next_random(&random), next_random(&random) >> 1, 0};
      for (size_t k = 0; k < n; ++k) ones[k] = 1;
      assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, n, ones, forward, bits), SIMDROP_OK);
      assert_int_equal(simdrop_backward(&mask, SIMDROP_F32, n, ones, backward), SIMDROP_OK);
      assert_int_equal(simdrop_apply_bits(mask.p, SIMDROP_F32, n, bits, ones, stored), SIMDROP_OK);
      assert_int_equal(simdrop_mask_bits(&mask, n, mask_bits), SIMDROP_OK);
      assert_int_equal(simdrop_mask_bytes(&mask, n, mask_bytes), SIMDROP_OK);
      check_bytes(bits, mask_bits, PACKED(n), "%s: mask_bits", backend);
      check_bytes(forward, backward, n * sizeof(float), "%s: backward", backend);
      check_bytes(forward, stored, n * sizeof(float), "%s: apply_bits", backend);
      for (size_t k = 0; k < n; ++k) {
        if (mask_bytes[k] != (bits[k / 8] >> k % 8 & 1)) fail_msg("%s: mask_bytes differs at %zu", backend, k);
        if (mask_bytes[k] != (forward[k] != 0)) fail_msg("%s: forward differs from its mask at %zu", backend, k);
      }
    }
  }
}

// Every input that the bits of a short type can hold, kept, at several scales.
static void every_value(simdrop_dtype dtype) {
  static const double probabilities[] = {
      0, 1e-12, 1e-3, 0.1, 0.2, 0.25, 0.3, 1.0 / 3, 0.4, 0.5, 0.6, 0.9, 0.99, 0.9999, 1 - 0x1p-20, 1 - 0x1p-32,
      // Scales just above half-way between two 8-bit floats, which binary16 would round to half-way.
      1 - 1 / (1.125 + 0x1p-13), 1 - 1 / (1.0625 + 0x1p-13)};
  static uint8_t x[2 * 0x10000], y[2 * 0x10000], expected[2 * 0x10000], all[0x10000], all_bits[0x10000 / 8];
  const size_t size = simdrop_dtype_size(dtype), n = (size_t)1 << 8 * size;
  for (size_t k = 0; k < n; ++k) write_element(size, k, x + size * k);
  memset(all, 1, sizeof all);
  memset(all_bits, 0xff, sizeof all_bits);
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    const double p = comparable_probability(dtype, probabilities[i]);
    oracle_apply(p, dtype, n, all, x, expected);
    FOR_EACH_BACKEND(backend) {
      assert_int_equal(simdrop_apply_bits(p, dtype, n, all_bits, x, y), SIMDROP_OK);
      check_bytes(expected, y, n * size, "%s: every %s at p = %g", backend, dtype_name(dtype), p);
    }
  }
}

static void every_f16(void **state) {
  (void)state;
  every_value(SIMDROP_F16);
}

static void every_bf16(void **state) {
  (void)state;
  every_value(SIMDROP_BF16);
}

static void every_f8e4m3fn(void **state) {
  (void)state;
  every_value(SIMDROP_F8E4M3FN);
}

static void every_f8e5m2(void **state) {
  (void)state;
  every_value(SIMDROP_F8E5M2);
}

// Copies a line's hexadecimal numbers of so many digits, and returns what is behind them.
static const char *read_hex(const char *text, int digits, size_t n, uint32_t *numbers) {
  const char format[] = {'%', (char)('0' + digits), 'x', '\0'};
  while (*text == ' ') ++text;
  for (size_t k = 0; k < n; ++k, text += digits) {
    unsigned number;
    assert_int_equal(sscanf(text, format, &number), 1);
    numbers[k] = number;
  }
  return text;
}

// PyTorch's float32 products of all values, and what they become when they are converted back. A NaN's product has payload bits
// that are nobody's promise.
static void pytorch_float8(void **state) {
  (void)state;
  enum {
    N = 256
  };
  data_file *const file = open_data("float8_pytorch.txt");
  size_t count = 0;
  for (const char *line; (line = next_line(file)) != NULL; ++count) {
    char name[16];
    double p;
    int used = 0;
    uint32_t scale, products[N], results[N];
    uint8_t x[N], expected[N], y[N], all_bits[N / 8];
    assert_int_equal(sscanf(line, "%15s %lf %8x%n", name, &p, &scale, &used), 3);
    read_hex(read_hex(line + used, 8, N, products), 2, N, results);
    const simdrop_dtype dtype = strcmp(name, "f8e4m3fn") == 0 ? SIMDROP_F8E4M3FN : SIMDROP_F8E5M2;
    assert_string_equal(name, dtype_name(dtype));
    assert_int_equal(oracle_scale_bits(p, dtype), scale);
    for (size_t k = 0; k < N; ++k) {
      x[k] = (uint8_t)k;
      expected[k] = (uint8_t)results[k];
      const bool e4m3fn = dtype == SIMDROP_F8E4M3FN;
      const float wide = e4m3fn ? simdrop_float_from_f8e4m3fn(x[k]) : simdrop_float_from_f8e5m2(x[k]);
      const float product = wide * simdrop_float_from_bits(scale);
      const float theirs = simdrop_float_from_bits(products[k]);
      if (isnan(theirs) ? !isnan(product) : simdrop_bits_from_float(product) != products[k])
        fail_msg("%s %zu * %a is %a, not %a", name, k, (double)simdrop_float_from_bits(scale), (double)product, (double)theirs);
      assert_int_equal(e4m3fn ? simdrop_f8e4m3fn_from_float(theirs) : simdrop_f8e5m2_from_float(theirs), results[k]);
    }
    memset(all_bits, 0xff, sizeof all_bits);
    FOR_EACH_BACKEND(backend) {
      assert_int_equal(simdrop_apply_bits(p, dtype, N, all_bits, x, y), SIMDROP_OK);
      check_bytes(expected, y, N, "%s: PyTorch's %s at p = %g", backend, name, p);
    }
  }
  close_data(file);
  assert_int_equal(count, 28);
}

// Whether some product of a bfloat16 with the scale is half-way between two others, by multiplying all of them.
static bool has_ties(float scale) {
  for (uint32_t k = 1; k < 0x7f80; ++k) {
    const uint32_t bits = simdrop_bits_from_float(simdrop_float_from_bits(k << 16) * scale);
    if ((bits & 0xffff) == 0x8000) return true;
  }
  return false;
}

// K5. bfloat16 is rounded without care for ties only where there are none, in whichever direction the caller has products
// rounded. Scales that may have some are near fractions of small numbers.
static void scales_that_never_tie(void **state) {
  (void)state;
  static const int directions[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD};
  static const double never_tied[] = {0.1, 0.25, 0.3, 0.5, 0.75}, tied[] = {0.2, 0.4, 0.6, 0.8, 0.9};
  for (size_t i = 0; i < LENGTH(never_tied); ++i) {
    assert_true(simdrop_never_ties((float)(1 / (1 - never_tied[i])), true));
    assert_false(simdrop_never_ties((float)(1 / (1 - tied[i])), true));
  }
  assert_true(simdrop_never_ties(4, false));
  assert_false(simdrop_never_ties(0, true));
  uint64_t random = begin(25);
  size_t answers = 0;
  for (int i = 0; i < (full_effort() ? 20000 : 2000); ++i) {
    const uint32_t denominator = 1 + (uint32_t)(next_random(&random) % 510);
    const uint32_t numerator = denominator + (uint32_t)(next_random(&random) % (denominator << i % 9));
    const uint32_t most = i % 2 == 0 ? 3 : 150;  // units of the last place between the fraction and the scale
    const uint32_t fraction = simdrop_bits_from_float((float)numerator / (float)denominator);
    const float scale = simdrop_float_from_bits(fraction - most + (uint32_t)(next_random(&random) % (2 * most + 1)));
    if (!simdrop_never_ties(scale, true)) continue;
    ++answers;
    for (size_t d = 0; d < LENGTH(directions); ++d) {
      fesetround(directions[d]);
      const bool ties = has_ties(scale);
      fesetround(FE_TONEAREST);
      if (ties) fail_msg("%a has ties, rounded in direction %zu", (double)scale, d);
    }
  }
  assert_true(answers > 100);
}

// K9. s is the double nearest to 2^32 / (2^32 - T), so s * (1 - T / 2^32) is within 2^-53 of 1, and its float within 2^-24.
static void scale_gives_back_the_expectation(void **state) {
  (void)state;
  uint64_t random = begin(19);
  for (int i = 0; i < 200000; ++i) {
    const double p = i < (int)LENGTH(some_probabilities) ? some_probabilities[i]
                     : i % 4 == 0                        ? ldexp((double)(next_random(&random) >> 11), -60)
                                                         : ldexp((double)(next_random(&random) >> 11), -53);
    const uint64_t left = (UINT64_C(1) << 32) - oracle_threshold(p);
    double scale = -1;
    assert_int_equal(simdrop_scale(p, &scale), SIMDROP_OK);
    if (left == 0) {
      assert_true(scale == 0 && !signbit(scale));
      continue;
    }
    // s * left - 2^32 without rounding: a fused product.
    const double error = fma(scale, (double)left, -0x1p32) / 0x1p32;
    if (!(fabs(error) <= 0x1p-53)) fail_msg("p = %.17g: s is off by %g", p, error);
    const double float_error = fma((double)(float)scale, (double)left, -0x1p32) / 0x1p32;
    if (!(fabs(float_error) <= 0x1p-24)) fail_msg("p = %.17g: s as a float is off by %g", p, float_error);
    assert_int_equal(oracle_scale_bits(p, SIMDROP_F64), ((union {
                                                          double value;
                                                          uint64_t bits;
                                                        }){scale})
                                                            .bits);
  }
}

// K9: the product is the exact one, rounded once. In binary64 the product of two floats is exact.
static void products_are_rounded_once(void **state) {
  (void)state;
  enum {
    N = 4096
  };
  static float x[N], y[N];
  static uint8_t bits[N / 8];
  memset(bits, 0xff, sizeof bits);
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(20);
    for (int round = 0; round < 50; ++round) {
      const double p = ldexp((double)(next_random(&random) >> 32), -32);
      for (size_t k = 0; k < N; ++k) x[k] = (float)ldexp((double)(int64_t)next_random(&random), -63);
      double scale;
      assert_int_equal(simdrop_scale(p, &scale), SIMDROP_OK);
      assert_int_equal(simdrop_apply_bits(p, SIMDROP_F32, N, bits, x, y), SIMDROP_OK);
      for (size_t k = 0; k < N; ++k) {
        const float expected = (float)((double)x[k] * (double)(float)scale);
        if (y[k] != expected)
          fail_msg("%s: %a * %a is %a, not %a", backend, (double)x[k], scale, (double)y[k], (double)expected);
      }
    }
  }
}

static unsigned control_and_status(void) {
#if defined(__SSE__)
  return _mm_getcsr();
#else
  return 0;
#endif
}

// Dropped elements that would raise every flag if they were multiplied first: signalling NaNs (invalid), largest values
// (overflow), smallest ones (underflow, and x86's denormal flag), odd fractions (inexact). What is kept is zero. The inexact
// flag is looked at where s is exact, because the division that gives s may raise it too.
static void dropped_elements_raise_no_flag(void **state) {
  (void)state;
  enum {
    N = 3000
  };
  static uint8_t x[8 * N], y[8 * N], bits[PACKED(N)];
  static const uint64_t nasty[][5] = {
      {0x7f800001, 0x7f7fffff, 0x00000001, 0x3fffffff, 0x7f800000},
      {0x7ff0000000000001, 0x7fefffffffffffff, 1, 0x3fffffffffffffff, 0x7ff0000000000000},
      {0x7c01, 0x7bff, 0x0001, 0x3fff, 0x7c00},
      {0x7f81, 0x7f7f, 0x0001, 0x3fff, 0x7f80},
      {0x7f, 0x7e, 0x01, 0x3f, 0xff},
      {0x7d, 0x7b, 0x01, 0x3f, 0x7c},
  };
  static const double probabilities[] = {0.1, 0.5, 0.75, 0.9, 1 - 0x1p-10, 1};
  static const bool scale_is_exact[] = {false, true, true, false, true, true};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(21);
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d)
      for (size_t n = 1; n <= N; n += n < 140 ? 1 : 571)
        for (size_t i = 0; i < LENGTH(probabilities); ++i) {
          const size_t size = simdrop_dtype_size(all_dtypes[d]);
          const simdrop_mask mask = {probabilities[i], next_random(&random), 1, next_random(&random) >> 1, 0};
          assert_int_equal(simdrop_mask_bits(&mask, n, bits), SIMDROP_OK);
          if (n % 8 != 0) bits[n / 8] |= (uint8_t)(0xff << n % 8);
          for (size_t k = 0; k < n; ++k) {
            const uint64_t value = bits[k / 8] >> k % 8 & 1 ? 0 : nasty[d][next_random(&random) % 5];
            write_element(size, value, x + size * k);
          }
          for (int kind = 0; kind < 3; ++kind) {
            memset(y, CANARY, n * size);
            feclearexcept(FE_ALL_EXCEPT);
#if defined(__SSE__)
            _mm_setcsr(_mm_getcsr() & ~0x3fu);  // the denormal flag too
#endif
            const unsigned control_before = control_and_status();
            const simdrop_status status = kind == 0   ? simdrop_forward(&mask, all_dtypes[d], n, x, y, NULL)
                                          : kind == 1 ? simdrop_backward(&mask, all_dtypes[d], n, x, y)
                                                      : simdrop_apply_bits(mask.p, all_dtypes[d], n, bits, x, y);
            const unsigned inexact = scale_is_exact[i] ? 0 : 0x20;
            const unsigned control_after = control_and_status() & ~inexact;
            const int raised = fetestexcept(scale_is_exact[i] ? FE_ALL_EXCEPT : FE_ALL_EXCEPT & ~FE_INEXACT);
            assert_int_equal(status, SIMDROP_OK);
            if (raised != 0 || control_after != control_before)
              fail_msg("%s: %s of %s, n %zu, p %g raised %#x; MXCSR from %#x to %#x", backend,
                       call_names[kind == 0   ? FORWARD
                                  : kind == 1 ? BACKWARD
                                              : APPLY_BITS],
                       dtype_name(all_dtypes[d]), n, mask.p, (unsigned)raised, control_before, control_after);
            check_filled(y, n * size, 0, "%s: zeros of %s", backend, dtype_name(all_dtypes[d]));
          }
        }
  }
}

// Long random calls against the scalar backend, which needs no reference.
static void all_backends_agree(void **state) {
  (void)state;
  enum {
    N = 300007
  };
  const size_t most = 8 * (size_t)N;
  uint8_t *const x = allocate(most), *const expected = allocate(most), *const y = allocate(most);
  uint8_t *const expected_bits = allocate(PACKED(N)), *const bits = allocate(PACKED(N));
  uint64_t random = begin(22);
  for (int round = 0; round < (full_effort() ? 48 : 8); ++round) {
    const simdrop_dtype dtype = all_dtypes[(size_t)round % LENGTH(all_dtypes)];
    const size_t n = N - next_random(&random) % 1000, size = n * simdrop_dtype_size(dtype);
    const double wanted =
        round % 3 == 0 ? some_probabilities[1 + next_random(&random) % 10] : ldexp((double)(next_random(&random) >> 32), -32);
    const double p = comparable_probability(dtype, wanted);
    const simdrop_mask mask = {p, next_random(&random), next_random(&random), next_random(&random) >> 1, 0};
    fill_values(dtype, n, &random, x);
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    assert_int_equal(simdrop_forward(&mask, dtype, n, x, expected, expected_bits), SIMDROP_OK);
    FOR_EACH_BACKEND(backend) {
      memset(y, CANARY, size);
      assert_int_equal(simdrop_forward(&mask, dtype, n, x, y, bits), SIMDROP_OK);
      check_bytes(expected, y, size, "%s: forward of %s, p %.17g", backend, dtype_name(dtype), p);
      check_bytes(expected_bits, bits, PACKED(n), "%s: bits, p %.17g", backend, p);
      assert_int_equal(simdrop_apply_bits(p, dtype, n, bits, x, y), SIMDROP_OK);
      check_bytes(expected, y, size, "%s: apply_bits of %s, p %.17g", backend, dtype_name(dtype), p);
      memcpy(y, x, size);
      assert_int_equal(simdrop_backward(&mask, dtype, n, y, y), SIMDROP_OK);
      check_bytes(expected, y, size, "%s: backward of %s in place, p %.17g", backend, dtype_name(dtype), p);
    }
  }
  free(x);
  free(expected);
  free(y);
  free(expected_bits);
  free(bits);
}

// The case's mask with its first decision at any bit, in words and in bytes, with noise before and after it.
static uint64_t noisy_words[MOST / 64 + 4];
static uint8_t noisy_bytes[MOST / 8 + 20];

static size_t put_behind_noise(const kernel_case *c, uint64_t *random) {
  const size_t first = next_random(random) % 128;
  memset(noisy_words, (int)(next_random(random) % 256), sizeof noisy_words);
  memset(noisy_bytes, (int)(next_random(random) % 256), sizeof noisy_bytes);
  for (size_t k = 0; k < c->n; ++k) {
    const size_t at = first + k;
    const uint64_t bit = UINT64_C(1) << at % 64;
    const uint8_t bit_of_byte = (uint8_t)(1 << at % 8);
    noisy_words[at / 64] = kept[k] ? noisy_words[at / 64] | bit : noisy_words[at / 64] & ~bit;
    noisy_bytes[at / 8] = (uint8_t)(kept[k] ? noisy_bytes[at / 8] | bit_of_byte : noisy_bytes[at / 8] & ~bit_of_byte);
  }
  return first;
}

// The kernels for chunks of many pages work in steps, which are taken in pieces here, as a driver does: from any bit of the
// mask, to any place between two cache lines.
static void pages_in_pieces(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(24);
    const simdrop_kernels *const kernels = simdrop_current_kernels();
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
      const size_t size = simdrop_dtype_size(all_dtypes[d]), n = simdrop_paged_chunk_bytes(size) / size;
      const size_t steps = n / SIMDROP_STEP_ELEMENTS;
      for (size_t shift = 0; shift < 64; shift += full_effort() ? size : 24) {
        kernel_case c = random_case(all_dtypes[d], n, 0.3, &random);
        c.y_shift = shift;
        prepare(&c, &random);
        const size_t first = put_behind_noise(&c, &random);
        const bool in_bytes = next_random(&random) % 2;
        const simdrop_decisions decisions = {
            .words = in_bytes ? NULL : noisy_words, .bytes = in_bytes ? noisy_bytes : NULL, .first = first};
        uint8_t *const x = x_memory + MARGIN + c.x_shift, *const y = y_memory + MARGIN + c.y_shift;
        memcpy(x, values, n * size);
        memset(y - MARGIN, CANARY, n * size + 2 * MARGIN);
        const simdrop_operands operands = {
            .x = x, .y = y, .factor = simdrop_scale_for(simdrop_threshold(c.mask.p), all_dtypes[d], n)};
        const unsigned number = (unsigned)(next_random(&random) % SIMDROP_MEMORY_WAY_COUNT);
        const bool non_temporal = next_random(&random) % 2;
        const simdrop_memory_way *const way =
            simdrop_memory_way_of(non_temporal ? SIMDROP_STORE_NON_TEMPORAL : SIMDROP_STORE_CACHED_FAR, number);
        for (size_t step = 0, end; step < steps; step = end) {
          end = step + 1 + next_random(&random) % 40;
          if (end > steps) end = steps;
          simdrop_scale_kernels_of(kernels, all_dtypes[d]).scale_pages(step, end, &decisions, &operands, way);
        }
        kernels->finish_stores();
        check_bytes(reference, y, n * size, "%s: %d pages of %s, y + %zu, bit %zu of %s", backend, 1 << way->pages_log2,
                    dtype_name(all_dtypes[d]), shift, first, in_bytes ? "bytes" : "words");
        check_filled(y - MARGIN, MARGIN, CANARY, "%s: before pages of %s", backend, dtype_name(all_dtypes[d]));
        check_filled(y + n * size, MARGIN, CANARY, "%s: after pages of %s", backend, dtype_name(all_dtypes[d]));
      }
    }
  }
}

// Chunks that a producer may scale between its rounds, and what it leaves for the interleaved work, which goes on where it
// ended.
typedef struct lines_left {
  const simdrop_kernels *kernels;
  simdrop_dtype dtype;
  simdrop_decisions decisions;
  simdrop_operands operands;
  simdrop_store store;
  size_t count;
} lines_left;

static void scale_what_is_left(void *context, size_t begin, size_t end) {
  lines_left *const left = context;
  const size_t count = end - begin;
  simdrop_scale_kernels_of(left->kernels, left->dtype).scale(count, &left->decisions, &left->operands, left->store);
  left->decisions.first += count;
  left->operands.x = (const char *)left->operands.x + count * simdrop_dtype_size(left->dtype);
  left->operands.y = (char *)left->operands.y + count * simdrop_dtype_size(left->dtype);
  left->count += count;
}

static void lines_between_rounds(void **state) {
  (void)state;
  enum {
    BLOCKS = 128
  };
  static _Alignas(64) uint64_t expected[SIMDROP_BLOCK_WORDS * (BLOCKS + SIMDROP_BLOCK_PADDING)];
  static _Alignas(64) uint64_t words[SIMDROP_BLOCK_WORDS * (BLOCKS + SIMDROP_BLOCK_PADDING)];
  // Of 1, 8, 9, 12 and 32 planes.
  static const uint64_t thresholds[] = {UINT64_C(1) << 31, 3 << 24, 0x19800000, 0x19900000, 0x1999999a, 1, 0xffffffff};
  static const struct {
    simdrop_dtype dtype;
    simdrop_line_kind kind;
  } kinds[] = {
      {SIMDROP_F32, SIMDROP_LINES_SCALE_F32},
      {SIMDROP_F16, SIMDROP_LINES_SCALE_F16},
      {SIMDROP_BF16, SIMDROP_LINES_SCALE_BF16},
  };
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(25);
    const simdrop_kernels *const kernels = simdrop_current_kernels();
    for (int round = 0; round < (full_effort() ? 4000 : 800); ++round) {
      const size_t n = 1 + (round < 300 ? (size_t)round : next_random(&random) % (size_t)(round % 2 ? 16384 : 700));
      const size_t k = next_random(&random) % LENGTH(kinds);
      const simdrop_dtype dtype = kinds[k].dtype;
      const size_t size = simdrop_dtype_size(dtype);
      kernel_case c = random_case(dtype, n, 0.1, &random);
      c.x_shift = next_random(&random) % (64 / size) * size;
      c.y_shift = next_random(&random) % (64 / size) * size;
      prepare(&c, &random);
      const bool in_place = round % 3 == 0, non_temporal = next_random(&random) % 2;
      uint8_t *const y = y_memory + MARGIN + c.y_shift, *const x = in_place ? y : x_memory + MARGIN + c.x_shift;
      memset(y - MARGIN, CANARY, n * size + 2 * MARGIN);
      memcpy(x, values, n * size);
      lines_left left = {
          .kernels = kernels, .dtype = dtype, .store = non_temporal ? SIMDROP_STORE_NON_TEMPORAL : SIMDROP_STORE_CACHED_FAR};
      left.decisions = (simdrop_decisions){.words = noisy_words, .first = put_behind_noise(&c, &random)};
      left.operands =
          (simdrop_operands){.x = x, .y = y, .factor = simdrop_scale_for(simdrop_threshold(c.mask.p), dtype, SIZE_MAX)};
      assert_true(dtype != SIMDROP_BF16 || left.operands.factor.never_ties);
      const simdrop_line_work work = {
          .kind = kinds[k].kind, .decisions = &left.decisions, .operands = &left.operands, .non_temporal = non_temporal};
      simdrop_interleave interleave = {.run = scale_what_is_left,
                                       .context = &left,
                                       .step = 512,
                                       .first_extra = (64 - c.y_shift) % 64 / size,
                                       .count = n,
                                       .lines = &work};
      // What is drawn meanwhile is the chunk after it.
      const uint64_t threshold = thresholds[(size_t)round % LENGTH(thresholds)];
      const size_t blocks = round % 4 ? simdrop_blocks_of(n) : 1 + next_random(&random) % BLOCKS;
      const uint64_t first_block = round % 5 ? next_random(&random) >> 8 : UINT32_MAX - next_random(&random) % 300;
      simdrop_mask_source source;
      simdrop_source_init(&source, c.mask.seed, c.mask.stream, threshold);
      kernels->mask_blocks(&source, first_block, blocks * SIMDROP_BLOCK_ELEMENTS, expected, NULL);
      simdrop_source_init(&source, c.mask.seed, c.mask.stream, threshold);
      kernels->mask_blocks(&source, first_block, blocks * SIMDROP_BLOCK_ELEMENTS, words, &interleave);
      simdrop_interleave_finish(&interleave);
      kernels->finish_stores();
      check_bytes(expected, words, blocks * SIMDROP_BLOCK_ELEMENTS / 8,
                  "%s: masks of %zu blocks from %#" PRIx64 " on, T %#" PRIx64, backend, blocks, first_block, threshold);
      check_bytes(reference, y, n * size, "%s: lines of %s, n %zu, x + %zu, y + %zu, %s, %s", backend, dtype_name(dtype), n,
                  c.x_shift, c.y_shift, in_place ? "in place" : "apart", non_temporal ? "past the caches" : "cached");
      check_filled(y - MARGIN, MARGIN, CANARY, "%s: before lines", backend);
      check_filled(y + n * size, MARGIN, CANARY, "%s: after lines", backend);
      // Those who can do most of it themselves, if there is as much to draw as to scale.
      const bool can = strcmp(backend, "avx512") == 0 || strcmp(backend, "avx2") == 0;
      const bool is_drawn_long =
          threshold % (UINT64_C(1) << 24) != 0 && first_block % (UINT64_C(1) << 32) < UINT32_MAX - BLOCKS;
      if (can && is_drawn_long && n >= 4096 && blocks * SIMDROP_BLOCK_ELEMENTS >= n && left.count > n / (size == 4 ? 8 : 5))
        fail_msg("%s: of %zu elements, %zu were left, T %#" PRIx64, backend, n, left.count, threshold);
    }
  }
}

// Makes the reference what selecting from elements of that size gives.
static void copy_kept(size_t size, size_t n) {
  memset(reference, 0, n * size);
  for (size_t k = 0; k < n; ++k)
    if (kept[k]) memcpy(reference + k * size, values + k * size, size);
}

// The consumers with decisions from any bit of words and of bytes on, with every kind of stores.
static void decisions_from_anywhere(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(26);
    const simdrop_kernels *const kernels = simdrop_current_kernels();
    for (int round = 0; round < (full_effort() ? 4000 : 800); ++round) {
      const simdrop_dtype dtype = all_dtypes[(size_t)round / 6 % LENGTH(all_dtypes)];
      const kernel_case c = random_case(dtype, next_random(&random) % (round % 8 == 0 ? 2000 : 200), 0.3, &random);
      prepare(&c, &random);
      const size_t first = put_behind_noise(&c, &random);
      const bool in_bytes = round % 2;
      const simdrop_store store = (simdrop_store)(round / 2 % 3);
      const simdrop_decisions decisions = {
          .words = in_bytes ? NULL : noisy_words, .bytes = in_bytes ? noisy_bytes : NULL, .first = first};
      const simdrop_multiplier factor = simdrop_scale_for(simdrop_threshold(c.mask.p), dtype, c.n);
      const struct {
        const char *name;
        simdrop_consume_kernel *consume;
        size_t size;
      } consumers[] = {{"scale", simdrop_scale_kernels_of(kernels, dtype).scale, simdrop_dtype_size(dtype)},
                       {"expand_bytes", kernels->expand_bytes, 1},
#define SELECT(argument, bits) {"select_" #bits, kernels->select_##bits, bits / 8},
                       SIMDROP_ELEMENT_SIZES(SELECT, )
#undef SELECT
      };
      for (size_t i = 0; i < LENGTH(consumers); ++i) {
        const size_t bytes = c.n * consumers[i].size, y_shift = c.y_shift / consumers[i].size * consumers[i].size;
        uint8_t *const y = y_memory + MARGIN + y_shift;
        const simdrop_operands operands = {.x = values, .y = y, .factor = factor};
        memset(y - MARGIN, CANARY, bytes + 2 * MARGIN);
        consumers[i].consume(c.n, &decisions, &operands, store);
        kernels->finish_stores();
        if (i > 1) copy_kept(consumers[i].size, c.n);
        check_bytes(i == 1 ? kept : reference, y, bytes, "%s: %s, %s, n %zu, y + %zu, bit %zu of %s", backend,
                    consumers[i].name, dtype_name(dtype), c.n, y_shift, first, in_bytes ? "bytes" : "words");
        check_filled(y - MARGIN, MARGIN, CANARY, "%s: before y of %s", backend, consumers[i].name);
        check_filled(y + bytes, MARGIN, CANARY, "%s: after y of %s", backend, consumers[i].name);
      }
    }
  }
}

// One decision for each run of elements, and a short string of decisions again and again: with runs of whole words and others,
// from any decision on, up to the middle of a run, with every kind of stores.
static void decisions_that_repeat(void **state) {
  (void)state;
  static const size_t lengths[] = {64, 65, 100, 127, 128, 192, 200, 511, 512};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = begin(30);
    const simdrop_kernels *const kernels = simdrop_current_kernels();
    for (int round = 0; round < (full_effort() ? 4000 : 800); ++round) {
      const simdrop_dtype dtype = all_dtypes[(size_t)round / 6 % LENGTH(all_dtypes)];
      const bool in_runs = round % 2;
      const simdrop_store store = (simdrop_store)(round / 2 % 3);
      const size_t length = lengths[next_random(&random) % LENGTH(lengths)], size = simdrop_dtype_size(dtype);
      kernel_case c = random_case(dtype, length + 64, 0.3, &random);
      prepare(&c, &random);  // for its decisions
      size_t first = put_behind_noise(&c, &random);
      if (!in_runs) {
        for (size_t k = 0; k < length; ++k) kept[k] = noisy_words[k / 64] >> k % 64 & 1;
        for (size_t k = length; k < length + 64; ++k) {
          const uint64_t bit = UINT64_C(1) << k % 64;
          noisy_words[k / 64] = kept[k - length] ? noisy_words[k / 64] | bit : noisy_words[k / 64] & ~bit;
        }
        first %= length;
      }
      static uint8_t decided[MOST];
      c.n = next_random(&random) % (round % 8 == 0 ? 3000 : 600);
      for (size_t k = 0; k < c.n; ++k) decided[k] = in_runs ? kept[k / length] : kept[(first + k) % length];
      fill_values(dtype, c.n, &random, values);
      oracle_apply(c.mask.p, dtype, c.n, decided, values, reference);
      uint8_t *const y = y_memory + MARGIN + c.y_shift;
      const simdrop_decisions decisions = {
          .words = noisy_words, .first = first, .length = length, .repeat = in_runs ? SIMDROP_RUNS : SIMDROP_PERIODS};
      const simdrop_operands operands = {
          .x = values, .y = y, .factor = simdrop_scale_for(simdrop_threshold(c.mask.p), dtype, c.n)};
      memset(y - MARGIN, CANARY, c.n * size + 2 * MARGIN);
      simdrop_scale_kernels_of(kernels, dtype).scale(c.n, &decisions, &operands, store);
      kernels->finish_stores();
      check_bytes(reference, y, c.n * size, "%s: %s of %zu, %s, n %zu, y + %zu, from decision %zu on", backend,
                  in_runs ? "runs" : "periods", length, dtype_name(dtype), c.n, c.y_shift, first);
      check_filled(y - MARGIN, MARGIN, CANARY, "%s: before y of %s", backend, in_runs ? "runs" : "periods");
      check_filled(y + c.n * size, MARGIN, CANARY, "%s: after y of %s", backend, in_runs ? "runs" : "periods");
    }
  }
}

// Outputs of 32 MiB and more get non-temporal stores, to which alignment matters again: one such call for each type, to an
// address with each type's own misalignment.
static void large_outputs(void **state) {
  (void)state;
  if (!full_effort()) {
    print_message("large_outputs skipped: SIMDROP_TEST_EFFORT=quick\n");
    skip();
  }
  const size_t size = ((size_t)32 << 20) + 8 * 1001, room = size + 256;
  uint8_t *const x_base = allocate(room), *const expected = allocate(room), *const y_base = allocate(room);
  uint64_t random = begin(23);
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const size_t element = simdrop_dtype_size(all_dtypes[d]), n = size / element;
    uint8_t *const x = x_base + element, *const y = y_base + 64 - (uintptr_t)y_base % 64 + 3 * element;
    const simdrop_mask mask = {0.3, 1, 2, 1234567 + d, 0};
    for (size_t part = 0; part < n; part += 8192)  // the same values over and over, to be quick
      if (part == 0)
        fill_values(all_dtypes[d], 8192, &random, x);
      else
        memcpy(x + part * element, x, (n - part < 8192 ? n - part : 8192) * element);
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    assert_int_equal(simdrop_forward(&mask, all_dtypes[d], n, x, expected, NULL), SIMDROP_OK);
    uint8_t *const bits = allocate(PACKED(n)), *const kept_bytes = allocate(n), *const bytes = allocate(n + 1);
    assert_int_equal(simdrop_mask_bits(&mask, n, bits), SIMDROP_OK);
    assert_int_equal(simdrop_mask_bytes(&mask, n, kept_bytes), SIMDROP_OK);
    FOR_EACH_BACKEND(backend) {
      memset(y_base, CANARY, room);
      assert_int_equal(simdrop_forward(&mask, all_dtypes[d], n, x, y, NULL), SIMDROP_OK);
      check_bytes(expected, y, n * element, "%s: large forward of %s", backend, dtype_name(all_dtypes[d]));
      check_filled(y_base, (size_t)(y - y_base), CANARY, "%s: before y", backend);
      check_filled(y + n * element, 32, CANARY, "%s: after y", backend);
      memset(y, CANARY, n * element);
      assert_int_equal(simdrop_apply_bits(mask.p, all_dtypes[d], n, bits, x, y), SIMDROP_OK);
      check_bytes(expected, y, n * element, "%s: large apply_bits of %s", backend, dtype_name(all_dtypes[d]));
      memset(y_base, CANARY, room);
      memset(bytes, CANARY, n + 1);
      assert_int_equal(simdrop_forward_bytes(&mask, all_dtypes[d], n, x, y, bytes), SIMDROP_OK);
      check_bytes(expected, y, n * element, "%s: large forward_bytes of %s", backend, dtype_name(all_dtypes[d]));
      check_bytes(kept_bytes, bytes, n, "%s: bytes of large %s", backend, dtype_name(all_dtypes[d]));
      check_filled(y + n * element, 32, CANARY, "%s: after y beside bytes", backend);
      assert_int_equal(bytes[n], CANARY);
      memcpy(y, x, n * element);
      assert_int_equal(simdrop_forward(&mask, all_dtypes[d], n, y, y, NULL), SIMDROP_OK);
      check_bytes(expected, y, n * element, "%s: large forward of %s in place", backend, dtype_name(all_dtypes[d]));
    }
    free(bits);
    free(kept_bytes);
    free(bytes);
  }
  free(x_base);
  free(expected);
  free(y_base);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_length),
      cmocka_unit_test(every_misalignment),
      cmocka_unit_test(every_bit_offset),
      cmocka_unit_test(chunk_boundaries),
      cmocka_unit_test(stored_masks),
      cmocka_unit_test(certain_probabilities),
      cmocka_unit_test(any_cut),
      cmocka_unit_test(cut_into_threads),
      cmocka_unit_test(one_mask_everywhere),
      cmocka_unit_test(every_f16),
      cmocka_unit_test(every_bf16),
      cmocka_unit_test(every_f8e4m3fn),
      cmocka_unit_test(every_f8e5m2),
      cmocka_unit_test(pytorch_float8),
      cmocka_unit_test(scales_that_never_tie),
      cmocka_unit_test(scale_gives_back_the_expectation),
      cmocka_unit_test(products_are_rounded_once),
      cmocka_unit_test(dropped_elements_raise_no_flag),
      cmocka_unit_test(all_backends_agree),
      cmocka_unit_test(pages_in_pieces),
      cmocka_unit_test(lines_between_rounds),
      cmocka_unit_test(decisions_from_anywhere),
      cmocka_unit_test(decisions_that_repeat),
      cmocka_unit_test(large_outputs),
  };
  return RUN_TESTS(argc, argv, tests);
}
