// The stack that calls need: every function on a stack of its own, painted before the call and looked through after it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "support.h"

// What the headers promise holds for optimised builds, without what sanitizers put between variables.
#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if !defined(__OPTIMIZE__)
#define EXEMPT "this build is not optimised"
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) || \
    HAS_FEATURE(thread_sanitizer) || HAS_FEATURE(memory_sanitizer)
#define EXEMPT "a sanitizer puts more on the stack"
#endif

enum {
  PROMISED = 32 * 1024,
  STACK_BYTES = 3 * PROMISED,
  PAINT = 0xA5,
};

static _Alignas(64) uint8_t stack[STACK_BYTES];
static ucontext_t caller, callee;

typedef struct call call;
struct call {
  simdrop_status (*function)(const call *c);
  const simdrop_mask *mask;
  simdrop_dtype dtype;
  size_t n;
  const simdrop_layout *layout;
  const char *x;
  char *y;
  uint8_t *decisions;
};

static const call *current;
static simdrop_status found_status;

static void run_current(void) { found_status = current->function(current); }

// Where the stack has been touched since it was painted: from here to its end.
static size_t touched = STACK_BYTES;

static void paint_stack(void) {
  memset(stack, PAINT, sizeof stack);
  touched = STACK_BYTES;
}

// Whether the call takes more stack than those before it since the stack was painted.
static bool takes_more(const call *c) {
  static uint8_t painted[STACK_BYTES];
  if (painted[0] != PAINT) memset(painted, PAINT, sizeof painted);
  current = c;
  assert_int_equal(getcontext(&callee), 0);
  callee.uc_stack.ss_sp = stack;
  callee.uc_stack.ss_size = sizeof stack;
  callee.uc_link = &caller;
  makecontext(&callee, run_current, 0);
  assert_int_equal(swapcontext(&caller, &callee), 0);
  if (memcmp(stack, painted, touched) == 0) return false;
  touched = 0;
  while (stack[touched] == PAINT) ++touched;
  return true;
}

// An executor that takes no threads: what a piece needs, it needs on the stack of its thread.
static void run_here(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)context;
  for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
}
static const simdrop_executor executor = {run_here, NULL, 4};

static simdrop_status mask_bits(const call *c) { return simdrop_mask_bits(c->mask, c->n, c->decisions); }
static simdrop_status mask_bytes(const call *c) { return simdrop_mask_bytes(c->mask, c->n, c->decisions); }
static simdrop_status forward(const call *c) { return simdrop_forward(c->mask, c->dtype, c->n, c->x, c->y, NULL); }
static simdrop_status forward_bits(const call *c) { return simdrop_forward(c->mask, c->dtype, c->n, c->x, c->y, c->decisions); }
static simdrop_status forward_bytes(const call *c) {
  return simdrop_forward_bytes(c->mask, c->dtype, c->n, c->x, c->y, c->decisions);
}
static simdrop_status backward(const call *c) { return simdrop_backward(c->mask, c->dtype, c->n, c->x, c->y); }
static simdrop_status apply_bits(const call *c) {
  return simdrop_apply_bits(c->mask->p, c->dtype, c->n, (const uint8_t *)c->x, c->x, c->y);
}
// The relatives of dropout, of types and probabilities that they take.
static simdrop_dtype computed(const call *c) { return c->dtype > SIMDROP_BF16 ? SIMDROP_F32 : c->dtype; }
static simdrop_mask uncertain(const call *c) {
  simdrop_mask mask = *c->mask;
  if (!(mask.p > 1e-6 && mask.p < 1)) mask.p = 0.2;
  return mask;
}
static simdrop_status alpha(const call *c) { return simdrop_alpha_forward(&executor, c->mask, computed(c), c->n, c->x, c->y); }
static simdrop_status gaussian(const call *c) {
  const simdrop_mask mask = uncertain(c);
  return simdrop_gaussian_forward(&executor, &mask, computed(c), c->n, c->x, c->y);
}
static simdrop_status concrete(const call *c) {
  const simdrop_mask mask = uncertain(c);
  double gradient;
  return simdrop_concrete_backward(&executor, &mask, 0.1, computed(c), c->n, c->x, c->y, c->y, &gradient);
}
static simdrop_status blocks(const call *c) {
  uint64_t kept;
  return simdrop_dropblock_bits(&executor, c->mask, c->n / 100, 10, 10, 3, 3, c->decisions, &kept);
}
static simdrop_status connect(const call *c) {
  return simdrop_dropconnect(&executor, c->mask, computed(c), c->n / 50, 50, c->x, 50, c->x, c->y);
}
static simdrop_status connect_gradients(const call *c) {
  const size_t rows = c->n / 50;
  return rows == 0 ? SIMDROP_OK
                   : simdrop_dropconnect_backward(&executor, c->mask, computed(c), rows, 50, c->x, 50, c->x, c->x, NULL, c->y,
                                                  c->decisions);
}
static simdrop_status moments(const call *c) {
  return simdrop_moments_update(&executor, computed(c), 2, c->n / 4, c->x, c->y, c->decisions);
}
static simdrop_status alpha_layout(const call *c) {
  return simdrop_alpha_forward_layout(&executor, c->mask, computed(c), c->layout, c->x, c->y);
}
static simdrop_status gaussian_layout(const call *c) {
  const simdrop_mask mask = uncertain(c);
  return simdrop_gaussian_forward_layout(&executor, &mask, computed(c), c->layout, c->x, c->y);
}
static simdrop_status concrete_layout(const call *c) {
  const simdrop_mask mask = uncertain(c);
  double gradient;
  return simdrop_concrete_backward_layout(&executor, &mask, 0.1, computed(c), c->layout, c->x, c->x, c->y, &gradient);
}
static simdrop_status parallel_mask_bits(const call *c) {
  return simdrop_parallel_mask_bits(&executor, c->mask, c->n, c->decisions);
}
static simdrop_status parallel_mask_bytes(const call *c) {
  return simdrop_parallel_mask_bytes(&executor, c->mask, c->n, c->decisions);
}
static simdrop_status parallel_forward(const call *c) {
  return simdrop_parallel_forward(&executor, c->mask, c->dtype, c->n, c->x, c->y, c->decisions);
}
static simdrop_status parallel_forward_bytes(const call *c) {
  return simdrop_parallel_forward_bytes(&executor, c->mask, c->dtype, c->n, c->x, c->y, c->decisions);
}
static simdrop_status parallel_backward(const call *c) {
  return simdrop_parallel_backward(&executor, c->mask, c->dtype, c->n, c->x, c->y);
}
static simdrop_status parallel_apply_bits(const call *c) {
  return simdrop_parallel_apply_bits(&executor, c->mask->p, c->dtype, c->n, (const uint8_t *)c->x, c->x, c->y);
}
static simdrop_status forward_layout(const call *c) { return simdrop_forward_layout(c->mask, c->dtype, c->layout, c->x, c->y); }
static simdrop_status backward_layout(const call *c) {
  return simdrop_backward_layout(c->mask, c->dtype, c->layout, c->x, c->y);
}
static simdrop_status mask_layout_bytes(const call *c) { return simdrop_mask_layout_bytes(c->mask, c->layout, c->decisions); }
static simdrop_status mask_layout_bits(const call *c) { return simdrop_mask_layout_bits(c->mask, c->layout, c->decisions); }
static simdrop_status forward_layout_bits(const call *c) {
  return simdrop_forward_layout_bits(c->mask, c->dtype, c->layout, c->x, c->y, c->decisions);
}
static simdrop_status forward_layout_bytes(const call *c) {
  return simdrop_forward_layout_bytes(c->mask, c->dtype, c->layout, c->x, c->y, c->decisions);
}
static simdrop_status apply_bits_layout(const call *c) {
  return simdrop_apply_bits_layout(c->mask->p, c->dtype, c->layout, c->decisions, c->x, c->y);
}
static simdrop_status parallel_mask_layout_bits(const call *c) {
  return simdrop_parallel_mask_layout_bits(&executor, c->mask, c->layout, c->decisions);
}
static simdrop_status parallel_forward_layout_bits(const call *c) {
  return simdrop_parallel_forward_layout_bits(&executor, c->mask, c->dtype, c->layout, c->x, c->y, c->decisions);
}
static simdrop_status parallel_forward_layout_bytes(const call *c) {
  return simdrop_parallel_forward_layout_bytes(&executor, c->mask, c->dtype, c->layout, c->x, c->y, c->decisions);
}
static simdrop_status parallel_apply_bits_layout(const call *c) {
  return simdrop_parallel_apply_bits_layout(&executor, c->mask->p, c->dtype, c->layout, c->decisions, c->x, c->y);
}
static simdrop_status parallel_forward_layout(const call *c) {
  return simdrop_parallel_forward_layout(&executor, c->mask, c->dtype, c->layout, c->x, c->y);
}
static simdrop_status parallel_backward_layout(const call *c) {
  return simdrop_parallel_backward_layout(&executor, c->mask, c->dtype, c->layout, c->x, c->y);
}
static simdrop_status parallel_mask_layout_bytes(const call *c) {
  return simdrop_parallel_mask_layout_bytes(&executor, c->mask, c->layout, c->decisions);
}

static simdrop_status tile(const call *c) {
  simdrop_tile prepared;
  const simdrop_status status = simdrop_tile_init(c->mask, c->dtype, 1000, &prepared);
  return status == SIMDROP_OK ? simdrop_tile_apply(&prepared, 5, 7, c->n, 150, c->y, 151) : status;
}
static simdrop_status tile_bits(const call *c) {
  simdrop_tile prepared;
  const simdrop_status status = simdrop_tile_init(c->mask, c->dtype, 1024, &prepared);
  return status == SIMDROP_OK ? simdrop_tile_bits(&prepared, 5, 7, c->n, 150, (uint8_t *)c->y, 19) : status;
}
static simdrop_status tile_apply_bits(const call *c) {
  static const uint8_t bits[19];
  simdrop_tile prepared;
  const simdrop_status status = simdrop_tile_init(c->mask, c->dtype, 1000, &prepared);
  return status == SIMDROP_OK ? simdrop_tile_apply_bits(&prepared, c->n, 150, bits, 0, c->y, 151) : status;
}
static simdrop_softmax masked_softmax(const call *c) {
  simdrop_softmax softmax = simdrop_softmax_plain(1, c->layout->dims[1]);
  softmax.allowed = (const uint8_t *)c->x;
  softmax.additive = c->x;
  softmax.additive_type = c->dtype;
  softmax.causal = 1;
  softmax.diagonal = (ptrdiff_t)c->layout->dims[1] - 3;
  return softmax;
}
static simdrop_status softmax_forward(const call *c) {
  simdrop_matrix matrix = simdrop_matrix_dense(c->layout->dims[0], c->layout->dims[1]);
  matrix.index_stride = c->layout->index_strides[0];
  const simdrop_softmax softmax = masked_softmax(c);
  return simdrop_softmax_forward(&executor, c->mask, c->dtype, &matrix, &softmax, c->x, c->y, NULL, c->decisions);
}
static simdrop_status softmax_backward(const call *c) {
  simdrop_matrix matrix = simdrop_matrix_dense(c->layout->dims[0], c->layout->dims[1]);
  matrix.index_stride = c->layout->index_strides[0];
  const simdrop_softmax softmax = masked_softmax(c);
  return simdrop_softmax_backward(&executor, c->mask, c->dtype, &matrix, &softmax, NULL, c->x, c->decisions, c->x, c->y);
}

// The functions that run no kernel, in one call each.
static simdrop_status the_others(const call *c) {
  (void)c;
  static simdrop_layout layout;
  static simdrop_layout_part part;
  static size_t first_element, end;
  static uint64_t first;
  static double scale;
  static const size_t dims[8] = {2, 3, 2, 3, 2, 3, 2, 3}, mask_dims[8] = {1, 3, 1, 3, 1, 3, 1, 3};
  simdrop_status worst = SIMDROP_OK;
#define RUN(expression)                       \
  do {                                        \
    const simdrop_status status = expression; \
    if (status != SIMDROP_OK) worst = status; \
  } while (0)
  RUN(simdrop_scale(0.3, &scale));
  RUN(simdrop_cut(1000000, 7, 3, &first_element, &end));
  RUN(simdrop_layout_dense(8, dims, &layout));
  RUN(simdrop_layout_broadcast(8, dims, mask_dims, &layout));
  RUN(simdrop_cut_layout(&layout, 7, 3, &part));
  RUN(simdrop_layout_channels(SIMDROP_CHANNELS_LAST, 3, 5, dims, &layout));
  RUN(simdrop_layout_time_shared(SIMDROP_TIME_FIRST, 3, 5, 7, &layout));
  RUN(simdrop_layout_drop_path(8, dims, &layout));
  RUN(simdrop_layout_rows(3, 5, &layout));
  RUN(simdrop_layout_tile(6, dims, 10, 10, 2, 4, 2, 4, &layout, &first));
  for (size_t i = 0; i < simdrop_backend_count(); ++i)
    if (simdrop_backend_supported(i)) RUN(simdrop_backend_select(simdrop_backend_name(i)));
  RUN(simdrop_backend_select(NULL));
  if (simdrop_backend_current() == NULL || simdrop_backend_reason() != SIMDROP_CHOICE_BEST)
    worst = SIMDROP_ERROR_UNKNOWN_BACKEND;
  if (simdrop_status_string(worst) == NULL || simdrop_version_string() == NULL) worst = SIMDROP_ERROR_UNKNOWN_BACKEND;
  return worst;
}

static char most_name[200];

static void check_stack(const call *c, simdrop_status expected, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void check_stack(const call *c, simdrop_status expected, const char *format, ...) {
  const bool more = takes_more(c);
  assert_int_equal(found_status, expected);
  if (!more) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(most_name, sizeof most_name, format, arguments);
  va_end(arguments);
}

// Fails if a call since the stack was painted took more than is promised, and says which took most.
static void check_most(void) {
  const size_t most = STACK_BYTES - touched;
  print_message("%zu bytes of stack: %s\n", most, most_name);
  if (most > PROMISED) fail_msg("%s takes %zu bytes of stack", most_name, most);
  assert_true(most > 0);
  paint_stack();
}

#define FUNCTION(name) name, #name
typedef struct named_function {
  simdrop_status (*function)(const call *c);
  const char *name;
} named_function;

// Half of the elements are read as bias and residual.
static simdrop_status chain_of(const call *c, const simdrop_executor *on, simdrop_bias_axis axis, uint8_t *bits) {
  const simdrop_matrix matrix = {c->n / 300 + 1, 300, 300, 300, 0, 310, 0};
  simdrop_chain chain = {SIMDROP_ACTIVATION_NONE, axis, c->x, c->x, 0};
  simdrop_status status = SIMDROP_OK;
  for (int activation = 0; activation <= SIMDROP_SILU && status == SIMDROP_OK; ++activation) {
    chain.activation = (simdrop_activation)activation;
    status = simdrop_chain_forward(on, c->mask, c->dtype, &matrix, &chain, c->x, c->y, bits);
    if (status != SIMDROP_OK) break;
    status = simdrop_chain_backward(on, c->mask, c->dtype, &matrix, &chain, bits, c->x, c->x, c->y, c->decisions);
  }
  return status == SIMDROP_ERROR_NOT_BUILT || status == SIMDROP_ERROR_DTYPE ? SIMDROP_OK : status;
}
static simdrop_status chain_of_columns(const call *c) { return chain_of(c, NULL, SIMDROP_BIAS_OF_COLUMNS, NULL); }
static simdrop_status chain_of_rows(const call *c) { return chain_of(c, &executor, SIMDROP_BIAS_OF_ROWS, NULL); }
static simdrop_status chain_with_bits(const call *c) { return chain_of(c, NULL, SIMDROP_BIAS_OF_ROWS, c->decisions + 4096); }

static const double probabilities[] = {0.1, 0, 0.3, 1e-12, 0.5, 1};

// Enough for any of the calls below.
static char *make_arrays(size_t bytes, char **y, uint8_t **decisions) {
  char *const x = allocate(3 * bytes);
  memset(x, 1, 3 * bytes);
  *y = x + bytes;
  *decisions = (uint8_t *)x + 2 * bytes;
  return x;
}

static void begin(void) {
#if defined(EXEMPT)
  print_message("skipped: %s\n", EXEMPT);
  skip();
#endif
  paint_stack();
}

static void calls_without_kernels(void **state) {
  (void)state;
  begin();
  const call c = {.function = the_others};
  check_stack(&c, SIMDROP_OK, "a function that runs no kernel");
  check_most();
}

static void arrays(void **state) {
  (void)state;
  begin();
  static const named_function functions[] = {
      {FUNCTION(mask_bits)},
      {FUNCTION(mask_bytes)},
      {FUNCTION(forward)},
      {FUNCTION(forward_bits)},
      {FUNCTION(forward_bytes)},
      {FUNCTION(backward)},
      {FUNCTION(apply_bits)},
      {FUNCTION(parallel_mask_bits)},
      {FUNCTION(parallel_mask_bytes)},
      {FUNCTION(parallel_forward)},
      {FUNCTION(parallel_forward_bytes)},
      {FUNCTION(parallel_backward)},
      {FUNCTION(parallel_apply_bits)},
      {FUNCTION(alpha)},
      {FUNCTION(gaussian)},
      {FUNCTION(concrete)},
      {FUNCTION(blocks)},
      {FUNCTION(connect)},
      {FUNCTION(connect_gradients)},
      {FUNCTION(moments)},
  };
  // The last is stored past the caches; it takes no more pieces than one of the lengths before, and so is tried with few
  // others.
  static const size_t sizes[] = {1, 77, 300, 5000, 70001, (size_t)36 << 20};
  char *y;
  uint8_t *decisions;
  const size_t size_count = full_effort() ? LENGTH(sizes) : LENGTH(sizes) - 1;
  char *const x = make_arrays(full_effort() ? sizes[LENGTH(sizes) - 1] : 8 * sizes[LENGTH(sizes) - 2], &y, &decisions);
  FOR_EACH_BACKEND(backend) {
    for (size_t s = 0; s < size_count; ++s) {
      for (size_t f = full_effort() ? 0 : LENGTH(functions) / 2; f < LENGTH(functions); ++f) {
        for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
          for (size_t p = 0; p < LENGTH(probabilities); p += full_effort() ? 1 : 2) {
            const simdrop_mask mask = {probabilities[p], 1, 2, 77, 0};
            const bool large = s == LENGTH(sizes) - 1;
            if (large && (functions[f].function != forward_bits || probabilities[p] != 0.5)) continue;
            const size_t n = large ? sizes[s] / simdrop_dtype_size(all_dtypes[d]) : sizes[s];
            const call c = {functions[f].function, &mask, all_dtypes[d], n, NULL, x, y, decisions};
            check_stack(&c, SIMDROP_OK, "%s of %zu elements, %s, %s, p = %g", functions[f].name, n, dtype_name(all_dtypes[d]),
                        backend, mask.p);
          }
        }
      }
    }
    check_most();
  }
  free(x);
}

static void chains(void **state) {
  (void)state;
  begin();
  static const named_function functions[] = {
      {FUNCTION(chain_of_columns)}, {FUNCTION(chain_of_rows)}, {FUNCTION(chain_with_bits)}};
  static const size_t sizes[] = {1, 70001};
  char *y;
  uint8_t *decisions;
  char *const x = make_arrays((size_t)1 << 20, &y, &decisions);
  FOR_EACH_BACKEND(backend) {
    for (size_t s = 0; s < LENGTH(sizes); ++s)
      for (size_t f = 0; f < LENGTH(functions); ++f)
        for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
          const simdrop_mask mask = {0.1, 1, 2, 77, 0};
          const call c = {functions[f].function, &mask, all_dtypes[d], sizes[s], NULL, x, y, decisions};
          check_stack(&c, SIMDROP_OK, "%s of %zu elements, %s, %s", functions[f].name, sizes[s], dtype_name(all_dtypes[d]),
                      backend);
        }
    check_most();
  }
  free(x);
}

static void layouts(void **state) {
  (void)state;
  begin();
  // Shorter tests leave out the first half, which are parts of the others.
  static const named_function functions[] = {
      {FUNCTION(forward_layout)},
      {FUNCTION(backward_layout)},
      {FUNCTION(mask_layout_bytes)},
      {FUNCTION(mask_layout_bits)},
      {FUNCTION(forward_layout_bits)},
      {FUNCTION(forward_layout_bytes)},
      {FUNCTION(apply_bits_layout)},
      {FUNCTION(parallel_forward_layout)},
      {FUNCTION(parallel_backward_layout)},
      {FUNCTION(parallel_mask_layout_bytes)},
      {FUNCTION(parallel_mask_layout_bits)},
      {FUNCTION(parallel_forward_layout_bits)},
      {FUNCTION(parallel_forward_layout_bytes)},
      {FUNCTION(parallel_apply_bits_layout)},
      {FUNCTION(alpha_layout)},
      {FUNCTION(gaussian_layout)},
      {FUNCTION(concrete_layout)},
  };
  // Of M rows of N elements, one for each inner loop; the last has as many axes as can be.
  enum {
    M = 37,
    N = 2050,
    FIRST = 200  // steps backwards begin here
  };
  static const simdrop_layout cases[] = {
      {2, {M, N}, {N, 1}, {N, 1}, {N, 1}, 0},
      {2, {M, N}, {N, 1}, {N + 5, 1}, {N + 333, 1}, 0},
      {2, {N, 7}, {9, 1}, {8, 1}, {7, 1}, 0},
      {2, {M, N}, {N, 1}, {N, 1}, {1, 0}, 0},
      {2, {N, M}, {M, 1}, {M, 1}, {1, 0}, 0},
      {2, {M, N}, {N, 1}, {N, 1}, {0, 1}, 0},
      {2, {N, M}, {M, 1}, {M, 1}, {0, 1}, 0},
      {2, {M, N}, {N, 1}, {N + 1, 1}, {0, 1}, 0},
      {2, {M, N}, {N, 1}, {N, 1}, {1, M}, 0},
      {2, {5, 410}, {410, 1}, {410, 1}, {129 * N, 129}, 0},
      {2, {5, 410}, {410, 1}, {410, 1}, {0, 2}, 0},
      {2, {M, N}, {N, 1}, {N, 1}, {0, 0}, 0},
      {2, {M, N}, {1, M}, {N, 1}, {N, 1}, 0},
      {2, {M, N}, {1, M}, {N, 1}, {1, M}, 0},
      {1, {N}, {3}, {2}, {1}, 0},
      {3, {2, M, N / 2}, {M * N / 2, N / 2, 1}, {M * N / 2, N / 2, 1}, {3 * N, 0, 1}, 0},
      {3, {5, M, 64}, {-1, 5, 185}, {2368, 64, 1}, {0, 64, 1}, 0},
      {8,
       {3, 3, 3, 3, 3, 3, 3, 3},
       {1, 4, 13, 40, 121, 364, 1093, 3280},
       {5000, 1600, 500, 160, 50, 16, 5, 1},
       {3, 1, 4, 1, 5, 9, 2, 6},
       0},
  };
  char *y;
  uint8_t *decisions;
  char *const x = make_arrays(8 * (size_t)100000, &y, &decisions);
  FOR_EACH_BACKEND(backend) {
    for (size_t l = 0; l < LENGTH(cases); ++l) {
      for (size_t f = full_effort() ? 0 : LENGTH(functions) / 2; f < LENGTH(functions); ++f) {
        for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
          for (size_t p = 0; p < LENGTH(probabilities); p += full_effort() ? 1 : 2) {
            const simdrop_mask mask = {probabilities[p], 1, 2, 77, 0};
            const size_t first = FIRST * simdrop_dtype_size(all_dtypes[d]);
            const call c = {functions[f].function, &mask, all_dtypes[d], 0, &cases[l], x + first, y + first, decisions};
            check_stack(&c, SIMDROP_OK, "%s, layout %zu, %s, %s, p = %g", functions[f].name, l, dtype_name(all_dtypes[d]),
                        backend, mask.p);
          }
        }
      }
    }
    check_most();
  }
  // A search for elements that overlap, as deep as it gets.
  simdrop_layout involved = {.rank = SIMDROP_MAX_RANK};
  static const ptrdiff_t strides[SIMDROP_MAX_RANK] = {10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079};
  for (int a = 0; a < SIMDROP_MAX_RANK; ++a) {
    involved.dims[a] = 60;
    involved.x_strides[a] = strides[(a + 3) % SIMDROP_MAX_RANK] + 2;
    involved.y_strides[a] = strides[a];
  }
  const simdrop_mask mask = {0.3, 1, 2, 77, 0};
  const call c = {forward_layout, &mask, SIMDROP_F32, 0, &involved, x, y, decisions};
  // (More elements than 32 bits count.)
  check_stack(&c, sizeof(size_t) > 4 ? SIMDROP_ERROR_OVERLAP : SIMDROP_ERROR_SIZE_OVERFLOW, "a search for overlaps");
  check_most();
  free(x);
}

// Rows of n elements, with every place that is optional but h and dh.
enum {
  NORM_ROWS = 70,
  NORM_COLUMNS_MAX = 17000
};

static uint64_t norm_index_stride;

static simdrop_status norm_both(const call *c, const simdrop_executor *threads) {
  static double statistics[2 * NORM_ROWS], sums[3][NORM_COLUMNS_MAX];
  simdrop_matrix matrix = simdrop_matrix_dense(NORM_ROWS, c->n);
  matrix.index_stride = norm_index_stride;
  const simdrop_norm norm = {SIMDROP_LAYER_NORM, 1e-5, c->x, c->x, c->x, c->x, 0};
  const simdrop_status status = simdrop_norm_forward(threads, c->mask, c->dtype, &matrix, &norm, c->x, NULL, c->y, statistics);
  if (status != SIMDROP_OK) return status;
  const simdrop_status with_sums = simdrop_norm_backward(threads, c->mask, c->dtype, &matrix, &norm, c->x, statistics, c->x,
                                                         c->x, NULL, c->y, sums[0], sums[1], sums[2]);
  if (with_sums != SIMDROP_OK) return with_sums;
  return simdrop_norm_backward(threads, c->mask, c->dtype, &matrix, &norm, c->x, statistics, c->x, c->x, NULL, c->y, NULL, NULL,
                               NULL);
}

static simdrop_status norms_here(const call *c) { return norm_both(c, NULL); }
static simdrop_status norms_in_pieces(const call *c) { return norm_both(c, &executor); }

static void norms(void **state) {
  (void)state;
  begin();
  static const named_function functions[] = {{FUNCTION(norms_here)}, {FUNCTION(norms_in_pieces)}};
  static const size_t columns[] = {70, 1500, NORM_COLUMNS_MAX};
  static const simdrop_dtype dtypes[] = {SIMDROP_F32, SIMDROP_F64, SIMDROP_F16, SIMDROP_BF16};
  char *y;
  uint8_t *decisions;
  char *const x = make_arrays(sizeof(double) * NORM_ROWS * NORM_COLUMNS_MAX, &y, &decisions);
  FOR_EACH_BACKEND(backend) {
    for (size_t i = 0; i < (full_effort() ? LENGTH(columns) : 2) * LENGTH(dtypes) * LENGTH(functions) * 3; ++i) {
      const named_function *const function = &functions[i % 2];
      const simdrop_dtype dtype = dtypes[i / 2 % LENGTH(dtypes)];
      const size_t n = columns[i / 24];
      const uint64_t index_strides[] = {n, 0, n + 200};
      norm_index_stride = index_strides[i / 8 % 3];
      const simdrop_mask mask = {0.3, 1, 2, 77, 0};
      const call c = {function->function, &mask, dtype, n, NULL, x, y, decisions};
      check_stack(&c, SIMDROP_OK, "%s of %zu columns, %s, %s", function->name, n, dtype_name(dtype), backend);
    }
    check_most();
  }
  free(x);
}

static void tiles_and_softmax(void **state) {
  (void)state;
  begin();
  static const named_function functions[] = {{FUNCTION(tile)},
                                             {FUNCTION(tile_bits)},
                                             {FUNCTION(tile_apply_bits)},
                                             {FUNCTION(softmax_forward)},
                                             {FUNCTION(softmax_backward)}};
  // Rows with a decision each, alone in the mask or not, and shared; short, longer than what is kept of them, and drawn in
  // pieces.
  static const simdrop_layout cases[] = {
      {.rank = 2, .dims = {77, 300}, .index_strides = {300, 1}},    {.rank = 2, .dims = {77, 300}, .index_strides = {1003, 1}},
      {.rank = 2, .dims = {9, 300}, .index_strides = {0, 1}},       {.rank = 2, .dims = {3, 5001}, .index_strides = {5001, 1}},
      {.rank = 2, .dims = {3, 5001}, .index_strides = {5003, 1}},   {.rank = 2, .dims = {3, 16001}, .index_strides = {0, 1}},
      {.rank = 2, .dims = {2, 33001}, .index_strides = {33007, 1}}, {.rank = 2, .dims = {2, 33001}, .index_strides = {0, 1}},
  };
  char *y;
  uint8_t *decisions;
  char *const x = make_arrays(8 * (size_t)100000, &y, &decisions);
  FOR_EACH_BACKEND(backend) {
    for (size_t l = 0; l < LENGTH(cases); ++l)
      for (size_t f = 0; f < LENGTH(functions); ++f)
        for (int dtype = SIMDROP_F32; dtype <= SIMDROP_BF16; ++dtype)
          for (size_t p = 0; p < LENGTH(probabilities); p += full_effort() ? 1 : 2) {
            const simdrop_mask mask = {probabilities[p], 1, 2, 77, 0};
            const call c = {functions[f].function, &mask, (simdrop_dtype)dtype, cases[l].dims[0], &cases[l], x, y, decisions};
            const bool more = takes_more(&c);
            if (found_status == SIMDROP_ERROR_NOT_BUILT) continue;
            assert_int_equal(found_status, SIMDROP_OK);
            if (more)
              snprintf(most_name, sizeof most_name, "%s, case %zu, %s, %s, p = %g", functions[f].name, l,
                       dtype_name((simdrop_dtype)dtype), backend, mask.p);
          }
    check_most();
  }
  free(x);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_without_kernels),
      cmocka_unit_test(arrays),
      cmocka_unit_test(chains),
      cmocka_unit_test(layouts),
      cmocka_unit_test(norms),
      cmocka_unit_test(tiles_and_softmax),
  };
  return RUN_TESTS(argc, argv, tests);
}
