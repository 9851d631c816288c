"""The faults that the tests must catch: each is one edit of one source file, and names the one test that has to fail for it.

A fault is planted in a copy of the source by run.py, which also checks that the text to replace occurs exactly once. White
space in the text stands for any white space, so that formatting the sources does not break the table.
"""
import platform
from typing import NamedTuple

AARCH64 = ("neon", "sve", "highway-neon", "highway-sve", "highway-sve2")


class Fault(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    test: str  # executable:test, as in "mask:golden_masks" of test_mask, or a script and the title of its line
    needs: str = "scalar"  # the backend that must run here for the fault to show
    effort: str = "quick"  # SIMDROP_TEST_EFFORT
    options: tuple = ()  # CMake options that it takes
    processor: str = "max"  # where one is emulated: with SVE of 512 bits
    arguments: tuple = ()  # of the script, after its folder

    def script(self):
        """The script that has the test, or "" if an executable has it."""
        return name if (name := self.test.split(":")[0]).endswith(".sh") else ""

    def machine(self):
        """The processor that the backend is for: "" for this one, or one that is emulated."""
        return "aarch64" if self.needs in AARCH64 and platform.machine() not in ("aarch64", "arm64") else ""

    def cmake(self):
        """All its options. Backends take long to compile and to test, and so each is there only for its own faults."""
        there = {"AVX512": self.needs == "avx512", "AVX2": self.needs == "avx2", "HIGHWAY": self.needs.startswith("highway-")}
        return tuple("-DSIMDROP_WITH_%s=%s" % (part, "ON" if is_there else "OFF") for part, is_there in there.items()) + self.options


FAULTS = []
PARTS = "src/common/producer_parts.h"
CALLS = "src/common/producer_calls.h"
ROUNDS = "src/common/rounds_body.h"
LANES = "philox:known_answers_in_every_lane"
SVE_128 = "max,sve-max-vq=1"
SVE_2048 = "max,sve-default-vector-length=-1"


def fault(*fields, **options):
    FAULTS.append(Fault(*fields, **options))


# ---- K1, K2: the generator
FILE = "src/common/philox.h"
fault("philox: key words swapped", FILE, "k0 = key[0], k1 = key[1]", "k0 = key[1], k1 = key[0]", "philox:known_answers")
fault("philox: a round less", FILE, "SIMDROP_PHILOX_ROUNDS 10", "SIMDROP_PHILOX_ROUNDS 9", "philox:known_answers")
fault("philox: a round more", FILE, "SIMDROP_PHILOX_ROUNDS 10", "SIMDROP_PHILOX_ROUNDS 11", "philox:known_answers")
fault("philox: multiplier 0", FILE, "0xD2511F53", "0xD2511F55", "philox:known_answers")
fault("philox: multiplier 1", FILE, "0xCD9E8D57", "0xCD9E8D59", "philox:known_answers")
fault("philox: key constant 0", FILE, "0x9E3779B9", "0x9E3779B1", "philox:known_answers")
fault("philox: key constant 1", FILE, "0xBB67AE85", "0xBB67AE8B", "philox:known_answers")
fault("philox: key never bumped", FILE, "k0 += SIMDROP_PHILOX_WEYL_0;", "k0 += 0;", "philox:known_answers")
fault("philox: high half for low", FILE, "c1 = (uint32_t)product_1;", "c1 = (uint32_t)(product_1 >> 32);", "philox:known_answers")
fault("philox: multiplicands swapped", FILE, "SIMDROP_PHILOX_MULTIPLIER_0 * c0;",
      "SIMDROP_PHILOX_MULTIPLIER_0 * c2;", "philox:known_answers")
fault("philox: output words 0 and 1 the same", FILE, "words[0] = c0;", "words[0] = c1;", "philox:known_answers")
fault("philox: output words permuted", FILE, "words[3] = c3;", "words[3] = c2;", "philox:ten_thousandth_number")

FILE = "src/scalar/producer.c"
fault("scalar: stream's halves swapped", FILE, "source->stream[0], (uint32_t)block, source->stream[1],",
      "source->stream[1], (uint32_t)block, source->stream[0],", LANES)
fault("scalar: output words 2 and 3 swapped", FILE, "words[2] | (uint64_t)words[3] << 32",
      "words[3] | (uint64_t)words[2] << 32", LANES)
fault("scalar: block's upper half lost", FILE, "(uint32_t)(block >> 32) | (uint32_t)plane", "(uint32_t)plane", LANES)
fault("plane number at the wrong bit", "src/common/mask_source.h", "SIMDROP_PLANE_SHIFT 25", "SIMDROP_PLANE_SHIFT 24", LANES)

FILE = "src/common/producer_body.h"
fault("vector: key words swapped", PARTS, "source->key[0] + (uint32_t)round", "source->key[1] + (uint32_t)round", LANES, "avx2")
fault("vector: one key constant for both", PARTS, "(uint32_t)round * SIMDROP_PHILOX_WEYL_1",
      "(uint32_t)round * SIMDROP_PHILOX_WEYL_0", LANES, "avx2")
fault("vector: a round less", ROUNDS, "round < LAST_ROUND - PLANE_ROUND - 1; ++round) {", "round < LAST_ROUND - PLANE_ROUND - 2; ++round) {",
      LANES, "avx2")
fault("vector: low half for high", ROUNDS, "word_0[i] = simd_words_xor3(simd_upper_words(product_1), word_1[i],",
      "word_0[i] = simd_words_xor3(simd_lower_words(product_1), word_1[i],", LANES, "avx2")
fault("vector: stream's halves swapped", ROUNDS, "simd_words_set(source->stream[0])", "simd_words_set(source->stream[1])", LANES, "avx2")
fault("vector: word 3 of the first round lost", ROUNDS, "simd_words_xor(simd_lower_words(product_0), keys->first_2[1])",
      "keys->first_2[1]", LANES, "avx2")
fault("sve: stream's halves swapped", "src/common/scalable_producer_body.h", "SIMDROP_PHILOX_MULTIPLIER_0 * source->stream[0]",
      "SIMDROP_PHILOX_MULTIPLIER_0 * source->stream[1]", LANES, "sve")
fault("avx512: blocks in the wrong lanes", "src/avx512/simd.h", "_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7)",
      "_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7)", LANES, "avx512")
fault("avx512: output words mixed up", "src/avx512/simd.h", "_mm512_castsi512_ps(high), _MM_SHUFFLE(0, 1, 0, 1)", "_mm512_castsi512_ps(high), _MM_SHUFFLE(1, 0, 1, 0)", LANES, "avx512")
fault("avx512: lanes rotated by too few", "src/avx512/simd.h", "_mm512_alignr_epi64(a, a, 4)", "_mm512_alignr_epi64(a, a, 3)",
      "mask:every_plane_decides", "avx512")
fault("avx2: lanes rotated by too few", "src/avx2/simd.h", "_mm256_permute4x64_epi64(a, _MM_SHUFFLE(1, 0, 3, 2))",
      "_mm256_permute4x64_epi64(a, _MM_SHUFFLE(0, 3, 2, 1))", "mask:every_plane_decides", "avx2")
fault("avx2: blocks in the wrong lanes", "src/avx2/simd.h", "_mm256_setr_epi64x(0, 2, 1, 3)", "_mm256_setr_epi64x(0, 1, 2, 3)",
      LANES, "avx2")
fault("avx2: output words mixed up", "src/avx2/simd.h", "_mm256_castsi256_ps(high), _MM_SHUFFLE(0, 1, 0, 1)", "_mm256_castsi256_ps(high), _MM_SHUFFLE(1, 0, 1, 0)", LANES, "avx2")


# ---- norms
FILE = "src/scalar/norm_body.h"
DEFINITION = "norm:definition"
fault("norm: the statistics are those of h before it is rounded", FILE, "lanes[k % SIMDROP_SUM_LANES] += TYPED(scalar_value)(h[k]);",
      "lanes[k % SIMDROP_SUM_LANES] += residual == NULL ? d : TYPED(scalar_value)(residual[k]) + d;", DEFINITION)
fault("norm: dx of dh before it is rounded", FILE, "? TYPED(scalar_value)(sum) * scale : 0);",
      "? (added == NULL ? own : TYPED(scalar_value)(added[k]) + own) * scale : 0);", DEFINITION)
fault("norm: beta is added before gamma multiplies", FILE,
      """if (gamma != NULL) value = value * TYPED(scalar_value)(gamma[k]);
         if (beta != NULL) value = value + TYPED(scalar_value)(beta[k]);""",
      """if (beta != NULL) value = value + TYPED(scalar_value)(beta[k]);
         if (gamma != NULL) value = value * TYPED(scalar_value)(gamma[k]);""", DEFINITION)
fault("norm: the gradient without the mean of g * z", FILE, "((g - mean_gradient) - z * mean_product)", "(g - mean_gradient)",
      "norm:differences")
fault("norm: sums of squares in 64 lanes", FILE, "lanes[k % SIMDROP_SUM_LANES] += difference * difference;",
      "lanes[k / 2 % SIMDROP_SUM_LANES] += difference * difference;", DEFINITION)
FILE = "src/fused/norm.c"
fault("norm: RMS with a mean", FILE, "if (!operation->has_mean) of_row.mean = 0; simdrop_norm_operands", "simdrop_norm_operands", DEFINITION)
fault("norm: RMS takes the stored mean", FILE, "if (!operation->has_mean) of_row.mean = 0; return of_row;", "return of_row;", DEFINITION)
fault("norm: epsilon after the root", FILE, "return (double)(1 / sqrtf((float)q + (float)operation->epsilon));",
      "return (double)(1 / (sqrtf((float)q) + (float)operation->epsilon));", DEFINITION)
fault("norm: groups of 32 rows", "src/fused/computed.h", "#define SIMDROP_GROUP_ROWS ((size_t)64)", "#define SIMDROP_GROUP_ROWS ((size_t)32)", DEFINITION)
fault("norm: a part of columns has the decisions of the first", FILE, "part.columns = end - begin; part.decisions.index += begin;",
      "part.columns = end - begin;", "norm:threads")
fault("norm: sums of a long row are made for each of its pieces", FILE, "if (segment->column == 0) sum_row(job, row);",
      "sum_row(job, row);", "norm:long_rows")
fault("norm: gamma's sums after dx was written", FILE,
      "if (sums_columns) add_group(&group, kernels); simdrop_drive_norm_rows(&group);",
      "simdrop_drive_norm_rows(&group); if (sums_columns) add_group(&group, kernels);", "norm:in_place")
fault("norm: past the caches, the last columns of a row are forgotten", FILE, "write_columns(job, row, end, columns, false);", "",
      "norm:far_rows")
FILE = "src/core/norm.c"
fault("norm: h may be y", "src/core/check_matrix.c", "if (other->role != SIMDROP_INPUT && other->first == output->first) return SIMDROP_ERROR_OVERLAP;", "",
      "norm:overlaps")
fault("norm: rows and the sums of the bias at once", FILE, "run_rows(executor, pieces, operation, simdrop_drive_norm_rows);",
      "if (operation->bias_sums == NULL) run_rows(executor, pieces, operation, simdrop_drive_norm_rows);", "norm:threads")
fault("norm: an epsilon that is not a number", FILE, "epsilon >= 0 && epsilon <= (dtype == SIMDROP_F64 ? DBL_MAX : (double)FLT_MAX)",
      "!(epsilon < 0) && !(epsilon > (dtype == SIMDROP_F64 ? DBL_MAX : (double)FLT_MAX))", "norm:errors")
fault("norm: an epsilon that is infinite as a float", FILE, "(dtype == SIMDROP_F64 ? DBL_MAX : (double)FLT_MAX)", "DBL_MAX", "norm:errors")
FILE = "src/common/norm_typed_body.h"
fault("norm in words: what is behind a row's last element is summed", FILE,
      "if (count < WORD_ELEMENTS) memset(numbers + count, 0, (WORD_ELEMENTS - count) * sizeof *numbers);", "(void)numbers, (void)count;",
      DEFINITION, needs="avx2")
fault("norm in words: a copy of more than is left", FILE, "copy_part(count, sizeof *operand->copy, operand->all.elements + k, operand->copy);",
      "copy_part(WORD_ELEMENTS, sizeof *operand->copy, operand->all.elements + k, operand->copy);", "norm:guards", needs="avx2")
fault("norm in words: what is added where nothing is to be is +0", "src/common/consumer_parts.h", "#define MINUS_ZERO_f32 (-0.0F)",
      "#define MINUS_ZERO_f32 0.0F", DEFINITION, needs="avx2")
FILE = "src/common/row_sums_body.h"
fault("sums along rows: from the last numbers to the first", FILE, "vector##_add(vector##_load(numbers + k + (i)*width), lanes_##i)",
      "vector##_add(vector##_load(numbers + (count - SIMDROP_SUM_LANES - k) + (i)*width), lanes_##i)", DEFINITION, needs="avx2")

# ---- the vocabularies: what is wrong in a word that few calls need
WORDS = "vocabulary:words_do_what_they_say"
fault("avx2: lanes rotated by two the wrong way", "src/avx2/simd.h", "_MM_SHUFFLE(1, 0, 3, 2)", "_MM_SHUFFLE(1, 0, 2, 3)", WORDS, "avx2")
fault("avx2: planes past the 32nd are there", "src/avx2/simd.h", "_mm256_srlv_epi64(simd_set(threshold), _mm256_sub_epi64(simd_set(31), planes))",
      "_mm256_srlv_epi64(simd_set(threshold), _mm256_and_si256(_mm256_sub_epi64(simd_set(31), planes), simd_set(31)))", WORDS, "avx2")
fault("avx2: a set of lanes loses one", "src/avx2/simd.h", "THEN(0, THEN(1, THEN(2, LANE(3)))),", "THEN(0, THEN(1, THEN(2, LANE(2)))),", WORDS, "avx2")
fault("avx512: lanes rotated by one for four", "src/avx512/simd.h", ": _mm512_alignr_epi64(a, a, 4)", ": _mm512_alignr_epi64(a, a, 1)", WORDS, "avx512")
fault("vector: a last word without its key", "src/common/vocabulary.h", "simd_xor3(product, simd_shift_left(word, 32), key)",
      "((void)key, simd_xor(product, simd_shift_left(word, 32)))", WORDS, "avx512")
fault("avx512: a block flipped in another's place", "src/avx512/simd.h", "where[6], _mm512_extracti64x2_epi64(even, 3)",
      "where[6], _mm512_extracti64x2_epi64(even, 2)", WORDS, "avx512")
fault("avx2: a block flipped in another's place", "src/avx2/simd.h", "where[2], _mm256_extracti128_si256(even, 1)",
      "where[2], _mm256_castsi256_si128(even)", WORDS, "avx2")
fault("vector: one word turned over of two", "src/common/vocabulary.h", "(turned_over ? ~UINT64_C(0) : 0)", "(turned_over ? UINT32_MAX : 0)", WORDS, "avx2")
fault("neon: one word turned over of two", "src/neon/simd.h", "vreinterpretq_u64_u32(vdupq_n_u32(turned))", "vdupq_n_u64(0)", WORDS, "neon")
fault("neon: the upper half of lanes forgotten", "src/neon/simd.h", "vmaxvq_u32(vreinterpretq_u32_u64(vorrq_u64(a.first, a.second))) != 0",
      "vmaxvq_u32(vreinterpretq_u32_u64(a.first)) != 0", WORDS, "neon")
fault("highway: a step in the upper half", "src/highway/producer_simd-inl.h", "simd_multiply_low(hn::Iota(tag_u64(), 0), simd_set((uint64_t)step))",
      "simd_multiply_low(hn::Iota(tag_u64(), 0), simd_set((uint64_t)step & 127))", WORDS, "highway-avx2")

# ---- K3: counters
FILE = "src/engine/mask_reader.c"
CARRY = "mask:offsets_around_every_carry"
fault("counter starts at 1", FILE, "next_block = operation->index / SIMDROP_BLOCK_ELEMENTS;",
      "next_block = operation->index / SIMDROP_BLOCK_ELEMENTS + 1;", "mask:golden_masks")
fault("index cut to 32 bits", FILE, "next_block = operation->index /", "next_block = (uint32_t)operation->index /", CARRY)
fault("index cut to 63 bits", FILE, "next_block = operation->index /", "next_block = (operation->index & INT64_MAX) /", CARRY)
fault("block cut to 32 bits", FILE, "next_block = operation->index / SIMDROP_BLOCK_ELEMENTS;",
      "next_block = (uint32_t)(operation->index / SIMDROP_BLOCK_ELEMENTS);", CARRY)
fault("seed cut to 32 bits", "src/engine/generator.c", "(uint32_t)(seed >> 32)", "0", "mask:golden_masks")
fault("seed's halves swapped", "src/engine/generator.c", "key[0] = (uint32_t)seed;", "key[0] = (uint32_t)(seed >> 32), (void)0;",
      "mask:golden_masks")
fault("stream cut to 32 bits", "src/engine/generator.c", "(uint32_t)(stream >> 32)", "0", "mask:golden_masks")
fault("scalar: carry into the block's upper half lost", "src/scalar/producer.c", "mask_block(source, first_block + b,",
      "mask_block(source, first_block >> 32 << 32 | (uint32_t)(first_block + b),", CARRY)
FILE = "src/common/producer_body.h"
fault("vector: carry into the block's upper half lost", CALLS, "until_wrap = (UINT64_C(1) << 32) - (uint32_t)first_block;",
      "until_wrap = UINT64_MAX;", CARRY, "avx2")
fault("vector: plane parts kept past a carry", CALLS, "!call->source->schedule.ready || call->source->schedule.block_high != block_high",
      "!call->source->schedule.ready", CARRY, "avx2")
fault("vector: short call forgets the block's upper half", FILE, "(uint32_t)(block_number >> 32)", "0", CARRY, "avx2")
fault("vector: second batch over the first", CALLS, "&numbers, count, words + SIMDROP_BLOCK_WORDS * done);",
      "&numbers, count, words);",
      CARRY, "avx2")

# ---- K4: the threshold
EXACT = "mask:exact_thresholds"
FILE = "src/engine/generator.c"
SET = "source->threshold = threshold;"
fault("<= for <", FILE, SET, "threshold += threshold < SIMDROP_CERTAIN - 1;" + SET, EXACT)
fault("signed compare", FILE, SET, "if ((int32_t)(uint32_t)threshold < 0) threshold = 1;" + SET, EXACT)
FILE = "src/engine/parameters.h"
CLAMP = "return threshold < SIMDROP_CERTAIN ? threshold : SIMDROP_CERTAIN - 1;"
fault("T wraps to 0", FILE, CLAMP, "return (uint32_t)threshold;", EXACT)
fault("T reaches 2^32 below p = 1", FILE, CLAMP, "return threshold;", "mask:thresholds")
fault("T truncated", FILE, "++threshold;", "threshold += 0;", "mask:thresholds")
fault("T rounded half up", FILE, "(remainder == 0.5 && (threshold & 1))", "remainder == 0.5", "mask:thresholds")
fault("p of 16 bits", FILE, "const double scaled = p * 0x1p32;", "const double scaled = (double)(uint64_t)(p * 0x1p16) * 0x1p16;",
      "mask:thresholds")
fault("p through float", FILE, "const double scaled = p * 0x1p32;", "const double scaled = (double)(float)p * 0x1p32;",
      "mask:thresholds")
FILE = "src/scalar/producer.c"
fault("scalar: early exit one plane short", FILE, "plane < source->plane_count && (undecided",
      "plane < source->plane_count - 1 && (undecided", EXACT)
fault("scalar: equal elements dropped", FILE, "undecided[half] &= ~u[half]; } } } }",
      "undecided[half] &= ~u[half]; } } } kept[0] &= ~undecided[0]; kept[1] &= ~undecided[1]; }", EXACT)
fault("scalar: planes depend on T", FILE, "plane_bits(source, block, plane, u);",
      "plane_bits(source, block, plane + (int)(source->threshold & 1), u);", "mask:larger_p_drops_more")
FILE = "src/common/producer_body.h"
PLANES = "mask:every_plane_count"
fault("vector: many undecided blocks left one plane short", FILE, "plane < planes && count > SIMD_LANES;", "plane + 1 < planes && count > SIMD_LANES;",
      PLANES, "avx2")
fault("vector: the last undecided blocks left one plane short", FILE, "plane < planes && simd_any(", "plane + 1 < planes && simd_any(",
      PLANES, "avx2")
fault("vector: what a plane of the lower ones keeps stays undecided", FILE, "undecided->high = simd_and_not(bits[i].high, undecided->high);", "",
      PLANES, "avx2")
fault("vector: a plane of the lower ones by its neighbour's bit", FILE, "if (threshold_bit(call->source, first_plane + i)) {",
      "if (threshold_bit(call->source, first_plane)) {", PLANES, "avx2")
fault("vector: undecided blocks listed once only", FILE, "left = add_stragglers(stragglers, left, where, &undecided);", "(void)undecided;",
      PLANES, "avx2")
fault("vector: the schedule ends with its first planes", FILE, "if (first_plane >= call->source->schedule.ready) extend_schedule(call);", "",
      "mask:threshold_at_an_elements_u", "avx2")
fault("vector: kept from where the threshold's bit is 0", FILE, "return zero_bits ^ zero_bits >> 1;", "return zero_bits;", PLANES, "avx2")
fault("vector: undecided elements dropped after a plane of ones", FILE, "turn_undecided(&turning, SIMD_DENSE_PLANES, &undecided, &kept);",
      "turning = ~turning; turn_undecided(&turning, SIMD_DENSE_PLANES, &undecided, &kept); turning = ~turning;", PLANES, "avx2")
fault("vector: dense planes compared with the other bit", FILE, "threshold_bit(source, plane) ? plain : turned_over;",
      "threshold_bit(source, plane) ? turned_over : plain;", PLANES, "avx2")
fault("vector: elements begin dropped", FILE, "kept_at_first = simd_set(turning >> 31 ?", "kept_at_first = simd_set(turning >> 31 && false ?", PLANES, "avx2")
fault("vector: short call looks at its first planes only", FILE,
      "if (simd_first_words(simd_or(all->undecided.low, all->undecided.high)) == 0) break;", "break;",
      "mask:threshold_at_an_elements_u", "avx2")
fault("vector: short call keeps what its first planes leave undecided", FILE, "wanted_1)) != 0 &&", "wanted_1)) != 0 && false &&", PLANES, "avx2")
fault("vector: short call looks at one word of two", FILE, "(undecided_1 & wanted_1)", "(undecided_1 & 0)", PLANES, "avx2")
fault("vector: short call looks at all elements but the last", FILE, "wanted = ~UINT64_C(0) >> (FEW_ELEMENTS - count);",
      "wanted = ~UINT64_C(0) >> (FEW_ELEMENTS - count) >> 1;",
      "mask:calls_of_few_elements", "avx2")
fault("vector: one element equal to the threshold so far is kept", FILE, "if (number == threshold && !decides_all(source, 1)) {",
      "if (number == threshold && decides_all(source, 0)) {", "mask:calls_of_one_or_two", "avx2")
fault("vector: one element equal to the threshold is dropped", FILE, "words[0] = number >= threshold;", "words[0] = number > threshold;",
      "mask:calls_of_one_or_two", "avx2")
fault("vector: a word's undecided elements are dropped", FILE, "words[0] = simd_first_words(drawn.kept.low) | undecided;",
      "words[0] = simd_first_words(drawn.kept.low);", "mask:calls_of_one_or_two", "avx2")
fault("vector: few elements are never drawn again", FILE, "if ((undecided & wanted) != 0 && !decides_all(source, FEW_VECTORS)) {",
      "if ((undecided & wanted) != 0 && decides_all(source, 0)) {", "mask:calls_of_few_elements", "avx2")
fault("avx2: one element takes the second word's bit", "src/avx2/simd.h", "_mm256_slli_epi64(a, 31)", "_mm256_slli_epi64(a, 63)",
      "mask:calls_of_one_or_two", "avx2")
fault("avx512: one element takes the second word's bit", "src/avx512/simd.h", "_mm512_slli_epi64(a, 31)", "_mm512_slli_epi64(a, 63)",
      "mask:calls_of_one_or_two", "avx512")
fault("vector: a word's elements where the call has many", CALLS, "if (n - 1 < FEW_ELEMENTS && are_few(source, 1)) {",
      "if (n - 1 <= FEW_ELEMENTS && are_few(source, 1)) {", "mask:calls_of_few_elements", "avx2")
fault("vector: few elements from the first word's beginning", "src/common/scale_body.h", "simdrop_bits_from(decisions->words, decisions->first) & ~",
      "simdrop_bits_from(decisions->words, 0) & ~", "kernels:any_cut", "avx2")
fault("vector: decisions past few elements", "src/common/scale_body.h", "& ~UINT64_C(0) >> (WORD_ELEMENTS - n);", "| 0 * n;",
      "guard:kernels_f32", "avx2")
fault("vector: short call looks at all elements of a word but the last", FILE, "count < 64 ? all >> (64 - count)", "count < 64 ? all >> (65 - count)",
      "mask:calls_of_few_elements", "avx2")
fault("vector: short call looks at all elements of a block but the last", FILE, "count > 64 ? all >> (128 - count)",
      "count > 64 ? all >> (128 - count) >> 1", "mask:calls_of_few_elements", "avx2")
fault("vector: few blocks of a list are those of the first", CALLS, "list != NULL ? list[b] :", "list != NULL ? list[0] :",
      "layout:listed_blocks", "avx2")
fault("vector: the last vectors not drawn beside other work", FILE, "ONE_PLANE_VECTORS, 1, numbers, count,",
      "ONE_PLANE_VECTORS, 1, numbers, count, words); "
      "if (count > 2 * SIMD_LANES) memset(words + SIMDROP_BLOCK_WORDS * (count - 2 * SIMD_LANES), 0, 16); "
      "if (count == 0) mask_exact_batch(call, 1, 1, numbers, count,", "golden_digest:library", "avx512")
fault("vector: one plane of two", FILE, "SIMD_FEW_PLANES_IN_FLIGHT / 2, 2, numbers", "SIMD_FEW_PLANES_IN_FLIGHT / 2, 1, numbers",
      PLANES, "avx2")
fault("vector: one plane less of a few", FILE, "1, call->source->plane_count, numbers,", "1, call->source->plane_count - 1, numbers,", PLANES,
      "avx2")
fault("vector: undecided blocks not finished", FILE,
      "simd_flip_blocks(words, stragglers->where + i, dropped.low, dropped.high);", "(void)dropped;", PLANES, "avx2")
fault("vector: the last undecided blocks not finished", FILE,
      "simd_flip_blocks(words, stragglers->where, dropped.low, dropped.high);", "(void)dropped;", PLANES, "avx2")
for isa, prefix in (("avx2", "_mm256"), ("avx512", "_mm512")):
    fault(f"{isa}: short call's threshold off by a plane", f"src/{isa}/simd.h", f"{prefix}_sub_epi64(simd_set(31), planes)",
          f"{prefix}_sub_epi64(simd_set(30), planes)", PLANES, isa)
fault("avx512: undecided blocks not closed up", "src/avx512/simd.h", "_mm512_maskz_compress_epi64(lanes, a)", "a", PLANES, "avx512")
fault("avx2: undecided blocks not closed up", "src/avx2/simd.h", "_mm256_permutevar8x32_epi32(a, order)",
      "((void)order, a)", PLANES, "avx2")

# ---- K5: heads, tails, chunks
FILE = "src/engine/mask_reader.c"
fault("head: start in the block's wrong half", FILE, "reader->position = operation->index % SIMDROP_BLOCK_ELEMENTS;",
      "reader->position = operation->index % 64;", "mask:every_length_and_start")
fault("tail: unused bits not cleared", FILE, "word &= (UINT64_C(1) << rest) - 1;", "", "mask:every_length_and_start")
fault("packing shifts by one too few", FILE, "word = words[i] >> shift | words[i + 1] << (64 - shift)",
      "word = words[i] >> shift | words[i + 1] << (63 - shift)", "mask:every_length_and_start")
fault("chunk: the block left over is forgotten", FILE, "reader->leftover = reader->position != 0;", "reader->leftover = false;",
      "kernels:chunk_boundaries")
fault("chunk: the wrong block is left over", FILE, "first + SIMDROP_BLOCK_WORDS * (blocks - 1), sizeof",
      "first + SIMDROP_BLOCK_WORDS * (blocks > 1 ? blocks - 2 : 0), sizeof", "kernels:every_bit_offset")
FILE = "src/engine/driver.c"
fault("chunk: bits written too close", FILE, "bits += count / 8;", "bits += count / 16;", "kernels:chunk_boundaries")
fault("chunk: bytes written too close", FILE, "job->bytes += count;", "job->bytes += count / 2;", "kernels:chunk_boundaries")
fault("pages: every step's bytes are the first's", FILE, "decisions.first += begin;", "", "kernels:large_outputs", "avx2", effort="full")
fault("bytes forgotten where nothing is drawn", FILE, "if (operation->bytes != NULL) drive_bytes(operation, operation->bytes);", "",
      "kernels:certain_probabilities")
fault("chunk: y does not move on", FILE, "job->operands.y = (char *)job->operands.y + count * job->size;", "",
      "kernels:chunk_boundaries")
fault("chunk: a step skips the rest", "src/common/interleave.h", "interleave->done = end;", "interleave->done = interleave->count;",
      "kernels:chunk_boundaries", "avx2")
fault("chunk: reader shared between threads", FILE,
      "simdrop_mask_reader reader; simdrop_reader_init(&reader, kernels, operation); scale_job",
      "static simdrop_mask_reader reader; simdrop_reader_init(&reader, kernels, operation); scale_job",
      "kernels:cut_into_threads", effort="full", needs="avx2")
fault("short: decisions shared between threads", FILE, "  uint64_t room[", "  static uint64_t room[",
      "kernels:cut_into_threads", effort="full", needs="avx2")
fault("any cut: position rounded to bytes", "src/engine/mask_reader.c", "reader->position = operation->index % SIMDROP_BLOCK_ELEMENTS;",
      "reader->position = operation->index % SIMDROP_BLOCK_ELEMENTS & ~7u;", "kernels:any_cut")
fault("short: decisions from the start of the block", FILE, "= {words, operation->index % SIMDROP_BLOCK_ELEMENTS};", "= {words, 0};",
      "mask:calls_of_few_elements")
fault("short: packed decisions not written", FILE, "if (operation->bits != NULL) simdrop_pack_bits(operation->n, chunk, operation->bits);", "",
      "kernels:every_length")
fault("short: decisions as bytes not written", FILE, "kernels->expand_bytes(operation->n, &decisions, &operands, SIMDROP_STORE_CACHED);",
      "(void)kernels, (void)decisions, (void)operands;",
      "kernels:every_length")
fault("short: no decisions past the first block", FILE, "SIMDROP_BLOCK_ELEMENTS, chunk.first + n, words, NULL);", "SIMDROP_BLOCK_ELEMENTS, n, words, NULL);",
      "mask:calls_of_few_elements")
fault("scalar: last element missed", "src/scalar/scale_body.h", "for (size_t k = 0; k < n; ++k) {", "for (size_t k = 0; k + 1 < n; ++k) {",
      "kernels:every_length")
FILE = "src/common/scale_body.h"
fault("vector: last element missed", FILE, "if (k < n) TYPED(simd_scale_part)(", "if (k + 1 < n) TYPED(simd_scale_part)(",
      "kernels:every_length", "avx2")
fault("vector: stores past the caches not aligned", FILE, "k = elements_to_alignment(y, sizeof *y, n);", "k = 0;",
      "kernels:decisions_from_anywhere", "avx2")
fault("vector: wrong bits before the alignment", FILE, "if (k > 0) TYPED(simd_scale_part)(k, next_decisions(kind, &cursor, k)",
      "decision_cursor copy = cursor; if (k > 0) TYPED(simd_scale_part)(k, next_decisions(kind, &copy, k)",
      "kernels:decisions_from_anywhere", "avx2")
PAGES = "kernels:pages_in_pieces"
fault("pages: the chunk's beginning is left out", FILE, "if (begin == 0 && lead > 0) {", "if (begin == 0 && lead > 64) {", PAGES, "avx2")
fault("pages: the last step is as long as the others", FILE, "if (k + WORD_ELEMENTS > n) {", "if (k > n) {", PAGES, "avx2")
fault("pages: decisions of another place", FILE, "bits_of_bytes_at(bytes, first + k) : simdrop_bits_from(words, first + k);",
      "bits_of_bytes_at(bytes, first + k) : simdrop_bits_from(words, first + k - lead);", PAGES, "avx2")
fault("pages: decisions of another place in bytes", FILE, "bits_of_bytes_at(bytes, first + k) :", "bits_of_bytes_at(bytes, first + k - lead) :",
      PAGES, "avx2")
fault("pages: decisions of another place in the last step", FILE, "bits_of_few_bytes_at(bytes, first + k, n - k) : simdrop_bits_from(words, first + k);",
      "bits_of_few_bytes_at(bytes, first + k, n - k) : simdrop_bits_from(words, first);", PAGES, "avx2")
fault("pages: one is worked off twice", FILE, "page * page_elements +", "(page & 6) * page_elements +", PAGES, "avx2")
fault("pages: every one but the last", FILE, "step & (((size_t)1 << pages_log2) - 1)", "step & (((size_t)1 << pages_log2) - 2)", PAGES, "avx2")
FILE = "src/common/scaled_lines.h"
LINES = "kernels:lines_between_rounds"
fault("lines: those before the first whole one are left out", FILE, "interleave->run(interleave->context, 0, lead);\n  interleave->done = lead;\n  //",
      "{}\n  interleave->done = lead;\n  //", LINES, "avx2")
fault("lines: decisions of the chunk's beginning", FILE, "first = decisions->first + lead;", "first = decisions->first;", LINES, "avx2")
fault("lines: decisions from the beginning of a byte", FILE, "set_constants(kind, constants, operands->factor, first % 8);",
      "set_constants(kind, constants, operands->factor, 0);", LINES, "avx2")
fault("lines: the same decisions again", FILE, "lines->decisions += line_elements(lines->kind) / 8;", "", LINES, "avx2")
fault("lines: as many decisions as f32 has", FILE, "lines->decisions += line_elements(lines->kind) / 8;", "lines->decisions += 2;", LINES, "avx2")
fault("lines: one past the end", FILE, ".left = (interleave->count - lead) / line_elements(kind),",
      ".left = (interleave->count - lead + 15) / line_elements(kind),", LINES, "avx2")
fault("lines: not as many as there are rounds for", FILE, "LINE_LANES = 8", "LINE_LANES = 16", LINES, "avx2")
fault("lines: y does not go on", FILE, "interleave->lines->operands->y = lines->y;", "", LINES, "avx2")
fault("lines: x does not go on", FILE, "interleave->lines->operands->x = lines->x;", "", LINES, "avx2")
fault("lines: decisions do not go on", FILE, "interleave->lines->decisions->first += done;", "", LINES, "avx2")
fault("lines: what is left begins at the beginning", FILE, "interleave->done += done;", "", LINES, "avx2")
fault("lines: one type's for another", CALLS, "(is_far ? mask_between_far_f16 :", "(is_far ? mask_between_far_bf16 :",
      LINES, "avx2")
fault("avx512: both halves of a line of f16 have one's decisions", "src/avx512/simd.h", "scale_sixteen_f16((__mmask16)(kept >> i), x + i, line->scale)",
      "scale_sixteen_f16((__mmask16)kept, x + i, line->scale)", LINES, "avx512")
fault("avx2: a line's second half has the first one's decisions", "src/avx2/simd.h", "{bytes_of_sixteen(0), bytes_of_sixteen(16)}",
      "{bytes_of_sixteen(0), bytes_of_sixteen(0)}", LINES, "avx2")
fault("avx2: halves of a line of f16 change places", "src/avx2/simd.h", "store_vector(y + 16 * half, _mm256_set_m128i(high, low)",
      "store_vector(y + 16 * half, _mm256_set_m128i(low, high)", LINES, "avx2")
fault("avx2: a line of bf16 is cut off, not rounded", "src/avx2/simd.h", "_mm256_srli_epi32(_mm256_add_epi32(even, line->half), 16)", "_mm256_srli_epi32(even, 16)", LINES, "avx2")
fault("lines: blocks whose numbers wrap", CALLS, "(uint32_t)first_block <= UINT32_MAX - BATCH_BLOCKS", "true", LINES, "avx2")
fault("lines: stores past the caches not aligned", FILE, "lead = elements_to_alignment(y, size, interleave->count)", "lead = 0", LINES, "avx2")
fault("avx512: a line's decisions are not shifted", "src/avx512/simd.h", "return bits >> shift;", "return bits;", LINES, "avx512")
fault("avx512: the same half of a line twice", "src/avx512/simd.h", "_mm512_extractf32x8_ps(line, 1)", "_mm512_extractf32x8_ps(line, 0)", LINES, "avx512")
fault("avx2: a half's decisions for both of a line", "src/avx2/simd.h", "_mm256_sll_epi32(bits_of_eight(8), count)", "_mm256_sll_epi32(bits_of_eight(0), count)",
      LINES, "avx2")
CHAINED = "chain:lines_between_rounds"
fault("lines: a chain's bias goes on behind its end", FILE, "if (chain->bias == chain->bias_end) chain->bias = chain->bias_begin;", "", CHAINED, "avx2")
fault("lines: a chain's bias begins with the batch", FILE, "bias == NULL ? minus_zeros : bias - work->column;", "bias == NULL ? minus_zeros : bias;", CHAINED, "avx2")
fault("lines: a chain's residual from before the first whole one", FILE, "minus_zeros : residual + lead,", "minus_zeros : residual,", CHAINED, "avx2")
fault("lines: a chain's residual is one line", FILE, "residual == NULL ? 0 : line,", "0,", CHAINED, "avx2")
fault("lines: a chain leaves out those before the first whole one", FILE, "if (lead > 0) interleave->run(interleave->context, 0, lead);\n  interleave->done = lead;\n  set", "interleave->done = lead;\n  set", CHAINED, "avx2")
fault("lines: a chain's decisions of the batch's beginning", FILE, "first = work->first + lead;", "first = work->first;", CHAINED, "avx2")
fault("avx2: half a line of a chain has the other's residual", "src/avx2/simd.h", "bias + 8, residual + 8, y + 8,", "bias + 8, residual, y + 8,",
      WORDS, "avx2")
FILE = "src/fused/chain.c"
fault("chain: what lines have done is done again", FILE,
      "if (job->cursor.done < begin) simdrop_batch_skip(job->batch, &job->cursor, begin - job->cursor.done);", "(void)begin;", CHAINED, "avx2")
fault("chain: behind lines, rows of the batch's first", "src/fused/row_reader.h", "cursor->row += column / batch->columns;", "", CHAINED, "avx2")
fault("chain: lines with a bias of rows", FILE, "(operation->bias_axis == SIMDROP_BIAS_OF_ROWS || operation->columns", "(operation->columns", CHAINED, "avx2")
fault("chain: lines with a bias that begins within one", FILE, "operation->columns % (SIMDROP_CACHE_LINE / sizeof(float)) != 0)", "false)", CHAINED, "avx2")
fault("chain: lines past the caches that are none", FILE, "return !lines->work.non_temporal || operation->bias == NULL ||",
      "return true || operation->bias == NULL ||", CHAINED, "avx2")
fault("chain: lines of x in place of the gradient", FILE, "from = operation->is_gradient ? operation->dy : operation->x;", "from = operation->x;", CHAINED, "avx2")
fault("chain: lines of one residual for all rows", FILE, "all[] = {operation->x, operation->residual, operation->y, operation->dy, operation->dx};",
      "all[] = {operation->x, operation->y, operation->dy, operation->dx};", CHAINED, "avx2")
fault("chain: lines where sums are asked for", FILE, "job->bits != NULL || operation->sums != NULL ||", "job->bits != NULL ||", "chain:far_arrays", "avx2")
fault("chain: lines where bits are asked for", FILE, "job->bits != NULL || operation->sums != NULL ||", "operation->sums != NULL ||", CHAINED, "avx2")
EVERY_WAY = "memory:every_way_gives_the_same"
fault("lines: bytes beside them are forgotten", "src/engine/driver.c", "operation->bytes == NULL && simdrop_draws_much", "simdrop_draws_much",
      EVERY_WAY, "avx2")
fault("lines: of every type", "src/engine/driver.c", "default: return false;  // no lines", "default: return true;", "memory:chunks_of_every_type", "avx2")
fault("lines: of bf16 with ties", "src/engine/driver.c", "return factor.never_ties;", "return true;", "memory:chunks_of_every_type", "avx2")
fault("lines: affine work is scaled", "src/engine/driver.c", "job->goes_by_lines = operation->work == SIMDROP_WORK_SCALE &&", "job->goes_by_lines =", "variants:far_arrays", "avx2")
fault("far words: decisions of the other half", "src/avx2/simd.h", "const __m256i half_bits = simd_set(bits >> half);",
      "const __m256i half_bits = simd_set(bits);", "kernels:decisions_from_anywhere", "avx2")
fault("far words: a dropped element is multiplied", "src/avx2/simd.h",
      "_mm256_mul_ps(_mm256_and_ps(_mm256_loadu_ps(x), _mm256_castsi256_ps(is_kept)), scale)",
      "_mm256_and_ps(_mm256_mul_ps(_mm256_loadu_ps(x), scale), _mm256_castsi256_ps(is_kept))", "memory:no_flag_of_dropped", "avx2")
NO_FLAG = "memory:no_flag_of_dropped"
fault("avx512: dropped f16 of a line are converted", "src/avx512/simd.h",
      "store_sixteen_halves(y + i, scale_sixteen_f16((__mmask16)(kept >> i), x + i, line->scale), non_temporal);",
      "store_sixteen_halves(y + i, _mm256_maskz_mov_epi16((__mmask16)(kept >> i), scale_sixteen_f16(0xffff, x + i, line->scale)), non_temporal);", NO_FLAG, "avx512")
fault("avx512: dropped bf16 are multiplied", "src/avx512/simd.h", """pairs = _mm512_maskz_loadu_epi16(kept, x);
      const __m512 even = _mm512_mul_ps(even_bf16(pairs), scale.factor), odd = _mm512_mul_ps(odd_bf16(pairs), scale.factor);
      const __m512i product = narrow_bf16(even, odd, scale.never_ties);""", """pairs = _mm512_loadu_si512(x);
      const __m512 even = _mm512_mul_ps(even_bf16(pairs), scale.factor), odd = _mm512_mul_ps(odd_bf16(pairs), scale.factor);
      const __m512i product = _mm512_maskz_mov_epi16(kept, narrow_bf16(even, odd, scale.never_ties));""", NO_FLAG, "avx512")
fault("avx2: dropped f16 of a line are converted", "src/avx2/simd.h", """kept = select_sixteen_of_line(line, bits, half, x);
      const __m128i low = scale_eight_f16(_mm256_castsi256_si128(kept), line->scale);
      const __m128i high = scale_eight_f16(_mm256_extracti128_si256(kept, 1), line->scale);
      store_vector(y + 16 * half, _mm256_set_m128i(high, low), non_temporal);""", """all = _mm256_loadu_si256((const __m256i *)(x + 16 * half));
      const __m128i low = scale_eight_f16(_mm256_castsi256_si128(all), line->scale);
      const __m128i high = scale_eight_f16(_mm256_extracti128_si256(all, 1), line->scale);
      uint16_t products[32];
      _mm256_storeu_si256((__m256i *)(products + 16 * half), _mm256_set_m128i(high, low));
      store_vector(y + 16 * half, select_sixteen_of_line(line, bits, half, products), non_temporal);""", NO_FLAG, "avx2")
fault("avx2: dropped bf16 of a line are multiplied", "src/avx2/simd.h", """pairs = select_sixteen_of_line(line, bits, half, x);
      const __m256 odd_elements = _mm256_castsi256_ps(_mm256_and_si256(pairs, line->upper_halves));""",
      """all = _mm256_loadu_si256((const __m256i *)(x + 16 * half));
      const __m256 every = _mm256_mul_ps(_mm256_castsi256_ps(_mm256_and_si256(all, line->upper_halves)), line->scale);
      __asm__ volatile("" : : "x"(every));
      const __m256i pairs = select_sixteen_of_line(line, bits, half, x);
      const __m256 odd_elements = _mm256_castsi256_ps(_mm256_and_si256(pairs, line->upper_halves));""", NO_FLAG, "avx2")
fault("far words: halves of f16 change places", "src/avx2/simd.h", "store_vector(y + i, _mm256_set_m128i(high, low)", "store_vector(y + i, _mm256_set_m128i(low, high)",
      "kernels:decisions_from_anywhere", "avx2")
FILE = "src/common/consumers_body.h"
fault("vector: words always from their first byte", FILE, ": decisions->bytes) + decisions->first / 8;", ": decisions->bytes);",
      "kernels:every_bit_offset", "avx2")
fault("vector: packed bytes from the first word again", FILE, "cursor->bytes += byte_count;", "", "kernels:every_length", "avx2")
fault("vector: bits shifted by one too many", "src/common/bits.h", "words[k / 64 + 1] << 1 <<", "words[k / 64 + 1] << 2 <<",
      "kernels:every_bit_offset", "avx2")
ANYWHERE = "kernels:decisions_from_anywhere"
fault("vector: bytes from their first bit", FILE, "<< (-shift % 8);", "<< 0;", ANYWHERE, "avx2")
fault("vector: a ninth byte forgotten", FILE, "if (byte_count <= 8) return", "if (byte_count <= 9) return", ANYWHERE, "avx2")
fault("vector: whole bytes wherever they begin", FILE, "return decisions->first % 8 == 0 &&", "return", ANYWHERE, "avx2")
fault("scalar: pages begin at the chunk's beginning", "src/scalar/consumers.c", "const size_t k = begin * SIMDROP_STEP_ELEMENTS;",
      "const size_t k = 0 * begin;", PAGES)
fault("pages: the driver counts elements for steps", "src/engine/driver.c", "begin / SIMDROP_STEP_ELEMENTS, end / SIMDROP_STEP_ELEMENTS,",
      "begin / SIMDROP_STEP_ELEMENTS, end / SIMDROP_STEP_ELEMENTS / 2,", "memory:every_way_gives_the_same")

# ---- ways of going through memory
FILE = "src/engine/memory_way.c"
JUDGED = "memory:judgements"
fault("memory: whoever wins by little has won", FILE, "if (percent < WINS_PERCENT) {", "if (percent < 100) {", JUDGED)
fault("memory: a clear victory is one", FILE, "percent < WINS_CLEARLY_PERCENT ? 2 : 1", "1", JUDGED)
fault("memory: a clear defeat is one", FILE, "percent > LOSES_CLEARLY_PERCENT ? 2 : 1", "1", JUDGED)
fault("memory: times in 32 bits", FILE, "100 * challenger_time / best_time", "100u * (uint32_t)challenger_time / (uint32_t)best_time", JUDGED)
fault("memory: a new best one that nobody has to lose against", FILE, "belief = (simdrop_memory_belief){.best = belief.challenger, .challenger = loser};",
      "belief.best = belief.challenger; belief.challenger = loser; belief.score = 0;", JUDGED)
fault("memory: the first challenger for ever", FILE, "    belief.challenger = next_challenger(&belief);\n    belief.score = 0;", "    belief.score = 0;", JUDGED)
fault("memory: the challenger is the best one", FILE, "return next != belief->best ? next : (next + 1) % SIMDROP_MEMORY_WAY_COUNT;", "return next;", JUDGED)
fault("memory: a score without its sign", FILE, ".score = score < 128 ? score : score - 256,", ".score = score,", JUDGED)
fault("memory: duels for ever", FILE, "return !has_refuted_all(&belief) || segment % SEGMENTS_BETWEEN_DUELS == 0;", "(void)segment; return true;",
      "memory:learning_is_cheap")
fault("memory: no duel after the first", FILE, "return !has_refuted_all(&belief) || segment % SEGMENTS_BETWEEN_DUELS == 0;",
      "(void)segment; return !has_refuted_all(&belief);", "memory:mistakes_are_mended")
fault("memory: one duel decides", FILE, "#define SCORE_TO_WIN 3", "#define SCORE_TO_WIN 1", JUDGED)
fault("memory: the best one is not measured", FILE, "return turn == 1 || turn == 2;", "return turn <= 2;", "memory:duels")
fault("memory: a segment that does not count is one of a duel", FILE, "if (time == 0 || time > LONGEST_TIME) {", "if (time > LONGEST_TIME) {", "memory:without_times")
fault("memory: whatever the clock says", FILE, "if (time == 0 || time > LONGEST_TIME) {", "if (time == 0) {", "memory:without_times")
fault("memory: all calls are of a kind", FILE, "kind * KINDS_OF_SIZE + (size_t)simdrop_trailing_zeros(operation->size)", "0 * kind", "memory:kinds_of_calls")
fault("memory: whoever loses has won", FILE, "  if (percent < WINS_PERCENT) {", "  if (percent > LOSES_CLEARLY_PERCENT) {", "memory:the_best_way_is_found")
fault("memory: a duel is longer than short calls", FILE, "  DUEL_SEGMENTS = 4\n", "  DUEL_SEGMENTS = 6\n", "memory:short_calls_learn_too")
fault("memory: whoever is as good has won", FILE, "#define WINS_PERCENT 97", "#define WINS_PERCENT 101", "memory:nothing_changes_for_nothing")
fault("memory: what is judged is not told", FILE, "  atomic_compare_exchange_strong_explicit(&trial->learner->belief, &trial->belief, judged,",
      "  (void)judged; atomic_compare_exchange_strong_explicit(&trial->learner->belief, &trial->belief, trial->belief,", "memory:threads_learn_together")
fault("memory: in place is as elsewhere", FILE, "+ (size_t)is_in_place;", "+ 0 * (size_t)is_in_place;", "memory:kinds_of_calls")
fault("memory: a name's beginning is enough", FILE, "strcmp(choice_names[choice], name) != 0", "strncmp(choice_names[choice], name, strlen(name)) != 0",
      "api:ways_through_memory")
fault("memory: an unknown name is taken", FILE, "if (choice == CHOICE_COUNT) return SIMDROP_ERROR_UNKNOWN_MEMORY;", "", "api:ways_through_memory")
fault("memory: the variable is read again and again", FILE, "if (decided != 0) return decided - 1;", "", "dispatch:memory_variable")
fault("memory: another variable", FILE, 'simdrop_environment("SIMDROP_MEMORY")', 'simdrop_environment("SIMDROP_MEMORYS")', "dispatch:memory_variable")
fault("memory: a variable comes before a selection", FILE, "atomic_store_explicit(&decided_memory_choice, choice + 1, memory_order_relaxed);",
      "if (choice != 0) atomic_store_explicit(&decided_memory_choice, 0, memory_order_relaxed);", "dispatch:memory_variable")
fault("memory: many planes are one or two", "src/engine/operation.h", "> FEW_PLANES;", "> 40;", "memory:kinds_of_calls")
FILE = "src/engine/memory_walk.c"
FRESH = "memory:fresh_outputs"
fault("memory: nobody looks whether an output is fresh", FILE, "walk->is_watched = choice == SIMDROP_MEMORY_LEARNED &&", "walk->is_watched = choice != SIMDROP_MEMORY_LEARNED &&", FRESH)
fault("memory: fresh once is fresh for ever", FILE, "if (pages - walk->pages_before < FRESH_PAGES) walk->is_fresh = walk->is_watched = false;",
      "(void)pages;", "memory:fresh_no_more")
fault("memory: an input without pages makes the output fresh", FILE, "walk->is_fresh = walk->is_watched = false;", "walk->is_fresh = false;",
      "memory:fresh_inputs")
fault("memory: what was populated is fresh no more", FILE, "if (!walk->was_populated) walk->is_fresh =", "walk->is_fresh =", FRESH)
fault("memory: the pages that are given are those of the beginning", FILE, "= simdrop_populate(walk->y, bytes)", "= simdrop_populate(walk->end - bytes, bytes)", FRESH)
fault("memory: whoever goes from page to page learns ways through many", FILE, "has_pages && (walk->store == SIMDROP_STORE_NON_TEMPORAL",
      "(walk->store == SIMDROP_STORE_NON_TEMPORAL", "memory:outputs_of_rows")
fault("memory: what a segment had too much is forgotten", FILE, "walk->left += (ptrdiff_t)(bytes / walk->size);", "walk->left = (ptrdiff_t)(bytes / walk->size);",
      "memory:outputs_of_rows")
fault("memory: rows that lie apart are walked as if they did not", "src/fused/far_output.c", "(rows == 1 || written.stride == (ptrdiff_t)row_bytes)", "true",
      "memory:outputs_of_rows")
fault("memory: rows that divide lines are stored past the caches", "src/fused/far_output.c", "return rows > 1 && row_bytes < LONG_ROW_BYTES && ends % SIMDROP_CACHE_LINE != 0;",
      "return rows > 1 && row_bytes < LONG_ROW_BYTES && row_bytes % SIMDROP_CACHE_LINE != 0;", "memory:outputs_of_rows")
for NAME in ("norm", "softmax"):
    fault(f"memory: pages of the output one by one, {NAME}", f"src/fused/{NAME}.c", "simdrop_far_output_go_on(&job->output, batch.elements);", "",
          "memory:fused_outputs")
fault("memory: the chain's output gets its pages one by one", "src/fused/chain.c", "simdrop_far_output_go_on(&job->output, batch.elements);", "",
      "memory:fused_outputs")
fault("memory: asked for, and learned all the same", FILE, "walk->is_paged && choice == SIMDROP_MEMORY_LEARNED;", "walk->is_paged;",
      "memory:what_is_asked_for_is_done")
fault("memory: in place one way only", FILE, "(is_in_place && simdrop_is_past_caches(operation)));", "false);", "memory:what_is_asked_for_is_done")
FILE = "src/engine/store_policy.c"
fault("stores: in place past the caches", FILE, "can_pass = operation->x != operation->y;", "can_pass = true;", "memory:stores")
fault("stores: 8 bits past the caches", FILE, "return operation->size == 1;", "return operation->size == 0;", "memory:stores")
fault("stores: 16 bits not past the caches", FILE, "return operation->size == 1;", "return operation->size <= 2;", "memory:stores")
fault("stores: what is asked for counts for short calls", "src/engine/store_policy.h", "operation->size < SIMDROP_FAR_BYTES ?",
      "operation->size == 0 ?", "memory:stores")
FILE = "src/machine/memory_probe.c"
fault("populate: parts of pages, too", FILE, "(page - (uintptr_t)memory % page) % page;", "0 * page - (uintptr_t)memory % page;", "memory:populating")
fault("populate: errno is lost", FILE, "errno = errno_before;\n  return done;", "return done;", "memory:populating")
fault("page faults: errno is lost", FILE, "errno = errno_before;\n  return is_known ?", "return is_known ?", "memory:a_system_that_refuses")
fault("pages: the driver does not go on", "src/engine/driver.c", "if (end == count) go_on(job, count);", "", "kernels:large_outputs", "avx2", "full")
fault("avx512: every part with the first bits", "src/avx512/simd.h", "_mm512_maskz_mul_ps((__mmask16)(bits >> i),",
      "_mm512_maskz_mul_ps((__mmask16)(bits),", "kernels:every_length", "avx512")
fault("avx512: copies with the first bits", "src/avx512/simd.h",
      "_mm512_storeu_si512(y + i, _mm512_maskz_loadu_epi16((__mmask32)(bits >> i), x + i))",
      "_mm512_storeu_si512(y + i, _mm512_maskz_loadu_epi16((__mmask32)(bits), x + i))", "kernels:stored_masks", "avx512")
fault("avx2: nothing dropped", "src/avx2/simd.h", "_mm256_maskload_pd(x + i, _mm256_sllv_epi64(rest, shift))",
      "_mm256_loadu_pd(x + i)", "kernels:every_length", "avx2")
fault("avx512: bytes of 0 and 255", "src/avx512/simd.h", "_mm512_maskz_set1_epi8(bits, 1)", "_mm512_maskz_set1_epi8(bits, -1)",
      "mask:every_length_and_start", "avx512")
fault("avx2: bytes not 0 or 1", "src/avx2/simd.h", "_mm256_min_epu8(bits_in_bytes(bits >> half), _mm256_set1_epi8(1))",
      "bits_in_bytes(bits >> half)", "mask:every_length_and_start", "avx2")
fault("avx2: a byte keeps its neighbours", "src/avx2/simd.h", "return _mm256_andnot_si256(dropped, _mm256_loadu_si256((const __m256i *)x));",
      "(void)dropped; return _mm256_loadu_si256((const __m256i *)x);", ANYWHERE, "avx2")
fault("avx512: a byte is copied whatever its bit", "src/avx512/simd.h", "_mm512_maskz_loadu_epi8(bits, x)", "_mm512_maskz_loadu_epi8(bits | 1, x)", ANYWHERE, "avx512")
fault("scalar: copies what is dropped", "src/scalar/select_body.h", "(ELEMENT)(x[k] & -(ELEMENT)decision_bit(copy.words == NULL, &copy, copy.first + k))",
      "x[k]", "kernels:stored_masks")

# K5: rounding and special values
FILE = "src/common/float16.h"
fault("scalar: f16 ties away from even", FILE, "+ 0xfff + (magnitude >> 13 & 1)", "+ 0x1000", "kernels:every_f16")
fault("scalar: f16 truncated", FILE, "+ 0xfff + (magnitude >> 13 & 1)", "", "golden_digest:library")
fault("scalar: f16 subnormals flushed", FILE, "(subnormal & is_small)", "(subnormal & 0)", "kernels:every_f16")
fault("scalar: f16 infinite too early", FILE, "UINT32_C(0x477ff000)", "UINT32_C(0x477fe001)", "kernels:every_f16")
fault("scalar: f16 subnormal inputs flushed", FILE, "simdrop_float_from_bits(magnitude << 13)",
      "simdrop_float_from_bits(magnitude < 0x0400 ? 0 : magnitude << 13)", "kernels:every_f16")
fault("scalar: bf16 ties away from even", FILE, "UINT32_C(0x7fff) + (bits >> 16 & 1)", "UINT32_C(0x8000)", "kernels:every_bf16")
fault("scalar: f32 NaN stays signalling", "src/scalar/consumers.c", "return x | UINT32_C(0x00400000);", "return x;",
      "kernels:every_length")
fault("scalar: f64 NaN stays signalling", "src/scalar/consumers.c", "return x | UINT64_C(1) << 51;", "return x;",
      "kernels:every_length")
FILE = "src/avx512/simd.h"
fault("avx512: f16 truncated", FILE, "_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC", "_MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC",
      "kernels:every_f16", "avx512")
fault("avx512: bf16 ties to zero", "src/avx512/bfloat16.h", "_mm512_cmpge_epu16_mask(lower, limit)", "_mm512_cmpgt_epu16_mask(lower, limit)",
      "kernels:every_bf16", "avx512")
FILE = "src/avx2/simd.h"
fault("avx2: f16 truncated", FILE, "_MM_FROUND_TO_NEAREST_INT", "_MM_FROUND_TO_ZERO", "kernels:every_f16", "avx2")
fault("avx2: bf16 ties away from even", "src/avx2/bfloat16.h", "_mm256_andnot_si256(upper, _mm256_set1_epi16(1))", "_mm256_setzero_si256()",
      "kernels:every_bf16", "avx2")
fault("avx2: bf16 raised where nothing is rounded", "src/avx2/bfloat16.h", "_mm256_subs_epu16(lower,", "_mm256_sub_epi16(lower,", "kernels:every_bf16", "avx2")
fault("avx2: bf16 that never ties truncated", "src/avx2/bfloat16.h", "_mm256_add_epi32(odd, half)", "odd", "kernels:every_bf16", "avx2")
fault("avx512: bf16 that never ties truncated", "src/avx512/bfloat16.h", "_mm512_add_epi32(even, half)", "even", "kernels:every_bf16", "avx512")
fault("avx2: upper eight elements with the lower ones' bits", FILE, "high = byte_of_lanes(first / 8 + 1)", "high = byte_of_lanes(first / 8)",
      "kernels:every_length", "avx2")
fault("avx2: all of f16 with the first bits", FILE, "byte_of_lanes(i / 8)", "byte_of_lanes(0)", "kernels:every_length", "avx2")
FILE = "src/common/float8.h"
E4M3FN, E5M2, PYTORCH = "kernels:every_f8e4m3fn", "kernels:every_f8e5m2", "kernels:pytorch_float8"
fault("float8: ties away from even", FILE, " + (magnitude >> shift & 1)) >> shift", " + 1) >> shift", E4M3FN)
fault("float8: subnormals flushed", FILE, "- rounder) & is_small)", "- rounder) & 0)", E5M2)
fault("float8: small numbers rounded as subnormals", FILE, "((128 - (uint32_t)(bias)) << 23)", "((130 - (uint32_t)(bias)) << 23)", E4M3FN)
fault("f8e4m3fn: NaN beyond the range", FILE, "SIMDROP_F8E4M3FN_LIMIT 0x7e", "SIMDROP_F8E4M3FN_LIMIT 0x7f", PYTORCH)
fault("f8e5m2: the largest number beyond the range", FILE, "SIMDROP_F8E5M2_LIMIT 0x7c", "SIMDROP_F8E5M2_LIMIT 0x7b", PYTORCH)
fault("f8e5m2: NaN keeps another payload", FILE, "(uint8_t)(sign | SIMDROP_FLOAT8_NAN)", "(uint8_t)(sign | 0x7e)", PYTORCH)
fault("float8: NaN loses its sign", FILE, "(uint8_t)(sign | SIMDROP_FLOAT8_NAN)", "SIMDROP_FLOAT8_NAN", E5M2)
fault("f8e4m3fn: its last power of two is NaN", FILE, "if (magnitude > SIMDROP_F8E4M3FN_LIMIT)", "if (magnitude >= 0x78)", E4M3FN)
fault("f8e5m2: rounded to binary16 first", FILE, "simdrop_float8_from_float(value, SIMDROP_F8E5M2_FRACTION,",
      "simdrop_float8_from_float(simdrop_float_from_f16(simdrop_f16_from_float(value)), SIMDROP_F8E5M2_FRACTION,", E5M2)
for NAME, ODD, SIGN, NAN in (
    ("avx2", "_mm256_add_epi32(bits, odd)", "_mm256_or_si256(nan, sign)", "_mm256_cmpgt_epi8(magnitudes, limit)"),
    ("avx512", "_mm512_add_epi32(bits, odd)", "_mm_or_si128(nan, sign)", "_mm_cmpgt_epi8(magnitudes, limit)"),
    ("neon", "vaddq_u32(bits, odd)", "vbslq_u8(sign, kept, vorrq_u8(number, is_nan))", "vcgtq_u8(magnitudes, limit)"),
    ("sve", "svadd_n_u32_x(all, odd, SIMDROP_FLOAT8_ADDEND(fraction, bias))", "svand_n_u32_x(all, bytes, 0x80)", "svcmpgt_n_u32(all, magnitudes, limit)"),
):
    FILE = "src/%s/simd.h" % NAME
    fault(NAME + ": float8 ties to zero", FILE, ODD, "svdup_n_u32(SIMDROP_FLOAT8_ADDEND(fraction, bias))" if NAME == "sve" else "bits", E4M3FN, NAME)
    fault(NAME + ": float8 without signs", FILE, SIGN,
          {"avx2": "nan", "avx512": "nan", "neon": "vorrq_u8(number, is_nan)", "sve": "svdup_n_u32(0)"}[NAME], E4M3FN, NAME)
    fault(NAME + ": float8 loses NaN", FILE, NAN, {"avx2": "_mm256_setzero_si256()", "avx512": "_mm_setzero_si128()", "neon": "vdupq_n_u8(0)",
                                                 "sve": "svpfalse_b()"}[NAME], E5M2, NAME)
fault("avx2: float8 out of order", "src/avx2/simd.h", "_mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)", "_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)", E4M3FN,
      "avx2")
fault("avx512: float8 multiplies before it selects", "src/avx512/simd.h",
      "const __m256i halves = _mm256_slli_epi16(_mm256_cvtepu8_epi16(magnitudes), up);",
      "const __m128i all = _mm_and_si128(_mm_loadu_si128((const __m128i *)(x + i)), all_but_sign); "
      "if (_mm512_cmp_ps_mask(_mm512_mul_ps(_mm512_cvtph_ps(_mm256_slli_epi16(_mm256_cvtepu8_epi16(all), up)), scale), scale, _CMP_EQ_OS) == 0xffff) "
      "continue; const __m256i halves = _mm256_slli_epi16(_mm256_cvtepu8_epi16(magnitudes), up);",
      "kernels:dropped_elements_raise_no_flag", "avx512")
fault("highway: float8 ties to zero", "src/highway/consumer_simd-inl.h", "hn::Add(bits, hn::Add(odd, addend))", "hn::Add(bits, addend)", E4M3FN,
      "highway-avx2")
fault("highway: float8 loses NaN", "src/highway/consumer_simd-inl.h", "hn::IfThenElse(hn::Eq(hn::Max(magnitudes, limit), limit), number, all_but_sign)",
      "number", E5M2, "highway-avx2")
FILE = "src/engine/parameters.c"
fault("ties overlooked: products of 31 bits", FILE, "if (has_tie(significand, 128, last_of_31_bits, UINT32_C(1) << 23)) return false;", "",
      "kernels:scales_that_never_tie")
fault("ties overlooked: products of 32 bits", FILE, "last_of_31_bits + 1, 255,", "last_of_31_bits + 1, 254,", "kernels:scales_that_never_tie")
fault("ties overlooked: subnormal products", FILE, "return !has_tie(significand, 1, last_subnormal, UINT32_C(1) << (23 - exponent));", "return true;",
      "kernels:scales_that_never_tie")
fault("ties overlooked: only exact ones are seen", FILE, "const uint32_t margin = unit >> 16;", "const uint32_t margin = 0;", "kernels:scales_that_never_tie")
FILE = "src/avx2/simd.h"
fault("scalar: multiplies before it selects", "src/scalar/scale_body.h",
      "TYPED(multiply)((TYPED(simdrop_bits))(x[k] & -(TYPED(simdrop_bits))kept), factor)",
      "(TYPED(simdrop_bits))(TYPED(multiply)(x[k], factor) & -(TYPED(simdrop_bits))kept)", "kernels:dropped_elements_raise_no_flag")
fault("avx2: multiplies before it selects", FILE,
      "_mm256_maskload_ps(x + half + i, signs_of_eight(half_bits, i));", "_mm256_loadu_ps(x + half + i);"
      " const __m256 product = _mm256_and_ps(_mm256_mul_ps(kept, scale), _mm256_castsi256_ps(_mm256_srai_epi32(signs_of_eight(half_bits, i), 31)));"
      " _mm256_storeu_ps(y + half + i, product); continue;",
      "kernels:dropped_elements_raise_no_flag", "avx2")
fault("avx512: converts before it selects", "src/avx512/simd.h",
      "_mm512_maskz_cvtph_ps(kept, _mm256_loadu_si256((const __m256i *)x))",
      "_mm512_maskz_mov_ps(kept, _mm512_max_ps(_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x)), "
      "_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x))))",
      "kernels:dropped_elements_raise_no_flag", "avx512")
fault("dropped by multiplying with 0", "src/scalar/scale_body.h",
      "TYPED(multiply)((TYPED(simdrop_bits))(x[k] & -(TYPED(simdrop_bits))kept), factor)",
      "TYPED(multiply)(x[k], kept ? factor : 0)", "kernels:every_length")
FILE = "src/core/check_call.h"
P_NOT_0 = "if (p != 0) return SIMDROP_WORK_SCALE;"
fault("p = 0 multiplies", FILE, P_NOT_0, "if (p != 0 || call->stored == NULL) return SIMDROP_WORK_SCALE;", "kernels:certain_probabilities")
fault("tiny p copies", FILE, P_NOT_0, "if (threshold != 0) return SIMDROP_WORK_SCALE;", "kernels:certain_probabilities")
fault("stored mask ignored for p = 0", FILE, "return call->stored == NULL ? SIMDROP_WORK_COPY : SIMDROP_WORK_SELECT;", "return SIMDROP_WORK_COPY;",
      "kernels:stored_masks")
fault("stored mask with p = 1 multiplies", FILE, "if (threshold == SIMDROP_CERTAIN) return SIMDROP_WORK_ZERO;",
      "if (threshold == SIMDROP_CERTAIN && call->stored == NULL) return SIMDROP_WORK_ZERO;", "kernels:stored_masks")
fault("errno is set", FILE, "static inline size_t packed_size(size_t n) {", "#include <errno.h>\nstatic inline size_t packed_size(size_t n) { errno = 0;",
      "kernels:every_length")

# ---- K7: one mask
fault("backward draws another mask", "src/core/api.c", "return backward(NULL, mask, dtype, n, dy, dx);",
      "simdrop_mask other = {0}; if (mask != NULL) { other = *mask; other.stream ^= 1; } "
      "return backward(NULL, mask != NULL ? &other : NULL, dtype, n, dy, dx);", "kernels:one_mask_everywhere")
fault("forward stores another chunk's mask", "src/engine/driver.c", "simdrop_pack_bits(count, mask_chunk, bits);",
      "simdrop_pack_bits(count, next_count > 0 ? next_chunk : mask_chunk, bits);", "kernels:one_mask_everywhere")

# ---- K9: the scale
SCALE = "kernels:scale_gives_back_the_expectation"
FILE = "src/engine/parameters.h"
QUOTIENT = "0x1p32 / (double)(int64_t)(SIMDROP_CERTAIN - threshold)"
fault("scale 1/p", FILE, QUOTIENT, "0x1p32 / (double)threshold", SCALE)
fault("scale by 1-p", FILE, QUOTIENT, "(double)(SIMDROP_CERTAIN - threshold) / 0x1p32", SCALE)
fault("scale from 1-p in float", FILE, QUOTIENT, "1.0f / (1.0f - (float)threshold / 0x1p32f)", SCALE)
FILE = "src/engine/driver.c"
ROUND = ".value = dtype == SIMDROP_F64 ? scale : (double)(float)scale,"
fault("scaled twice", FILE, ROUND, ".value = (double)(float)(scale * scale),", "kernels:products_are_rounded_once")
fault("f64 scaled in float", FILE, ROUND, ".value = (double)(float)scale,", "kernels:every_length")

# ---- guard pages
FILE = "src/engine/mask_reader.c"
fault("packing writes whole words", FILE, "words_to_bytes(&word, (rest + 7) / 8,", "words_to_bytes(&word, 8,", "guard:masks")
fault("packing writes a byte too many", FILE, "words_to_bytes(&word, (rest + 7) / 8,", "words_to_bytes(&word, rest / 8 + 1,",
      "guard:masks")
fault("stored: reads whole words", "src/engine/bit_string.c", "simdrop_word_from_bytes(bytes + 8 * whole_words, byte_count % 8)",
      "simdrop_word_from_bytes(bytes + 8 * whole_words, 8)", "guard:stored_bits")
FILE = "src/engine/generator.c"
fault("stored: whole blocks are read", FILE, "const size_t count = left < wanted ? left : wanted;", "const size_t count = left > 0 ? wanted : 0;",
      "guard:stored_bits")
fault("stored: always the first block", FILE, "draw_stored(state, blocks[b], SIMDROP_BLOCK_ELEMENTS,", "draw_stored(state, blocks[0], SIMDROP_BLOCK_ELEMENTS,", "guard:stored_bits")
fault("stored: what was there before behind the last", FILE, "if (count < wanted) memset(words, 0, wanted);", "", "guard:stored_bits")
fault("certain: the other way round", FILE, "state->certain.word = threshold == 0 ?", "state->certain.word = threshold != 0 ?", "mask:every_length_and_start")
FILE = "src/scalar/consumers.c"
fault("scalar: a byte too many", FILE, "for (size_t k = 0; k < n; ++k) y[k]", "for (size_t k = 0; k <= n; ++k) y[k]", "guard:masks")
fault("scalar: reads the next element", "src/scalar/select_body.h", "(ELEMENT)(x[k] &",
      "(ELEMENT)((0 & ((const volatile ELEMENT *)x)[k + 1]) | x[k] &", "guard:kernels_f16")
fault("scalar: reads the next byte of the mask", FILE, "decisions->bytes[k / 8] >> (k % 8)",
      "(decisions->bytes[k / 8] | (0 & ((const volatile uint8_t *)decisions->bytes)[k / 8 + 1])) >> (k % 8)", "guard:kernels_f32")
FILE = "src/common/consumers_body.h"
fault("vector: tail reads a whole word of the mask", FILE, "simdrop_word_from_bytes(cursor->bytes, byte_count);", "simdrop_word_from_bytes(cursor->bytes, 8);",
      "guard:kernels_f32", "avx2")
fault("vector: tail reads a whole word of bytes from any bit", FILE, "return simdrop_word_from_bytes(bytes, byte_count) >> shift;",
      "return simdrop_word_from_bytes(bytes, 8) >> shift;", "guard:kernels_f32", "avx2")
fault("vector: a ninth byte read in vain", FILE, "simdrop_whole_word_from_bytes(bytes + (k + 7) / 8) << (-shift % 8);",
      "(uint64_t)bytes[k / 8 + 8] << 1 << (WORD_ELEMENTS - 1 - shift);",
      "guard:kernels_f32", "avx2")
FILE = "src/common/vocabulary.h"
fault("vector: tail reads whole vectors", FILE, "memcpy(part, x, count * sizeof *x);", "memcpy(part, x, sizeof part);",
      "guard:kernels_f16", "avx2")
fault("vector: tail writes whole vectors", FILE, "memcpy(y, part, count * sizeof *y);", "memcpy(y, part, sizeof part);",
      "guard:kernels_bf16", "avx2")
fault("vector: tail reads a whole word of bytes", "src/common/consumers_body.h", "count == WORD_ELEMENTS || cursor->words != NULL;", "true;",
      "guard:kernels_f32", "avx2")
fault("avx2: part of a word reads what is dropped", "src/avx2/simd.h", "store_few_f32(y, _mm256_mul_ps(_mm256_maskload_ps(x, signs_of_eight(set_bits(bits), 0)), scale), count);",
      "store_few_f32(y, _mm256_mul_ps(_mm256_and_ps(_mm256_loadu_ps(x), _mm256_castsi256_ps(_mm256_srai_epi32(signs_of_eight(set_bits(bits), 0), 31))), scale), count);",
      "guard:kernels_f32", "avx2")
fault("avx2: part of a word writes an element more", "src/avx2/simd.h", "if (count & 1) _mm_store_ss(y, rest);", "_mm_store_ss(y, rest);", "guard:kernels_f32", "avx2")
fault("avx2: part of a word writes a double more", "src/avx2/simd.h", "if (count & 1) _mm_store_sd(y, rest);", "_mm_store_sd(y, rest);", "guard:kernels_f64", "avx2")
fault("avx2: part of a word has one half twice", "src/avx2/simd.h", "rest = _mm256_extractf128_ps(lanes, 1);", "", WORDS, "avx2")
fault("avx2: part of a word has one double twice", "src/avx2/simd.h", "rest = _mm256_extractf128_pd(product, 1);", "", WORDS, "avx2")
for bits, letter in ((16, "ps"), (8, "pd")):
    fault(f"avx512: part of a word writes whole vectors ({letter})", "src/avx512/simd.h", f"_mm512_mask_storeu_{letter}(y + i, stored,",
          f"_mm512_mask_storeu_{letter}(y + i, (__mmask{bits})-1,", "guard:kernels_f%d" % (512 // bits), "avx512")
FILE = "src/common/select_body.h"
fault("vector: copied tail reads whole vectors", FILE, "memcpy(part, x + k, (n - k) * sizeof *x);",
      "memcpy(part, x + k, sizeof part);", "guard:kernels_f64", "avx2")
fault("vector: copied tail writes whole vectors", FILE, "memcpy(y + k, part, (n - k) * sizeof *y);",
      "memcpy(y + k, part, sizeof part);", "guard:kernels_f16", "avx2")
FILE = "src/common/consumers_body.h"
fault("vector: whole vectors of bytes", FILE, "memcpy(bytes, part, count);", "memcpy(bytes, part, sizeof part);",
      "guard:masks", "avx2")
fault("vector: bytes before the first line forgotten", FILE, "if (k > 0) expand_part(k, next_decisions(kind, &cursor, k), bytes);", "",
      "kernels:decisions_from_anywhere", "avx2")

# ---- the checks of the interface, removed one by one
FILE = "src/core/check_call.h"
NULLS = "api:null_pointers"
fault("no check: mask NULL", FILE, "if (mask == NULL) return SIMDROP_ERROR_NULL_POINTER;", "", NULLS)
fault("no check: bits of mask_bits NULL", FILE, "} else if (call->n > 0 && call->decisions == NULL) { return SIMDROP_ERROR_NULL_POINTER; }", "}", NULLS)
fault("no check: scale NULL", "src/core/api.c", "if (scale == NULL) return SIMDROP_ERROR_NULL_POINTER;", "", NULLS)
fault("no check: x NULL", FILE, "if ((call->x == NULL && !are_numbers(call)) || call->y == NULL)", "if (call->y == NULL)", NULLS)
fault("no check: y NULL", FILE, "if ((call->x == NULL && !are_numbers(call)) || call->y == NULL)", "if (call->x == NULL && !are_numbers(call))", NULLS)
fault("no check: stored bits NULL", FILE, "return (call->verb == SIMDROP_APPLY_BITS && call->stored == NULL) || (call", "return (call", NULLS)
fault("no check: bytes NULL", FILE, "|| (call->verb == SIMDROP_FORWARD_BYTES && call->decisions == NULL);", ";", NULLS)
fault("no check: stored bits of a layout NULL", "src/core/operation.c", "if (lacks_decisions(call)) return SIMDROP_ERROR_NULL_POINTER; const", "const",
      "api:layouts")
fault("bytes counted as bits", FILE, "return call->verb == SIMDROP_FORWARD_BYTES ? n : packed_size(n);", "return packed_size(n);", "api:overlaps")
fault("bytes of a layout counted as bits", "src/core/operation.c", "decisions = decisions_size(call, count);", "decisions = packed_size(count);",
      "api:layouts")
fault("no check: flags of a mask", FILE, "if (mask->flags != 0) return SIMDROP_ERROR_FLAGS;", "", "api:layouts")
fault("no check: flags of a layout", "src/layout/check.c", "if (status == SIMDROP_OK && layout->flags != 0) return SIMDROP_ERROR_FLAGS;", "", "api:layouts")
fault("no check: p of a mask", FILE, "if (!simdrop_is_probability(mask->p)) return SIMDROP_ERROR_PROBABILITY;", "",
      "api:probabilities")
fault("no check: p of a stored mask", FILE,
      "return simdrop_is_probability(call->p) ? SIMDROP_OK : SIMDROP_ERROR_PROBABILITY;", "return SIMDROP_OK;", "api:probabilities")
fault("no check: p of a scale", "src/core/api.c", "if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY; *scale", "*scale",
      "api:probabilities")
fault("NaN passes for a probability", "src/engine/parameters.h", "return p >= 0 && p <= 1;", "return !(p < 0 || p > 1);",
      "api:probabilities")
fault("no check: dtype", FILE, "if (size == 0) return SIMDROP_ERROR_DTYPE; SIMDROP_RETURN_IF_ERROR", "SIMDROP_RETURN_IF_ERROR", "api:dtypes")
fault("no check: index overflow", FILE, "if (n > 0 && n - 1 > UINT64_MAX - mask->offset) return SIMDROP_ERROR_INDEX_OVERFLOW;",
      "(void)n;", "api:index_overflow")
fault("last index refused", FILE, "n - 1 > UINT64_MAX - mask->offset", "n > UINT64_MAX - mask->offset", "mask:last_indices")
fault("no check: size overflow", FILE, "if (n > SIZE_MAX / sizeof(double) && n > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;", "", "api:size_overflow")
fault("sizes that overflow taken for small", FILE, "if (n > SIZE_MAX / sizeof(double) &&", "if (n > SIZE_MAX / sizeof(float) &&", "api:size_overflow")
OVERLAPS = "api:overlaps"
fault("no check: x overlaps y", FILE, "if (call->x != call->y && overlaps(call->x, bytes, call->y, bytes)) return SIMDROP_ERROR_OVERLAP;", "", OVERLAPS)
fault("no check: bits overlap x", FILE, "overlaps(call->decisions, decisions, call->x, bytes) || overlaps", "overlaps", OVERLAPS)
fault("no check: bits overlap y", FILE, "|| overlaps(call->decisions, decisions, call->y, bytes);", ";", OVERLAPS)
fault("no check: y overlaps stored bits", FILE,
      "if (call->stored != NULL && overlaps(call->stored, decisions, call->y, bytes)) return SIMDROP_ERROR_OVERLAP;", "", OVERLAPS)
fault("touching arrays refused", FILE, "b_begin - a_begin < a_size", "b_begin - a_begin <= a_size", OVERLAPS)
fault("bits' last byte not counted", FILE, "return n / 8 + (n % 8 != 0);", "return n / 8;", OVERLAPS)
fault("in place refused", FILE, "if (call->x != call->y && overlaps(call->x,", "if (overlaps(call->x,", OVERLAPS)
fault("n = 0 wants pointers", FILE, "if (n == 0) return SIMDROP_OK; if ((call->x == NULL", "if ((call->x == NULL", "api:nothing_to_do")
fault("a status without its sentence", "src/core/status.c", 'case SIMDROP_ERROR_OVERLAP: return "an output overlaps another array, or itself by its strides";',
      "case SIMDROP_ERROR_OVERLAP:", "api:status_strings")
FILE = "src/machine/dispatch.c"
fault("no check: unknown backend", FILE, "if (choice.backend == BACKEND_COUNT) return SIMDROP_ERROR_UNKNOWN_BACKEND;",
      "if (choice.backend == BACKEND_COUNT) choice.backend = BACKEND_INDEX_scalar;", "api:backends")
fault("no check: unsupported backend", FILE, "if (!can_run(choice.backend, features)) return SIMDROP_ERROR_UNSUPPORTED_BACKEND;", "",
      "api:backends", options=("-DSIMDROP_WITH_AVX2=OFF",))

# ---- the Highway backends
FILE = "src/highway/producer_simd-inl.h"
fault("highway: lanes rotated by too few", FILE, "simd_count_from((uint64_t)count, 1)", "simd_count_from((uint64_t)(count + 1) / 2, 1)",
      "mask:every_plane_decides", "highway-avx2")
fault("highway: blocks in the wrong lanes", FILE, "simd_add(hn::ShiftRight<1>(lane), simd_multiply_low(simd_and(lane, simd_set(1)), simd_set(SIMD_LANES / 2)))",
      "lane", LANES, "highway-avx2")
fault("highway: output words mixed up", FILE, "hn::BitCast(tag_u64(), hn::Shuffle2301(halves(a)))", "a", LANES, "highway-sse4")
fault("highway: one plane too many is zero", FILE, "simd_set(UINT64_C(1) << 31)", "simd_set(UINT64_C(1) << 32)",
      "mask:every_plane_decides", "highway-sse4")
fault("highway, 2 lanes: undecided blocks not closed up", FILE, "to[0] = to[~bits[0] & 1];", "", PLANES, "highway-sse4")
fault("highway, 4 lanes: undecided blocks not closed up", FILE, "hn::TableLookupLanes(halves(a), hn::SetTableIndices(tag, order[bits[0] & 15]))",
      "hn::TableLookupLanes(halves(a), hn::SetTableIndices(tag, order[15 | bits[0]]))", PLANES, "highway-avx2")
fault("highway, 8 lanes: undecided blocks not closed up", FILE, "_mm512_maskz_compress_epi64(lanes.raw, a.raw)",
      "((void)lanes, a.raw)", PLANES, "highway-avx3")
FILE = "src/highway/consumer_simd-inl.h"
fault("highway: every part with the first bits", FILE, "table.bits + begin % lane_bits", "table.bits", "kernels:every_length",
      "highway-sse4")
fault("highway-avx3: every part with the first bits", FILE, "uint8_t bytes[8]; bits >>= begin;", "uint8_t bytes[8];",
      "kernels:every_length", "highway-avx3")
fault("highway: bits of the word's wrong half", FILE, "(lane)(bits >> (begin / lane_bits * lane_bits))", "(lane)bits", "kernels:stored_masks",
      "highway-sse4")
fault("highway: nothing dropped", FILE, "return hn::IfThenElseZero(mask_of(tag, bits, begin), hn::LoadU(tag, x + begin));",
      "return hn::LoadU(tag, x + begin);", "kernels:every_length", "highway-sse4")
fault("highway: multiplies before it selects", FILE, "multiply(tag, select_lanes(tag, bits, i, x), scale)",
      "hn::IfThenElseZero(mask_of(tag, bits, i), hn::Mul(hn::LoadU(tag, x + i), scale))", "kernels:dropped_elements_raise_no_flag",
      "highway-sse4")
fault("highway: f64 scaled in float", FILE, "hn::Set(tag_f64(), scale.value)", "hn::Set(tag_f64(), (float)scale.value)", "kernels:every_length", "highway-sse4")
fault("highway: f16 converted by Highway alone", FILE, "#if HWY_ARCH_ARM_A64 || (HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86 && !defined(HWY_DISABLE_F16C))",
      "#if HWY_ARCH_X86", "kernels:every_f16",
      "highway-sse4")
fault("highway: f16 ties away from even", FILE, "hn::ShiftRight<13>(hn::Add(hn::Sub(magnitude, set_u32((112u << 23) - 0xfff)), odd))",
      "hn::ShiftRight<13>(hn::Sub(magnitude, set_u32((112u << 23) - 0x1000)))", "kernels:every_f16", "highway-sse4")
fault("highway: f16 subnormals flushed", FILE, "hn::IfThenElse(is_normal, normal, subnormal)", "hn::IfThenElseZero(is_normal, normal)",
      "kernels:every_f16", "highway-sse4")
fault("highway: f16 infinite too early", FILE, "are_above(magnitude, 0x477ff000 - 1)", "are_above(magnitude, 0x477fe000)", "kernels:every_f16",
      "highway-sse4")
fault("highway: f16 NaN without its payload", FILE, "hn::And(hn::ShiftRight<13>(magnitude), set_u32(0x3ff))", "set_u32(0)", "kernels:every_f16",
      "highway-sse4")
fault("highway: f16 NaNs widened to numbers", FILE, "are_above(magnitude, (0x7c00 << 13) - 1)", "are_above(magnitude, 0x7fffffff)",
      "kernels:every_f16", "highway-sse4")
fault("highway: bf16 ties away from even", FILE, "hn::Set(tag, 0x7ffe)", "hn::Set(tag, 0x7fff)", "kernels:every_bf16", "highway-sse4")
fault("highway: bytes of 0 and 255", FILE, "hn::Set(tag, 1)), bytes + i", "hn::Set(tag, 0xff)), bytes + i",
      "mask:every_length_and_start", "highway-sse4")
fault("highway: half a vector stored past the caches", FILE, "if (non_temporal && hn::MaxLanes(tag) * sizeof *y >= HWY_STREAM_MULTIPLE) {",
      "if (non_temporal) {",
      "kernels:large_outputs", "highway-sse4", "full")
FILE = "src/highway/kernels.cpp"
fault("highway: a bundle without BMI2", FILE, "SIMDROP_DEFINE_NAMED_TABLE(SIMDROP_BACKEND_NAME, SIMDROP_BUNDLE)",
      "SIMDROP_DEFINE_NAMED_TABLE(SIMDROP_BACKEND_NAME, SIMDROP_BUNDLE & ~SIMDROP_CPU(BMI2))", "dispatch:whole_bundles", "highway-avx2")
fault("highway: a target with another's name", FILE, "SIMDROP_DEFINE_NAMED_TABLE(SIMDROP_BACKEND_NAME, SIMDROP_BUNDLE)",
      'SIMDROP_DEFINE_NAMED_TABLE("highway-sse4", SIMDROP_BUNDLE)', "dispatch:whole_bundles", "highway-ssse3")
fault("highway before the backends written by hand", "cmake/backends.cmake", "avx2 neon sve highway-avx3 highway-avx2", "neon sve highway-avx3 highway-avx2 avx2",
      "dispatch:made_up_processors", "highway-avx2", options=("-DSIMDROP_WITH_AVX2=ON",))
fault("highway: the poorest target first", "cmake/backends.cmake", "highway-sse4 highway-ssse3", "highway-ssse3 highway-sse4",
      "dispatch:made_up_processors", "highway-sse4")

FILE = "src/common/scalable_producer_body.h"
fault("sve: round keys swapped", FILE, "simd_words_xor3(upper_1, word_1, simd_words_set(call->keys.word_0[round]))",
      "simd_words_xor3(upper_1, word_1, simd_words_set(call->keys.word_2[round]))",
      LANES, "sve")
fault("sve: plane parts' words swapped", FILE, "schedule->word_2[plane] = (uint32_t)(product_0 >> 32)", "schedule->word_2[plane] = (uint32_t)product_0",
      LANES, "sve")
fault("sve: words of a block out of order", FILE, "simd_store_calls(batch.masks + CALL_WORDS * done, upper_0, upper_1,",
      "simd_store_calls(batch.masks + CALL_WORDS * done, upper_1, upper_0,", LANES, "sve")
fault("sve: undecided blocks by their lanes", FILE, "simd_words_count_from((uint32_t)position)", "simd_words_count_from(0)", PLANES, "sve")
fault("sve: listed blocks taken in a row", FILE, "(uint32_t)blocks->list[b < BATCH_BLOCKS ? b : 0]", "(uint32_t)blocks->list[0] + (uint32_t)b",
      "layout:listed_blocks", "sve")
fault("sve: a plane short", FILE, "++plane < call->source->plane_count && any", "++plane < call->source->plane_count - 1 && any", PLANES, "sve")
fault("sve: one plane's drops in place of all", FILE, "*dropped = simd_words_or(*dropped, simd_words_and_not(bits, *undecided));",
      "*dropped = simd_words_and_not(bits, *undecided);",
      PLANES, "sve")
FILE = "src/sve/simd.h"
fault("sve: lower halves of products for upper", FILE, "return svmulh_u32_x(", "return svmul_u32_x(", LANES, "sve")
fault("sve: words of a block out of order in memory", FILE, "svcreate4_u32(a, b, c, d)", "svcreate4_u32(a, b, d, c)", LANES, "sve")
fault("sve: undecided lanes left in their places", FILE, "svcompact_u32(lanes, a)", "a", PLANES, "sve")
fault("sve: all lanes of long vectors used", FILE, "svwhilelt_b32_u32(0, SIMDROP_BLOCK_PADDING)", "svptrue_b32()", PLANES, "sve", processor=SVE_2048)
fault("sve: more lanes counted than are used", FILE, "svcntw() < SIMDROP_BLOCK_PADDING ? svcntw() : SIMDROP_BLOCK_PADDING", "svcntw()", LANES, "sve",
      processor=SVE_2048)
fault("sve: the first half's decisions twice", FILE, "second = decisions_32(bits >> 32)", "second = decisions_32(bits)", "kernels:every_length", "sve")
fault("sve: the first half's decisions twice, f64", FILE, "second = decisions_64(bits >> 32)", "second = decisions_64(bits)", "kernels:every_length", "sve")
fault("sve: the first vector's decisions again", FILE, "second = next_32(second);", "", "kernels:every_length", "sve")
fault("sve: decisions in the other direction", FILE, "svrbit_u32_x(svptrue_b32(), svdup_n_u32((uint32_t)bits))", "svdup_n_u32((uint32_t)bits)",
      "kernels:every_length", "sve")
fault("sve: whole vectors past a half of the word", FILE, "const svbool_t lanes = svwhilelt_b32_u64(i, 32);", "const svbool_t lanes = svptrue_b32();",
      "kernels:every_length", "sve", processor=SVE_2048)
fault("sve: the first vector's decisions again, f64", FILE, "second = next_64(second);", "", "kernels:every_length", "sve")
fault("sve: multiplies before it selects", FILE, "svmul_n_f32_x(svptrue_b32(), svld1_f32(kept, (const float *)x), scale)",
      "svreinterpret_f32_u32(svsel_u32(kept, svreinterpret_u32_f32(svmul_n_f32_x(svptrue_b32(), svld1_f32(lanes, (const float *)x), scale)), svdup_n_u32(0)))",
      "kernels:dropped_elements_raise_no_flag", "sve")
fault("sve: f64 scaled in float", FILE, "return scale.value;", "return (float)scale.value;", "kernels:every_length", "sve")
fault("sve: f16 unscaled", FILE, "svmul_n_f32_x(svptrue_b32(), svcvt_f32_f16_x(svptrue_b32(), half), scale)", "svcvt_f32_f16_x(svptrue_b32(), half)", "kernels:every_f16",
      "sve")
fault("sve: bf16 ties away from even", FILE, "svadd_n_u32_x(all, odd, 0x7fff)", "svdup_n_u32(0x8000)", "kernels:every_bf16", "sve")
fault("sve: nothing dropped in copies", FILE, "svld1_u32(kept, (const uint32_t *)x)", "svld1_u32(lanes, (const uint32_t *)x)", "kernels:decisions_from_anywhere", "sve")
fault("sve: bytes of 0 to 255", FILE, "svand_n_u8_x(all, svlsr_u8_x(all, svtbl_u8(word, byte), bit), 1)", "svlsr_u8_x(all, svtbl_u8(word, byte), bit)",
      "mask:every_length_and_start", "sve")
fault("sve: the first bytes' bits again", FILE, "svindex_u8((uint8_t)i, 1)", "svindex_u8(0, 1)", "mask:every_length_and_start", "sve", processor=SVE_128)
fault("sve: bytes past the word", FILE, "svst1_u8(svwhilelt_b8_u64(i, 64),", "svst1_u8(all,", "mask:every_length_and_start", "sve", processor=SVE_2048)
fault("sve before NEON", "cmake/backends.cmake", "neon sve highway-avx3", "sve neon highway-avx3", "dispatch:this_machine", "sve")
FILE = "src/highway/scalable_simd-inl.h"
fault("highway-sve: lower halves of products for upper", FILE, "return hn::MulHigh(a, b);", "return hn::Mul(a, b);", LANES, "highway-sve")
fault("highway-sve: undecided lanes left in their places", FILE, "hn::CompressStore(a, lanes, tag_words(), to);", "hn::StoreU(a, tag_words(), to);", PLANES,
      "highway-sve")
fault("sve: vectors taken to be as long as can be", "src/highway/consumer_simd-inl.h",
      "i += (int)hn::Lanes(tag)) store_lanes(tag, multiply(tag, select_lanes", "i += (int)hn::MaxLanes(tag)) store_lanes(tag, multiply(tag, select_lanes",
      "kernels:every_length", "highway-sve")
fault("highway on aarch64: bf16 ties away from even", "src/highway/consumer_simd-inl.h", "addend = hn::Set(tag_u32(), 0x7fff)",
      "addend = hn::Set(tag_u32(), 0x8000)", "kernels:every_bf16", "highway-neon")
fault("highway before NEON", "cmake/backends.cmake", "neon sve highway-avx3 highway-avx2 highway-sse4 highway-ssse3 highway-sse2 highway-sve2",
      "sve highway-avx3 highway-avx2 highway-sse4 highway-ssse3 highway-sse2 highway-sve2 neon", "dispatch:this_machine", "highway-sve2")

# ---- the NEON backend
FILE = "src/neon/simd.h"
fault("neon: lanes rotated by too few", FILE, "vextq_u64(a.second, a.first, 1)", "vextq_u64(a.first, a.second, 1)", "mask:every_plane_decides", "neon")
fault("neon: lower halves of products for upper", FILE, "vuzp2q_u32", "vuzp1q_u32", LANES, "neon")
fault("neon: output words mixed up", FILE, "vzip1q_u32(below, above)", "vzip1q_u32(above, below)", LANES, "neon")
fault("neon: one block twice", FILE, "vzip2q_u64(low.first, high.first)", "vzip1q_u64(low.first, high.first)", LANES, "neon")
fault("neon: undecided blocks listed by halves", FILE, "vld1q_u8(order + 16)", "vld1q_u8(order)", PLANES, "neon")
fault("neon: undecided lanes changed round", FILE, "bits[4] = {1, 2, 4, 8}", "bits[4] = {1, 2, 8, 4}", PLANES, "neon")
fault("neon: the threshold's neighbouring bit", FILE, "vdupq_n_s64(31)", "vdupq_n_s64(30)", "mask:every_plane_decides", "neon")
fault("neon: bits of the word's wrong half", FILE, "(uint32_t)(bits >> (first / 32 * 32))", "(uint32_t)bits", "kernels:every_length", "neon")
fault("neon: multiplies before it selects", FILE,
      "vandq_u32(four_lanes(bits, i), vreinterpretq_u32_f32(vld1q_f32(x + i))); vst1q_f32(y + i, vmulq_f32(vreinterpretq_f32_u32(kept), scale));",
      "vandq_u32(four_lanes(bits, i), vreinterpretq_u32_f32(vmulq_f32(vld1q_f32(x + i), scale))); vst1q_f32(y + i, vreinterpretq_f32_u32(kept));",
      "kernels:dropped_elements_raise_no_flag", "neon")
fault("neon: decisions of two f64 twice", FILE, "vzip2q_u32(lanes, lanes)", "vzip1q_u32(lanes, lanes)", "kernels:every_length", "neon")
fault("neon: f64 scaled in float", FILE, "vdupq_n_f64(scale.value)", "vdupq_n_f64((float)scale.value)", "kernels:every_length", "neon")
fault("neon: half the f16 unscaled", FILE, "vmulq_f32(vcvt_high_f32_f16(kept), scale)", "vcvt_high_f32_f16(kept)", "kernels:every_f16", "neon")
fault("neon: bf16 ties away from even", FILE, "vdupq_n_u32(0x7fff)", "vdupq_n_u32(0x8000)", "kernels:every_bf16", "neon")
fault("neon: bytes of 0 and 255", FILE, "vandq_u8(sixteen_lanes(bits, i), vdupq_n_u8(1))", "sixteen_lanes(bits, i)",
      "mask:every_length_and_start", "neon")
FILE = "src/common/cpu_features.h"
fault("BMI2 read from BMI1's bit", FILE, "X(BMI2, 7, ebx, 8)", "X(BMI2, 7, ebx, 3)", "dispatch:one_bit_each")
fault("SVE read from its neighbour's bit", FILE, "X(SVE, 0, 22)", "X(SVE, 0, 23)", "dispatch:one_arm_bit_each")
fault("SVE: vectors of any length will do", "src/machine/cpu.c", "bytes != 0 && (bytes & (bytes - 1)) == 0", "bytes != 0", "dispatch:sve_lengths")
fault("ASIMDHP read from its neighbour's bit", FILE, "X(ASIMDHP, 0, 10)", "X(ASIMDHP, 0, 9)", "dispatch:one_arm_bit_each")
fault("SVE2 read from the first word", FILE, "X(SVE2, 1, 1)", "X(SVE2, 0, 1)", "dispatch:one_arm_bit_each")
fault("AVX512CD read from its neighbour's bit", FILE, "X(AVX512CD, 7, ebx, 28)", "X(AVX512CD, 7, ebx, 27)", "dispatch:one_bit_each")

# ---- layouts
FILE = "src/layout/plan.c"
RANDOM = "layout:random_layouts"
LOOPS = "layout:every_inner_loop"
fault("axes merged whatever their decisions", FILE, "&& outer->index == inner->index * inner->count &&", "&&", "layout:channels_are_whole")
fault("axes merged whatever their x", FILE, "for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) if ((size_t)outer->strides[o] !=", "for (int o = SIMDROP_Y; o < SIMDROP_LAYOUT_OPERANDS; ++o) if ((size_t)outer->strides[o] !=", LOOPS)
fault("an axis with decisions turned round", FILE, "if (axis->index != 0) return;", "", RANDOM)
FILE = "src/layout/shapes.c"
MERGED = "layout:merged_neighbours"
fault("strided: axes of one place stay", FILE, "if (dims[a] == 1) continue; const", "const", MERGED)
fault("strided: an axis takes another's place", FILE, "axes[first].count *= axis.count;", "axes[first].count = axis.count;", "layout:merged_axes")
fault("strided: one element where there is none", FILE, "*layout = (simdrop_layout){.rank = 1};", "*layout = (simdrop_layout){.rank = 0};", MERGED)
fault("strided: too many axes forgotten", FILE, "} else if (first == 0) { return SIMDROP_ERROR_RANK;", "} else if (first == 0) { return SIMDROP_OK;",
      "api:constructors")
fault("strided: a rank below 0", FILE, "if (rank < 0) return SIMDROP_ERROR_RANK; size_t", "size_t", "api:constructors")
fault("strided: index strides NULL", FILE, "|| index_strides == NULL;", ";", "api:constructors")
fault("strided: neighbours merged whatever their decisions", FILE, "simdrop_axes_are_one(&axis, &axes[first])",
      "simdrop_axes_are_one_row(&axis, &axes[first])", "layout:merged_axes")
fault("broadcast: index in a byte", FILE, "mask_dim == 1 ? 0 : index_stride;", "mask_dim == 1 ? 0 : index_stride & 0xff;", "layout:broadcast")
fault("broadcast: shared axes have strides", FILE, "mask_dim == 1 ? 0 : index_stride;", "index_stride;", "layout:broadcast")
fault("broadcast: any mask extent", FILE, "if (mask_dim != dims[a] && mask_dim != 1) return SIMDROP_ERROR_SHAPE;", "", "layout:broadcast")
fault("channels: first and last changed round", FILE, "order == SIMDROP_CHANNELS_FIRST ? batch_rank : rank - 1",
      "order == SIMDROP_CHANNELS_LAST ? batch_rank : rank - 1", "layout:channels")
fault("channels: samples share decisions", FILE, "if (batch_rank == 1) mask_dims[0] = dims[0];", "", "layout:channels")
fault("channels: any rank", FILE, "|| (rank != spatial_rank + 1 && rank != spatial_rank + 2)) return", ") return", "layout:channels")
fault("time first: the batch shared", FILE, "shared_in_time[] = {1, batch, features}", "shared_in_time[] = {time, 1, features}", "layout:time_shared")
fault("tile: first column forgotten", FILE, "*first_index = row_begin * columns + column_begin;", "*first_index = row_begin * columns;",
      "layout:tiles")
fault("tile: strides of the tile", FILE, "const uint64_t extent = a == rank - 1 ? columns :", "const uint64_t extent = a == rank - 1 ? dims[a] :",
      "layout:tiles")
CONSTRUCTORS = "api:constructors"
fault("dense: no dims is fine", FILE, "|| (rank > 0 && dims == NULL)) return SIMDROP_ERROR_NULL_POINTER;",
      ") return SIMDROP_ERROR_NULL_POINTER; if (rank > 0 && dims == NULL) return SIMDROP_OK;", CONSTRUCTORS)
fault("dense: no layout is fine", FILE, "if (layout == NULL || (rank > 0 && dims", "if (layout == NULL) return SIMDROP_OK; if ((rank > 0 && dims", CONSTRUCTORS)
fault("broadcast: no mask_dims is fine", FILE, "if (rank > 0 && mask_dims == NULL) return SIMDROP_ERROR_NULL_POINTER;",
      "if (rank > 0 && mask_dims == NULL) return SIMDROP_OK;", CONSTRUCTORS)
fault("channels: no dims is fine", FILE, "if (dims == NULL) return SIMDROP_ERROR_NULL_POINTER; if (order",
      "if (dims == NULL) return SIMDROP_OK; if (order", CONSTRUCTORS)
fault("drop-path: no dims is fine", FILE, "if (dims == NULL) return SIMDROP_ERROR_NULL_POINTER; size_t mask_dims",
      "if (dims == NULL) return SIMDROP_OK; size_t mask_dims", CONSTRUCTORS)
fault("tile: no batch_dims is fine", FILE, "|| (batch_rank > 0 && batch_dims == NULL)) return SIMDROP_ERROR_NULL_POINTER;",
      ") return SIMDROP_ERROR_NULL_POINTER; if (batch_rank > 0 && batch_dims == NULL) return SIMDROP_OK;", CONSTRUCTORS)
fault("tile: no first_index is fine", FILE, "if (layout == NULL || first_index == NULL ||", "if (first_index == NULL) return SIMDROP_OK; if (layout == NULL ||",
      CONSTRUCTORS)
fault("a refused shape has been written", FILE, "if (status != SIMDROP_OK) return status; simdrop_layout filled = {.rank = rank};",
      "layout->rank = rank; if (status != SIMDROP_OK) return status; simdrop_layout filled = {.rank = rank};", CONSTRUCTORS)
FILE = "src/layout/check.c"
REFUSED = "layout:refused_layouts"
fault("no check: equal y strides", FILE, "if (s.count == count) return true;", "", REFUSED)
fault("no check: x and y meet", FILE, "return can_reach(&s, 0, apart - (width - 1), apart + (width - 1));", "(void)apart; (void)width; return false;",
      REFUSED)
fault("no check: x before its first element", FILE, "a_begin = (uintptr_t)a - (uintptr_t)a_bytes.low,", "a_begin = (uintptr_t)a + (uintptr_t)a_bytes.low,", REFUSED)
fault("no check: y before its first element", FILE, "b_begin = (uintptr_t)b - (uintptr_t)b_bytes.low,", "b_begin = (uintptr_t)b + (uintptr_t)b_bytes.low,", REFUSED)
fault("elements that touch by a part are let pass", FILE, "can_reach(&s, 0, apart - (width - 1), apart + (width - 1))",
      "can_reach(&s, 0, apart, apart)", REFUSED)
fault("no check: index overflow of a layout", FILE, "if (steps != 0 && stride > left / steps) return SIMDROP_ERROR_INDEX_OVERFLOW;", "", REFUSED)
fault("no check: rank", FILE, "if (rank < 0 || rank > SIMDROP_MAX_RANK) return SIMDROP_ERROR_RANK;",
      "if (rank < 0) return SIMDROP_ERROR_RANK;", REFUSED)
fault("search without end", FILE, "if (--s->steps_left < 0) return true;", "if (--s->steps_left < 0) return false;", "layout:accepted_layouts")
fault("search without a limit", FILE, "if (--s->steps_left < 0) return true;", "", "layout:accepted_layouts")
fault("search in the order in which axes are given", FILE, "while (place < s->count && s->terms[place].stride > added.stride) ++place;",
      "place = s->count;", "layout:accepted_long_axes")
FILE = "src/layout/gather.c"
fault("gather: a block that is drawn for ever", FILE, "slots >= blocks->count || blocks->number[slots] != block", "slots >= blocks->count", LOOPS)
fault("gather: the first bit of each block", FILE, "const size_t bit = (index + k * stride) % SIMDROP_BLOCK_ELEMENTS;",
      "const size_t bit = index % SIMDROP_BLOCK_ELEMENTS;", LOOPS)
fault("gather: rows apart joined", FILE, "if (!goes_on(l, next) || l->count", "if (l->count", LOOPS)
fault("transposed: the second block forgotten", FILE, "if (last != first) listed[count++] = last;", "if (last > first + 1) listed[count++] = last;",
      LOOPS)
fault("transposed: blocks of other columns", FILE, "if (!blocks->known || blocks->number[k] != first) { memcpy",
      "if (!blocks->known) { memcpy", LOOPS)
FILE = "src/layout/driver.c"
fault("last piece of a row too long", FILE, "minimum(decisions.count - before, length)", "minimum(decisions.count, length)", LOOPS)
fault("periodic where rows are apart", FILE, "} else if (one_row && next->index == 0", "} else if (next->index == 0", LOOPS)
fault("shared rows apart taken for one", FILE, "if (one_row && next->index == 1) {", "if (next->index == 1) {", RANDOM)
fault("p of 2^-32 taken for none", "src/core/operation.c", "constant = !has_decisions ||",
      "constant = !has_decisions || operation->threshold <= 1 ||", "layout:rarest_drop")
FILE = "src/layout/row_batch.c"
fault("batch: blocks taken over for any row", FILE, "&& first - batch->blocks[batch->last] <= had) {", ") {", LOOPS)
fault("batch: rows begin with their block", FILE, "batch->last * SIMDROP_BLOCK_ELEMENTS + index % SIMDROP_BLOCK_ELEMENTS", "batch->last * SIMDROP_BLOCK_ELEMENTS", LOOPS)
fault("batch: words not taken over", FILE,
      "memcpy(waiting->words, filled->words + SIMDROP_BLOCK_WORDS * filled->last, kept * SIMDROP_BLOCK_WORDS * sizeof *waiting->words);", "", LOOPS)
fault("batch: rows joined across gaps", FILE, "if (row->at[o] != first->at[o] + (ptrdiff_t)count) return false;", "", LOOPS, "avx2")
fault("periodic: nothing beyond the period", FILE, "row->count, period + 64);", "row->count, period);", LOOPS, "avx2")
fault("shared: the wrong long run", FILE, "simdrop_bit(batch->words, row->decision + decision)",
      "simdrop_bit(batch->words, row->decision + 0 * decision)", LOOPS)
BEHIND = "layout:rows_behind_the_last"
fault("batch: a row behind the last", FILE, "*const end = batch->row + batch->rows;", "*const end = batch->row + batch->rows + 1;", BEHIND, "avx2")
fault("batch: rows without end", FILE, "} while (row < end && goes_on", "} while (goes_on", BEHIND, "avx2")
fault("batch: more rows than there is room for", FILE, "batch->rows == SIMDROP_BATCH_ROWS ||", "batch->rows == SIMDROP_BATCH_ROWS + 40 ||", BEHIND)
fault("batch: blocks without end", FILE, "(most > SIMDROP_BATCH_BLOCKS && batch->rows > 0)", "(most > SIMDROP_BATCH_BLOCKS && batch->rows > 100)", LOOPS)
fault("batch: the last one not applied", FILE, "swap_batches(writer);  // applies it", "", LOOPS)
FILE = "src/layout/row_sink.c"
fault("staged: every part with the first decisions", FILE, "k += count, decisions.first += count)", "k += count)", LOOPS, effort="full")
fault("kept rows: side by side in x alone", FILE, "sink->strides[SIMDROP_X] == 1 && sink->strides[SIMDROP_Y] == 1; if",
      "sink->strides[SIMDROP_X] == 1; if", "layout:shared_rows_apart", "avx2")
fault("kept rows: side by side in y alone", FILE, "sink->strides[SIMDROP_X] == 1 && sink->strides[SIMDROP_Y] == 1; if",
      "sink->strides[SIMDROP_Y] == 1; if", "layout:shared_rows_apart", "avx2")
FILE = "src/engine/bit_string.c"
fault("bits lost between words", FILE, "pending = next >> 1 >> (63 - shift);", "pending = 0;", RANDOM)
fault("transposed: squares left as they are", FILE, "for (unsigned size = 32; size > 0;", "for (unsigned size = 16; size > 0;", LOOPS)
fault("stretched: the next run's bits left set", FILE, "pending = (end >= 64 ? word : pending) & simdrop_low_bits(used);",
      "pending = end >= 64 ? word : pending;", LOOPS)
FILE = "src/common/consumers_body.h"
fault("vector: runs too long", FILE, "cursor->left += cursor->length - count;", "cursor->left += cursor->length;", LOOPS, "avx2")
fault("vector: every period begins with a word", FILE, "cursor->bit -= cursor->length;", "cursor->bit = 0;", LOOPS, "avx2")
RUNS = "kernels:decisions_that_repeat"
FILE = "src/common/scale_body.h"
fault("vector: whole runs too long", FILE, "++run); left = decisions->length;", "++run); left = decisions->length + WORD_ELEMENTS;", RUNS, "avx2")
fault("vector: whole runs that are dropped take x", FILE, "sources[2] = {zeros,", "sources[2] = {(const ELEMENT *)operands->x,", RUNS, "avx2")
fault("vector: every whole run takes the first", FILE, "sources[kept & 1] + (k & kept);", "sources[kept & 1];", RUNS, "avx2")
fault("vector: other runs taken for whole ones", FILE, "if (decisions->length % WORD_ELEMENTS == 0 && store", "if (store", RUNS, "avx2")
fault("vector: the last of a whole run kept", FILE, "if (n - k < WORD_ELEMENTS) { TYPED(simd_scale_part)(n - k, low_bits(n - k),",
      "if (n - k < WORD_ELEMENTS) { TYPED(simd_scale_part)(n - k, low_bits(n - k) >> 1,", RUNS, "avx2")
fault("scalar: runs one too long", "src/scalar/consumers.c", "return first + k / length;", "return first + k / (length + 1);", LOOPS)
FILE = "src/common/producer_body.h"
fault("vector: listed blocks not in the order of the lanes", FILE, "const size_t position = i + order[lane];", "const size_t position = ((void)order, i + lane);", LOOPS, "avx2")
fault("vector: listed blocks finished in another's place", FILE, "const uint64_t place = SIMDROP_BLOCK_WORDS * position;",
      "const uint64_t place = SIMDROP_BLOCK_WORDS * (i + lane);", "layout:listed_blocks", "avx2")
fault("vector: upper halves of listed blocks taken as equal", CALLS, "if (differences >> 32 == 0) return most;", "return most;",
      "layout:listed_blocks", "avx2")
FILE = "src/layout/driver.c"
fault("layout: p = 0 multiplies", FILE, "if (operation->work == SIMDROP_WORK_COPY) {", "if (operation->work == SIMDROP_WORK_COPY && operation->n > SIZE_MAX / 2) {", RANDOM)
fault("layout: p = 1 multiplies", FILE, "operation->stored == NULL && operation->threshold == SIMDROP_CERTAIN)", "operation->stored == NULL && operation->threshold > SIMDROP_CERTAIN)", RANDOM)

# ---- stored and packed decisions of layouts
FILE = "src/core/operation.c"
fault("stored bits of a layout numbered as its mask is", FILE, "numbered.index_strides[a] = (uint64_t)numbered.y_strides[a];", "", RANDOM)
fault("bits beside y in the order of y", FILE, "const simdrop_layout ordered = row_major(layout); simdrop_plan_layout(",
      "const simdrop_layout ordered = *layout; simdrop_plan_layout(", RANDOM)
FILE = "src/core/cut.c"
fault("bits beside y taken for those of a flat call", FILE, "simdrop_has_row_major_output(layout)) {",
      "(simdrop_has_row_major_output(layout) || simdrop_plan_is_flat(plan))) {", RANDOM, effort="full")
fault("decisions beside y where y has gaps", FILE, "if (!simdrop_are_alike(operation->threshold) && simdrop_has_row_major_output(layout)) {",
      "if (!simdrop_are_alike(operation->threshold)) {",
      RANDOM)
fault("pieces of bits share a byte", FILE, "if (is_in_order(operation)) { size_t begin, end; cut_grains(operation->n, GRAIN,",
      "if (is_in_order(operation)) { size_t begin, end; cut_grains(operation->n, 1,", "parallel:layouts")
fault("pieces all write the first bytes", FILE, "if (part.bytes != NULL) part.bytes += begin;", "", "parallel:dense_calls")
fault("bytes beside y cut like y alone", FILE, "|| operation->bits != NULL || operation->bytes != NULL; }", "|| operation->bits != NULL; }",
      "parallel:layouts")
FILE = "src/layout/row_batch.c"
fault("beside: rows of y alone", FILE, "if (sink->beside != NULL) apply_in_stretches(writer, sink->beside, batch, row, begin, end);", "", LOOPS)
fault("beside: joined rows of y alone", FILE, "if (sink->beside != NULL) simdrop_sink_row(sink->beside, count, writer->line, 0, first->at);", "", LOOPS)
fault("beside: lines of y alone", "src/layout/gather.c", "if (l->count > 0 && beside != NULL) simdrop_sink_row(beside,", "if (l->count > SIZE_MAX / 2 && beside != NULL) simdrop_sink_row(beside,", LOOPS)
FILE = "src/layout/driver.c"
fault("stored bits from the middle of a byte", FILE, "&& (operation->stored == NULL || plan->index % 8 == 0)) {", ") {", "parallel:layouts", needs="avx2")
fault("stored bits of a part like those of the whole", FILE, "if (flat.stored != NULL) flat.stored += first.index / 8;", "", "parallel:layouts")
fault("bits added to what was there", FILE, "if (last->work == SIMDROP_WORK_BITS) memset(last->y + begin / 8, 0, end / 8 - begin / 8 + (end % 8 != 0));", "",
      RANDOM)
fault("bits beside y added to what was there", FILE, "sink.beside == NULL ? &sink : sink.beside;", "&sink;", LOOPS)
fault("bits: the next box begins with the last", FILE, "done += simdrop_plan_box(plan, done, end, &box);", "done += simdrop_plan_box(plan, begin, end, &box);", "parallel:layouts")
FILE = "src/layout/plan.c"
fault("bits: a box of all outer places", FILE, "if (a < cut) axis->count = 1;", "", "parallel:layouts")
fault("bits: a box begins with its axis", FILE, "const size_t at = rest % axis->count;", "const size_t at = a == cut ? 0 : rest % axis->count;", "parallel:layouts")
FILE = "src/layout/row_sink.c"
fault("bits of a row always begin a byte", FILE, "& simdrop_low_bits(count)) << past_byte);", "& simdrop_low_bits(count)));", RANDOM)
fault("bits of a row: the last ones forgotten", FILE, "if (n % 8 != 0) bytes[n / 8] |=", "if (n > SIZE_MAX / 2) bytes[n / 8] |=", RANDOM)
FILE = "src/layout/check.c"
fault("no check: bits of a layout among its elements", FILE, "return can_reach(&s, 0, apart - ((int64_t)size - 1), apart) ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;",
      "return SIMDROP_OK;", "api:layouts")
fault("bits of a layout: the last of an element's bytes", FILE, "apart - ((int64_t)size - 1), apart)", "apart, apart)", "api:layouts")
fault("bits between a layout's elements refused", FILE, "add_term(&s, -1, bytes - 1);", "add_term(&s, -1, bytes + 30);", "api:layouts")
fault("dtype: names in capitals", "src/core/status.c", "return #name;", "return #NAME;", "api:dtypes_have_names")

# ---- errors: what the headers name has a case, and what has a case is named
ERRORS = "api:every_error_has_its_case"
fault("header: an error without a case", "include/simdrop/simdrop.h", "ERROR_UNKNOWN_BACKEND or", "ERROR_DTYPE, ERROR_UNKNOWN_BACKEND or", ERRORS)
fault("header: an error that is not named", "include/simdrop/layout.h", "ERROR_RANK, ERROR_SIZE_OVERFLOW or ERROR_SHAPE\n", "ERROR_RANK or ERROR_SHAPE\n",
      ERRORS)
fault("header: a function that does not say what it returns", "include/simdrop/executor.h", " *  @return as simdrop_backward_layout\n", "", ERRORS)
fault("header: a pointer without a case", "include/simdrop/simdrop.h", "@param bits   NULL, or receives", "@param bits   receives", ERRORS)
fault("header: a new error of a function", "include/simdrop/executor.h", "ERROR_NULL_POINTER or ERROR_SHAPE (piece", "ERROR_NULL_POINTER, ERROR_RANK or ERROR_SHAPE (piece",
      ERRORS)

# ---- the stack
fault("stack: longer copies", "src/layout/row_sink.c", "#define STAGED_ELEMENTS ((size_t)512)", "#define STAGED_ELEMENTS ((size_t)2048)", "stack:layouts")
fault("stack: more rows in a batch", "src/layout/row_batch.h", "#define SIMDROP_BATCH_ROWS 128", "#define SIMDROP_BATCH_ROWS 512", "stack:layouts")
fault("stack: longer chunks", "src/common/kernel_table.h", "#define SIMDROP_CHUNK_ELEMENTS_MAX 16384", "#define SIMDROP_CHUNK_ELEMENTS_MAX 131072",
      "stack:arrays")

# ---- threads
FILE = "src/core/cut.c"
fault("cut: the rest forgotten", FILE, "*end = last == count ? n : last * grain;", "*end = last * grain < n ? last * grain : n / grain * grain;", "parallel:cuts")
fault("cut: pieces behind the end begin anew", FILE, "*begin = first == count ? n : first * grain;", "*begin = first * grain;", "parallel:cuts")
fault("cut: pieces begin anywhere", FILE, "#define GRAIN ((size_t)4096)", "#define GRAIN ((size_t)64)", "parallel:cuts")
fault("cut: all the rest in the first pieces", FILE, "part + (part < rest ? part : rest);", "part + (part > 0 ? rest : 0);", "parallel:cuts")
fault("pieces with the first piece's mask", FILE, "part.index += begin;", "", "parallel:dense_calls")
fault("bits of a piece at the wrong byte", FILE, "part.y += part.work == SIMDROP_WORK_BITS ? begin / 8 :", "part.y += part.work == SIMDROP_WORK_BITS ? begin / 16 :", "parallel:dense_calls")
fault("parts with the first part's index", "src/layout/plan.c", "plan->index += at * axis->index;", "", "parallel:layouts")
fault("parts without elements behind the end", "src/layout/plan.c", "if (begin < end) go_to(part, axis, begin);", "go_to(part, axis, begin);",
      "parallel:layout_cuts_with_large_numbers")
fault("axes made one whose indices pass the last", "src/layout/plan.c", " && outer->index >= inner->index;", ";", "parallel:layout_cuts_with_large_numbers")
fault("a cut raises a flag", FILE, "100 + 100 * excess / count", "(size_t)(100 + 100 * (double)excess / (double)count)", "parallel:layout_cuts_raise_no_flag")
fault("parts along an uneven axis", FILE, "if (found <= 110) break;", "break;", "parallel:layout_cuts")
EARLY = "if (executor != NULL && executor->parallel_for != NULL) executor->parallel_for(executor->context, 0, NULL, NULL); "
CHECK = "SIMDROP_RETURN_IF_ERROR(simdrop_check_call(call, &operation));"
fault("pieces before the checks", "src/core/check_call.h", CHECK, EARLY + CHECK, "api:parallel_calls")
CHECK = "SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_call(call, &operation));"
fault("pieces of a layout before the checks", FILE, CHECK, EARLY + CHECK, "api:parallel_calls")
fault("openmp: a piece left out", "src/openmp/executor.c", "num_threads(count > INT_MAX ? INT_MAX : (int)count) for (size_t piece = 0;",
      "num_threads(count > INT_MAX ? INT_MAX : (int)count)\nfor (size_t piece = 1;",
      "openmp:every_piece_once")
fault("openmp: one thread for all", "src/openmp/executor.c", "num_threads(count > INT_MAX ? INT_MAX : (int)count)", "num_threads(count > 0 ? 1 : 2)", "openmp:more_than_one_thread")
FILE = "src/openmp/executor.c"
fault("openmp: the child of a fork hangs", FILE, "is_child = true;", "is_child = false;", "openmp:children")
fault("openmp: forks are watched from the first executor on", FILE, "simdrop_executor simdrop_openmp_executor(size_t threads) {",
      "simdrop_executor simdrop_openmp_executor(size_t threads) { is_child = false;", "openmp:children_of_other_regions")
fault("openmp: children run one piece", FILE, "for (size_t piece = 0; piece < count; ++piece) task(task_context, piece); return;",
      "task(task_context, 0); return;", "openmp:children")

# ---- dispatch
FILE = "src/machine/cpu.c"
CPUS = "dispatch:made_up_processors"
fault("cache: any level is the third", FILE, "if ((cache.eax >> 5 & 7) != 3) continue;", "", "dispatch:caches")
fault("cache: sets less one", FILE, "((uint64_t)cache.ecx + 1)", "(uint64_t)cache.ecx", "dispatch:caches")
fault("cache: partitions forgotten", FILE, "line * partitions * ways", "line * ways", "dispatch:caches")
fault("cache: past the end of the list", FILE, "if ((cache.eax & 31) == 0) break;", "if ((cache.eax & 31) == 0) continue;", "dispatch:caches")
fault("non-temporal: 16 bits like the others", "src/engine/store_policy.c", "if (converts || third_cache == 0)", "if (third_cache == 0)", "dispatch:non_temporal_bytes")
fault("non-temporal: no limit to the cache's share", "src/engine/store_policy.c", "return share < NON_TEMPORAL_BYTES ? (size_t)share : NON_TEMPORAL_BYTES;",
      "return (size_t)share;", "dispatch:non_temporal_bytes")
LEAVES = "dispatch:missing_leaves"
fault("leaf 1 past the last leaf", FILE, "cpuid->max_leaf >= 1 ? cpuid->leaf1 : none", "cpuid->leaf1", LEAVES)
fault("leaf 7 in the place of a lower last leaf", FILE, "cpuid->max_leaf >= 7", "cpuid->max_leaf >= 6", LEAVES)
fault("a leaf that is not there has bits in ecx", FILE, "none = {0, 0, 0, 0};", "none = {.ecx = 1};", LEAVES)
fault("a leaf that is not there has bits in ebx", FILE, "none = {0, 0, 0, 0};", "none = {.ebx = 8};", LEAVES)
fault("no OSXSAVE check", FILE, "if (words_1.ecx & SIMDROP_CPUID_OSXSAVE) {", "if (words_1.ecx | 1) {", CPUS, "avx2")
fault("no XCR0 check for AVX", FILE, "if ((cpuid->xcr0 & XCR0_SSE_AVX) == XCR0_SSE_AVX)", "if (XCR0_SSE_AVX)", CPUS, "avx2")
fault("no XCR0 check for AVX-512", FILE, "if ((cpuid->xcr0 & XCR0_SSE_AVX_AVX512) == XCR0_SSE_AVX_AVX512)",
      "if (XCR0_SSE_AVX_AVX512)", CPUS, "avx512")
fault("any XCR0 bit will do", FILE, "(cpuid->xcr0 & XCR0_SSE_AVX) == XCR0_SSE_AVX", "(cpuid->xcr0 & XCR0_SSE_AVX) != 0", CPUS, "avx2")
fault("upper ZMM registers not asked for", FILE, "0xe6,", "0x66,", CPUS, "avx512")
fault("leaf 7 past the last leaf", FILE, "cpuid->max_leaf >= 7 ? cpuid->leaf7 : none", "cpuid->leaf7", CPUS, "avx2")
for backend, part, test in (("avx2", "AVX_STATE", CPUS), ("avx512", "AVX512_STATE", CPUS), ("avx512", "AVX512BW", "dispatch:whole_bundles"),
                            ("avx2", "F16C", CPUS)):
    fault(f"{backend}: table without {part}", f"src/{backend}/table.c", "SIMDROP_DEFINE_TABLE(SIMDROP_BUNDLE);",
          f"SIMDROP_DEFINE_TABLE(SIMDROP_BUNDLE & ~SIMDROP_CPU({part}));", test, backend)
fault("a feature at another's bit", "src/common/cpu_features.h", "X(AVX512VL, 7, ebx, 31)", "X(AVX512VL, 7, ebx, 28)",
      "dispatch:one_bit_each")
fault("a feature from another leaf", "src/common/cpu_features.h", "X(F16C, 1, ecx, 29)", "X(F16C, 7, ebx, 29)", "dispatch:one_bit_each")
fault("RISC-V: V of the draft 0.7.1", "src/machine/cpu.c", "&& words->vtype == SIMDROP_RISCV_VTYPE_BYTES", "",
      "dispatch:made_up_riscv_processors")
fault("RISC-V: vtype alone", "src/machine/cpu.c", "(words->hwcap & SIMDROP_RISCV_HWCAP_V) != 0 &&", "", "dispatch:made_up_riscv_processors")
fault("RISC-V: another letter", "src/machine/cpu.h", "('v' - 'a')", "('u' - 'a')", "dispatch:made_up_riscv_processors")
# What makes backends vanish, and with them their tests.
FILE = "src/machine/cpu_probe.c"
PROMISED = "dispatch:promised_backends"
fault("xcr0: halves joined with &", FILE, "(uint64_t)high << 32 | low;", "(uint64_t)high << 32 & low;", PROMISED, "avx2")
fault("xcr0: the upper half for the lower", FILE, "(uint64_t)high << 32 | low;", "(uint64_t)low << 32 | high;", "mask:golden_masks", "avx2")
fault("xcr0: never read", FILE, "if (leaf1->ecx & SIMDROP_CPUID_OSXSAVE) cpuid.xcr0 = read_xcr0();", "(void)read_xcr0;", "api:backends", "avx2")
fault("cpuid: leaf 7 never read", FILE, "if (cpuid.max_leaf >= 7) __cpuid_count(7,", "if (cpuid.max_leaf >= 7 && leaf7->eax != 0) __cpuid_count(7,", PROMISED,
      "avx2")
fault("cpuid: the last leaf of another range", FILE, "cpuid.max_leaf = __get_cpuid_max(0, 0);", "cpuid.max_leaf = __get_cpuid_max(0, 0) & 3;",
      "guard:masks", "avx2")
fault("hwcap: the second word never read", FILE, "getauxval(AT_HWCAP2)", "0", PROMISED, "highway-sve2")
fault("hwcap: the first word never read", FILE, "hwcap_of(getauxval(AT_HWCAP),", "hwcap_of(2,", PROMISED, "highway-sve")
fault("hwcap: the length of vectors never asked", FILE, "hwcap.sve_bytes = bytes;", "hwcap.sve_bytes = 0 * bytes;", PROMISED, "highway-sve")
FILE = "src/machine/dispatch.c"
fault("a backend with a large bundle never runs", FILE, "return kernels != NULL && (features",
      "return kernels != NULL && kernels->required < 0x100 && (features", PROMISED, "avx2")
fault("part of a bundle will do", FILE, "(features & kernels->required) == kernels->required",
      "((features & kernels->required) != 0 || kernels->required == 0)", "dispatch:whole_bundles", "avx2")
fault("wish granted where it cannot run", FILE, "if (choice.backend < BACKEND_COUNT && can_run(choice.backend, features))",
      "if (choice.backend < BACKEND_COUNT && backends[choice.backend].kernels != NULL)", "dispatch:wishes", "avx2")
fault("refused wish not told", FILE, "choice.reason = SIMDROP_CHOICE_ENVIRONMENT_REFUSED;", "choice.reason = SIMDROP_CHOICE_BEST;",
      "dispatch:wishes")
fault("empty wish refused", FILE, "if (wanted != NULL && *wanted != '\\0')", "if (wanted != NULL)", "dispatch:wishes")
fault("another environment variable", FILE, 'simdrop_environment("SIMDROP_BACKEND")', 'simdrop_environment("SIMDROP_BACKENDS")',
      "dispatch:environment_variable")
fault("choice published before it is made", FILE, "const simdrop_choice best = simdrop_choose_backend(",
      "atomic_store(&current_choice, (const simdrop_choice *)0); choice = NULL; const simdrop_choice best = simdrop_choose_backend(",
      "dispatch:first_call_from_many_threads", effort="full")
fault("select forgotten by the first call", FILE, "atomic_store_explicit(&current_choice, &choices[choice.backend][choice.reason], memory_order_release);",
      "if (atomic_load(&current_choice) != &undecided) atomic_store_explicit(&current_choice, &choices[choice.backend][choice.reason], "
      "memory_order_release);", "dispatch:select_before_the_first_call")
fault("select refuses itself while others run", FILE, "const simdrop_kernels *simdrop_current_kernels(void) {",
      "static _Atomic(int) calls; const simdrop_kernels *simdrop_current_kernels(void) "
      "{ if (++calls % 20 == 0) simdrop_backend_select(\"scalar\");", "dispatch:select_while_others_run", "avx2")

# ---- the limits of simdrop bench
FILE = "tools/simdrop/bench/limits.c"
EXPECTED = "bench_limits:expected_planes"
fault("bench: planes below the threshold's last 1", FILE, "while ((threshold >> (PLANES - planes) & 1) == 0) --planes;", "", EXPECTED)
fault("bench: a plane too few", FILE, "for (int j = 1; j < planes; ++j)", "for (int j = 1; j < planes - 1; ++j)", EXPECTED)
fault("bench: a plane too many", FILE, "for (int j = 1; j < planes; ++j)", "for (int j = 1; j <= planes; ++j)", EXPECTED)
fault("bench: blocks of 64 elements", FILE, "#define BLOCK_ELEMENTS 128", "#define BLOCK_ELEMENTS 64", EXPECTED)
fault("bench: an element undecided too long", FILE, "log1p(-ldexp(1, -j))", "log1p(-ldexp(1, 1 - j))", EXPECTED)
fault("bench: planes for p = 1", FILE, "if (threshold == 0 || threshold >> PLANES != 0) return 0;", "if (threshold == 0) return 0;", EXPECTED)
fault("bench: an element decided at once", FILE, "expected += -expm1(", "expected += 0.99 * -expm1(", "bench_limits:planes_of_drawn_masks")
fault("bench: ten rounds a plane", FILE, "#define ROUNDS_OF_A_PLANE 7", "#define ROUNDS_OF_A_PLANE 10", "bench_limits:products")
fault("bench: halves rounded up", FILE, "rint(ldexp(p, PLANES))", "floor(ldexp(p, PLANES) + 0.5)", "bench_limits:threshold")
fault("bench: SVE taken for another", FILE, 'strcmp(backend + length - ending, multipliers[i].backend_ending) == 0',
      'strncmp(backend + length - ending, multipliers[i].backend_ending, 1) == 0', "bench_limits:multipliers")
FILE = "tools/simdrop/bench/copies.c"
fault("bench: a copy's last bytes", FILE, "if (is_copy) memcpy(y + done, x + done, bytes - done);", "", "bench_limits:copies")
fault("bench: a copy's first bytes", FILE, "if (is_copy) memcpy(y, x, head);", "", "bench_limits:copies")
fault("bench: a page of a copy left out", FILE, "page < group; page += PAGE", "page < group - PAGE || page == 0; page += PAGE", "bench_limits:copies")
fault("bench: a page of a rewritten array taken from another", FILE, "move_lines(move, way, x + done + page + line,",
      "move_lines(move, way, x + done + line,", "bench_limits:copies")
fault("bench: memory that gets pages is not written to the end", FILE, "bytes - done < POPULATED_AT_ONCE ? bytes - done :",
      "bytes < POPULATED_AT_ONCE ? bytes : done > 0 ? 0 :", "bench_limits:copies")
fault("bench: ways without the one that the library begins with", FILE, 'X("pages-1", stores, 1, 0)', 'X("pages-0", stores, 1, 0)',
      "bench_limits:names_of_ways")
fault("bench: a sum's last floats", FILE, "add_floats(one + done, other + done, sum + done, bytes - done);", "", "bench_limits:sums")
fault("bench: a sum's first floats", FILE, "add_floats(one, other, sum, head);", "", "bench_limits:sums")
fault("bench: a page of what is added taken from another", FILE, "r + done + page + line,", "r + done + line,", "bench_limits:sums")
fault("bench: nothing added past the caches", FILE, "find_walk(r != NULL, streams)", "find_walk(r != NULL && !streams, streams)", "bench_limits:sums")
FILE = "tools/simdrop/bench/fused.c"
fault("bench: rows behind the last whole tile", FILE, "bands = (rows + TILE_ROWS - 1) / TILE_ROWS", "bands = rows / TILE_ROWS", "bench_limits:tiles_are_whole")
fault("bench: every tile by the numbers of the first column", FILE, "simdrop_tile_apply(&call->tile, row, column, rows,", "simdrop_tile_apply(&call->tile, row, 0, rows,", "bench_limits:tiles_are_whole")
fault("bench: every tile by the first one's decisions", FILE, "bits + column / 8", "bits", "bench_limits:tiles_are_whole")
fault("bench: a pass's sums run into each other", FILE, "mean + bench_number_size(c->dtype) * c->n", "mean + c->n", "bench_limits:kernels_in_pieces")
fault("bench: blocks begin everywhere", FILE, "* (double)places / (double)(shape.height * shape.width)", "", "bench_limits:planes_of_blocks")
fault("bench: every piece applies all tiles", FILE, "size_t band = bands * piece / pieces;", "size_t band = 0;", "bench_limits:kernels_in_pieces")
FILE = "tools/simdrop/bench/fresh.c"
fault("bench: a stored mask that is read is new", FILE, "if (c->writes_bits) fresh->c.bits", "fresh->c.bits", "bench_limits:fresh_outputs")
fault("bench: a mask that is written is old", FILE, "if (c->writes_bits) fresh->c.bits", "if (false) fresh->c.bits", "bench_limits:fresh_outputs")
fault("bench: bytes that are written lie in y", FILE, "+ tensor + bits;", ";", "bench_limits:fresh_outputs")
fault("bench: no memory is taken for memory", FILE, "if (fresh->memory == MAP_FAILED) return false;", "if (fresh->memory == MAP_FAILED) fresh->memory = c->x;",
      "bench_limits:fresh_without_memory")
FILE = "tools/simdrop/bench/measure.c"
fault("bench: fresh memory used twice", FILE, "time_calls(run, &fresh.c, 1, counters)", "(time_calls(run, &fresh.c, 1, NULL), time_calls(run, &fresh.c, 1, counters))",
      "bench_limits:fresh_calls_each")
fault("bench: the slowest way", FILE, "if (nanoseconds[i] < nanoseconds[best]) best = i;", "if (nanoseconds[i] > nanoseconds[best]) best = i;",
      "bench_limits:quickest_way")
FILE = "tools/simdrop/bench/contest.c"
fault("bench: in place as elsewhere", FILE, " || contests->of[i].moves != moves)", ")", "bench_limits:contests_of_a_case")
fault("bench: a mask copied as its tensor", FILE, "(contests->of[i].bytes != c->copy_bytes || contests->of[i].moves != moves)",
      "contests->of[i].moves != moves", "bench_limits:contests_of_a_case")
FILE = "tools/simdrop/bench/kernels.c"
REFERENCES = "bench_limits:references_in_pieces"
fault("bench: memcpy's last piece left out", FILE, "element == c->n ? c->copy_bytes : element / 8 * c->copy_bits", "element / 8 * c->copy_bits", REFERENCES)
fault("bench: a mask's memcpy by bytes", FILE, "kernel->bit_arrays > 0 ? 1 : 8", "8", "bench_limits:copied_bytes")
fault("bench: half of f16 scaled", FILE, "last = end * c->element_size / sizeof(float)", "last = begin + end / 2 * c->element_size / sizeof(float)", REFERENCES)
fault("bench: weights written", FILE, "[BENCH_READS] = 1", "[BENCH_READS] = 2", "bench_limits:rows_of_a_case")
fault("bench: sums that are only read", FILE, "kernel->moves == BENCH_UPDATES ? 4 : 0", "kernel->moves == BENCH_UPDATES ? 2 : 0", "bench_limits:rows_of_a_case")
fault("bench: DropBlock's bits are old", FILE, "draws == BENCH_DRAWS_BLOCKS ? 2 : 0", "0", "bench_limits:fresh_outputs")
fault("bench: philox-32bit begins anew in each piece", FILE,
      "baseline_dropout_f32(c->mask.seed, c->mask.stream, begin,", "baseline_dropout_f32(c->mask.seed, c->mask.stream, 0,", "bench_limits:kernels_in_pieces")

ROWS = "bench_limits:rows_of_a_case"
fault("bench: a part of a row taken for elements", FILE, "c->n = c->n / in_a_row * in_a_row;", "", ROWS)
fault("bench: two of three arrays counted", FILE, "[BENCH_ADDS] = 3", "[BENCH_ADDS] = 2", ROWS)
fault("bench: a trial that writes to the case", FILE, "one.y = &y;", "", ROWS)

# ---- what simdrop verify makes of counts
TOOL = {"options": ("-DSIMDROP_BUILD_TOOL=ON",)}
FILE = "tools/simdrop/verify/sequence.c"
fault("verify: more windows than there is room for", FILE, "&& counts->windows < state->windows.capacity; k += words", "; k += words",
      "verify:growing_source", **TOOL)
fault("verify: chunks pass limits", FILE, "if (at < ends[i] && ends[i] - at < bits) bits = ends[i] - at;",
      "if (i == 0 && at < ends[i] && ends[i] - at < bits) bits = ends[i] - at;", "verify:limits_anywhere", **TOOL)
fault("verify: limits inside of a grain", FILE, "return elements / SEQUENCE_GRAIN * SEQUENCE_GRAIN;", "return elements;",
      "verify:limits_anywhere", **TOOL)
FILE = "tools/simdrop/verify/significance.c"
fault("verify: rare counts taken for normal", FILE, "if (n * probability >= ENOUGH_FOR_ESTIMATE)", "if (n * probability >= 0)",
      "verify:rises_of_rare_counts", **TOOL)
fault("verify: the least count that is seen is one less", FILE, "*(binomial_at_least(middle, n, probability) < tail ? &seen : &unseen)",
      "*(binomial_at_least(middle + 1, n, probability) < tail ? &seen : &unseen)", "verify:rises_of_rare_counts", **TOOL)
fault("verify: NaN passes", FILE, "return !isnan(b) && !(a >= b);", "return a < b;", "verify:not_a_number", **TOOL)
fault("verify: one side for two", FILE, "return tail >= 0.5 ? 1 : 2 * tail;", "return tail;", "verify:two_sides", **TOOL)

# ---- the chain
FILE = "src/fused/row_reader.c"
fault("chain: a row's blocks are taken for another's", FILE, "if (place < listed && blocks[place] != next) place = listed;", "", "chain:row_reader")
fault("chain: rows' blocks beyond the buffer", FILE, "if (last >= next && last - next >= SIMDROP_APART_BLOCKS - listed) break;",
      "if (last >= next && last - next > SIMDROP_APART_BLOCKS - listed) break;", "chain:row_reader")
fault("chain: shared decisions drawn for row 0 alone", FILE, "rows->index_stride == rows->columns || rows->end - rows->begin == 1",
      "rows->index_stride == rows->columns || rows->index_stride == 0", "chain:row_reader")
fault("chain: a batch ends inside a row", FILE, "return minimum(rows_after + 1, most / columns) * columns;",
      "return minimum((rows_after + 1) * columns, most);", "chain:row_reader")
FILE = "src/fused/chain.c"
fault("chain: groups of 32 rows", "src/fused/computed.h", "#define SIMDROP_GROUP_ROWS ((size_t)64)", "#define SIMDROP_GROUP_ROWS ((size_t)32)", "chain:sums_in_order")
fault("chain: the next group's sums of columns are others", FILE, "if (part.sums != NULL && part.bias_axis == SIMDROP_BIAS_OF_ROWS)", "if (part.sums != NULL)",
      "chain:sums_in_order")
fault("chain: strips of the first group alone", FILE, "row += rows_at_once) {", "row += operation->rows) {", "chain:sums_in_order")
fault("chain: the bias of row 0 for all", FILE, "(is_shared ? row : column) * size", "(is_shared ? 0 : column) * size",
      "chain:definition")
fault("chain: residual by y's stride", FILE, "simdrop_row_at(operation->residual, segment->row)",
      "simdrop_row_at((simdrop_rows){operation->residual.first, operation->y.stride}, segment->row)",
      "chain:definition")
fault("chain: bits of a batch begin with a byte", FILE, "writer->held = rest;", "writer->held = 0;", "chain:shapes")
fault("chain: lanes of the row before", "src/fused/computed.c", "memset(lanes, 0, sizeof *lanes);", "", "chain:sums_in_order")
fault("chain: flat whatever the residual's stride", FILE, "{operation->x, operation->residual, operation->y, operation->dy, operation->dx}; for",
      "{operation->x, operation->y, operation->dy, operation->dx}; for", "chain:shapes")
fault("chain: a piece's bias is the whole's", FILE, "if (part.bias != NULL && part.bias_axis == SIMDROP_BIAS_OF_ROWS) part.bias += begin * part.decisions.size;",
      "", "chain:executors")
FILE = "src/core/fused.c"
fault("chain: rows are cut though columns are summed", FILE, "const bool cuts_columns = sums_columns ||", "const bool cuts_columns =", "chain:executors")
fault("chain: pieces of bits share a byte", FILE, "operation->bits == NULL ? 1 : 8", "1", "chain:executors")
fault("chain: bits bring back what p = 1 drops", FILE, "if (stored == NULL || operation->decisions.threshold == SIMDROP_CERTAIN) return;", "if (stored == NULL) return;", "chain:certain")
fault("chain: sums of no rows are left out", FILE, "if (sums_size > 0) memset(bias_gradient, 0, sums_size);", "", "chain:no_elements")
fault("chain: y in the residual's memory, by another stride", FILE,
      "elements_of(SIMDROP_INPUT, chain->residual, matrix->residual_stride, size)", "elements_of(SIMDROP_INPUT, chain->residual, matrix->y_stride, size)",
      "chain:refused_overlaps")
FILE = "src/scalar/chain_body.h"
fault("chain: a gradient for what ReLU made 0", FILE, "return t > 0 ? g : 0;", "return t < 0 ? 0 : g;", "chain:definition")
fault("chain: sums of rounded values", FILE, "column_sums[k] += d;", "column_sums[k] += TYPED(scalar_value)(dx[k]);", "chain:sums_of_halves")
FILE = "src/common/chain_typed_body.h"
AVX2 = {"needs": "avx2"} if platform.machine() not in ("aarch64", "arm64") else {"needs": "neon"}
fault("chain vector: a shared bias goes on", "src/common/operand_body.h", "return (operand_##name){copies, 0};", "return (operand_##name){copies, 64};", "chain:backends_alike", **AVX2)
fault("chain vector: the residual of the word before", FILE, "TYPED(operand_at)(&terms->residual, k + j)", "TYPED(operand_at)(&terms->residual, k)",
      "chain:backends_alike", **AVX2)
fault("chain vector: lines begin anywhere", FILE, "const size_t lead = non_temporal ? elements_to_alignment(output, sizeof *output, left) : 0;",
      "const size_t lead = 0;", "chain:far_arrays", effort="full", **AVX2)
fault("chain vector: a part's copy is longer", FILE, "memcpy(y, copies[3], count * sizeof *y);", "memcpy(y, copies[3], sizeof copies[3]);", "guard:chains", **AVX2)

# ---- the functions of the fused kernels
FILE = "src/scalar/math.h"
HASHES, LIMITS, ARITHMETIC = "math:results_are_frozen", "math:limits_are_reached", "vocabulary:words_of_arithmetic_do_what_they_say"
for FOLDER, NARROW, BITS in (("avx2", "narrow_bf16(first, second, false)", "_mm256_cmpeq_epi32(_mm256_and_si256(all, odd), odd)"),
                             ("avx512", "narrow_bf16(first, second, false)", "_mm512_test_epi32_mask(all, _mm512_slli_epi32(even, 1))")):
    WORDS_FILE = f"src/{FOLDER}/arithmetic.h"
    fault(f"bf16 in pairs: ties of sums are thought of as none, {FOLDER}", WORDS_FILE, NARROW, NARROW.replace("false", "true"), ARITHMETIC, FOLDER)
    fault(f"bf16 in pairs: odd elements take the decisions of even ones, {FOLDER}", WORDS_FILE, BITS, BITS.replace("all, odd), odd", "all, even), even").replace("_mm512_slli_epi32(even, 1)", "even"),
          ARITHMETIC, FOLDER)
fault("math: a logarithm of two in one part", FILE, "(x - n * MATH_LN2_HIGH) - n * MATH_LN2_LOW", "x - n * (MATH_LN2_HIGH + MATH_LN2_LOW)", HASHES)
fault("math: a constant off by a unit", "src/common/math_constants.h", "0x1.55597p-5f", "0x1.555972p-5f", HASHES)
fault("math: exp wraps round", FILE, "return x < MATH_EXP_LOWEST ? 0 : fraction * power;", "return fraction * power;", LIMITS)
fault("math: NaN becomes a limit", FILE, "return limit > x ? limit : x;", "return x > limit ? x : limit;", LIMITS)
fault("math: SiLU of what is infinite", FILE, "const float c = scalar_at_least(x, -MATH_SILU_LIMIT);", "const float c = x;", LIMITS)
fault("math: GELU does not end", FILE, "c = scalar_at_least(x, -MATH_GELU_LIMIT), t = scalar_at_most(c, MATH_GELU_LIMIT);",
      "c = scalar_at_least(x, -6.0f), t = c;", LIMITS)
fault("math: a distribution below 0", FILE, "return c * scalar_at_least(0.5f + (t * n) / d, 0);", "return c * (0.5f + (t * n) / d);",
      "math:signs_are_right", effort="full")
fault("math: another slope", "src/common/math_constants.h", "MATH_GELU_TANH_SLOPE_2 0x1.b6676cp-3f", "MATH_GELU_TANH_SLOPE_2 0x1.b667p-3f",
      "math:errors_are_as_documented")
fault("vector: a sigmoid's other side", "src/common/math_body.h", "simd_f32_multiply(factor, simd_f32_select(simd_f32_less(x, simd_f32_set(0.0f)), e, one))",
      "simd_f32_multiply(factor, simd_f32_select(simd_f32_less(x, simd_f32_set(0)), one, e))", "math:backends_agree", "avx2")
fault("avx2: bfloat16 of NaN", "src/avx2/arithmetic.h", "blend_words(rounded, quiet_nan, is_nan)", "((void)quiet_nan, (void)is_nan, rounded)",
      ARITHMETIC, "avx2")
fault("avx2: decisions of the lower half alone", "src/avx2/arithmetic.h", "(bits >> (begin & 32))", "bits", ARITHMETIC, "avx2")
fault("avx512: NaN is less", "src/avx512/arithmetic.h", "_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)", "_mm512_cmp_ps_mask(a, b, _CMP_NGE_UQ)", ARITHMETIC, "avx512")
fault("neon: a maximum that is NaN", "src/neon/arithmetic.h", "return vbslq_f32(vcgtq_f32(a, b), a, b);", "return vmaxq_f32(a, b);", ARITHMETIC, "neon")
fault("sve: decisions of 32 lanes", "src/sve/arithmetic.h", "svorr_u32_x(all, low, high)", "((void)high, low)", ARITHMETIC, "sve", processor=SVE_2048)
fault("highway: zeros come in from the wrong side", "src/highway/arithmetic-inl.h", "return hn::ShiftRightSame(a, count);",
      "return hn::BitCast(tag_u32(), hn::ShiftRightSame(hn::BitCast(tag_i32(), a), count));", ARITHMETIC, "highway-avx2")
FILE = "src/sleef/f64_body.h"
fault("f64: more than a part is written", FILE, "for (size_t i = 0; i < n; ++i) values[i] = e[i];", "for (size_t i = 0; i < SIMDROP_F64_MATH_MAX; ++i) values[i] = e[i];",
      "f64_math:parts_are_as_the_whole")
fault("f64: callers are told the version", "src/machine/f64_math.c", "return math == NULL ? NULL : math->name;", "return math == NULL ? NULL : math->version;",
      "f64_math:callers_can_ask")
fault("f64: a slope at infinity", FILE, "values[i] = clamp(values[i], SIGMOID_LIMIT);", "values[i] = at_least(values[i], -SIGMOID_LIMIT);", "f64_math:limits_are_reached")
fault("f64: a density without its factor", FILE, "(values[i] * INVERSE_ROOT_TWO_PI) * density[i]", "values[i] * density[i]", "f64_math:errors_are_small")
fault("f64: a product in another order", FILE, "(0.5 * values[i]) * complement[i]", "values[i] * (complement[i] * 0.70710678118654752440) * 0.70710678118654752440",
      "f64_math:results_are_frozen")
fault("f64: any of its instructions will do", "src/machine/f64_math.c", "(features & sets[i]->required) != sets[i]->required",
      "(features & sets[i]->required) == 0", "f64_math:the_processor_decides")
# ---- tiles
FILE = "src/fused/tile.c"
fault("tile: rows share a block that is not theirs", FILE, "begin += (size_t)(block - batch->blocks[begin]);", "begin = listed - 1;", "tile:layouts")
fault("tile: listed blocks taken in a row", FILE, "if (batch->blocks[batch->listed - 1] - first == batch->listed - 1)", "if (batch->listed > 1)", "tile:layouts")
fault("tile: rows far apart joined", FILE, "if (rows->stride == (ptrdiff_t)rows->columns && (batch->is_string", "if (rows->stride >= (ptrdiff_t)rows->columns && (batch->is_string", "tile:layouts")
fault("tile: decisions of one string that are not", FILE, "if (r > 0 && first != next_first) batch->is_string = false;", "(void)next_first;", "tile:layouts")
fault("tile: rows apart one element early", "src/common/scale_body.h", "in_bytes ? 0 : rows->first[r];", "in_bytes ? 0 : rows->first[r] + (r > 0);", "tile:layouts", "avx2")
fault("tile: rows of a string merged wherever they lie", FILE, "if (rows->stride == (ptrdiff_t)rows->columns && state->index_stride == rows->columns)",
      "if (state->index_stride == rows->columns)", "tile:layouts")
fault("tile: rows that lie apart in the mask follow one another", FILE, "block += block_stride", "block += row_blocks", "tile:layouts")
fault("tile: decisions of the second batch over those of the first", FILE, "bits += batch.rows * bits_stride;", "", "tile:layouts")
fault("tile: all are kept with p = 0, whatever is stored", FILE, "case SIMDROP_WORK_COPY: select_rows(state, rows, bits, bits_stride); return;",
      "case SIMDROP_WORK_COPY: return;", "tile:layouts")
fault("tile: bits of any place taken for bytes", FILE, "(batch->row_bits | batch->first[0]) % 8 == 0", "batch->row_bits % 8 == 0", "tile:layouts")
fault("tile: all rows by the first's bytes", "src/common/scale_body.h", "bytes += rows->bytes_stride", "bytes += 0", "tile:layouts", "avx2")
fault("tile: decisions that are not of whole words copied as such", FILE, "if ((first | columns) % 64 != 0)", "if (columns % 64 != 0)", "tile:layouts")
FILE = "src/core/tile.c"
fault("tile: elements that are their own decisions", FILE, "if (meets_bits(", "if (false && meets_bits(", "tile:errors_of_bits")
fault("tile: rows of decisions over one another", FILE, "check_bits(rows, columns, bits_stride, false, &length)", "check_bits(rows, columns, bits_stride, true, &length)",
      "tile:errors_of_bits")
fault("tile: the last row's index unchecked", FILE, "last_row * stride > left :", "row * stride > left :", "tile:errors")
fault("tile: the caller's tile is drawn with", FILE, "simdrop_drive_tile(&state, &tile_rows);", "simdrop_drive_tile((simdrop_tile_state *)(uintptr_t)tile, &tile_rows);",
      "tile:whole_matrix", "avx2")
fault("tile: rows that meet", FILE, "if (rows > 1 && distance < columns)", "if (rows > 1 && stride > 0 && distance < columns)", "tile:errors")

fault("golden norms: the other kind", "src/core/norm.c", ".has_mean = norm->kind == SIMDROP_LAYER_NORM,", ".has_mean = norm->kind != SIMDROP_LAYER_NORM,",
      "golden_digest:library_norms")

# ---- softmax
FILE = "src/scalar/softmax_body.h"
fault("softmax: a masked row is not a number", FILE, "row->inverse = sum > 0 ? 1 / sum : sum;", "row->inverse = 1 / sum;", "softmax:special_rows")
fault("softmax: the gradient without its sum", FILE, "(gradient - (COMPUTED)row->sum)", "(gradient - 0)", "softmax:formulas")
fault("softmax: the gradient of what is masked", FILE, "sums[k % SIMDROP_SUM_LANES] += probability > 0 ? gradient * probability : 0;",
      "sums[k % SIMDROP_SUM_LANES] += gradient * probability;", "softmax:special_rows")
fault("softmax: the additive mask scaled", FILE, "return scaled + (COMPUTED)((const float *)row->additive)[k];", "return scaled + (COMPUTED)row->scale * (COMPUTED)((const float *)row->additive)[k];",
      "softmax:formulas")
FILE = "src/common/softmax_row_body.h"
fault("softmax: padding takes part", FILE, "allowed & low_decisions(count), numbers);", "allowed, numbers);", "softmax:backends", "avx2")
fault("softmax: a long row's powers are those of its end", FILE, "const NUMBER *powers = (const NUMBER *)row->buffer + piece->begin + k; if (!row->is_in_buffer) {",
      "const NUMBER *powers = (const NUMBER *)row->buffer + (piece->begin + k) % MOST_NUMBERS; if (false) {", "softmax:backends", "avx2")
fault("softmax: sums begin with the row before", FILE, "if (piece->begin == 0) memset(sums, 0, sizeof lanes);", "if (false) memset(sums, 0, sizeof lanes);", "softmax:backends", "avx2")
FILE = "src/common/softmax_numbers_body.h"
fault("softmax: lanes summed in another order", FILE, "return join(ac, bd);", "return join(join(ac, b), d);", "softmax:backends", "avx2")
FILE = "src/common/softmax_body.h"
fault("softmax: bytes that are 128 are masked", FILE, "+ 127 * lowest) | bytes) >> 7", "+ 127 * lowest)) >> 7", "softmax:backends", "avx2")
FILE = "src/fused/softmax.c"
fault("softmax: a row short of the causal limit", FILE, "if (limit < 0 && r <= (size_t)-limit) return 0;", "if (limit < 0 && r <= (size_t)-limit + 1) return 0;", "softmax:formulas")
fault("softmax: behind the causal limit nothing is written", FILE, "clear_rest(job, i, (char *)job->pieces[i].probabilities);", "", "softmax:formulas")
fault("softmax: parts have the limit of the first", FILE, "part.limit += (ptrdiff_t)begin;", "", "softmax:threads")
FILE = "src/core/softmax.c"
fault("softmax: y may be the probabilities", FILE, "elements_of(SIMDROP_OUTPUT, probabilities, softmax->probability_stride, size)",
      "elements_of(SIMDROP_INPUT, probabilities, softmax->probability_stride, size)", "softmax:errors")
# ---- the relatives of dropout
FILE = "src/engine/parameters.c"
fault("alpha: shifted by too much", FILE, "const double addend = SELU_LIMIT * scale * p;", "const double addend = SELU_LIMIT * scale;", "variants:alpha_values")
fault("gaussian: a variance of p", FILE, "sqrt((double)threshold / (double)(SIMDROP_CERTAIN - threshold))", "sqrt((double)threshold / (double)SIMDROP_CERTAIN)",
      "variants:gaussian_has_the_variance_of_dropout")
fault("alpha: a long dropped run is zeros", "src/layout/row_sink.c", "if (!kept && sink->work != SIMDROP_WORK_AFFINE) {", "if (!kept) {", "variants:layouts_are_flat")
FILE = "src/common/affine_body.h"
fault("affine: kept for dropped", FILE, "COMPUTE(select)(COMPUTE(decisions)(bits, k), kept, dropped)", "COMPUTE(select)(COMPUTE(decisions)(bits, k), dropped, kept)",
      "variants:alpha_values", "avx2")
fault("affine: a chunk's lead forgotten", "src/common/consumers_body.h", "return steps->lead + page * steps->page_elements", "return page * steps->page_elements", "variants:far_arrays", "avx2")
fault("normals: a mask's plane", "src/common/mask_source.h", "SIMDROP_NORMAL_PLANES 64", "SIMDROP_NORMAL_PLANES 31", "variants:numbers_are_defined")
fault("numbers: planes of the upper half before", "src/common/words_body.h", "if (b == 0 || (uint32_t)number == 0)", "if (b == 0)", "variants:numbers_are_defined", "avx2")
fault("normals: planes of the upper half before", "src/common/normals_body.h", "if ((uint32_t)number == 0) make_plane_parts", "if (number == 0) make_plane_parts",
      "variants:numbers_are_defined", "avx2")
fault("avx512: a radius of a turn's word", "src/avx512/simd.h", "_mm512_mask_movehdup_ps(high_words, 0x5555, low_words)", "_mm512_mask_movehdup_ps(high_words, 0x5554, low_words)",
      "variants:numbers_are_defined", "avx512")
fault("avx512: the smaller one by value", "src/avx512/arithmetic.h", "_mm512_range_ps(a, b, 0x2)", "_mm512_range_ps(a, b, 0x0)", ARITHMETIC, "avx512")
fault("sve: block's upper half lost from numbers", "src/common/scalable_words_body.h", "first.word_2 ^ (uint32_t)(block >> 32)", "first.word_2", "variants:numbers_are_defined", "sve")
FILE = "src/engine/value_reader.c"
fault("numbers: the first block for another", FILE, "reader->values + passed * SIMDROP_BLOCK_ELEMENTS + index", "reader->values + index", "variants:layouts_are_flat")
fault("numbers: one of a pair for the other", FILE, "both[2 * k + (index + (done + k) * stride) % 2]", "both[2 * k]", "variants:layouts_are_flat")
fault("scaled bits: by 2", "src/engine/driver.c", "double factor = operation->scale;", "double factor = 2;", "variants:scaled_bits")
fault("dropblock: a column too many", "src/core/drop_block.c", "run - 1 + shape->block_width", "run + shape->block_width", "variants:blocks_are_dropped")
fault("moments: what was there counts", "src/core/moments.c", "if (job->passes == 1) {", "if (job->passes == 0) {", "variants:moments_over_passes")
fault("concrete: one tail for both", "src/scalar/variants.c", "scalar_uniform(~words[k])", "scalar_uniform(words[k] / 2)", "variants:concrete_values")
FILE = "src/core/concrete.c"
fault("concrete: a group not added", FILE, "for (size_t group = 0; group < GROUPS; ++group) sum", "for (size_t group = 1; group < GROUPS; ++group) sum", "variants:concrete_values")
fault("concrete: a layout's gradient in its own place", FILE, "job->operands.dy == NULL ? SIMDROP_Y : SIMDROP_X;", "SIMDROP_Y;", "variants:concrete_layouts")
fault("concrete: groups of a layout begin with its first row", FILE, "if (job->rows != NULL) cursor = cursor_at(job->rows, begin_of_group(job->n, begin));",
      "if (job->rows != NULL) cursor = cursor_at(job->rows, 0);", "variants:concrete_layouts")
fault("concrete: a layout's numbers in order", FILE, "simdrop_values_gather(reader, at.index, row->index, run,", "simdrop_values_gather(reader, at.index, 1, run,",
      "variants:concrete_layouts")
fault("concrete: dx meets itself", FILE, "dy_and_dx = with_strides(layout, ys, xs);", "dy_and_dx = with_strides(layout, ys, ys);", "api:variants")
fault("dropconnect: half of the products twice", "src/common/variants_body.h", "(sums[i] + products[i]) + products[i + SIMDROP_SUM_LANES]", "(sums[i] + products[i]) + products[i]",
      "variants:connect_values", "avx2")
fault("dropconnect: one chunk for all rows", "src/core/drop_connect.c", "chunk.first += count;", "chunk.first += 0;", "variants:connect_values")
FILE = "src/core/drop_connect.c"
fault("dropconnect: the gradient's groups of rows run together", FILE, "if (part->group != NULL && segment.row / SIMDROP_GROUP_ROWS != group) {",
      "if (part->group != NULL && segment.row / SIMDROP_GROUP_ROWS > 1000) {", "variants:connect_gradients")
fault("dropconnect: strips with the first one's decisions", FILE, "decisions.index += part->first_column;", "", "variants:connect_gradients")
fault("dropconnect: dw may be the weights", FILE, "meets(dw, w_bytes, weights, w_bytes) ||", "", "api:variants")
FILE = "src/common/variants_body.h"
fault("dropconnect: dw of scaled inputs", FILE, "COMPUTE(multiply)(scaled, LOAD(x + k))", "COMPUTE(multiply)(dy, COMPUTE(multiply)(scale, LOAD(x + k)))",
      "variants:connect_gradients", "avx2")
fault("dropconnect: dx of dropped weights", FILE, "COMPUTE(add)(COMPUTE(load)(sums + k), kept)", "COMPUTE(add)(COMPUTE(load)(sums + k), product)",
      "variants:connect_gradients", "avx2")
fault("dropconnect: zeros behind the last element take part", FILE, "simdrop_bits_from(words, first + k) & low_bits(n - k);",
      "simdrop_bits_from(words, first + k);", "variants:connect_infinities", "avx2")
fault("dropconnect: dw's last word written whole", FILE, "memcpy(dw + k, dw_part, (n - k) * sizeof *dw);", "memcpy(dw + k, dw_part, sizeof dw_part);",
      "variants:connect_gradients", "avx2")
fault("avx2: both of a pair the same", "src/avx2/arithmetic.h", "_mm256_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1))", "_mm256_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0))",
      "vocabulary:words_of_arithmetic_do_what_they_say", "avx2")
FILE = "tools/simdrop/verify/normals.c"
fault("verify: lags of normal numbers end with a draw", FILE, "memmove(window->z, window->z + n, LAG_MOST * sizeof(double));", "",
      "verify:normal_numbers", **TOOL)
fault("verify: fourth moments of other polynomials", FILE, "squares[k] * squares[k] - 4 * squares[k] - 2", "squares[k] * squares[k] - 4 * squares[k]",
      "verify:normal_numbers", **TOOL)
FILE = "tools/simdrop/verify/significance.c"
fault("verify: sums lean to the other side", FILE, "copysign(z * sqrt(shape), z * skewness)", "copysign(z * sqrt(shape), -z * skewness)",
      "verify:skewed_sums", **TOOL)

# ---- scripts: what protects from a parent's flags, other systems, two files
def parents_fault(name, file, old, new, parent):
    fault("parents: " + name, file, old, new, "hostile_parents.sh:" + parent, arguments=(parent,))


FILE = "CMakeLists.txt"
parents_fault("char may be unsigned", FILE, "list(APPEND SIMDROP_SOURCE_FLAGS -fsigned-char)", "", "meanings of C changed")
parents_fault("liberties with arithmetic stay", FILE,
              "-fno-fast-math -fno-associative-math -fno-reciprocal-math -fno-finite-math-only -fsigned-zeros", "", "-ffast-math")
parents_fault("install rules where nobody asked", FILE, 'its headers and its packages" ${PROJECT_IS_TOP_LEVEL})',
              'its headers and its packages" ON)', "policies of CMake 3.5")
FILE = "cmake/subproject.cmake"
parents_fault("everything is visible", FILE, "-fvisibility=hidden", "", "-fvisibility=default, shared")
parents_fault("what was found stays in the cache", FILE, "unset(${simdrop_name} CACHE)", "", "policies of CMake 3.5")
parents_fault("added twice, and nothing said of it", FILE, "if(added)", "if(FALSE)", "simdrop twice")
parents_fault("flush-to-zero, and nothing said of it", FILE, "-ffast-math|-Ofast|-funsafe-math-optimizations", "-Ofast", "-ffast-math")
fault("systems: privileged programs listen to their caller", "src/machine/environment.c",
      "return getauxval(AT_SECURE) != 0 ? NULL : getenv(name);", "return getenv(name);",
      "cross_compilers.sh:setuid by getauxval: x86_64-linux-musl", arguments=("x86_64-linux-musl",))
FILE = "scripts/amalgamate.py"
fault("two files: contraction left to the compiler", FILE, 'if not flag.startswith("-fexcess-precision"))', 'if not flag.startswith(("-fexcess-precision", "-ffp-contract")))',
      "two_files.sh:gcc: golden data", "avx512", arguments=("--gcc",))
fault("two files: tables are seen by the linker", FILE, '"  static const simdrop_kernels SIMDROP_LOCAL(kernels) = {")',
      '"  const simdrop_kernels SIMDROP_LOCAL(kernels) = {")', "two_files.sh:only public functions are seen", arguments=("--gcc",))
