// Dropout of one tensor that several machines share: every rank drops its own part, no rank asks another, and together they
// have exactly what one machine would have had.
//
//     mpirun -n 4 sharded_mpi rows|columns|tiles
//
// The tensor has HEADS matrices of ROWS x COLUMNS elements. Rank 0 gathers the parts at the end, only to compare them with the
// whole; docs/sharding.md tells how this is used.
#include <mpi.h>
#include <simdrop/simdrop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Odd extents: most rows begin in the middle of a block of the mask, and hardly any number of ranks divides them.
enum {
  HEADS = 3,
  ROWS = 1001,
  COLUMNS = 777
};

// The part of every matrix that a rank owns: rows and columns begin .. end - 1.
typedef struct shard {
  uint64_t row_begin, row_end, column_begin, column_end;
} shard;

// All ranks give the same mask. What differs is the place of their part, which simdrop_layout_tile adds to it.
static const simdrop_mask whole_mask = {.p = 0.1, .seed = 2024, .stream = 5, .offset = 0};

_Noreturn static void give_up(const char *reason) {
  fprintf(stderr, "sharded_mpi: %s\n", reason);
  MPI_Abort(MPI_COMM_WORLD, 2);
  exit(2);
}

static void check(simdrop_status status) {
  if (status != SIMDROP_OK) give_up(simdrop_status_string(status));
}

static float *allocate(size_t count) {
  float *const array = malloc((count > 0 ? count : 1) * sizeof *array);
  if (array == NULL) give_up("there is no memory left");
  return array;
}

// Where part number `part` of `parts` begins.
static uint64_t cut(uint64_t extent, int parts, int part) { return extent * (uint64_t)part / (uint64_t)parts; }

static shard shard_of(int rank, const int grid[2]) {
  const int row = rank / grid[1], column = rank % grid[1];
  return (shard){cut(ROWS, grid[0], row), cut(ROWS, grid[0], row + 1), cut(COLUMNS, grid[1], column),
                 cut(COLUMNS, grid[1], column + 1)};
}

static size_t row_count(const shard *s) { return (size_t)(s->row_end - s->row_begin); }
static size_t column_count(const shard *s) { return (size_t)(s->column_end - s->column_begin); }
static size_t element_count(const shard *s) { return HEADS * row_count(s) * column_count(s); }

// Some value for every element of the whole tensor; `which` tells activations from gradients.
static float value_at(uint64_t index, int which) {
  return (float)((index * 2654435761u + (uint64_t)which * 40503u) % 20011) / 10005.0f - 1.0f;
}

static float *make_values(const shard *s, int which) {
  float *const values = allocate(element_count(s));
  size_t k = 0;
  for (uint64_t head = 0; head < HEADS; ++head)
    for (uint64_t r = s->row_begin; r < s->row_end; ++r)
      for (uint64_t c = s->column_begin; c < s->column_end; ++c) values[k++] = value_at((head * ROWS + r) * COLUMNS + c, which);
  return values;
}

// This is all that a rank does: its part of the layout, its part of the mask, and two calls.
static void drop_shard(const shard *s, float *activations, float *gradients) {
  const size_t heads = HEADS;
  simdrop_layout layout;
  uint64_t first_index;
  check(simdrop_layout_tile(1, &heads, ROWS, COLUMNS, s->row_begin, s->row_end, s->column_begin, s->column_end, &layout,
                            &first_index));
  simdrop_mask mask = whole_mask;
  mask.offset += first_index;
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, activations, activations));
  check(simdrop_backward_layout(&mask, SIMDROP_F32, &layout, gradients, gradients));
}

// Puts a rank's part into the whole tensor.
static void place(const shard *s, const float *part, float *whole) {
  for (size_t head = 0; head < HEADS; ++head)
    for (uint64_t r = s->row_begin; r < s->row_end; ++r) {
      memcpy(whole + (head * ROWS + r) * COLUMNS + s->column_begin, part, column_count(s) * sizeof *part);
      part += column_count(s);
    }
}

// On rank 0: the whole tensor, put together from all parts.
static float *gather(int rank, int ranks, const int grid[2], const float *part) {
  const shard mine = shard_of(rank, grid);
  if (rank != 0) {
    MPI_Send(part, (int)element_count(&mine), MPI_FLOAT, 0, 0, MPI_COMM_WORLD);
    return NULL;
  }
  float *const whole = allocate(HEADS * ROWS * COLUMNS);
  place(&mine, part, whole);
  for (int other = 1; other < ranks; ++other) {
    const shard theirs = shard_of(other, grid);
    float *const received = allocate(element_count(&theirs));
    MPI_Recv(received, (int)element_count(&theirs), MPI_FLOAT, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    place(&theirs, received, whole);
    free(received);
  }
  return whole;
}

// Whether the gathered tensor has the bits of the one that nobody cut.
static int is_unsharded(const char *what, const float *gathered, const float *expected) {
  const size_t n = (size_t)HEADS * ROWS * COLUMNS;
  for (size_t k = 0; k < n; ++k) {
    if (memcmp(&gathered[k], &expected[k], sizeof *gathered) == 0) continue;
    printf("%s: element %zu is %g, and %g without shards\n", what, k, (double)gathered[k], (double)expected[k]);
    return 0;
  }
  return 1;
}

static int compare_with_whole(const float *activations, const float *gradients) {
  const shard whole = {0, ROWS, 0, COLUMNS};
  float *const y = make_values(&whole, 0), *const dx = make_values(&whole, 1);
  check(simdrop_forward(&whole_mask, SIMDROP_F32, element_count(&whole), y, y, NULL));
  check(simdrop_backward(&whole_mask, SIMDROP_F32, element_count(&whole), dx, dx));
  const int same = is_unsharded("forward", activations, y) & is_unsharded("backward", gradients, dx);
  free(y);
  free(dx);
  return same;
}

// How many ranks share the rows, and how many the columns.
static int choose_grid(const char *name, int ranks, int grid[2]) {
  grid[0] = grid[1] = 1;
  if (strcmp(name, "rows") == 0) {
    grid[0] = ranks;
  } else if (strcmp(name, "columns") == 0) {
    grid[1] = ranks;
  } else if (strcmp(name, "tiles") == 0) {
    grid[0] = grid[1] = 0;  // MPI's choice
    MPI_Dims_create(ranks, 2, grid);
  } else {
    return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int rank, ranks, grid[2];
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (argc != 2 || !choose_grid(argv[1], ranks, grid)) {
    if (rank == 0) fprintf(stderr, "usage: mpirun -n RANKS %s rows|columns|tiles\n", argv[0]);
    MPI_Finalize();
    return 2;
  }

  const shard mine = shard_of(rank, grid);
  float *const activations = make_values(&mine, 0), *const gradients = make_values(&mine, 1);
  drop_shard(&mine, activations, gradients);

  float *const y = gather(rank, ranks, grid, activations), *const dx = gather(rank, ranks, grid, gradients);
  int same = rank != 0 || compare_with_whole(y, dx);
  if (rank == 0)
    printf("%s on %d rank%s (%d x %d): %s\n", argv[1], ranks, ranks == 1 ? "" : "s", grid[0], grid[1],
           same ? "the bits of the whole tensor, forward and backward" : "not the bits of the whole tensor");
  MPI_Bcast(&same, 1, MPI_INT, 0, MPI_COMM_WORLD);
  free(activations);
  free(gradients);
  free(y);
  free(dx);
  MPI_Finalize();
  return same ? 0 : 1;
}
