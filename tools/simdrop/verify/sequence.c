// The counts are of words, not of bits: shifted copies and popcounts, so that a pass over 2^24 bits takes milliseconds.
//
// Lags and coincidences are counted on the indicator of the rarer state (dropped for p <= 1/2): the covariance is the same for
// both states, and the other counts want the rarer one. Bits before the beginning are 0, which adds nothing to any count.
#include "verify/sequence.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/popcount.h"
#include "shared/report.h"

const uint32_t sequence_lags[LAG_COUNT] = {1,   2,    3,    4,    5,    6,     7,     8,     9,      12,    15,  16,
                                           17,  31,   32,   33,   63,   64,    65,    96,    127,    128,   129, 256,
                                           512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144};
const uint16_t dispersion_lengths[2] = {128, 1024};

#define CHUNK_WORDS ((size_t)1 << 14)
#define HISTORY_WORDS (LAG_MAX / 64)
#define GRAIN_WORDS (SEQUENCE_GRAIN / 64)

// Which elements come second in a disjoint pair of each lag: those with (index mod 2L) >= L, as words that repeat.
#define PATTERN_WORDS_MAX 17600
static uint64_t pattern_words[PATTERN_WORDS_MAX];
static const uint64_t *lag_patterns[LAG_COUNT];
static size_t lag_pattern_periods[LAG_COUNT];
static pthread_once_t patterns_once = PTHREAD_ONCE_INIT;

static void make_patterns(void) {
  size_t used = 0;
  for (int l = 0; l < LAG_COUNT; ++l) {
    const size_t lag = sequence_lags[l];
    size_t period = 1;  // in words: the least multiple of 2L bits
    while (period * 64 % (2 * lag) != 0) ++period;
    lag_patterns[l] = pattern_words + used;
    lag_pattern_periods[l] = period;
    for (size_t bit = 0; bit < 64 * period; ++bit)
      if (bit % (2 * lag) >= lag) pattern_words[used + bit / 64] |= UINT64_C(1) << bit % 64;
    used += period;
  }
}

typedef struct sequence_state {
  sequence_counts *counts;
  uint64_t flip;                   // turns kept into the rarer state
  bool count_all, count_disjoint;  // pairs of a lag
  uint64_t previous_bit;
  uint64_t place_sums[POSITIONS / 8];  // partial sums of 8 bits each; bytes k of word i: place 64 * (i / 8) + 8 * k + i % 8
  unsigned place_rows;                 // in these partial sums
  window_set windows;
  uint64_t words[CHUNK_WORDS];                 // as drawn
  uint64_t rare[HISTORY_WORDS + CHUNK_WORDS];  // the rarer state, after those before
  uint64_t lanes[COINCIDENCE_LANES][CHUNK_WORDS / COINCIDENCE_LANES];
} sequence_state;

static uint64_t count_words(const uint64_t *words, size_t count) {
  uint64_t ones = 0;
  for (size_t i = 0; i < count; i += COUNT_GRAIN) {
    uint64_t bytes = 0;
    for (size_t k = 0; k < COUNT_GRAIN; ++k) bytes += count_bytes_of_word(words[i + k]);
    ones += sum_of_bytes(bytes);
  }
  return ones;
}

static uint64_t count_both(const uint64_t *a, const uint64_t *b, size_t count) {
  uint64_t ones = 0;
  for (size_t i = 0; i < count; i += COUNT_GRAIN) {
    uint64_t bytes = 0;
    for (size_t k = 0; k < COUNT_GRAIN; ++k) bytes += count_bytes_of_word(a[i + k] & b[i + k]);
    ones += sum_of_bytes(bytes);
  }
  return ones;
}

// Bits that are 1, and 1 as well `lag` bits before.
static uint64_t count_lagged(const uint64_t *words, size_t count, size_t lag) {
  const uint64_t *const before = words - lag / 64;
  const unsigned shift = lag % 64;
  if (shift == 0) return count_both(words, before, count);
  uint64_t ones = 0;
  for (size_t i = 0; i < count; i += COUNT_GRAIN) {
    uint64_t bytes = 0;
    for (size_t k = i; k < i + COUNT_GRAIN; ++k)
      bytes += count_bytes_of_word(words[k] & (before[k] << shift | before[(ptrdiff_t)k - 1] >> (64 - shift)));
    ones += sum_of_bytes(bytes);
  }
  return ones;
}

// The same for the second elements of disjoint pairs alone.
static uint64_t count_disjoint(const uint64_t *words, size_t count, int lag_index, uint64_t first_word) {
  const size_t lag = sequence_lags[lag_index], period = lag_pattern_periods[lag_index];
  const uint64_t *const before = words - lag / 64, *const pattern = lag_patterns[lag_index];
  const unsigned shift = lag % 64;
  uint64_t ones = 0;
  size_t at = (size_t)(first_word % period);
  for (size_t k = 0; k < count; ++k) {
    const uint64_t shifted = shift == 0 ? before[k] : before[k] << shift | before[(ptrdiff_t)k - 1] >> (64 - shift);
    ones += count_word(words[k] & shifted & pattern[at]);
    if (++at == period) at = 0;
  }
  return ones;
}

static void count_lags(sequence_state *state, size_t count) {
  sequence_counts *const counts = state->counts;
  const uint64_t *const rare = state->rare + HISTORY_WORDS;
  const uint64_t first_word = counts->counted / 64;
  for (int l = 0; l < LAG_COUNT; ++l) {
    if (state->count_all) counts->lag_both[l] += count_lagged(rare, count, sequence_lags[l]);
    if (state->count_disjoint) counts->lag_disjoint[l] += count_disjoint(rare, count, l, first_word);
    for (size_t k = 0; k < count && (first_word + k) * 64 < sequence_lags[l]; ++k) {
      const uint64_t left = sequence_lags[l] - (first_word + k) * 64;
      counts->head_rare[l] += count_word(left >= 64 ? rare[k] : rare[k] & ((UINT64_C(1) << left) - 1));
    }
  }
}

// Once no element comes any more: the last ones are in the history.
static void count_tails(sequence_state *state) {
  sequence_counts *const counts = state->counts;
  for (int l = 0; l < LAG_COUNT; ++l) {
    const size_t lag = sequence_lags[l];
    uint64_t ones = lag % 64 == 0 ? 0 : count_word(state->rare[HISTORY_WORDS - 1 - lag / 64] >> (64 - lag % 64));
    for (size_t k = HISTORY_WORDS - lag / 64; k < HISTORY_WORDS; ++k) ones += count_word(state->rare[k]);
    counts->tail_rare[l] = ones;
  }
}

static void flush_places(sequence_state *state) {
  for (int i = 0; i < POSITIONS / 8; ++i) {
    for (int k = 0; k < 8; ++k) state->counts->positions[64 * (i / 8) + 8 * k + i % 8] += state->place_sums[i] >> 8 * k & 255;
    state->place_sums[i] = 0;
  }
  state->place_rows = 0;
}

static void count_places(sequence_state *state, size_t count) {
  for (size_t k = 0; k < count; k += 2) {
    for (int half = 0; half < 2; ++half)
      for (int i = 0; i < 8; ++i) state->place_sums[8 * half + i] += state->words[k + (size_t)half] >> i & 0x0101010101010101u;
    if (++state->place_rows == 255) flush_places(state);
  }
}

// Rows and columns of an 8 x 8 matrix of bits exchanged, by exchanging ever larger squares.
static uint64_t transposed(uint64_t x) {
  uint64_t t = (x ^ x >> 7) & 0x00aa00aa00aa00aau;
  x ^= t ^ t << 7;
  t = (x ^ x >> 14) & 0x0000cccc0000ccccu;
  x ^= t ^ t << 14;
  t = (x ^ x >> 28) & 0x00000000f0f0f0f0u;
  return x ^ t ^ t << 28;
}

// The low bytes of four 16-bit parts, side by side.
static uint64_t low_bytes(uint64_t x) {
  x &= 0x00ff00ff00ff00ffu;
  x = (x | x >> 8) & 0x0000ffff0000ffffu;
  return (x | x >> 16) & 0xffffffffu;
}

static void add_bytes(uint64_t counts[256], uint64_t word) {
  for (int k = 0; k < 8; ++k) ++counts[word >> 8 * k & 255];
}

static void count_patterns(sequence_state *state, size_t count) {
  sequence_counts *const counts = state->counts;
  for (size_t k = 0; k < count; k += 2) {
    const uint64_t low = state->words[k], high = state->words[k + 1];
    add_bytes(counts->patterns, low);
    add_bytes(counts->patterns, high);
    // Every sixteenth bit of the block is a column of its eight 16-bit parts.
    add_bytes(counts->strided_patterns, transposed(low_bytes(low) | low_bytes(high) << 32));
    add_bytes(counts->strided_patterns, transposed(low_bytes(low >> 8) | low_bytes(high >> 8) << 32));
  }
}

static void count_block_sums(sequence_state *state, size_t count) {
  sequence_counts *const counts = state->counts;
  for (size_t k = 0; k < count; k += 16) {
    uint64_t long_sum = 0;
    for (size_t i = 0; i < 16; i += 2) {
      const uint64_t sum = count_word(state->words[k + i]) + count_word(state->words[k + i + 1]);
      counts->block_squares[0] += sum * sum;
      long_sum += sum;
    }
    counts->block_squares[1] += long_sum * long_sum;
  }
}

static void count_changes(sequence_state *state, size_t count) {
  uint64_t previous = state->counts->counted == 0 ? state->words[0] & 1 : state->previous_bit;  // the first bit changes nothing
  for (size_t k = 0; k < count; ++k) {
    const uint64_t word = state->words[k];
    state->counts->changes += count_word(word ^ (word << 1 | previous));
    previous = word >> 63;
  }
  state->previous_bit = previous;
}

// Column i of the lanes has a bit for each group of 16 elements; the order of the groups does not matter.
static void split_lanes(sequence_state *state, size_t count) {
  const uint64_t *const rare = state->rare + HISTORY_WORDS;
  for (size_t k = 0; k < count; k += 16) {
    for (int lane = 0; lane < COINCIDENCE_LANES; ++lane) {
      uint64_t column = 0;
      for (size_t i = 0; i < 16; ++i) {
        const uint64_t spread = rare[k + i] >> lane & 0x0001000100010001u;
        column = column << 4 | spread * 0x1000200040008000u >> 60;  // bits 0, 16, 32, 48 moved to 60 .. 63
      }
      state->lanes[lane][k / 16] = column;
    }
  }
}

static void count_coincidences(sequence_state *state, size_t count) {
  sequence_counts *const counts = state->counts;
  const size_t columns = count / 16;
  uint64_t both[CHUNK_WORDS / COINCIDENCE_LANES];
  size_t pair = 0, triple = 0;
  split_lanes(state, count);
  // What is missing to whole grains of words counts nothing.
  const size_t padded = (columns + COUNT_GRAIN - 1) / COUNT_GRAIN * COUNT_GRAIN;
  for (int a = 0; a < COINCIDENCE_LANES; ++a) memset(state->lanes[a] + columns, 0, (padded - columns) * sizeof both[0]);
  for (int a = 0; a < COINCIDENCE_LANES; ++a) {
    counts->single[a] += count_words(state->lanes[a], padded);
    for (int b = a + 1; b < COINCIDENCE_LANES; ++b) {
      for (size_t k = 0; k < padded; ++k) both[k] = state->lanes[a][k] & state->lanes[b][k];
      counts->pairs[pair++] += count_words(both, padded);
      for (int c = b + 1; c < COINCIDENCE_LANES; ++c) counts->triples[triple++] += count_both(both, state->lanes[c], padded);
    }
  }
  counts->coincidence_groups += 4 * count;
}

uint64_t duplicate_window_bits(double keep, uint64_t elements) {
  for (uint64_t bits = POSITIONS; bits <= 64 * CHUNK_WORDS; bits *= 2)
    if (elements / bits >= 2 && duplicate_chance(keep, elements / bits, bits) < 1e-12) return bits;
  return 0;
}

double duplicate_chance(double keep, uint64_t windows, uint64_t window_bits) {
  const double same = keep * keep + (1 - keep) * (1 - keep);
  return 0.5 * (double)windows * (double)windows * pow(same, (double)window_bits);
}

bool window_set_begin(window_set *set, uint64_t capacity) {
  size_t slots = 16;
  while (slots < 2 * capacity) slots *= 2;
  set->slots = calloc(slots, sizeof *set->slots);
  set->mask = slots - 1;
  set->capacity = capacity;
  if (set->slots == NULL) report_error("verify: not enough memory for %llu windows", (unsigned long long)capacity);
  return set->slots != NULL;
}

bool window_set_add(window_set *set, const uint64_t *words, size_t count) {
  uint64_t a = 1, b = 2;
  for (size_t i = 0; i < count; ++i) {
    a = derived_seed(a, words[i]);
    b = (b ^ words[i]) * 0x9fb21c651e98df25u;
    b ^= b >> 32;
  }
  size_t slot = (size_t)a & set->mask;
  while (set->slots[slot][0] != 0 || set->slots[slot][1] != 0) {
    if (set->slots[slot][0] == a && set->slots[slot][1] == b) return true;
    slot = (slot + 1) & set->mask;
  }
  set->slots[slot][0] = a;
  set->slots[slot][1] = b;
  return false;
}

void window_set_end(window_set *set) {
  free(set->slots);
  set->slots = NULL;
}

// Windows begin at multiples of their length; one that a chunk cuts is left out. A file that grew has more of them than were
// planned for.
static void count_windows(sequence_state *state, size_t count) {
  sequence_counts *const counts = state->counts;
  const size_t words = (size_t)counts->window_bits / 64;
  if (words == 0) return;
  const size_t past = (size_t)(counts->counted / 64 % words);
  for (size_t k = past == 0 ? 0 : words - past; k + words <= count && counts->windows < state->windows.capacity; k += words) {
    counts->duplicates += window_set_add(&state->windows, state->words + k, words);
    ++counts->windows;
  }
}

// Words from an element on, at most a chunk, and none on both sides of a limit.
static size_t words_wanted(const sequence_limits *limits, uint64_t at) {
  const uint64_t ends[] = {limits->total, limits->counts, limits->coincidences, limits->duplicates};
  uint64_t bits = at < limits->total ? 64 * CHUNK_WORDS : 0;
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i)
    if (at < ends[i] && ends[i] - at < bits) bits = ends[i] - at;
  return (size_t)bits / 64;
}

static uint64_t whole_grains(uint64_t elements) { return elements / SEQUENCE_GRAIN * SEQUENCE_GRAIN; }

// A chunk of `count` words for the counts that stop early.
static void count_chunk(sequence_state *state, const sequence_limits *limits, size_t count, uint64_t kept) {
  sequence_counts *const counts = state->counts;
  uint64_t *const rare = state->rare + HISTORY_WORDS;
  for (size_t k = 0; k < count; ++k) rare[k] = state->words[k] ^ state->flip;
  count_changes(state, count);
  count_lags(state, count);
  count_places(state, count);
  count_patterns(state, count);
  count_block_sums(state, count);
  if (counts->counted + 64 * count <= limits->coincidences) count_coincidences(state, count);
  if (counts->counted + 64 * count <= limits->duplicates) count_windows(state, count);
  memmove(state->rare, state->rare + count, HISTORY_WORDS * sizeof *state->rare);
  counts->counted += 64 * count;
  counts->counted_kept += kept;
}

static void count_source(sequence_state *state, bit_source *source, const sequence_limits *limits,
                         void (*counted)(void *context, uint64_t n), void *context) {
  sequence_counts *const counts = state->counts;
  const sequence_limits whole = {whole_grains(limits->total), whole_grains(limits->counts), whole_grains(limits->coincidences),
                                 whole_grains(limits->duplicates)};
  for (size_t wanted; (wanted = words_wanted(&whole, counts->total)) > 0;) {
    const size_t count = source->next(source, wanted, state->words) / GRAIN_WORDS * GRAIN_WORDS;
    if (source->failed) return;
    const uint64_t kept = count_words(state->words, count);
    if (counts->counted == counts->total && counts->total + 64 * count <= whole.counts) count_chunk(state, &whole, count, kept);
    counts->total += 64 * count;
    counts->kept += kept;
    if (counted != NULL) counted(context, 64 * count);
    if (count < wanted) break;
  }
  flush_places(state);
  count_tails(state);
}

bool sequence_count(bit_source *source, double keep, uint64_t planned, const sequence_limits *limits, sequence_counts *counts,
                    void (*counted)(void *context, uint64_t n), void *context) {
  const double rare = keep < 0.5 ? keep : 1 - keep;
  const uint64_t expected = planned == 0 || planned > limits->counts ? limits->counts : planned;
  const uint64_t for_windows = expected < limits->duplicates ? expected : limits->duplicates;
  pthread_once(&patterns_once, make_patterns);
  *counts = (sequence_counts){.keep = keep};
  counts->window_bits = duplicate_window_bits(keep, for_windows);
  sequence_state *const state = calloc(1, sizeof *state);
  if (state == NULL) {
    report_error("verify: not enough memory");
    return false;
  }
  state->counts = counts;
  state->flip = keep < 0.5 ? 0 : ~UINT64_C(0);
  state->count_disjoint = planned == 0 || (double)expected * rare * rare < ENOUGH_FOR_NORMAL;
  state->count_all = planned == 0 || !state->count_disjoint;
  const bool ready = counts->window_bits == 0 || window_set_begin(&state->windows, for_windows / counts->window_bits);
  if (ready) count_source(state, source, limits, counted, context);
  counts->rare_pairs =
      state->count_disjoint && (!state->count_all || (double)counts->counted * rare * rare < ENOUGH_FOR_NORMAL);
  window_set_end(&state->windows);
  free(state);
  return ready && !source->failed;
}
