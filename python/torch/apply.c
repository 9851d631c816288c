#include "apply.h"

#include <string.h>

/* Axes of a call in any order. x and y are element (0, 0, ...). */
struct axes {
  int rank;
  size_t sizes[MAX_AXES];
  ptrdiff_t x_strides[MAX_AXES], y_strides[MAX_AXES];
  uint64_t index_strides[MAX_AXES];
};

struct job {
  enum work work;
  simdrop_executor executor;
  simdrop_dtype dtype;
  size_t element_size;
};

static struct job make_job(enum work work, const struct tensor *x) {
  struct job job = {.work = work, .executor = torch_executor()};
  if (!find_dtype(x->dtype, &job.dtype)) raise_error("simdrop: dropout is for float32, float64, float16 and bfloat16");
  job.element_size = simdrop_dtype_size(job.dtype);
  return job;
}

static simdrop_status run_flat(const struct job *job, const simdrop_mask *mask, size_t n, const void *x, void *y,
                               uint8_t *bytes) {
  switch (job->work) {
    case WORK_ALPHA: return simdrop_alpha_forward(&job->executor, mask, job->dtype, n, x, y);
    case WORK_ALPHA_GRADIENT: return simdrop_alpha_backward(&job->executor, mask, job->dtype, n, x, y);
    case WORK_GAUSSIAN: return simdrop_gaussian_forward(&job->executor, mask, job->dtype, n, x, y);
    case WORK_DROPOUT: break;
  }
  if (bytes != NULL) return simdrop_parallel_forward_bytes(&job->executor, mask, job->dtype, n, x, y, bytes);
  return simdrop_parallel_forward(&job->executor, mask, job->dtype, n, x, y, NULL);
}

static simdrop_status run_layout(const struct job *job, const simdrop_mask *mask, const simdrop_layout *layout, const void *x,
                                 void *y, uint8_t *bytes) {
  switch (job->work) {
    case WORK_ALPHA: return simdrop_alpha_forward_layout(&job->executor, mask, job->dtype, layout, x, y);
    case WORK_ALPHA_GRADIENT: return simdrop_alpha_backward_layout(&job->executor, mask, job->dtype, layout, x, y);
    case WORK_GAUSSIAN: return simdrop_gaussian_forward_layout(&job->executor, mask, job->dtype, layout, x, y);
    case WORK_DROPOUT: break;
  }
  if (bytes != NULL) return simdrop_parallel_forward_layout_bytes(&job->executor, mask, job->dtype, layout, x, y, bytes);
  return simdrop_parallel_forward_layout(&job->executor, mask, job->dtype, layout, x, y);
}

/* Axes first .. rank - 1. Those that a layout has no room for are walked here, the outermost first. */
static simdrop_status run_axes(const struct job *job, simdrop_mask mask, const struct axes *axes, int first, const char *x,
                               char *y, uint8_t *bytes) {
  simdrop_layout layout;
  simdrop_status status = simdrop_layout_strided(axes->rank - first, axes->sizes + first, axes->x_strides + first,
                                                 axes->y_strides + first, axes->index_strides + first, &layout);
  if (status == SIMDROP_OK) return run_layout(job, &mask, &layout, x, y, bytes);
  if (status != SIMDROP_ERROR_RANK) return status;

  size_t inner = 1;
  for (int axis = first + 1; axis < axes->rank; ++axis) inner *= axes->sizes[axis];
  status = SIMDROP_OK;
  for (size_t i = 0; i < axes->sizes[first] && status == SIMDROP_OK; ++i) {
    status = run_axes(job, mask, axes, first + 1, x, y, bytes);
    x += axes->x_strides[first] * (ptrdiff_t)job->element_size;
    y += axes->y_strides[first] * (ptrdiff_t)job->element_size;
    if (bytes != NULL) bytes += inner;
    mask.offset += axes->index_strides[first];
  }
  return status;
}

/* The row-major number's strides. */
static void number_row_major(const struct tensor *x, uint64_t index_strides[MAX_AXES]) {
  uint64_t stride = 1;
  for (int64_t axis = x->rank - 1; axis >= 0; --axis) {
    index_strides[axis] = stride;
    stride *= (uint64_t)x->sizes[axis];
  }
}

static void set_axis(struct axes *axes, int to, const struct tensor *x, const struct tensor *y, const uint64_t *index_strides,
                     int from) {
  axes->sizes[to] = (size_t)x->sizes[from];
  axes->x_strides[to] = (ptrdiff_t)x->strides[from];
  axes->y_strides[to] = (ptrdiff_t)y->strides[from];
  axes->index_strides[to] = index_strides[from];
}

void apply(enum work work, const simdrop_mask *mask, const struct tensor *x, const struct tensor *y,
           const uint64_t *index_strides) {
  if (x->count == 0) return;
  const struct job job = make_job(work, x);
  if (index_strides == NULL && x->is_contiguous && y->is_contiguous) {
    check_simdrop(run_flat(&job, mask, (size_t)x->count, x->data, y->data, NULL));
    return;
  }
  uint64_t row_major[MAX_AXES];
  if (index_strides == NULL) {
    number_row_major(x, row_major);
    index_strides = row_major;
  }
  struct axes axes = {.rank = (int)x->rank};
  for (int axis = 0; axis < axes.rank; ++axis) set_axis(&axes, axis, x, y, index_strides, axis);
  check_simdrop(run_axes(&job, *mask, &axes, 0, x->data, y->data, NULL));
}

/* The axes of a dense tensor, the slowest in memory first. Those of one element may stand anywhere. */
static void order_axes(const struct tensor *dense, int order[MAX_AXES]) {
  for (int i = 0; i < dense->rank; ++i) {
    int place = i;
    for (; place > 0 && dense->strides[order[place - 1]] < dense->strides[i]; --place) order[place] = order[place - 1];
    order[place] = i;
  }
}

void apply_with_bytes(const simdrop_mask *mask, const struct tensor *x, const struct tensor *y, const struct tensor *bytes) {
  if (x->count == 0) return;
  const struct job job = make_job(WORK_DROPOUT, x);
  if (x->is_contiguous && y->is_contiguous) {
    check_simdrop(run_flat(&job, mask, (size_t)x->count, x->data, y->data, bytes->data));
    return;
  }
  uint64_t row_major[MAX_AXES];
  number_row_major(x, row_major);
  int order[MAX_AXES];
  order_axes(y, order); /* bytes follow the axes as they are given, and the tensor of bytes lies as y does */
  struct axes axes = {.rank = (int)x->rank};
  for (int i = 0; i < axes.rank; ++i) set_axis(&axes, i, x, y, row_major, order[i]);
  check_simdrop(run_axes(&job, *mask, &axes, 0, x->data, y->data, bytes->data));
}

/* Eight bools to eight bits: the product moves bit 0 of byte k to bit 56 + k, and no two of its terms meet. */
static inline uint8_t pack_eight(const uint8_t *bytes) {
  uint64_t eight;
  memcpy(&eight, bytes, sizeof eight);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  eight = __builtin_bswap64(eight);
#endif
  return (uint8_t)(((eight & 0x0101010101010101u) * 0x0102040810204080u) >> 56);
}

static void pack(const uint8_t *bytes, size_t count, uint8_t *bits) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) bits[i / 8] = pack_eight(bytes + i);
  if (i == count) return;
  uint8_t rest[8] = {0};
  memcpy(rest, bytes + i, count - i);
  bits[i / 8] = pack_eight(rest);
}

enum {
  PACKED_AT_ONCE = 8192
}; /* elements, whose bits take 1 KiB of stack and which stay in the first cache with them */

struct packing {
  double scale;
  simdrop_dtype dtype;
  size_t element_size, count;
  const uint8_t *bytes;
  const char *x;
  char *y;
};

static void apply_packed(int64_t begin, int64_t end, void *context) {
  const struct packing *packing = context;
  uint8_t bits[PACKED_AT_ONCE / 8];
  for (int64_t piece = begin; piece < end; ++piece) {
    const size_t first = (size_t)piece * PACKED_AT_ONCE;
    const size_t left = packing->count - first, n = left < PACKED_AT_ONCE ? left : PACKED_AT_ONCE;
    pack(packing->bytes + first, n, bits);
    (void)simdrop_apply_bits_scaled(NULL, packing->scale, packing->dtype, n, bits, packing->x + first * packing->element_size,
                                    packing->y + first * packing->element_size); /* what can be wrong was checked */
  }
}

static bool have_equal_strides(const struct tensor *a, const struct tensor *b) {
  for (int64_t axis = 0; axis < a->rank; ++axis)
    if (a->sizes[axis] > 1 && a->strides[axis] != b->strides[axis]) return false;
  return true;
}

/* A layout from x to something that lies as `dense` does, whose axes follow its memory. */
static simdrop_status make_dense_layout(const struct tensor *x, const struct tensor *dense, simdrop_layout *layout) {
  int order[MAX_AXES] = {0};
  order_axes(dense, order);
  struct axes axes = {.rank = (int)x->rank};
  const uint64_t no_index[MAX_AXES] = {0};
  for (int i = 0; i < axes.rank; ++i) set_axis(&axes, i, x, dense, no_index, order[i]);
  return simdrop_layout_strided(axes.rank, axes.sizes, axes.x_strides, axes.y_strides, axes.index_strides, layout);
}

bool fits_bytes(const struct tensor *x, const struct tensor *bytes) {
  if (bytes->dtype != torch.aoti_torch_dtype_bool() || bytes->rank != x->rank || !is_dense(bytes)) return false;
  for (int64_t axis = 0; axis < x->rank; ++axis)
    if (x->sizes[axis] != bytes->sizes[axis]) return false;
  simdrop_layout layout;
  return have_equal_strides(x, bytes) || make_dense_layout(x, bytes, &layout) == SIMDROP_OK;
}

void apply_bytes(double scale, const struct tensor *bytes, const struct tensor *x, const struct tensor *y) {
  if (x->count == 0) return;
  const struct job job = make_job(WORK_DROPOUT, x);
  if (have_equal_strides(x, bytes)) {
    struct packing packing = {scale, job.dtype, job.element_size, (size_t)x->count, bytes->data, x->data, y->data};
    const int64_t pieces = (x->count + PACKED_AT_ONCE - 1) / PACKED_AT_ONCE;
    check_torch(torch.torch_parallel_for(0, pieces, 4, apply_packed, &packing));
    return;
  }
  simdrop_layout layout;
  check_simdrop(make_dense_layout(x, bytes, &layout));
  const int64_t size = (x->count + 7) / 8;
  const AtenTensorHandle bits = empty_contiguous(1, &size, torch.aoti_torch_dtype_uint8());
  void *packed = NULL;
  check_torch(torch.aoti_torch_get_data_ptr(bits, &packed));
  pack(bytes->data, (size_t)x->count, packed);
  const simdrop_status status =
      simdrop_apply_bits_scaled_layout(&job.executor, scale, job.dtype, &layout, packed, x->data, y->data);
  (void)torch.aoti_torch_delete_tensor_object(bits);
  check_simdrop(status);
}
