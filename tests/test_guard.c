// Guard pages: no byte outside the arrays is read or written. Every array is put so that it ends where an inaccessible page
// begins, and then so that it begins where one ends; an access outside is reported with the case that made it.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/mask_reader.h"
#include "machine/dispatch.h"
#include "support.h"

enum {
  CANARY = 0xA5
};

// Accessible memory between two inaccessible pages.
typedef struct guarded {
  uint8_t *begin, *end;
} guarded;

static guarded make_guarded(size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size = (size + page - 1) / page * page;
  uint8_t *const memory = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(memory != MAP_FAILED);
  assert_int_equal(mprotect(memory, page, PROT_NONE), 0);
  assert_int_equal(mprotect(memory + page + size, page, PROT_NONE), 0);
  return (guarded){memory + page, memory + page + size};
}

// How much of what is left beside an array is looked at: more than any vector, or unrolled loop, could overwrite.
static size_t rest_beside(const guarded *memory, size_t size) {
  const size_t rest = (size_t)(memory->end - memory->begin) - size;
  return rest < 2048 ? rest : 2048;
}

// An array of `size` bytes at one end of the memory, with the canary in it and beside it.
static uint8_t *place(const guarded *memory, size_t size, bool at_end) {
  const size_t rest = rest_beside(memory, size);
  memset(at_end ? memory->end - size - rest : memory->begin, CANARY, size + rest);
  return at_end ? memory->end - size : memory->begin;
}

// What lies beside the array must still be the canary.
static void check_rest(const guarded *memory, size_t size, bool at_end, const char *what) {
  const size_t rest = rest_beside(memory, size);
  check_filled(at_end ? memory->end - size - rest : memory->begin + size, rest, CANARY, "outside %s", what);
}

static sigjmp_buf escape;
static char current_case[256];

static void on_fault(int signal_number) {
  (void)signal_number;
  siglongjmp(escape, 1);
}

static struct sigaction before_segv, before_bus;

static void watch(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_fault;
  sigemptyset(&action.sa_mask);
  assert_int_equal(sigaction(SIGSEGV, &action, &before_segv), 0);
  assert_int_equal(sigaction(SIGBUS, &action, &before_bus), 0);
}

static void unwatch(void) {
  sigaction(SIGSEGV, &before_segv, NULL);
  sigaction(SIGBUS, &before_bus, NULL);
}

// The test's own handler must see an access outside, or the tests below would prove nothing.
static void guards_are_seen(void **state) {
  (void)state;
  const guarded memory = make_guarded(1);
  for (int side = 0; side < 2; ++side) {
    volatile uint8_t *const outside = side == 0 ? memory.begin - 1 : memory.end;
    volatile int seen = 0;
    watch();
    if (sigsetjmp(escape, 1) == 0) {
      (void)*outside;
    } else {
      seen = 1;
    }
    unwatch();
    assert_int_equal(seen, 1);
  }
}

static void run_guarded(void (*body)(void)) {
  watch();
  if (sigsetjmp(escape, 1) != 0) {
    unwatch();
    fail_msg("access outside an array: %s", current_case);
  }
  body();
  unwatch();
}

// The numbers of elements: all small ones, and some of several chunks.
static size_t next_length(size_t n) {
  static const size_t longer[] = {1000, 2047, 2049, 4097, 8191, 8193, 16385 + 63};
  if (n < 257) return n + (full_effort() || n < 70 ? 1 : 7);
  for (size_t i = 0; i < LENGTH(longer); ++i)
    if (longer[i] > n) return longer[i];
  return SIZE_MAX;
}

enum {
  MOST = 16385 + 63
};

static void masks_body(void) {
  const guarded bits_memory = make_guarded(PACKED(MOST)), bytes_memory = make_guarded(MOST);
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 30;
    for (size_t n = 0; n != SIZE_MAX; n = next_length(n))
      for (int at_end = 0; at_end < 2; ++at_end)
        for (int round = 0; round < 3; ++round) {
          const double p = some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
          const simdrop_mask mask = {p, 1, 2, next_random(&random) >> 1, 0};
          snprintf(current_case, sizeof current_case, "%s: masks of n %zu, p %g, offset %#" PRIx64 ", %s", backend, n, p,
                   mask.offset, at_end ? "guard after" : "guard before");
          uint8_t *const bits = place(&bits_memory, PACKED(n), at_end);
          assert_int_equal(simdrop_mask_bits(&mask, n, bits), SIMDROP_OK);
          check_rest(&bits_memory, PACKED(n), at_end, current_case);
          uint8_t *const bytes = place(&bytes_memory, n, at_end);
          assert_int_equal(simdrop_mask_bytes(&mask, n, bytes), SIMDROP_OK);
          check_rest(&bytes_memory, n, at_end, current_case);
        }
  }
}

static void masks(void **state) {
  (void)state;
  run_guarded(masks_body);
}

// The generator of stored bits gives them back, by the reader in chunks from any decision on, and block by block.
static void stored_bits_body(void) {
  enum {
    MOST_BLOCKS = MOST / SIMDROP_BLOCK_ELEMENTS + 2
  };
  const guarded memory = make_guarded(PACKED(MOST));
  static uint8_t chunk_bits[MOST];
  static uint64_t listed[MOST_BLOCKS], words[SIMDROP_BLOCK_WORDS * (MOST_BLOCKS + SIMDROP_BLOCK_PADDING)];
  uint64_t random = 33;
  for (size_t n = 1; n != SIZE_MAX; n = next_length(n)) {
    uint8_t *const bits = place(&memory, PACKED(n), n % 2);
    for (size_t i = 0; i < PACKED(n); ++i) bits[i] = (uint8_t)next_random(&random);
    const size_t offset = next_random(&random) % n;
    snprintf(current_case, sizeof current_case, "%zu stored bits from bit %zu on", n, offset);
    simdrop_mask_reader reader;
    const simdrop_operation stored = {.stored = bits, .n = n, .index = offset};
    simdrop_reader_init(&reader, simdrop_current_kernels(), &stored);
    for (size_t done = offset, count; done < n; done += count) {
      count = 1 + next_random(&random) % 5000;
      if (count > n - done) count = n - done;
      simdrop_pack_bits(count, simdrop_reader_next(&reader, count, NULL), chunk_bits);
      for (size_t k = 0; k < count; ++k)
        if ((bits[(done + k) / 8] >> (done + k) % 8 & 1) != (chunk_bits[k / 8] >> k % 8 & 1))
          fail_msg("%s: bit %zu differs", current_case, done + k);
    }
    // From the last block to the first, and one behind the last.
    const size_t blocks = (n + SIMDROP_BLOCK_ELEMENTS - 1) / SIMDROP_BLOCK_ELEMENTS;
    for (size_t b = 0; b <= blocks; ++b) listed[b] = blocks - b;
    memset(words, CANARY, sizeof words);
    reader.state.generator->draw_listed(&reader.state, listed, blocks + 1, words, NULL);
    for (size_t k = 0; k < n; ++k) {
      const uint64_t *const block = words + SIMDROP_BLOCK_WORDS * (blocks - k / SIMDROP_BLOCK_ELEMENTS);
      if ((bits[k / 8] >> k % 8 & 1) != (block[k % SIMDROP_BLOCK_ELEMENTS / 64] >> k % 64 & 1))
        fail_msg("%s: bit %zu of its block differs", current_case, k);
    }
    if ((words[0] | words[1]) != 0) fail_msg("%s: bits behind the last", current_case);
  }
}

static void stored_bits(void **state) {
  (void)state;
  run_guarded(stored_bits_body);
}

typedef enum call_kind {
  FORWARD,
  FORWARD_WITH_BITS,
  FORWARD_BYTES,
  FORWARD_IN_PLACE,
  BACKWARD,
  APPLY_BITS,
  APPLY_BITS_IN_PLACE,
  ALPHA,
  GAUSSIAN,
  CONCRETE,
  CONNECT_WEIGHTS,
  CONNECT_INPUT,
  CALLS
} call_kind;
static const char *const call_names[CALLS] = {"forward",  "forward with bits", "forward_bytes",       "forward in place",
                                              "backward", "apply_bits",        "apply_bits in place", "alpha",
                                              "gaussian", "concrete",          "DropConnect's dw",    "DropConnect's dx"};

static guarded x_memory, y_memory, stored_memory, more_memory[2];
static simdrop_dtype body_dtype;

// Each array's side is chosen apart, so that one's end meets the other's beginning too.
static void call_once(const char *backend, call_kind kind, size_t n, double p, unsigned sides, uint64_t *random) {
  const simdrop_mask mask = {p, 1, 2, next_random(random) >> 1, 0};
  const size_t size = n * simdrop_dtype_size(body_dtype);
  const size_t decisions_size = kind == FORWARD_BYTES ? n : PACKED(n);
  const bool x_at_end = sides & 1, y_at_end = sides >> 1 & 1, decisions_at_end = sides >> 2 & 1;
  snprintf(current_case, sizeof current_case, "%s: %s of %s, n %zu, p %g, offset %#" PRIx64 ", guard %s x, %s y, %s decisions",
           backend, call_names[kind], dtype_name(body_dtype), n, p, mask.offset, x_at_end ? "after" : "before",
           y_at_end ? "after" : "before", decisions_at_end ? "after" : "before");
  uint8_t *const x = place(&x_memory, size, x_at_end), *const y = place(&y_memory, size, y_at_end);
  uint8_t *const decisions = place(&stored_memory, decisions_size, decisions_at_end);
  memset(x, 0x3c, size);
  simdrop_status status = SIMDROP_OK;
  const simdrop_mask uncertain = {0.3, 1, 2, mask.offset, 0};
  double gradient;
  switch (kind) {
    case FORWARD: status = simdrop_forward(&mask, body_dtype, n, x, y, NULL); break;
    case FORWARD_WITH_BITS: status = simdrop_forward(&mask, body_dtype, n, x, y, decisions); break;
    case FORWARD_BYTES: status = simdrop_forward_bytes(&mask, body_dtype, n, x, y, decisions); break;
    case FORWARD_IN_PLACE: status = simdrop_forward(&mask, body_dtype, n, x, x, decisions); break;
    case BACKWARD: status = simdrop_backward(&mask, body_dtype, n, x, y); break;
    case APPLY_BITS: status = simdrop_apply_bits(p, body_dtype, n, decisions, x, y); break;
    case APPLY_BITS_IN_PLACE: status = simdrop_apply_bits(p, body_dtype, n, decisions, x, x); break;
    case ALPHA: status = simdrop_alpha_forward(NULL, &mask, body_dtype, n, x, y); break;
    case GAUSSIAN: status = simdrop_gaussian_forward(NULL, &uncertain, body_dtype, n, x, y); break;
    case CONCRETE: status = simdrop_concrete_backward(NULL, &uncertain, 0.1, body_dtype, n, x, y, y, &gradient); break;
    case CONNECT_WEIGHTS:
      status = simdrop_dropconnect_backward(NULL, &mask, body_dtype, 1, n, NULL, n, x, x, y, y, NULL);
      break;
    case CONNECT_INPUT:
      status = simdrop_dropconnect_backward(NULL, &mask, body_dtype, 1, n, x, n, NULL, x, NULL, NULL, y);
      break;
    case CALLS: break;
  }
  assert_int_equal(status, SIMDROP_OK);
  check_rest(&x_memory, size, x_at_end, current_case);
  check_rest(&y_memory, size, y_at_end, current_case);
  check_rest(&stored_memory, decisions_size, decisions_at_end, current_case);
}

static void kernels_body(void) {
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 31;
    for (size_t n = 0; n != SIZE_MAX; n = next_length(n))
      for (int kind = 0; kind < CALLS; ++kind)
        for (unsigned sides = 0; sides < 8; ++sides) {
          if (n > 257 && sides != 0 && sides != 7) continue;
          if (kind >= ALPHA && (body_dtype > SIMDROP_BF16 || sides > 3 || n % 5 > 1)) continue;
          // p = 0 takes the copying kernels of stored masks, which have their own ends.
          const double p = sides % 2 ? 0.3 : some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
          call_once(backend, (call_kind)kind, n, p, sides, &random);
          if (kind == APPLY_BITS || kind == APPLY_BITS_IN_PLACE) call_once(backend, (call_kind)kind, n, 0, sides, &random);
        }
  }
}

static void kernels(void **state) {
  const simdrop_dtype dtype = *(const simdrop_dtype *)*state;
  const size_t size = MOST * simdrop_dtype_size(dtype);
  body_dtype = dtype;
  x_memory = make_guarded(size);
  y_memory = make_guarded(size);
  stored_memory = make_guarded(MOST);
  run_guarded(kernels_body);
}

// Non-temporal stores, at both ends.
static void large_body(void) {
  const simdrop_mask mask = {0.3, 1, 2, 5, 0};
  FOR_EACH_BACKEND(backend) {
    for (unsigned sides = 0; sides < 4; ++sides) {
      const size_t element = simdrop_dtype_size(body_dtype), size = (size_t)(x_memory.end - x_memory.begin) - 3 * element;
      snprintf(current_case, sizeof current_case, "%s: large %s, guard %s x, %s y", backend, dtype_name(body_dtype),
               sides & 1 ? "after" : "before", sides & 2 ? "after" : "before");
      const uint8_t *const x = sides & 1 ? x_memory.end - size : x_memory.begin;
      uint8_t *const y = place(&y_memory, size, sides & 2);
      assert_int_equal(simdrop_forward(&mask, body_dtype, size / element, x, y, NULL), SIMDROP_OK);
      check_rest(&y_memory, size, sides & 2, current_case);
      const size_t packed = PACKED(size / element);
      uint8_t *const bits = place(&stored_memory, packed, sides & 1);
      assert_int_equal(simdrop_apply_bits(mask.p, body_dtype, size / element, bits, x, y), SIMDROP_OK);
      check_rest(&y_memory, size, sides & 2, current_case);
      check_rest(&stored_memory, packed, sides & 1, current_case);
    }
  }
}

static void large_outputs(void **state) {
  (void)state;
  if (!full_effort()) {
    print_message("large_outputs skipped: SIMDROP_TEST_EFFORT=quick\n");
    skip();
  }
  const size_t size = ((size_t)32 << 20) + 8192;
  x_memory = make_guarded(size);
  y_memory = make_guarded(size);
  stored_memory = make_guarded(PACKED(size));
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    body_dtype = all_dtypes[d];
    run_guarded(large_body);
  }
}

// Far elements of f32 and f64, which producers may scale between their rounds, with both kinds of stores.
static void far_body(void) {
  const simdrop_mask mask = {0.1, 1, 2, 5, 0};
  static const char *const ways[] = {"cached", "pages-1"};
  FOR_EACH_BACKEND(backend) for (unsigned number = 0; number < 32; ++number) {
    const unsigned sides = number % 4;
    const simdrop_dtype dtype = number < 16 ? SIMDROP_F32 : SIMDROP_F64;
    const size_t element = simdrop_dtype_size(dtype), n = ((size_t)1 << 20) / element + 5 * (number % 16), size = n * element;
    snprintf(current_case, sizeof current_case, "%s: far %s, %s, guard %s x, %s y", backend, dtype_name(dtype),
             ways[number / 4 % 2], sides & 1 ? "after" : "before", sides & 2 ? "after" : "before");
    assert_int_equal(simdrop_memory_select(ways[number / 4 % 2]), SIMDROP_OK);
    uint8_t *const y = place(&y_memory, size, sides & 2);
    const uint8_t *const x = number % 16 >= 8 ? y : sides & 1 ? x_memory.end - size : x_memory.begin;
    assert_int_equal(simdrop_forward(&mask, dtype, n, x, y, NULL), SIMDROP_OK);
    check_rest(&y_memory, size, sides & 2, current_case);
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
}

static void far_outputs(void **state) {
  (void)state;
  const size_t size = ((size_t)1 << 20) + 8192;
  x_memory = make_guarded(size);
  y_memory = make_guarded(size);
  run_guarded(far_body);
}

// The chain of 3 rows: each array of its own, all at one side or the other, with and without gaps between rows.
static guarded residual_memory, bias_memory, sums_memory;

static void chain_once(const char *backend, simdrop_activation activation, size_t columns, unsigned sides, size_t gap) {
  enum {
    ROWS = 3
  };
  const size_t element = simdrop_dtype_size(body_dtype), stride = columns + gap;
  const bool of_rows = sides >> 1 & 1, before = sides & 1, after = !before;
  const size_t size = ((ROWS - 1) * stride + columns) * element, packed = PACKED(ROWS * columns);
  const size_t bias_count = of_rows ? ROWS : columns, sum = body_dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float);
  const simdrop_matrix matrix = {ROWS, columns, (ptrdiff_t)stride, (ptrdiff_t)stride, (ptrdiff_t)stride, columns + gap, 0};
  const simdrop_mask mask = {0.3, 1, 2, columns, 0};
  snprintf(current_case, sizeof current_case, "%s: chain of %s, activation %d, %zu columns, gap %zu, bias of %s, guards %s",
           backend, dtype_name(body_dtype), (int)activation, columns, gap, of_rows ? "rows" : "columns",
           before ? "before" : "after");
  uint8_t *const x = place(&x_memory, size, after), *const y = place(&y_memory, size, after);
  uint8_t *const residual = place(&residual_memory, size, after), *const bias =
                                                                      place(&bias_memory, bias_count * element, after);
  uint8_t *const bits = place(&stored_memory, packed, after), *const sums = place(&sums_memory, bias_count * sum, after);
  memset(x, 0x3c, size), memset(residual, 0x3c, size);
  const simdrop_chain chain = {activation, of_rows ? SIMDROP_BIAS_OF_ROWS : SIMDROP_BIAS_OF_COLUMNS, bias, residual, 0};
  assert_int_equal(simdrop_chain_forward(NULL, &mask, body_dtype, &matrix, &chain, x, y, sides >> 2 & 1 ? bits : NULL),
                   SIMDROP_OK);
  check_rest(&y_memory, size, after, current_case);
  check_rest(&stored_memory, packed, after, current_case);
  assert_int_equal(
      simdrop_chain_backward(NULL, &mask, body_dtype, &matrix, &chain, sides >> 2 & 1 ? bits : NULL, x, residual, y, sums),
      SIMDROP_OK);
  check_rest(&y_memory, size, after, current_case);
  check_rest(&sums_memory, bias_count * sum, after, current_case);
}

static void chains_body(void) {
  FOR_EACH_BACKEND(backend) {
    for (size_t n = 1; n != SIZE_MAX; n = next_length(n < 257 && !full_effort() ? n + 6 : n)) {
      for (unsigned sides = 0; sides < 8; ++sides) {
        const simdrop_activation activation = (simdrop_activation)((n + sides) % (body_dtype == SIMDROP_F64 ? 2 : 5));
        chain_once(backend, activation, n, sides, n % 3 == 0 ? 0 : n % 5);
      }
    }
  }
}

static void chains(void **state) {
  (void)state;
  x_memory = make_guarded((size_t)3 * 8 * (MOST + 5)), y_memory = make_guarded((size_t)3 * 8 * (MOST + 5));
  residual_memory = make_guarded((size_t)3 * 8 * (MOST + 5)), bias_memory = make_guarded((size_t)8 * MOST);
  sums_memory = make_guarded((size_t)8 * MOST), stored_memory = make_guarded((size_t)MOST);
  for (size_t d = SIMDROP_F32; d <= SIMDROP_BF16; ++d) {
    body_dtype = (simdrop_dtype)d;
    run_guarded(chains_body);
  }
}

// Every inner loop of layouts. The elements of x and y reach from the first byte of their arrays to the last.
typedef struct guarded_layout {
  const char *name;
  size_t inner;  // the extent of the innermost axis goes from 1 to this
  simdrop_layout (*make)(size_t n);
} guarded_layout;

static simdrop_layout channels_first(size_t n) {
  return (simdrop_layout){2, {5, n}, {(ptrdiff_t)n, 1}, {(ptrdiff_t)n, 1}, {1, 0}, 0};
}

static simdrop_layout channels_last(size_t n) {
  const ptrdiff_t row = (ptrdiff_t)n;
  return (simdrop_layout){3, {2, 9, n}, {9 * row, row, 1}, {9 * row, row, 1}, {n, 0, 1}, 0};
}

static simdrop_layout tile(size_t n) { return (simdrop_layout){2, {7, n}, {(ptrdiff_t)n, 1}, {(ptrdiff_t)n, 1}, {4099, 1}, 0}; }

static simdrop_layout rows_apart(size_t n) {
  return (simdrop_layout){2, {3, n}, {(ptrdiff_t)n + 3, 1}, {(ptrdiff_t)n + 1, 1}, {n, 1}, 0};
}

static simdrop_layout scattered(size_t n) {
  return (simdrop_layout){2, {5, n}, {(ptrdiff_t)n, 1}, {(ptrdiff_t)n, 1}, {1, 77}, 0};
}

static simdrop_layout every_second(size_t n) {
  return (simdrop_layout){2, {3, n}, {2 * (ptrdiff_t)n, 2}, {3 * (ptrdiff_t)n, 3}, {n, 1}, 0};
}

static simdrop_layout shared_apart(size_t n) {
  return (simdrop_layout){2, {3, n}, {(ptrdiff_t)n + 3, 1}, {2 * (ptrdiff_t)n, 2}, {1, 0}, 0};
}

static const guarded_layout guarded_layouts[] = {
    {"channels first", 700, channels_first}, {"channels last", 300, channels_last}, {"tile", 300, tile},
    {"rows apart", 300, rows_apart},         {"scattered", 150, scattered},         {"every second", 150, every_second},
    {"shared, apart", 300, shared_apart},
};

static size_t span_of(const simdrop_layout *layout, const ptrdiff_t *strides) {
  size_t span = 1;
  for (int a = 0; a < layout->rank; ++a) span += (layout->dims[a] - 1) * (size_t)strides[a];
  return span;
}

static void layouts_body(void) {
  const size_t size = simdrop_dtype_size(body_dtype);
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 32;
    for (size_t i = 0; i < LENGTH(guarded_layouts); ++i)
      for (size_t n = 1; n <= guarded_layouts[i].inner; n += full_effort() && n < 140 ? 1 : 11)
        for (unsigned sides = 0; sides < 4; ++sides) {
          const simdrop_layout layout = guarded_layouts[i].make(n);
          static const double probabilities[] = {0.3, 0.5, 0, 1, 1e-12};
          const double p = probabilities[n % 8 < 4 ? n % 2 : next_random(&random) % LENGTH(probabilities)];
          const simdrop_mask mask = {p, 1, 2, next_random(&random) >> 1, 0};
          snprintf(current_case, sizeof current_case, "%s: %s of %s, n %zu, p %g, guard %s x, %s y", backend,
                   guarded_layouts[i].name, dtype_name(body_dtype), n, p, sides & 1 ? "after" : "before",
                   sides & 2 ? "after" : "before");
          const size_t x_size = span_of(&layout, layout.x_strides) * size, y_size = span_of(&layout, layout.y_strides) * size;
          size_t count = 1;
          for (int a = 0; a < layout.rank; ++a) count *= layout.dims[a];
          uint8_t *const x = place(&x_memory, x_size, sides & 1), *const y = place(&y_memory, y_size, sides & 2);
          memset(x, 0x3c, x_size);
          assert_int_equal(simdrop_forward_layout(&mask, body_dtype, &layout, x, y), SIMDROP_OK);
          check_rest(&x_memory, x_size, sides & 1, current_case);
          check_rest(&y_memory, y_size, sides & 2, current_case);
          uint8_t *const bytes = place(&stored_memory, count, sides & 1);
          assert_int_equal(simdrop_mask_layout_bytes(&mask, &layout, bytes), SIMDROP_OK);
          check_rest(&stored_memory, count, sides & 1, current_case);
          assert_int_equal(simdrop_forward_layout_bytes(&mask, body_dtype, &layout, x, y, bytes), SIMDROP_OK);
          check_rest(&y_memory, y_size, sides & 2, current_case);
          check_rest(&stored_memory, count, sides & 1, current_case);
          uint8_t *const bits = place(&stored_memory, PACKED(count), sides & 1);
          assert_int_equal(simdrop_forward_layout_bits(&mask, body_dtype, &layout, x, y, bits), SIMDROP_OK);
          check_rest(&stored_memory, PACKED(count), sides & 1, current_case);
          assert_int_equal(simdrop_mask_layout_bits(&mask, &layout, bits), SIMDROP_OK);
          check_rest(&stored_memory, PACKED(count), sides & 1, current_case);
          assert_int_equal(simdrop_apply_bits_layout(p, body_dtype, &layout, bits, x, y), SIMDROP_OK);
          check_rest(&y_memory, y_size, sides & 2, current_case);
        }
  }
}

static void layouts(void **state) {
  (void)state;
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    body_dtype = all_dtypes[d];
    x_memory = make_guarded(65536);
    y_memory = make_guarded(65536);
    stored_memory = make_guarded(16384);
    run_guarded(layouts_body);
  }
}

// The tile's rows lie apart by more than they are long, and the last ends where the memory does.
static void tiles_body(void) {
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 34;
    for (size_t columns = 1; columns < 300; columns += full_effort() && columns < 140 ? 1 : 11)
      for (size_t d = 0; d < 2 * LENGTH(all_dtypes); ++d) {
        const simdrop_dtype dtype = all_dtypes[d / 2];
        const size_t size = simdrop_dtype_size(dtype), rows = 1 + next_random(&random) % 5;
        const size_t stride = columns + next_random(&random) % 3, bytes = ((rows - 1) * stride + columns) * size;
        const simdrop_mask mask = {d % 7 == 0 ? 1 : 0.3, 1, 2, next_random(&random) >> 1, 0};
        snprintf(current_case, sizeof current_case, "%s: tile of %s, %zu x %zu, stride %zu", backend, dtype_name(dtype), rows,
                 columns, stride);
        uint8_t *const x = place(&x_memory, bytes, d % 2);
        simdrop_tile tile;
        assert_int_equal(simdrop_tile_init(&mask, dtype, d % 3 == 0 ? columns : 777, &tile), SIMDROP_OK);
        if (d % 5 == 0) {
          const size_t row_bytes = (columns + 7) / 8;
          uint8_t *const bits = place(&stored_memory, rows * row_bytes, d % 2);
          assert_int_equal(simdrop_tile_bits(&tile, 3, 5, rows, columns, bits, row_bytes), SIMDROP_OK);
          check_rest(&stored_memory, rows * row_bytes, d % 2, current_case);
          assert_int_equal(simdrop_tile_apply_bits(&tile, rows, columns, bits, row_bytes, x, (ptrdiff_t)stride), SIMDROP_OK);
        } else {
          assert_int_equal(simdrop_tile_apply(&tile, 3, 5, rows, columns, x, (ptrdiff_t)stride), SIMDROP_OK);
        }
        check_rest(&x_memory, bytes, d % 2, current_case);
        for (size_t r = 0; r + 1 < rows; ++r)
          check_filled(x + (r * stride + columns) * size, (stride - columns) * size, CANARY, "%s: between rows", current_case);
      }
  }
}

static void tiles(void **state) {
  (void)state;
  x_memory = make_guarded(65536);
  stored_memory = make_guarded(16384);
  run_guarded(tiles_body);
}

// What is written ends where the memory does; what is read, where the causal limit of the last row is.
static void softmax_once(const char *backend, simdrop_dtype dtype, size_t rows, size_t columns, unsigned sides,
                         uint64_t *random) {
  const size_t size = simdrop_dtype_size(dtype), limit = 1 + next_random(random) % columns;
  const size_t whole = rows * columns * size, read = (rows - 1) * columns + limit;
  const simdrop_mask mask = {0.3, 1, 2, next_random(random) >> 1, 0};
  simdrop_matrix matrix = simdrop_matrix_dense(rows, columns);
  if (sides & 1) matrix.index_stride += 3;
  simdrop_softmax softmax = simdrop_softmax_plain(1, columns);
  softmax.causal = 1;
  softmax.diagonal = (ptrdiff_t)limit - (ptrdiff_t)rows;
  const bool at_end = sides & 1, with_masks = sides & 2;
  snprintf(current_case, sizeof current_case, "%s: softmax of %s, %zu x %zu, limit %zu, guard %s", backend, dtype_name(dtype),
           rows, columns, limit, at_end ? "after" : "before");
  uint8_t *const x = place(&x_memory, read * size, at_end), *const y = place(&y_memory, whole, at_end);
  uint8_t *const p = place(&stored_memory, whole, at_end), *const allowed = place(&more_memory[0], read, at_end);
  uint8_t *const additive = place(&more_memory[1], read * size, at_end);
  double statistics[2 * 8];
  memset(x, 0x3c, read * size);
  memset(additive, 0x3c, read * size);
  if (with_masks) {
    softmax.allowed = allowed;
    softmax.allowed_stride = (ptrdiff_t)columns;
    softmax.additive = additive;
    softmax.additive_type = dtype;
    softmax.additive_stride = (ptrdiff_t)columns;
  }
  const simdrop_status status = simdrop_softmax_forward(NULL, &mask, dtype, &matrix, &softmax, x, y, p, statistics);
  if (status == SIMDROP_ERROR_NOT_BUILT) return;
  assert_int_equal(status, SIMDROP_OK);
  check_rest(&y_memory, whole, at_end, current_case);
  check_rest(&stored_memory, whole, at_end, current_case);
  // The probabilities of the last row that are read, for which those before must be there too.
  uint8_t *const dy = additive, *const short_p = place(&more_memory[0], read * size, at_end);
  memcpy(short_p, p, read * size);
  assert_int_equal(simdrop_softmax_backward(NULL, &mask, dtype, &matrix, &softmax, short_p, NULL, NULL, dy, y), SIMDROP_OK);
  check_rest(&y_memory, whole, at_end, current_case);
  softmax.allowed = NULL;
  softmax.additive = NULL;
  assert_int_equal(simdrop_softmax_backward(NULL, &mask, dtype, &matrix, &softmax, NULL, x, statistics, dy, y), SIMDROP_OK);
  check_rest(&y_memory, whole, at_end, current_case);
}

static void softmax_body(void) {
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 35;
    for (size_t columns = 1; columns < 5000; columns += columns < 140 ? (full_effort() ? 1 : 13) : 1619)
      for (unsigned sides = 0; sides < 4; ++sides) {
        softmax_once(backend, SIMDROP_F32, 1 + next_random(&random) % 5, columns, sides, &random);
        softmax_once(backend, SIMDROP_F16, 1 + next_random(&random) % 5, columns, sides, &random);
        softmax_once(backend, SIMDROP_BF16, 1, columns, sides, &random);
        softmax_once(backend, SIMDROP_F64, 1 + next_random(&random) % 2, columns, sides, &random);
      }
  }
}

static void softmax(void **state) {
  (void)state;
  guarded *const all[] = {&x_memory, &y_memory, &stored_memory, &more_memory[0], &more_memory[1]};
  for (size_t i = 0; i < LENGTH(all); ++i) *all[i] = make_guarded(5 * 5000 * sizeof(double));
  run_guarded(softmax_body);
}

int main(int argc, char **argv) {
#define DTYPE(argument, name, NAME, element, bits, converts) SIMDROP_##NAME,
  simdrop_dtype dtypes[] = {SIMDROP_ELEMENT_TYPES(DTYPE, )};  // what cmocka hands to a test is not const
#undef DTYPE
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(guards_are_seen),
      cmocka_unit_test(masks),
      cmocka_unit_test(stored_bits),
#define KERNELS(argument, name, NAME, element, bits, converts) {"kernels_" #name, kernels, NULL, NULL, &dtypes[SIMDROP_##NAME]},
      SIMDROP_ELEMENT_TYPES(KERNELS, )
#undef KERNELS
          cmocka_unit_test(far_outputs),
      cmocka_unit_test(large_outputs),
      cmocka_unit_test(chains),
      cmocka_unit_test(layouts),
      cmocka_unit_test(tiles),
      cmocka_unit_test(softmax),
  };
  return RUN_TESTS(argc, argv, tests);
}
