// Tensors of any shape and strides, and the shapes that people use.
#include "example.h"

#include <string.h>

static const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};

static void dense(void) {
  //! [simdrop_layout_dense]
  const size_t dims[] = {2, 3};
  simdrop_layout layout;
  check(simdrop_layout_dense(2, dims, &layout));
  expect(layout.x_strides[0] == 3 && layout.x_strides[1] == 1 && layout.index_strides[0] == 3);

  // A transposed input: element (i, j) is x[j * 2 + i]. The output stays row-major, and the mask as well.
  layout.x_strides[0] = 1;
  layout.x_strides[1] = 2;
  const float x[6] = {11, 21, 12, 22, 13, 23}, transposed[6] = {11, 12, 13, 21, 22, 23};
  float y[6], expected[6];
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, y));
  check(simdrop_forward(&mask, SIMDROP_F32, 6, transposed, expected, NULL));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_layout_dense]
}

static void strided(void) {
  //! [simdrop_layout_strided]
  // An array of NumPy's or PyTorch's of ten axes, every other element along the last: they merge to one.
  const size_t dims[10] = {2, 1, 2, 1, 2, 1, 2, 1, 2, 2};
  ptrdiff_t x_strides[10], y_strides[10];
  uint64_t index_strides[10];
  size_t count = 1;
  for (int axis = 9; axis >= 0; --axis) {
    x_strides[axis] = 2 * (ptrdiff_t)count;
    y_strides[axis] = (ptrdiff_t)count;
    index_strides[axis] = count;
    count *= dims[axis];
  }
  simdrop_layout layout;
  check(simdrop_layout_strided(10, dims, x_strides, y_strides, index_strides, &layout));
  expect(layout.rank == 1 && layout.dims[0] == count && layout.x_strides[0] == 2);
  //! [simdrop_layout_strided]
}

static void broadcast(void) {
  //! [simdrop_layout_broadcast]
  // noise_shape = (4, 1) of Keras: a decision for each row.
  const size_t dims[] = {4, 5}, mask_dims[] = {4, 1};
  simdrop_layout layout;
  check(simdrop_layout_broadcast(2, dims, mask_dims, &layout));
  expect(layout.index_strides[0] == 1 && layout.index_strides[1] == 0);
  //! [simdrop_layout_broadcast]
}

static void channels(void) {
  //! [simdrop_layout_channels]
  const size_t dims[] = {2, 3, 4, 4};  // (N, C, H, W): 2 samples of 3 channels
  simdrop_layout layout;
  check(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 2, 4, dims, &layout));

  float x[2 * 3 * 4 * 4];
  for (int k = 0; k < 96; ++k) x[k] = 1;
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, x));
  for (int k = 0; k < 96; ++k) expect(x[k] == x[k / 16 * 16]);  // a channel is kept whole, or dropped whole
  //! [simdrop_layout_channels]
}

static void time_shared(void) {
  //! [simdrop_layout_time_shared]
  simdrop_layout layout;
  check(simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, 2, 5, 3, &layout));  // (batch, time, features)

  uint8_t kept[2 * 5 * 3];
  check(simdrop_mask_layout_bytes(&mask, &layout, kept));
  for (int time = 1; time < 5; ++time) expect(memcmp(kept, kept + 3 * time, 3) == 0);  // of the first sequence
  //! [simdrop_layout_time_shared]
}

static void drop_path(void) {
  //! [simdrop_layout_drop_path]
  const size_t dims[] = {4, 10};
  simdrop_layout layout;
  check(simdrop_layout_drop_path(2, dims, &layout));  // each of 4 samples has its branch, or has not

  uint8_t kept[4 * 10], samples[4];
  check(simdrop_mask_layout_bytes(&mask, &layout, kept));
  check(simdrop_mask_bytes(&mask, 4, samples));
  for (int k = 0; k < 40; ++k) expect(kept[k] == samples[k / 10]);
  //! [simdrop_layout_drop_path]
}

static void rows(void) {
  //! [simdrop_layout_rows]
  enum {
    WORDS = 100,
    FEATURES = 8
  };
  static float embedding[WORDS * FEATURES], dropped[WORDS * FEATURES];
  for (int k = 0; k < WORDS * FEATURES; ++k) embedding[k] = 1;

  simdrop_layout layout;
  check(simdrop_layout_rows(WORDS, FEATURES, &layout));
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, embedding, dropped));
  for (int k = 0; k < WORDS * FEATURES; ++k) expect(dropped[k] == dropped[k / FEATURES * FEATURES]);  // whole words
  //! [simdrop_layout_rows]
}

static void tile(void) {
  //! [simdrop_layout_tile]
  // Rows 1 to 2 and columns 2 to 4 of a matrix of 4 x 6 elements, which this rank has for itself.
  simdrop_layout layout;
  uint64_t first_index;
  check(simdrop_layout_tile(0, NULL, 4, 6, 1, 3, 2, 5, &layout, &first_index));

  simdrop_mask shard = mask;
  shard.offset += first_index;
  uint8_t kept[2 * 3], whole[4 * 6];
  check(simdrop_mask_layout_bytes(&shard, &layout, kept));
  check(simdrop_mask_bytes(&mask, 24, whole));
  for (int r = 0; r < 2; ++r) expect(memcmp(kept + 3 * r, whole + 6 * (1 + r) + 2, 3) == 0);
  //! [simdrop_layout_tile]
}

static void forward_layout(void) {
  //! [simdrop_forward_layout]
  // The left halves of the rows of a matrix of 3 x 8 elements, in place. The others stay as they are.
  const size_t dims[] = {3, 4};
  simdrop_layout layout;
  check(simdrop_layout_dense(2, dims, &layout));
  layout.x_strides[0] = layout.y_strides[0] = 8;

  float x[3 * 8];
  for (int k = 0; k < 24; ++k) x[k] = 1;
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, x));
  for (int k = 0; k < 24; ++k) expect(k % 8 < 4 ? x[k] == 0 || x[k] == 2 : x[k] == 1);
  //! [simdrop_forward_layout]
}

static void forward_layout_bits(void) {
  //! [simdrop_forward_layout_bits]
  const size_t dims[] = {2, 3, 5};
  simdrop_layout layout;
  check(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout));

  float x[30], y[30];
  for (int k = 0; k < 30; ++k) x[k] = 1;
  uint8_t bits[(30 + 7) / 8];  // of every element, though those of a channel are equal
  check(simdrop_forward_layout_bits(&mask, SIMDROP_F32, &layout, x, y, bits));
  for (int k = 0; k < 30; ++k) expect(y[k] == (bits[k / 8] >> k % 8 & 1 ? 2 : 0));
  //! [simdrop_forward_layout_bits]
}

static void forward_layout_bytes(void) {
  //! [simdrop_forward_layout_bytes]
  const size_t dims[] = {2, 3, 5};
  simdrop_layout layout;
  check(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout));

  float x[30], y[30];
  for (int k = 0; k < 30; ++k) x[k] = 1;
  uint8_t kept[30];
  check(simdrop_forward_layout_bytes(&mask, SIMDROP_F32, &layout, x, y, kept));
  for (int k = 0; k < 30; ++k) expect(y[k] == 2 * (float)kept[k]);
  //! [simdrop_forward_layout_bytes]
}

static void backward_layout(void) {
  //! [simdrop_backward_layout]
  const size_t dims[] = {2, 3, 5};
  simdrop_layout layout;
  check(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout));

  float x[30], y[30], dy[30], dx[30];
  for (int k = 0; k < 30; ++k) {
    x[k] = 1;
    dy[k] = (float)k;
  }
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, y));
  check(simdrop_backward_layout(&mask, SIMDROP_F32, &layout, dy, dx));
  for (int k = 0; k < 30; ++k) expect(dx[k] == dy[k] * y[k]);
  //! [simdrop_backward_layout]
}

static void apply_bits_layout(void) {
  //! [simdrop_apply_bits_layout]
  const size_t dims[] = {2, 4};
  simdrop_layout layout;
  check(simdrop_layout_dense(2, dims, &layout));
  layout.y_strides[0] = 1;  // the output is transposed: element (i, j) goes to y[j * 2 + i]
  layout.y_strides[1] = 2;

  const uint8_t bits[1] = {0x0F};  // the first row is kept
  const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  float y[8];
  check(simdrop_apply_bits_layout(0.5, SIMDROP_F32, &layout, bits, x, y));
  expect(y[0] == 2 && y[1] == 0 && y[6] == 8 && y[7] == 0);
  //! [simdrop_apply_bits_layout]
}

static void mask_layout_bits(void) {
  //! [simdrop_mask_layout_bits]
  simdrop_layout layout;
  check(simdrop_layout_rows(2, 8, &layout));
  uint8_t bits[2];
  check(simdrop_mask_layout_bits(&mask, &layout, bits));
  for (int r = 0; r < 2; ++r) expect(bits[r] == 0 || bits[r] == 0xFF);
  //! [simdrop_mask_layout_bits]
}

static void mask_layout_bytes(void) {
  //! [simdrop_mask_layout_bytes]
  simdrop_layout layout;
  check(simdrop_layout_rows(2, 3, &layout));
  uint8_t kept[2 * 3];
  check(simdrop_mask_layout_bytes(&mask, &layout, kept));
  expect(kept[0] == kept[1] && kept[1] == kept[2]);
  //! [simdrop_mask_layout_bytes]
}

int main(void) {
  dense();
  strided();
  broadcast();
  channels();
  time_shared();
  drop_path();
  rows();
  tile();
  forward_layout();
  forward_layout_bits();
  forward_layout_bytes();
  backward_layout();
  apply_bits_layout();
  mask_layout_bits();
  mask_layout_bytes();
  return 0;
}
