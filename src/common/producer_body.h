// The vector backends' mask producer, in the words of the backend's simd.h (included before this file).
//
// An element is decided by the highest plane in which its bit is not the threshold's. Nearly all elements are decided by the
// first SIMD_DENSE_PLANES; a block in which some are not goes to a list, and the list is finished with full vectors again,
// closed up after every few planes. Where the threshold has no more planes than those there is no list, and one answer will
// do:  kept = t ? u & kept : u | kept  from the lowest plane to the highest, with t the threshold's bit of the plane.
#ifndef SIMDROP_COMMON_PRODUCER_BODY_H
#define SIMDROP_COMMON_PRODUCER_BODY_H

#include "common/rounds_body.h"

enum {
  LOG2_BLOCK_WORDS = 1,
  SCHEDULE_PLANES = 16,  // planes of the schedule that are made at a time
  // Dense planes between two steps of interleaved work: those of 256 elements at least.
  PLANES_BETWEEN_STEPS = SIMD_LANES * SIMD_PLANES_IN_FLIGHT < 16 ? 16 / SIMD_LANES : SIMD_PLANES_IN_FLIGHT,
  // Vectors of blocks whose one plane is drawn between two steps of interleaved work. With all four that AVX-512 draws side by
  // side otherwise, a chunk of f32 is done in one go: on Sapphire Rapids that took 1.06 times as long in L2
  // (docs/measurements.md).
  VECTORS_BETWEEN_STEPS = 2,
  ONE_PLANE_VECTORS = VECTORS_BETWEEN_STEPS < SIMD_FEW_PLANES_IN_FLIGHT ? VECTORS_BETWEEN_STEPS : SIMD_FEW_PLANES_IN_FLIGHT
};

static_assert(SIMD_FEW_PLANES_IN_FLIGHT * SIMD_LANES <= SIMDROP_BLOCK_PADDING, "a step may write past the padding");
static_assert(SIMD_FEW_PLANES_IN_FLIGHT >= 2, "two planes of one vector of blocks are drawn side by side");
static_assert(SIMD_PLANES_IN_FLIGHT <= MOST_IN_FLIGHT && SIMD_STRAGGLER_PLANES <= MOST_IN_FLIGHT &&
                  SIMD_FEW_PLANES_IN_FLIGHT <= MOST_IN_FLIGHT,
              "more in flight than the arrays hold");
static_assert(1 << LOG2_BLOCK_WORDS == SIMDROP_BLOCK_WORDS, "a block's words");
static_assert(SIMD_DENSE_PLANES % SIMD_PLANES_IN_FLIGHT == 0, "the dense planes are whole groups");
static_assert(SIMD_DENSE_PLANES % SIMD_STRAGGLER_PLANES == 0 && SIMD_LANES % SIMD_STRAGGLER_PLANES == 0,
              "stragglers' planes are of one vector of the schedule");
static_assert(SIMDROP_PLANES % SCHEDULE_PLANES == 0, "the schedule is whole steps");
static_assert(SIMD_DENSE_PLANES <= SCHEDULE_PLANES && SCHEDULE_PLANES % SIMD_LANES == 0, "the dense planes are there");
static_assert(BATCH_BLOCKS % (SIMD_FEW_PLANES_IN_FLIGHT * SIMD_LANES) == 0, "a batch is whole steps");
static_assert(SIMD_FEW_PLANES_IN_FLIGHT % ONE_PLANE_VECTORS == 0, "a batch is whole groups of vectors between steps too");

static inline plane_part load_plane_part(const drawing *call, int plane) {
  const simdrop_plane_schedule *const schedule = &call->source->schedule;
  return (plane_part){
      .word_0 = simd_words_of_lanes(simd_set(schedule->word_0[plane])),
      .word_2 = simd_words_of_lanes(simd_set(schedule->word_2[plane])),
      .word_3 = simd_words_of_lanes(simd_set(schedule->word_3[plane])),
  };
}

static inline bool has_stragglers(const simdrop_mask_source *source) { return source->plane_count > SIMD_DENSE_PLANES; }

// Makes some more planes of the schedule, or those that decide everything.
static inline void extend_schedule(drawing *call) {
  simdrop_plane_schedule *const schedule = &call->source->schedule;
  const int end = has_stragglers(call->source) ? schedule->ready + SCHEDULE_PLANES : call->source->plane_count;
  for (int plane = schedule->ready; plane < end; plane += SIMD_LANES) {
    const plane_part part = make_plane_part(call, simd_count_from((uint64_t)plane, 1), schedule->block_high);
    simd_store(schedule->word_0 + plane, simd_lanes_of_words(part.word_0));
    simd_store(schedule->word_2 + plane, simd_lanes_of_words(part.word_2));
    simd_store(schedule->word_3 + plane, simd_lanes_of_words(part.word_3));
  }
  schedule->ready = end;
}

// A short call hardly ever needs more planes than the first.
static inline void make_schedule(drawing *call, uint32_t block_high) {
  call->source->schedule.block_high = block_high;
  call->source->schedule.ready = 0;
  extend_schedule(call);
}

// The dense planes' parts and keys, one vector for each word.
static inline void begin_planes(drawing *call) {
  const simdrop_mask_source *const source = call->source;
  if (!has_stragglers(source)) {
    for (int plane = 0; plane < source->plane_count; ++plane) call->dense[plane] = load_plane_part(call, plane);
    return;
  }
  const plane_bits plain = call->keys.last;
  const plane_bits turned_over = {simd_last_key(round_key_0(source, LAST_ROUND), true),
                                  simd_last_key(round_key_1(source, LAST_ROUND), true)};
  for (int plane = 0; plane < SIMD_DENSE_PLANES; ++plane) {
    if (!SIMD_BROADCASTS_OPERANDS) call->dense[plane] = load_plane_part(call, plane);
    call->dense_keys[plane] = threshold_bit(source, plane) ? plain : turned_over;
  }
}

// Where the blocks of a vector are: each one's number in the lane's lower half, which is all that its Philox call reads, and in
// the upper half where its words begin among those of the batch. Past the end of a batch, numbers may carry into that: what is
// there is padding.
static inline simd_u64 first_in_batch(const batch_blocks *blocks) {
  const simd_u64 order = simd_block_order();
  return simd_add(simd_add(order, simd_set(blocks->first)), simd_shift_left(order, 32 + LOG2_BLOCK_WORDS));
}

static inline __attribute__((always_inline)) simd_u64 next_in_batch(simd_u64 where) {
  return simd_add(where, simd_set((uint64_t)SIMD_LANES * (1 + ((uint64_t)SIMDROP_BLOCK_WORDS << 32))));
}

static inline __attribute__((always_inline)) simd_u64 blocks_at(const batch_blocks *blocks, size_t done, simd_u64 where) {
  return blocks->list != NULL ? simd_load(blocks->list + done) : where;
}

// The blocks of one batch that the first planes leave undecided, and their undecided elements.
typedef struct straggler_list {
  alignas(64) uint64_t where[BATCH_BLOCKS + SIMD_LANES];
  alignas(64) uint64_t low[BATCH_BLOCKS + SIMD_LANES];
  alignas(64) uint64_t high[BATCH_BLOCKS + SIMD_LANES];
} straggler_list;

// Lists the blocks in which something is undecided behind the `count` that there are; returns how many there are then.
static inline size_t add_stragglers(straggler_list *stragglers, size_t count, simd_u64 where, const plane_bits *undecided) {
  const simd_lanes lanes = simd_nonzero_lanes(simd_or(undecided->low, undecided->high));
  simd_compress_store(stragglers->where + count, lanes, where);
  simd_compress_store(stragglers->low + count, lanes, undecided->low);
  simd_compress_store(stragglers->high + count, lanes, undecided->high);
  return count + simd_count_lanes(lanes);
}

// The next planes for stragglers. Some may be planes that the threshold does not have: their bits of it are 0, so that they
// keep some of what would be kept in any case.
static inline void load_lower_planes(drawing *call, int first_plane) {
  if (first_plane >= call->source->schedule.ready) extend_schedule(call);
  SIMDROP_UNROLL
  for (int i = 0; i < SIMD_STRAGGLER_PLANES; ++i) call->lower[i] = load_plane_part(call, first_plane + i);
}

// Decides by the next planes what is undecided, and adds what they drop to `dropped`.
static inline __attribute__((always_inline)) void take_lower_planes(drawing *call, int first_plane, const block_part *block,
                                                                    plane_bits *undecided, plane_bits *dropped,
                                                                    scaled_lines *lines) {
  plane_bits bits[MOST_IN_FLIGHT];
  draw_planes(call, 1, SIMD_STRAGGLER_PLANES, OPERANDS_IN_MEMORY, call->lower, NULL, block, bits, lines);
  SIMDROP_UNROLL
  for (int i = 0; i < SIMD_STRAGGLER_PLANES; ++i) {
    if (threshold_bit(call->source, first_plane + i)) {
      dropped->low = simd_or(dropped->low, simd_and_not(bits[i].low, undecided->low));
      dropped->high = simd_or(dropped->high, simd_and_not(bits[i].high, undecided->high));
      undecided->low = simd_and(undecided->low, bits[i].low);
      undecided->high = simd_and(undecided->high, bits[i].high);
    } else {
      undecided->low = simd_and_not(bits[i].low, undecided->low);
      undecided->high = simd_and_not(bits[i].high, undecided->high);
    }
  }
}

// Draws the next planes for the listed blocks, drops in `words` what they decide, and lists the blocks in which something is
// still undecided, over those that have been read. Returns how many there are.
static inline __attribute__((always_inline)) size_t thin_stragglers(drawing *call, int first_plane, straggler_list *stragglers,
                                                                    size_t count, uint64_t *words, scaled_lines *lines) {
  load_lower_planes(call, first_plane);
  size_t left = 0;
  for (size_t i = 0; i < count; i += SIMD_LANES) {
    const simd_u64 where = simd_load(stragglers->where + i);
    const block_part block = make_block_part(call, where);
    plane_bits undecided = {simd_load(stragglers->low + i), simd_load(stragglers->high + i)};
    plane_bits dropped = {simd_set(0), simd_set(0)};
    take_lower_planes(call, first_plane, &block, &undecided, &dropped, lines);
    simd_flip_blocks(words, stragglers->where + i, dropped.low, dropped.high);
    left = add_stragglers(stragglers, left, where, &undecided);
  }
  return left;
}

// Pads the last vector with blocks that have nothing undecided.
static inline void pad_stragglers(straggler_list *stragglers, size_t count) {
  simd_store(stragglers->where + count, simd_set(0));
  simd_store(stragglers->low + count, simd_set(0));
  simd_store(stragglers->high + count, simd_set(0));
}

// Draws the lower planes for the listed blocks until nothing is undecided, and drops in `words` what they decide; what is equal
// to the threshold to the last plane stays kept.
static inline __attribute__((always_inline)) void finish_stragglers(drawing *call, straggler_list *stragglers, size_t count,
                                                                    uint64_t *words, scaled_lines *lines) {
  const int planes = call->source->plane_count;
  int plane = SIMD_DENSE_PLANES;
  pad_stragglers(stragglers, count);
  for (; plane < planes && count > SIMD_LANES; plane += SIMD_STRAGGLER_PLANES) {
    count = thin_stragglers(call, plane, stragglers, count, words, lines);
    pad_stragglers(stragglers, count);
    keep_pace(&call->pace);
  }
  if (count == 0) return;
  const block_part block = make_block_part(call, simd_load(stragglers->where));
  plane_bits undecided = {simd_load(stragglers->low), simd_load(stragglers->high)};
  plane_bits dropped = {simd_set(0), simd_set(0)};
  for (; plane < planes && simd_any(simd_or(undecided.low, undecided.high)); plane += SIMD_STRAGGLER_PLANES) {
    load_lower_planes(call, plane);
    take_lower_planes(call, plane, &block, &undecided, &dropped, lines);
  }
  simd_flip_blocks(words, stragglers->where, dropped.low, dropped.high);
}

// Which planes begin or end a run of planes in which the threshold's bit is 0, from bit 31 down: an element that is still
// undecided there turns from dropped to kept or back. The plane after the dense ones counts as one of zeros.
static inline uint32_t turning_planes(const simdrop_mask_source *source) {
  const uint32_t zero_bits = ~(uint32_t)source->threshold | UINT32_C(1) << (31 - SIMD_DENSE_PLANES);
  return zero_bits ^ zero_bits >> 1;
}

// Turns what is undecided from dropped to kept or back, if this plane is a turning one.
static inline __attribute__((always_inline)) void turn_undecided(uint32_t *turning, int plane, const plane_bits *undecided,
                                                                 plane_bits *kept) {
  if (!(*turning >> (31 - plane) & 1)) return;
  LOOK_AGAIN(*turning);
  kept->low = simd_xor(kept->low, undecided->low);
  kept->high = simd_xor(kept->high, undecided->high);
}

// At most BATCH_BLOCKS blocks, whose numbers do not wrap in their lower half, of a threshold with more than the dense planes.
static inline __attribute__((always_inline)) void mask_dense_batch(drawing *call, const batch_blocks *blocks,
                                                                   size_t block_count, uint64_t *words, scaled_lines *lines) {
  uint32_t turning = turning_planes(call->source);
  const simd_u64 ones = simd_set(~UINT64_C(0)), kept_at_first = simd_set(turning >> 31 ? ~UINT64_C(0) : 0);
  straggler_list stragglers;
  size_t straggler_count = 0;
  simd_u64 in_turn = first_in_batch(blocks);
  for (size_t done = 0; done < block_count; done += SIMD_LANES) {
    const simd_u64 where = blocks_at(blocks, done, in_turn);
    const block_part block = make_block_part(call, where);
    plane_bits undecided = {ones, ones}, kept = {kept_at_first, kept_at_first};
    SIMDROP_UNROLL
    for (int first = 0; first < SIMD_DENSE_PLANES; first += SIMD_PLANES_IN_FLIGHT) {
      plane_part parts[SIMD_PLANES_IN_FLIGHT];
      plane_bits bits[MOST_IN_FLIGHT];
      if (SIMD_BROADCASTS_OPERANDS) READ_AGAIN(call->source->schedule);
      SIMDROP_UNROLL
      for (int i = 0; i < SIMD_PLANES_IN_FLIGHT; ++i)
        parts[i] = SIMD_BROADCASTS_OPERANDS ? load_plane_part(call, first + i) : call->dense[first + i];
      draw_planes(call, 1, SIMD_PLANES_IN_FLIGHT, true, parts, call->dense_keys + first, &block, bits, lines);
      SIMDROP_UNROLL
      for (int i = 0; i < SIMD_PLANES_IN_FLIGHT; ++i) {
        if (first + i > 0) turn_undecided(&turning, first + i, &undecided, &kept);
        undecided.low = simd_and(undecided.low, bits[i].low);
        undecided.high = simd_and(undecided.high, bits[i].high);
      }
      if ((first + SIMD_PLANES_IN_FLIGHT) % PLANES_BETWEEN_STEPS == 0) keep_pace(&call->pace);
    }
    turn_undecided(&turning, SIMD_DENSE_PLANES, &undecided, &kept);
    simd_store_blocks(words + SIMDROP_BLOCK_WORDS * done, kept.low, kept.high);
    straggler_count = add_stragglers(&stragglers, straggler_count, where, &undecided);
    in_turn = next_in_batch(in_turn);
  }
  // Blocks past the end were drawn to fill the last vector; those that are listed cost time but no harm.
  finish_stragglers(call, &stragglers, straggler_count, words, lines);
}

static inline __attribute__((always_inline)) simd_u64 descend(bool threshold_bit, simd_u64 u, simd_u64 kept) {
  return threshold_bit ? simd_and(u, kept) : simd_or(u, kept);
}

// Takes planes first_plane + planes - 1 down to first_plane, for `vectors` vectors of blocks.
static inline __attribute__((always_inline)) void take_planes(drawing *call, int vectors, int planes, int first_plane,
                                                              const block_part *blocks, plane_bits *kept) {
  plane_bits bits[MOST_IN_FLIGHT];
  draw_planes(call, vectors, planes, false, call->dense + first_plane, NULL, blocks, bits, NULL);
  SIMDROP_UNROLL
  for (int i = planes * vectors - 1; i >= 0; --i) {
    const bool bit = threshold_bit(call->source, first_plane + i / vectors);
    kept[i % vectors].low = descend(bit, bits[i].low, kept[i % vectors].low);
    kept[i % vectors].high = descend(bit, bits[i].high, kept[i % vectors].high);
  }
  keep_pace(&call->pace);
}

// The same of a threshold with `planes` planes, which decide everything. What is equal to it stays kept.
static inline __attribute__((always_inline)) void mask_exact_batch(drawing *call, int vectors, int planes,
                                                                   const batch_blocks *numbers, size_t block_count,
                                                                   uint64_t *words) {
  const simd_u64 ones = simd_set(~UINT64_C(0));
  simd_u64 in_turn = first_in_batch(numbers);
  for (size_t done = 0; done < block_count; done += (size_t)vectors * SIMD_LANES) {
    block_part blocks[MOST_IN_FLIGHT];
    plane_bits kept[MOST_IN_FLIGHT];
    SIMDROP_UNROLL
    for (int v = 0; v < vectors; ++v) {
      blocks[v] = make_block_part(call, blocks_at(numbers, done + (size_t)v * SIMD_LANES, in_turn));
      in_turn = next_in_batch(in_turn);
      kept[v] = (plane_bits){ones, ones};
    }
    if (vectors > 1) {
      take_planes(call, vectors, planes, 0, blocks, kept);
    } else {
      int plane = planes;
      for (; plane % SIMD_PLANES_IN_FLIGHT != 0; --plane) take_planes(call, 1, 1, plane - 1, blocks, kept);
      for (; plane > 0; plane -= SIMD_PLANES_IN_FLIGHT)
        take_planes(call, 1, SIMD_PLANES_IN_FLIGHT, plane - SIMD_PLANES_IN_FLIGHT, blocks, kept);
    }
    SIMDROP_UNROLL
    for (int v = 0; v < vectors; ++v)
      simd_store_blocks(words + SIMDROP_BLOCK_WORDS * (done + (size_t)v * SIMD_LANES), kept[v].low, kept[v].high);
  }
}

// What planes have decided of one block, or of one lane.
typedef struct drawn_lanes {
  plane_bits kept, undecided;
} drawn_lanes;

static inline simd_u64 join_kept(simd_u64 kept, simd_u64 undecided, simd_u64 lower_kept) {
  return simd_or(kept, simd_and(undecided, lower_kept));
}

// Puts the planes of `lower` below those of `upper`, lane by lane: what the upper ones leave undecided, the lower ones
// decide.
static inline drawn_lanes join_planes(const drawn_lanes *upper, const drawn_lanes *lower) {
  return (drawn_lanes){
      .kept = {join_kept(upper->kept.low, upper->undecided.low, lower->kept.low),
               join_kept(upper->kept.high, upper->undecided.high, lower->kept.high)},
      .undecided = {simd_and(upper->undecided.low, lower->undecided.low),
                    simd_and(upper->undecided.high, lower->undecided.high)},
  };
}

static inline drawn_lanes rotate_decisions(const drawn_lanes *d, int lanes) {
  return (drawn_lanes){
      .kept = {simd_rotate_lanes(d->kept.low, lanes), simd_rotate_lanes(d->kept.high, lanes)},
      .undecided = {simd_rotate_lanes(d->undecided.low, lanes), simd_rotate_lanes(d->undecided.high, lanes)},
  };
}

// What each lane's plane decides by itself.
static inline drawn_lanes decide_by_lanes(const drawing *call, simd_u64 planes, const plane_bits *u) {
  const simd_u64 zero_bit = simd_threshold_is_zero(call->source->threshold, planes);
  return (drawn_lanes){
      .kept = {simd_and(u->low, zero_bit), simd_and(u->high, zero_bit)},
      .undecided = {simd_xor(u->low, zero_bit), simd_xor(u->high, zero_bit)},
  };
}

// So many vectors of planes of one block, a plane a lane. For calls too short to fill vectors with blocks.
static inline __attribute__((always_inline)) void draw_planes_of_block(drawing *call, int vectors, const simd_u64 *planes,
                                                                       uint64_t block_number, plane_bits *bits) {
  const block_part one = make_block_part(call, simd_set((uint32_t)block_number));
  block_part block[MOST_IN_FLIGHT];
  plane_part part[MOST_IN_FLIGHT];
  const plane_bits *last_key[MOST_IN_FLIGHT];
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; ++i) {
    block[i] = one;
    part[i] = make_plane_part(call, planes[i], (uint32_t)(block_number >> 32));
    last_key[i] = &call->keys.last;
  }
  finish_rounds(vectors, block, part, &call->keys, false, last_key, bits, NULL);
}

// The same from first_plane on: in the first lane, what they decide together.
static inline __attribute__((always_inline)) drawn_lanes draw_one_block(drawing *call, int vectors, int first_plane,
                                                                        uint64_t block_number) {
  plane_bits bits[MOST_IN_FLIGHT];
  simd_u64 planes[MOST_IN_FLIGHT];
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; ++i)  // vector i has planes i, i + vectors, ..., so that neighbours join without a rotation
    planes[i] = simd_count_from((uint64_t)first_plane + (uint64_t)i, vectors);
  draw_planes_of_block(call, vectors, planes, block_number, bits);
  drawn_lanes drawn = decide_by_lanes(call, planes[vectors - 1], &bits[vectors - 1]);
  SIMDROP_UNROLL
  for (int i = vectors - 2; i >= 0; --i) {
    const drawn_lanes vector = decide_by_lanes(call, planes[i], &bits[i]);
    drawn = join_planes(&vector, &drawn);
  }
  SIMDROP_UNROLL
  for (int lanes = 1; lanes < SIMD_LANES; lanes *= 2) {
    const drawn_lanes below = rotate_decisions(&drawn, lanes);
    drawn = join_planes(&drawn, &below);
  }
  return drawn;
}

// What is undecided at the end is equal to the threshold, and kept.
static inline void store_one_block(const drawn_lanes *all, uint64_t *words) {
  simd_store_blocks(words, simd_or(all->kept.low, all->undecided.low), simd_or(all->kept.high, all->undecided.high));
}

// Draws the planes from first_plane on until all is decided: a function of its own, so that those before need no loop, through
// which compilers carry what they need for it in memory.
static __attribute__((noinline)) void finish_one_block(simdrop_mask_source *source, uint64_t block_number, int first_plane,
                                                       drawn_lanes *all, uint64_t *words) {
  drawing call;
  call.source = source;
  begin_rounds(&call);
  for (int plane = first_plane; plane < source->plane_count; plane += SIMD_LANES) {
    const drawn_lanes drawn = draw_one_block(&call, 1, plane, block_number);
    *all = join_planes(all, &drawn);
    if (simd_first_words(simd_or(all->undecided.low, all->undecided.high)) == 0) break;
  }
  store_one_block(all, words);
}

// So many vectors of planes at once, and more if they leave something undecided of what is wanted of the block's two words.
static inline __attribute__((always_inline)) void mask_wanted(simdrop_mask_source *source, int vectors, uint64_t block_number,
                                                              uint64_t wanted_0, uint64_t wanted_1, uint64_t *words) {
  drawing call;
  call.source = source;
  begin_rounds(&call);
  drawn_lanes drawn = draw_one_block(&call, vectors, 0, block_number);
  const uint64_t undecided_0 = simd_first_words(drawn.undecided.low), undecided_1 = simd_first_words(drawn.undecided.high);
  if (((undecided_0 & wanted_0) | (undecided_1 & wanted_1)) != 0 && vectors * SIMD_LANES < source->plane_count) {
    drawn_lanes all = drawn;  // a copy: what another function changes would be in memory here, too
    finish_one_block(source, block_number, vectors * SIMD_LANES, &all, words);
    return;
  }
  store_one_block(&drawn, words);
}

enum {
  // Vectors of planes that leave an element undecided once in 256 times, and a block once in 30 times or less often.
  FEW_VECTORS = 8 / SIMD_LANES,
  MOST_VECTORS = SIMD_LANES == 8 ? 2 : 12 / SIMD_LANES,
};

static inline bool decides_all(const simdrop_mask_source *source, int vectors) {
  return source->plane_count <= vectors * SIMD_LANES;
}

// The first `count` elements of a block. With AVX2, a call of 128 elements takes 11 ns less with twelve planes at once than
// with sixteen (Zen 4).
static __attribute__((noinline)) void mask_one_block(simdrop_mask_source *source, uint64_t block_number, size_t count,
                                                     uint64_t *words) {
  const uint64_t all = ~UINT64_C(0);
  if (decides_all(source, FEW_VECTORS)) {
    mask_wanted(source, FEW_VECTORS, block_number, 0, 0, words);
  } else {
    mask_wanted(source, MOST_VECTORS, block_number, count < 64 ? all >> (64 - count) : all,
                count > 64 ? all >> (128 - count) : 0, words);
  }
}

// Elements of a block's first word. Compilers leave the other one out of the last rounds, so that eight planes are the best
// even for 64 elements, of which they leave some undecided in a fifth of the calls.
static __attribute__((noinline)) void mask_first_word(simdrop_mask_source *source, uint64_t block_number, size_t count,
                                                      uint64_t *words) {
  drawing call;
  call.source = source;
  begin_rounds(&call);
  const drawn_lanes drawn = draw_one_block(&call, FEW_VECTORS, 0, block_number);
  const uint64_t undecided = simd_first_words(drawn.undecided.low), wanted = ~UINT64_C(0) >> (FEW_ELEMENTS - count);
  if ((undecided & wanted) != 0 && !decides_all(source, FEW_VECTORS)) {
    mask_one_block(source, block_number, count, words);
    return;
  }
  words[0] = simd_first_words(drawn.kept.low) | undecided;
}

#ifdef simd_first_bits
// The first element alone. Its bits of the planes are the digits of its number, which is quickly compared. One vector of
// planes, which with four lanes leaves it undecided once in 16 times: with fewer instructions, a processor begins more of the
// call that comes next (Zen 4, AVX2: 28 ns a call, and 32 with eight planes).
static __attribute__((noinline)) void mask_first_element(simdrop_mask_source *source, uint64_t block_number, uint64_t *words) {
  drawing call;
  call.source = source;
  begin_rounds(&call);
  const simd_u64 planes = simd_count_from(SIMD_LANES - 1, -1);
  plane_bits bits;
  draw_planes_of_block(&call, 1, &planes, block_number, &bits);
  const uint32_t number = simd_first_bits(bits.low), threshold = (uint32_t)source->threshold >> (SIMDROP_PLANES - SIMD_LANES);
  if (number == threshold && !decides_all(source, 1)) {
    mask_first_word(source, block_number, 1, words);
    return;
  }
  words[0] = number >= threshold;
}
#endif

// The first 1 to FEW_ELEMENTS elements of a block.
static inline void mask_few_elements(simdrop_mask_source *source, uint64_t block_number, size_t count, uint64_t *words) {
#ifdef simd_first_bits
  if (count == 1) {
    mask_first_element(source, block_number, words);
    return;
  }
#endif
  mask_first_word(source, block_number, count, words);
}

// One batch with as many dense planes as the threshold calls for.
static inline __attribute__((always_inline)) void mask_batch_by_planes(drawing *call, const batch_blocks *numbers, size_t count,
                                                                       uint64_t *words) {
  if (ONE_PLANE_VECTORS < SIMD_FEW_PLANES_IN_FLIGHT && call->source->plane_count == 1 && call->pace.interleave != NULL) {
    mask_exact_batch(call, ONE_PLANE_VECTORS, 1, numbers, count, words);
  } else if (call->source->plane_count == 1) {
    mask_exact_batch(call, SIMD_FEW_PLANES_IN_FLIGHT, 1, numbers, count, words);
  } else if (call->source->plane_count == 2) {
    mask_exact_batch(call, SIMD_FEW_PLANES_IN_FLIGHT / 2, 2, numbers, count, words);
  } else if (!has_stragglers(call->source)) {
    mask_exact_batch(call, 1, call->source->plane_count, numbers, count, words);
  } else {
    mask_dense_batch(call, numbers, count, words, NULL);
  }
}

// A vector of blocks draws its dense planes in one go, so that only a block alone is sooner drawn by itself if there are no
// more.
static inline bool are_few(const simdrop_mask_source *source, size_t block_count) {
  if (block_count <= 1) return source->plane_count >= SIMD_ONE_BLOCK_PLANES;
  return block_count <= SIMD_FEW_BLOCKS && has_stragglers(source);
}

// Vectors in the order of simd_block_order, with where the blocks' words begin in the upper halves. The last step, which may
// look past the end, finds the last block there.
static inline void make_list(const uint64_t *blocks, size_t block_count, uint64_t *list) {
  enum {
    STEP_BLOCKS = SIMD_FEW_PLANES_IN_FLIGHT * SIMD_LANES
  };
  uint64_t order[SIMD_LANES];
  simd_store(order, simd_block_order());
  const size_t end = (block_count + STEP_BLOCKS - 1) / STEP_BLOCKS * STEP_BLOCKS;
  for (size_t i = 0; i < end; i += SIMD_LANES) {
    SIMDROP_UNROLL
    for (size_t lane = 0; lane < SIMD_LANES; ++lane) {
      const size_t position = i + order[lane];
      const uint64_t place = SIMDROP_BLOCK_WORDS * position;
      list[i + lane] = (uint32_t)blocks[position < block_count ? position : block_count - 1] | place << 32;
    }
  }
}

// About, of planes.
static inline size_t count_batches(const simdrop_mask_source *source, size_t block_count) {
  const size_t vectors = (block_count + SIMD_LANES - 1) / SIMD_LANES;
  if (source->plane_count == 1) return (vectors + ONE_PLANE_VECTORS - 1) / ONE_PLANE_VECTORS;
  if (source->plane_count == 2)
    return (vectors * (size_t)source->plane_count + SIMD_FEW_PLANES_IN_FLIGHT - 1) / SIMD_FEW_PLANES_IN_FLIGHT;
  if (has_stragglers(source)) return vectors * (SIMD_DENSE_PLANES / PLANES_BETWEEN_STEPS) + (vectors + 1) / 2;
  return vectors * (size_t)((source->plane_count + SIMD_PLANES_IN_FLIGHT - 1) / SIMD_PLANES_IN_FLIGHT);
}

#include "common/producer_calls.h"

#endif
