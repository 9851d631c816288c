// K1 and K2: published and derived known answers of Philox4x32-10, in the plain function and, through masks that hang on one
// plane, in every lane position of every backend.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/philox.h"
#include "oracle.h"
#include "support.h"

enum {
  BLOCK = 128,
  LAST_POSITION = 31,
  BLOCKS_BEHIND = 9,
  MOST_ELEMENTS = (LAST_POSITION + 1 + BLOCKS_BEHIND) * BLOCK,
  PLANES = 32,
};

static void known_answers(void **state) {
  (void)state;
  known_answer *answers;
  const size_t count = read_known_answers(&answers);
  for (size_t i = 0; i < count; ++i) {
    uint32_t words[4];
    simdrop_philox4x32_10(answers[i].counter, answers[i].key, words);
    check_bytes(answers[i].words, words, sizeof words, "known answer %zu", i);
  }
  free(answers);
}

// The 10000th number of C++26's std::philox4x32 with its default seed, which counts from 0 and hands out word 0 first:
// word 3 of counter 2499.
static void ten_thousandth_number(void **state) {
  (void)state;
  const uint32_t counter[4] = {9999 / 4, 0, 0, 0}, key[2] = {20111115, 0};
  uint32_t words[4];
  simdrop_philox4x32_10(counter, key, words);
  assert_int_equal(words[9999 % 4], 1955073260);
  oracle_philox(10, counter, key, words);
  assert_int_equal(words[9999 % 4], 1955073260);
}

// One known answer whose counter can occur in a mask: its plane, its block, and the mask that it belongs to.
typedef struct placed_answer {
  simdrop_mask mask;
  uint64_t block;
  int plane;
  uint32_t u[BLOCK];
} placed_answer;

static bool place(const known_answer *answer, placed_answer *placed) {
  const uint32_t word_3 = answer->counter[3];
  placed->plane = (int)(word_3 >> 25);
  if (placed->plane >= PLANES) return false;
  placed->block = (uint64_t)(word_3 & 0x1ffffff) << 32 | answer->counter[1];
  placed->mask = (simdrop_mask){0};
  placed->mask.seed = (uint64_t)answer->key[1] << 32 | answer->key[0];
  placed->mask.stream = (uint64_t)answer->counter[2] << 32 | answer->counter[0];
  oracle_u(placed->mask.seed, placed->mask.stream, placed->block * BLOCK, BLOCK, placed->u);
  return true;
}

// The mask of the answer's block in a call of `before` blocks in front of it and `behind` after it.
static void draw_block(const placed_answer *placed, uint64_t threshold, size_t before, size_t behind, uint8_t block_bits[16]) {
  static uint8_t bits[MOST_ELEMENTS / 8];
  simdrop_mask mask = placed->mask;
  mask.p = ldexp((double)threshold, -32);  // exact
  mask.offset = (placed->block - before) * BLOCK;
  assert_int_equal(simdrop_mask_bits(&mask, (before + 1 + behind) * BLOCK, bits), SIMDROP_OK);
  memcpy(block_bits, bits + before * 16, 16);
}

// With T = (U of an element, cut off below the plane and with the plane's own bit set), the element is kept exactly if the
// plane's bit is 1. So the masks for all such T spell the known answer's 128 bits out.
static void check_plane(const char *backend, size_t line, const known_answer *answer, const placed_answer *placed,
                        size_t before, size_t behind, size_t most_thresholds) {
  const uint64_t own_bit = UINT64_C(1) << (31 - placed->plane);
  bool done[BLOCK] = {false};
  size_t thresholds = 0;
  for (size_t first = (before * 29 + line) % BLOCK, i = 0; i < BLOCK && thresholds < most_thresholds; ++i) {
    const size_t element = (first + i) % BLOCK;
    if (done[element]) continue;
    const uint64_t threshold = (placed->u[element] & ~(2 * own_bit - 1)) | own_bit;
    uint8_t bits[16];
    draw_block(placed, threshold, before, behind, bits);
    ++thresholds;
    for (size_t k = 0; k < BLOCK; ++k) {
      if (((placed->u[k] & ~(2 * own_bit - 1)) | own_bit) != threshold) continue;
      done[k] = true;
      const unsigned expected = answer->words[k / 32] >> (k % 32) & 1, found = bits[k / 8] >> (k % 8) & 1;
      if (found != expected)
        fail_msg("%s: known answer %zu, %zu blocks before it and %zu behind, plane %d: bit %zu is %u", backend, line, before,
                 behind, placed->plane, k, found);
    }
  }
}

static void known_answers_in_every_lane(void **state) {
  (void)state;
  known_answer *answers;
  const size_t count = read_known_answers(&answers);
  size_t placed_count = 0;
  for (size_t line = 0; line < count; ++line) placed_count += answers[line].counter[3] >> 25 < PLANES;
  assert_int_equal(placed_count, 120);  // the others are checked on the plain function
  FOR_EACH_BACKEND(backend) {
    for (size_t line = 0; line < count; ++line) {
      placed_answer placed;
      if (!place(&answers[line], &placed)) continue;
      const uint64_t blocks_behind = (UINT64_C(1) << 57) - 1 - placed.block;
      for (size_t before = 0; before <= LAST_POSITION && before <= placed.block; ++before) {
        const size_t behind = blocks_behind < BLOCKS_BEHIND ? (size_t)blocks_behind : BLOCKS_BEHIND;
        check_plane(backend, line, &answers[line], &placed, before, before % 2 * behind,
                    before == 0     ? BLOCK
                    : full_effort() ? 8
                                    : 1);
        if (before == 0) check_plane(backend, line, &answers[line], &placed, before, behind, BLOCK);
      }
    }
  }
  free(answers);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),
      cmocka_unit_test(ten_thousandth_number),
      cmocka_unit_test(known_answers_in_every_lane),
  };
  return RUN_TESTS(argc, argv, tests);
}
