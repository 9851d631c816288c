// The kernels' calls, made from the list.
#include "bench/kernels.h"

#include <string.h>

#include "bench/baseline.h"
#include "bench/fused.h"

// Does a part of the work: elements begin .. end - 1. begin is a multiple of 4096.
typedef void range_run(const bench_case *c, size_t begin, size_t end);

typedef struct cut_run {
  const bench_case *c;
  range_run *run;
} cut_run;

static void run_piece(void *context, size_t piece) {
  const cut_run *const cut = context;
  size_t begin, end;
  simdrop_cut(cut->c->n, cut->c->pieces, piece, &begin, &end);
  cut->run(cut->c, begin, end);
}

static void run_pieces(const bench_case *c, range_run *run) {
  cut_run cut = {c, run};
  c->executor->parallel_for(c->executor->context, c->pieces, run_piece, &cut);
}

static void run_range(const bench_case *c, range_run *run, uint64_t repetitions) {
  for (uint64_t i = 0; i < repetitions; ++i) {
    if (c->pieces > 1) {
      run_pieces(c, run);
    } else {
      run(c, 0, c->n);
    }
    BENCH_BARRIER();
  }
}

static void run_baseline(const bench_case *c, size_t begin, size_t end) {
  const double *const x = c->x;
  double *const y = c->y;
  if (c->dtype == SIMDROP_F64) {
    baseline_dropout_f64(c->mask.seed, c->mask.stream, begin, c->threshold, c->scale, end - begin, x + begin, y + begin);
  } else {
    baseline_dropout_f32(c->mask.seed, c->mask.stream, begin, c->threshold, c->scale, end - begin, (const float *)c->x + begin,
                         (float *)c->y + begin);
  }
}

static void run_baseline_pieces(const bench_case *c) { run_range(c, run_baseline, 1); }

#define DEFINE_RUN(identifier, name, group, draws, moves, bit_arrays, byte_arrays, call, parallel_call) \
  static void run_##identifier(const bench_case *c, uint64_t repetitions) {                             \
    for (uint64_t i = 0; i < repetitions; ++i) {                                                        \
      call;                                                                                             \
      BENCH_BARRIER();                                                                                  \
    }                                                                                                   \
  }                                                                                                     \
  static void run_parallel_##identifier(const bench_case *c, uint64_t repetitions) {                    \
    for (uint64_t i = 0; i < repetitions; ++i) {                                                        \
      parallel_call;                                                                                    \
      BENCH_BARRIER();                                                                                  \
    }                                                                                                   \
  }
BENCH_KERNELS(DEFINE_RUN)

#define DEFINE_FUSED_RUN(identifier, name, draws, moves, columns)                    \
  static void run_##identifier(const bench_case *c, uint64_t repetitions) {          \
    for (uint64_t i = 0; i < repetitions; ++i) {                                     \
      bench_##identifier(c, NULL);                                                   \
      BENCH_BARRIER();                                                               \
    }                                                                                \
  }                                                                                  \
  static void run_parallel_##identifier(const bench_case *c, uint64_t repetitions) { \
    for (uint64_t i = 0; i < repetitions; ++i) {                                     \
      bench_##identifier(c, c->executor);                                            \
      BENCH_BARRIER();                                                               \
    }                                                                                \
  }
BENCH_FUSED_KERNELS(DEFINE_FUSED_RUN)

#define TABLE_ROW(identifier, name, group, draws, moves, bit_arrays, byte_arrays, call, parallel_call) \
  {name, group, draws, moves, bit_arrays, byte_arrays, 0, run_##identifier, run_parallel_##identifier, NULL},
// The bits of DropBlock are written, and read again.
#define FUSED_TABLE_ROW(identifier, name, draws, moves, columns) \
  {name,                                                         \
   BENCH_FUSED,                                                  \
   draws,                                                        \
   moves,                                                        \
   draws == BENCH_DRAWS_BLOCKS ? 2 : 0,                          \
   0,                                                            \
   columns,                                                      \
   run_##identifier,                                             \
   run_parallel_##identifier,                                    \
   bench_##identifier},
const bench_kernel bench_kernels[] = {BENCH_KERNELS(TABLE_ROW) BENCH_FUSED_KERNELS(FUSED_TABLE_ROW)};
const int bench_kernel_count = sizeof bench_kernels / sizeof bench_kernels[0];

#define NAME_ONLY(identifier, name, group, draws, moves, bit_arrays, byte_arrays, call, parallel_call) name,
#define FUSED_NAME_ONLY(identifier, name, draws, moves, columns) name,
const char *const bench_kernel_names[] = {BENCH_KERNELS(NAME_ONLY) BENCH_FUSED_KERNELS(FUSED_NAME_ONLY) NULL};

static size_t packed_size(size_t n) { return n / 8 + (n % 8 != 0); }

size_t bench_number_size(simdrop_dtype dtype) { return dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float); }

bench_moves bench_compared_moves(const bench_kernel *kernel) {
  switch (kernel->moves) {
    case BENCH_MOVES_NONE:
    case BENCH_READS: return BENCH_COPIES;
    case BENCH_UPDATES: return BENCH_REWRITES;
    default: return kernel->moves;
  }
}

static int element_arrays(const bench_kernel *kernel) {
  static const int arrays[] = {[BENCH_MOVES_NONE] = 0, [BENCH_COPIES] = 2, [BENCH_REWRITES] = 2,
                               [BENCH_ADDS] = 3,       [BENCH_READS] = 1,  [BENCH_UPDATES] = 1};
  return arrays[kernel->moves];
}

double bench_bytes(const bench_kernel *kernel, const bench_case *c) {
  const int number_arrays = kernel->moves == BENCH_UPDATES ? 4 : 0;  // two, read and written
  return element_arrays(kernel) * (double)c->n * (double)c->element_size +
         number_arrays * (double)c->n * (double)bench_number_size(c->dtype) +
         (double)kernel->bit_arrays * (double)packed_size(c->n) + (double)kernel->byte_arrays * (double)c->n;
}

static void set_rows(size_t columns, bench_case *c) {
  const size_t in_a_row = c->n < columns ? c->n : columns;
  c->n = c->n / in_a_row * in_a_row;
  c->matrix = simdrop_matrix_dense(c->n / in_a_row, in_a_row);
}

void bench_set_outputs(const bench_kernel *kernel, bench_case *c) {
  const bool has_tensor = kernel->moves != BENCH_MOVES_NONE;
  if (kernel->columns > 0) set_rows(kernel->columns, c);
  c->writes_bits = kernel->draws != BENCH_DRAWS_NOTHING && has_tensor && kernel->bit_arrays > 0;
  c->copy_bits = has_tensor ? 8 * c->element_size : kernel->bit_arrays > 0 ? 1 : 8;
  c->copy_bytes = c->copy_bits == 1 ? packed_size(c->n) : c->copy_bits / 8 * c->n;
}

// Tried on one element.
const char *bench_missing(const bench_kernel *kernel, const bench_case *c) {
  double x = 0, other = 0, y = 0, statistics[2] = {1, 1}, sums[2] = {0, 0};
  uint8_t bits = 0;
  bench_case one = *c;
  if (kernel->call == NULL) return NULL;
  one.n = 1;
  one.x = &x;
  one.other = &other;
  one.y = &y;
  one.bits = &bits;
  one.statistics = statistics;
  one.sums = sums;
  bench_set_outputs(kernel, &one);
  const simdrop_status status = kernel->call(&one, NULL);
  switch (status) {
    case SIMDROP_OK: return NULL;
    case SIMDROP_ERROR_DTYPE: return "there is none for this type";
    case SIMDROP_ERROR_PROBABILITY: return "there is none for this p";
    default: return simdrop_status_string(status);
  }
}

// Where an element's bytes begin in what is copied; n stands for the end.
static size_t copy_offset(const bench_case *c, size_t element) {
  return element == c->n ? c->copy_bytes : element / 8 * c->copy_bits;
}

static void copy_range(const bench_case *c, size_t begin, size_t end) {
  const size_t first = copy_offset(c, begin);
  memcpy((char *)c->y + first, (const char *)c->x + first, copy_offset(c, end) - first);
}

// One thread's is spelled out, so that the shortest calls are timed without any bookkeeping.
void bench_copy(const bench_case *c, uint64_t repetitions) {
  if (c->pieces > 1) {
    run_range(c, copy_range, repetitions);
    return;
  }
  for (uint64_t i = 0; i < repetitions; ++i) {
    memcpy(c->y, c->x, c->copy_bytes);
    BENCH_BARRIER();
  }
}

static void copy_range_quickest(const bench_case *c, size_t begin, size_t end) {
  const size_t first = copy_offset(c, begin);
  bench_move_bytes(c->way, (const char *)c->x + first, (char *)c->y + first, copy_offset(c, end) - first);
}

void bench_copy_quickest(const bench_case *c, uint64_t repetitions) { run_range(c, copy_range_quickest, repetitions); }

static void rewrite_range_quickest(const bench_case *c, size_t begin, size_t end) {
  char *const y = (char *)c->y + copy_offset(c, begin);
  bench_move_bytes(c->way, y, y, copy_offset(c, end) - copy_offset(c, begin));
}

void bench_rewrite_quickest(const bench_case *c, uint64_t repetitions) { run_range(c, rewrite_range_quickest, repetitions); }

static void add_range_quickest(const bench_case *c, size_t begin, size_t end) {
  const size_t first = copy_offset(c, begin);
  bench_add_bytes(c->way, (const char *)c->x + first, (const char *)c->other + first, (char *)c->y + first,
                  copy_offset(c, end) - first);
}

void bench_add_quickest(const bench_case *c, uint64_t repetitions) { run_range(c, add_range_quickest, repetitions); }

void bench_dropout(const bench_case *c, uint64_t repetitions) {
  (c->pieces > 1 ? run_parallel_forward : run_forward)(c, repetitions);
}

void bench_dropout_in_place(const bench_case *c, uint64_t repetitions) {
  (c->pieces > 1 ? run_parallel_forward_in_place : run_forward_in_place)(c, repetitions);
}

static void scale_from(const void *x, const bench_case *c, size_t begin, size_t end) {
  if (c->dtype == SIMDROP_F64) {
    baseline_scale_f64(c->scale, end - begin, (const double *)x + begin, (double *)c->y + begin);
  } else {
    const size_t first = begin * c->element_size / sizeof(float), last = end * c->element_size / sizeof(float);
    baseline_scale_f32(c->scale, last - first, (const float *)x + first, (float *)c->y + first);
  }
}

static void scale_range(const bench_case *c, size_t begin, size_t end) { scale_from(c->x, c, begin, end); }
static void scale_range_in_place(const bench_case *c, size_t begin, size_t end) { scale_from(c->y, c, begin, end); }

void bench_scale(const bench_case *c, uint64_t repetitions) { run_range(c, scale_range, repetitions); }
void bench_scale_in_place(const bench_case *c, uint64_t repetitions) { run_range(c, scale_range_in_place, repetitions); }
