// The faults of simdrop_faulty, and what the files of its implementation share.
#ifndef SIMDROP_TESTS_CONFORMANCE_FAULTY_H
#define SIMDROP_TESTS_CONFORMANCE_FAULTY_H

#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/source.h"
#include "verify/values.h"

// name, test, options, what it is
#define FAULTS(X)                                                                                                         \
  X(none, "", "", "no fault")                                                                                             \
  X(key_words_swapped, "K1", "", "the key's words exchanged")                                                             \
  X(key_never_bumped, "K1", "", "the same key in every round")                                                            \
  X(six_rounds, "K1", "", "6 rounds of Philox in place of 10")                                                            \
  X(nine_rounds, "K1", "", "9 rounds of Philox")                                                                          \
  X(output_words_permuted, "K1", "", "output words 1 and 2 exchanged")                                                    \
  X(counter_starts_at_1, "K1", "", "the first block is number 1")                                                         \
  X(block_32_bits, "K3", "", "the block's number loses its carry into the upper half")                                    \
  X(offset_63_bits, "K3", "", "the offset is taken as signed, without its sign")                                          \
  X(less_or_equal, "K4", "", "U <= T in place of U < T")                                                                  \
  X(random_16_bits, "K4", "", "16 random bits an element")                                                                \
  X(last_plane_missing, "K4", "", "the comparison ends one plane early")                                                  \
  X(threshold_wraps, "K4", "", "T = 2^32 wraps to 0 for p just below 1")                                                  \
  X(tail_bits_set, "K5", "", "unused bits of a mask's last byte are 1")                                                   \
  X(write_behind, "K5", "", "a whole last word is written")                                                               \
  X(multiply_first, "K5", "", "x times 0 in place of 0: NaN stays NaN, negative x gives -0")                              \
  X(cut_at_bytes, "K6", "", "a call's first index is rounded to a multiple of 8")                                         \
  X(backward_anew, "K7", "", "the backward mask is drawn anew")                                                           \
  X(stored_mask_late, "K7", "", "forward stores the mask one element late")                                               \
  X(layout_axes_exchanged, "K8", "", "index strides of the two first axes exchanged")                                     \
  X(channel_not_constant, "K8", "", "the last element of a channel decides for itself")                                   \
  X(scale_in_float, "K9", "", "1 / (1 - p) in float for doubles")                                                         \
  X(planes_from_1, "K10", "", "planes are numbered from 1 for p that need more than two")                                 \
  X(signed_compare, "S1", "--p 0.9 --form mask", "U and T are compared as signed numbers")                                \
  X(random_8_bits, "S1", "--p 0.3 --form mask", "8 random bits an element")                                               \
  X(rate_off, "S1", "--p 0.3 --form mask", "the rate is off by 0.002")                                                    \
  X(lane_biased, "S2", "--elements 4Mi --p 0.3 --form mask", "lane 5 of 16 is dropped 1 % more often")                    \
  X(tail_kept, "S3", "--p 0.3 --form forward", "elements after the last whole byte are always kept")                      \
  X(four_rounds, "S4", "--p 0.5 --form mask", "4 rounds of Philox")                                                       \
  X(five_rounds, "S4", "--p 0.3 --form mask", "5 rounds of Philox")                                                       \
  X(word_3_is_word_0, "S4", "--elements 4Mi --p 0.3 --form mask", "output word 3 is a copy of word 0")                    \
  X(lanes_copied, "S5", "--elements 4Mi --p 0.3 --form mask", "lane 9 of 16 is a copy of lane 2")                         \
  X(four_neighbours, "S5", "--elements 4Mi --p 0.3 --form forward", "four neighbours share one random number")            \
  X(copy_previous, "S6", "--elements 4Mi --p 0.3 --form mask", "1 % of the elements copy the one before")                 \
  X(block_twice, "S6", "--elements 4Mi --p 0.1 --form backward", "every block of 128 is used twice")                      \
  X(exact_count, "S7", "--elements 4Mi --p 0.3 --form mask", "of every 1024 elements exactly p * 1024 are dropped")       \
  X(avoid_previous, "S8", "--elements 4Mi --p 0.5 --form mask", "2 % of the elements are the opposite of the one before") \
  X(counter_16_bits, "S9", "--elements 4Mi --p 0.3 --form mask", "the block's number has 16 bits")                        \
  X(counter_20_bits, "S9", "--elements 4Mi --p 0.3 --form mask", "the block's number has 20 bits")                        \
  X(index_32_bits, "S9", "--elements 4Mi --p 0.5 --form mask", "the index has 32 bits")                                   \
  X(calls_overlap, "S9", "--elements 4Mi --p 0.3 --form mask", "every call begins with the last block of the one before") \
  X(channels_256, "S9", "--elements 4Mi --p 0.3 --form channels", "the channel's number is cut to 8 bits")                \
  X(seed_32_bits, "S10", "--elements 4Mi --p 0.3 --form mask", "the seed is cut to 32 bits")                              \
  X(seed_halves_folded, "S10", "--elements 4Mi --p 0.3 --form mask", "the seed's halves are xored into one")              \
  X(seed_low_bit, "S10", "--elements 4Mi --p 0.3 --form mask", "the seed's lowest bit is ignored")                        \
  X(stream_ignored, "S10", "--elements 4Mi --p 0.3 --form mask", "all streams are the same")                              \
  X(stream_32_bits, "S10", "--elements 4Mi --p 0.3 --form mask", "the stream is cut to 32 bits")                          \
  X(stream_plus_seed, "S10", "--elements 4Mi --p 0.3 --form mask", "only the sum of seed and stream matters")             \
  X(scale_missing, "S11", "--elements 4Mi --p 0.3 --form forward", "kept elements are not scaled")                        \
  X(scale_twice, "S11", "--elements 4Mi --p 0.3 --form forward", "kept elements are scaled twice")                        \
  X(scale_in_half, "S11", "--elements 4Mi --p 0.3 --form channels", "the scale is rounded to binary16")                   \
  X(gradient_unscaled, "S11", "--elements 4Mi --p 0.3 --form backward", "the gradient is not scaled")                     \
  X(one_element_biased, "S11", "--p 0.3 --form forward", "element 513 of every call is dropped 30 % less often")          \
  X(chain_bias_late, "K11", "", "a chain's bias is added after the activation")                                           \
  X(chain_rounds_early, "K11", "", "16-bit values are rounded before the residual is added")                              \
  X(chain_rows_follow, "K11", "", "a chain's mask has no index stride: rows follow each other")                           \
  X(chain_bits_of_mask, "K11", "", "the bits of ReLU say what is kept, and not what is positive")                         \
  X(chain_gelu_by_tanh, "K11", "", "GELU is computed by tanh")                                                            \
  X(chain_slope_of_x, "K12", "", "the derivative is taken without the bias")                                              \
  X(chain_gradient_anew, "K12", "", "the mask of a chain's gradient is drawn anew")                                       \
  X(chain_sums_rounded, "K12", "", "the bias' gradient adds what was rounded to 16 bits")                                 \
  X(chain_sums_in_a_row, "K12", "", "columns are summed without groups")                                                  \
  X(softmax_scaled_early, "K13", "", "scores are dropped and scaled before the softmax")                                  \
  X(softmax_sees_next, "K13", "", "the causal mask begins a column late")                                                 \
  X(softmax_gradient_alone, "K13", "", "the gradient of softmax leaves out the row's sum")                                \
  X(tile_at_zero, "K14", "", "a tile is masked as if it began in column 0")                                               \
  X(tile_of_its_own, "K14", "", "a tile's rows follow each other in the mask")                                            \
  X(tile_bits_in_a_row, "K14", "", "a tile's stored rows follow each other without a stride")                             \
  X(alpha_of_selu, "K15", "", "alpha dropout takes SELU's alpha without its scale")                                       \
  X(alpha_gradient_shifted, "K15", "", "the gradient of alpha dropout is shifted as its output")                          \
  X(normal_words_swapped, "K16", "", "the words of radius and angle are exchanged")                                       \
  X(uniform_of_normals, "K16", "", "uniform numbers come from the planes of normal ones")                                 \
  X(uniform_zero, "K16", "", "uniform numbers begin with 0")                                                              \
  X(concrete_share_dropped, "K17", "", "concrete dropout keeps the share that is to be dropped")                          \
  X(concrete_fixed_scale, "K17", "", "the gradient by p leaves out the scale, which depends on p")                        \
  X(concrete_layout_apart, "K17", "", "concrete dropout gives the elements of a channel numbers of their own")            \
  X(dropblock_at_centre, "K18", "", "blocks have the drawn place at their centre")                                        \
  X(dropblock_overlaps, "K18", "", "the number of kept elements counts blocks as if none overlapped")                     \
  X(dropconnect_in_a_row, "K18", "", "products are added in the order of columns")                                        \
  X(dropconnect_by_column, "K18", "", "the weights of a column are dropped together")                                     \
  X(dropconnect_weights_unscaled, "K18", "", "the gradient of the weights is not scaled")                                 \
  X(dropconnect_input_in_a_row, "K18", "", "the gradient of the input is summed without groups of rows")                  \
  X(moments_of_old_mean, "K18", "", "squared distances are taken from the mean before")                                   \
  X(norm_by_one_less, "K19", "", "the mean square is the sum by one less than there are columns")                         \
  X(norm_epsilon_late, "K19", "", "epsilon is added to the root")                                                         \
  X(norm_of_unrounded, "K19", "", "16-bit sums are normalised before they are rounded")                                   \
  X(norm_mean_fixed, "K19", "", "the gradient of a norm takes the mean for a constant")                                   \
  X(norm_added_alone, "K19", "", "a gradient that comes another way does not reach x")                                    \
  X(sums_by_threads, "K20", "", "the sums of columns begin anew with each piece of rows")                                 \
  X(pieces_alike, "K20", "", "every piece of Gaussian dropout begins with the first normal number")                       \
  X(chain_mask_late, "S13", "--elements 1Mi --p 0.3 --form chain", "the residual is dropped too")                         \
  X(chain_residual_scaled, "S13", "--elements 1Mi --p 0.3 --form chain", "the residual is scaled too")                    \
  X(chain_activation_late, "S13", "--elements 1Mi --p 0.3 --form chain", "the activation follows the dropout")            \
  X(chain_gradient_unscaled, "S13", "--elements 1Mi --p 0.3 --form chain-backward", "a chain's gradient is not scaled")   \
  X(softmax_of_kept, "S13", "--elements 1Mi --p 0.3 --form softmax", "softmax is normalised after the dropout")           \
  X(normal_scale_off, "S14", "--elements 1Mi --p 0.3 --form gaussian", "normal numbers are 1 % too large")                \
  X(normal_skewed, "S14", "--elements 1Mi --p 0.3 --form gaussian", "normal numbers are a little skewed")                 \
  X(gaussian_sigma_off, "S14", "--elements 1Mi --p 0.3 --form gaussian", "the noise has the variance p")                  \
  X(normal_of_12_uniforms, "S15", "--elements 1Mi --p 0.3 --form gaussian", "normal numbers are sums of 12 uniform ones") \
  X(normal_clamped, "S15", "--elements 1Mi --p 0.3 --form gaussian", "normal numbers end at 3.9")                         \
  X(normal_pair_equal, "S16", "--elements 1Mi --p 0.3 --form gaussian", "both numbers of a pair have the cosine")         \
  X(normal_radius_shared, "S16", "--elements 1Mi --p 0.3 --form gaussian", "two pairs share their radius")                \
  X(normal_coarse, "S17", "--elements 1Mi --p 0.3 --form gaussian", "normal numbers are multiples of 1/32")               \
  X(alpha_addend_missing, "S18", "--elements 1Mi --p 0.3 --form alpha", "alpha dropout does not shift what is kept")      \
  X(alpha_factor_missing, "S18", "--elements 1Mi --p 0.3 --form alpha", "alpha dropout does not scale what is kept")      \
  X(alpha_dropped_zero, "S18", "--elements 1Mi --p 0.3 --form alpha", "alpha dropout drops to 0")                         \
  X(rate_slightly_off, "S12", "--p 0.5 --form mask", "the rate is off by 0.0006: too little for S1, seen over 1000 seeds")

typedef enum fault_id {
#define FAULT_ID(name, test, options, what) FAULT_##name,
  FAULTS(FAULT_ID)
} fault_id;

extern fault_id active;  // the one that is switched on
static inline bool has(fault_id fault) { return active == fault; }

void philox(const uint32_t counter[4], uint64_t seed, uint32_t out[4]);

// Whether element k of a call of n is kept.
bool kept(const simdrop_mask *mask, uint64_t k, size_t n);

// The index of element k of a layout.
uint64_t layout_index(const simdrop_layout *layout, size_t k);

// A number between 0 and 1 for a fault's own chance, independent of the mask.
double chance(uint64_t index);

// Element k of an array.
static inline double value_at(simdrop_dtype dtype, const void *array, ptrdiff_t k) {
  return value_of_bits(dtype, value_bits(dtype, (const char *)array + k * (ptrdiff_t)simdrop_dtype_size(dtype)));
}

static inline void store_at(simdrop_dtype dtype, double value, void *array, ptrdiff_t k) {
  store_bits(dtype, bits_of_value(dtype, value), (char *)array + k * (ptrdiff_t)simdrop_dtype_size(dtype));
}

// Fill in their functions.
void add_fused_functions(dropout_functions *functions);
void add_variant_functions(dropout_functions *functions);

#endif
