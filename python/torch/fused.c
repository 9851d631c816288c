/* Kernels of the operators that fuse a dropout with what stands about it. A tensor of any rank is a matrix here, whose columns
 * are the last axis. Results are contiguous; arguments that are not are copied first. */
#include <string.h>

#include "apply.h"
#include "key.h"
#include "module.h"
#include "stack.h"

static AtenTensorHandle take_optional_tensor(StableIValue value) { return value == 0 ? NULL : to_tensor(take_optional(value)); }

static void require(bool condition, const char *message) {
  if (!condition) raise_error(message);
}

/* Describes *owned, after it has been replaced by a contiguous copy if need be. */
static struct tensor describe_rows(AtenTensorHandle *owned) {
  const struct tensor given = describe(*owned);
  if (given.is_contiguous) return given;
  OWNED copy = empty_contiguous(given.rank, given.sizes, given.dtype);
  const struct tensor to = describe(copy);
  const simdrop_mask copies = {.p = 0};
  apply(WORK_DROPOUT, &copies, &given, &to, NULL);
  release(owned);
  *owned = give(&copy);
  return describe(*owned);
}

static bool have_equal_sizes(const struct tensor *a, const struct tensor *b) {
  return a->rank == b->rank && (a->rank == 0 || memcmp(a->sizes, b->sizes, sizeof *a->sizes * (size_t)a->rank) == 0);
}

/* What all kernels here are about. */
struct operation {
  simdrop_executor executor;
  simdrop_mask mask;
  simdrop_dtype dtype;
  simdrop_matrix matrix;
  int32_t torch_dtype, sum_dtype;
  int64_t rows, columns;
};

static struct operation make_operation(const struct tensor *x, AtenTensorHandle key, double p, int64_t offset) {
  struct operation operation = {
      .executor = torch_executor(), .mask = {.p = p, .offset = (uint64_t)offset}, .torch_dtype = x->dtype};
  read_key(key, &operation.mask);
  require(find_dtype(x->dtype, &operation.dtype), "simdrop: fused operators are for float32, float64, float16 and bfloat16");
  operation.columns = x->rank == 0 ? 1 : x->sizes[x->rank - 1];
  operation.rows = x->count == 0 ? 0 : x->count / operation.columns;
  operation.matrix = simdrop_matrix_dense((size_t)operation.rows, (size_t)operation.columns);
  operation.sum_dtype = operation.dtype == SIMDROP_F64 ? torch.aoti_torch_dtype_float64() : torch.aoti_torch_dtype_float32();
  return operation;
}

/* An array of one number for each column, or NULL. */
static const void *column_array(const struct operation *operation, AtenTensorHandle *owned, const char *message) {
  if (*owned == NULL) return NULL;
  const struct tensor array = describe_rows(owned);
  require(array.rank == 1 && array.count == operation->columns && array.dtype == operation->torch_dtype, message);
  return array.data;
}

/* A matrix of the sizes and type of x, or NULL. */
static const void *matrix_like(const struct tensor *x, AtenTensorHandle *owned, const char *message) {
  if (*owned == NULL) return NULL;
  const struct tensor other = describe_rows(owned);
  require(have_equal_sizes(x, &other) && other.dtype == x->dtype, message);
  return other.data;
}

static AtenTensorHandle make_sums(const struct operation *operation, bool is_wanted) {
  const int64_t size = is_wanted ? operation->columns : 0;
  return empty_contiguous(1, &size, operation->sum_dtype);
}

/* chain(Tensor x, Tensor? bias, Tensor? residual, Tensor key, float p, int activation, SymInt offset) -> Tensor */
static void chain_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED x_handle = to_tensor(stack[0]);
  OWNED bias = take_optional_tensor(stack[1]);
  OWNED residual = take_optional_tensor(stack[2]);
  OWNED key = to_tensor(stack[3]);
  const struct tensor x = describe_rows(&x_handle);
  const struct operation operation = make_operation(&x, key, to_double(stack[4]), (int64_t)stack[6]);
  const simdrop_chain chain = {
      .activation = (simdrop_activation)(int64_t)stack[5],
      .bias = column_array(&operation, &bias,
                           "simdrop::chain: the bias has the type of x and a number for each place of its last axis"),
      .residual = matrix_like(&x, &residual, "simdrop::chain: the residual has the type and the shape of x"),
  };
  OWNED y_handle = empty_contiguous(x.rank, x.sizes, x.dtype);
  const struct tensor y = describe(y_handle);
  check_simdrop(simdrop_chain_forward(&operation.executor, &operation.mask, operation.dtype, &operation.matrix, &chain, x.data,
                                      y.data, NULL));
  stack[0] = put(&y_handle);
}

/* chain_backward(Tensor dy, Tensor? x, Tensor? bias, Tensor key, float p, int activation, bool sum, SymInt offset) -> (Tensor,
 * Tensor) */
static void chain_backward_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED dy_handle = to_tensor(stack[0]);
  OWNED x_handle = take_optional_tensor(stack[1]);
  OWNED bias = take_optional_tensor(stack[2]);
  OWNED key = to_tensor(stack[3]);
  const bool sum = to_bool(stack[6]);
  const struct tensor dy = describe_rows(&dy_handle);
  const struct operation operation = make_operation(&dy, key, to_double(stack[4]), (int64_t)stack[7]);
  const simdrop_chain chain = {
      .activation = (simdrop_activation)(int64_t)stack[5],
      .bias = column_array(&operation, &bias,
                           "simdrop::chain_backward: the bias has the type of dy and a number for each place of its last axis"),
  };
  const void *x = matrix_like(&dy, &x_handle, "simdrop::chain_backward: x has the type and the shape of dy");
  OWNED dx_handle = empty_contiguous(dy.rank, dy.sizes, dy.dtype);
  OWNED db_handle = make_sums(&operation, sum);
  const struct tensor dx = describe(dx_handle), db = describe(db_handle);
  check_simdrop(simdrop_chain_backward(&operation.executor, &operation.mask, operation.dtype, &operation.matrix, &chain, NULL,
                                       x, dy.data, dx.data, sum ? db.data : NULL));
  stack[0] = put(&dx_handle);
  stack[1] = put(&db_handle);
}

static simdrop_norm make_norm(StableIValue epsilon, StableIValue is_rms) {
  return (simdrop_norm){.kind = to_bool(is_rms) ? SIMDROP_RMS_NORM : SIMDROP_LAYER_NORM, .epsilon = to_double(epsilon)};
}

/* norm(Tensor x, Tensor? bias, Tensor? residual, Tensor? gamma, Tensor? beta, Tensor key, float p, float epsilon, bool rms,
 * SymInt offset) -> (Tensor y, Tensor h, Tensor statistics) */
static void norm_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED x_handle = to_tensor(stack[0]);
  OWNED bias = take_optional_tensor(stack[1]);
  OWNED residual = take_optional_tensor(stack[2]);
  OWNED gamma = take_optional_tensor(stack[3]);
  OWNED beta = take_optional_tensor(stack[4]);
  OWNED key = to_tensor(stack[5]);
  const struct tensor x = describe_rows(&x_handle);
  const struct operation operation = make_operation(&x, key, to_double(stack[6]), (int64_t)stack[9]);
  const char *message = "simdrop::norm: bias, gamma and beta have the type of x and a number for each place of its last axis";
  simdrop_norm norm = make_norm(stack[7], stack[8]);
  norm.bias = column_array(&operation, &bias, message);
  norm.gamma = column_array(&operation, &gamma, message);
  norm.beta = column_array(&operation, &beta, message);
  norm.residual = matrix_like(&x, &residual, "simdrop::norm: the residual has the type and the shape of x");
  const int64_t sizes[2] = {operation.rows, 2};
  OWNED y_handle = empty_contiguous(x.rank, x.sizes, x.dtype);
  OWNED h_handle = empty_contiguous(x.rank, x.sizes, x.dtype);
  OWNED statistics_handle = empty_contiguous(2, sizes, operation.sum_dtype);
  const struct tensor y = describe(y_handle), h = describe(h_handle), statistics = describe(statistics_handle);
  check_simdrop(simdrop_norm_forward(&operation.executor, &operation.mask, operation.dtype, &operation.matrix, &norm, x.data,
                                     h.data, y.data, statistics.data));
  stack[0] = put(&y_handle);
  stack[1] = put(&h_handle);
  stack[2] = put(&statistics_handle);
}

/* norm_backward(Tensor dy, Tensor? dh, Tensor h, Tensor statistics, Tensor? gamma, Tensor key, float p, float epsilon, bool
 * rms, SymInt offset) -> (Tensor dx, Tensor dresidual, Tensor dgamma, Tensor dbeta, Tensor dbias) */
static void norm_backward_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED dy_handle = to_tensor(stack[0]);
  OWNED added = take_optional_tensor(stack[1]);
  OWNED h_handle = to_tensor(stack[2]);
  OWNED statistics_handle = to_tensor(stack[3]);
  OWNED gamma = take_optional_tensor(stack[4]);
  OWNED key = to_tensor(stack[5]);
  const struct tensor dy = describe_rows(&dy_handle);
  const struct operation operation = make_operation(&dy, key, to_double(stack[6]), (int64_t)stack[9]);
  simdrop_norm norm = make_norm(stack[7], stack[8]);
  norm.gamma = column_array(&operation, &gamma,
                            "simdrop::norm_backward: gamma has the type of dy and a number for each place of its last axis");
  const char *message = "simdrop::norm_backward: h and its gradient have the type and the shape of dy";
  const void *h = matrix_like(&dy, &h_handle, message);
  const void *dh_added = matrix_like(&dy, &added, message);
  const struct tensor statistics = describe_rows(&statistics_handle);
  require(statistics.dtype == operation.sum_dtype && statistics.count == 2 * operation.rows,
          "simdrop::norm_backward: there are two statistics for each row");
  OWNED dx_handle = empty_contiguous(dy.rank, dy.sizes, dy.dtype);
  OWNED dh_handle = empty_contiguous(dy.rank, dy.sizes, dy.dtype);
  OWNED dgamma_handle = make_sums(&operation, true);
  OWNED dbeta_handle = make_sums(&operation, true);
  OWNED dbias_handle = make_sums(&operation, true);
  const struct tensor dx = describe(dx_handle), dh = describe(dh_handle);
  const struct tensor dgamma = describe(dgamma_handle), dbeta = describe(dbeta_handle), dbias = describe(dbias_handle);
  check_simdrop(simdrop_norm_backward(&operation.executor, &operation.mask, operation.dtype, &operation.matrix, &norm, h,
                                      statistics.data, dy.data, dh_added, dh.data, dx.data, dgamma.data, dbeta.data,
                                      dbias.data));
  stack[0] = put(&dx_handle);
  stack[1] = put(&dh_handle);
  stack[2] = put(&dgamma_handle);
  stack[3] = put(&dbeta_handle);
  stack[4] = put(&dbias_handle);
}

/* Softmax of rows, matrix by matrix where rows see the columns up to their own number in it, and of all rows at once otherwise.
 */
struct softmax_rows {
  simdrop_softmax softmax;
  int64_t matrices, rows; /* of a matrix */
  size_t bytes, statistics_bytes;
};

static struct softmax_rows make_softmax(struct operation *operation, const struct tensor *x, double scale, bool is_causal) {
  struct softmax_rows of = {simdrop_softmax_plain(scale, (size_t)operation->columns), .matrices = 1, .rows = operation->rows};
  if (is_causal && operation->rows > 0) {
    of.softmax.causal = 1;
    of.rows = x->rank < 2 ? 1 : x->sizes[x->rank - 2];
    of.matrices = operation->rows / of.rows;
    operation->matrix = simdrop_matrix_dense((size_t)of.rows, (size_t)operation->columns);
  }
  of.bytes = (size_t)of.rows * (size_t)operation->columns * simdrop_dtype_size(operation->dtype);
  of.statistics_bytes = (size_t)of.rows * 2 * (operation->dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float));
  return of;
}

static void next_matrix(struct operation *operation, const struct softmax_rows *of) {
  operation->mask.offset += (uint64_t)of->rows * (uint64_t)operation->columns;
}

/* softmax_dropout(Tensor x, Tensor key, float p, float scale, bool causal, SymInt offset) -> (Tensor y, Tensor statistics) */
static void softmax_dropout_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED x_handle = to_tensor(stack[0]);
  OWNED key = to_tensor(stack[1]);
  const struct tensor x = describe_rows(&x_handle);
  struct operation operation = make_operation(&x, key, to_double(stack[2]), (int64_t)stack[5]);
  const struct softmax_rows of = make_softmax(&operation, &x, to_double(stack[3]), to_bool(stack[4]));
  const int64_t sizes[2] = {operation.rows, 2};
  OWNED y_handle = empty_contiguous(x.rank, x.sizes, x.dtype);
  OWNED statistics_handle = empty_contiguous(2, sizes, operation.sum_dtype);
  const char *from = x.data;
  char *y = describe(y_handle).data, *statistics = describe(statistics_handle).data;
  for (int64_t i = 0; i < of.matrices; ++i, from += of.bytes, y += of.bytes, statistics += of.statistics_bytes) {
    check_simdrop(simdrop_softmax_forward(&operation.executor, &operation.mask, operation.dtype, &operation.matrix, &of.softmax,
                                          from, y, NULL, statistics));
    next_matrix(&operation, &of);
  }
  stack[0] = put(&y_handle);
  stack[1] = put(&statistics_handle);
}

/* softmax_dropout_backward(Tensor dy, Tensor x, Tensor statistics, Tensor key, float p, float scale, bool causal, SymInt
 * offset) -> Tensor */
static void softmax_dropout_backward_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED dy_handle = to_tensor(stack[0]);
  OWNED x_handle = to_tensor(stack[1]);
  OWNED statistics_handle = to_tensor(stack[2]);
  OWNED key = to_tensor(stack[3]);
  const struct tensor dy = describe_rows(&dy_handle);
  struct operation operation = make_operation(&dy, key, to_double(stack[4]), (int64_t)stack[7]);
  const struct softmax_rows of = make_softmax(&operation, &dy, to_double(stack[5]), to_bool(stack[6]));
  const char *x = matrix_like(&dy, &x_handle, "simdrop::softmax_dropout_backward: x has the type and the shape of dy");
  const struct tensor statistics_of = describe_rows(&statistics_handle);
  require(statistics_of.dtype == operation.sum_dtype && statistics_of.count == 2 * operation.rows,
          "simdrop::softmax_dropout_backward: there are two statistics for each row");
  OWNED dx_handle = empty_contiguous(dy.rank, dy.sizes, dy.dtype);
  const char *from = dy.data, *statistics = statistics_of.data;
  char *dx = describe(dx_handle).data;
  for (int64_t i = 0; i < of.matrices;
       ++i, from += of.bytes, x += of.bytes, dx += of.bytes, statistics += of.statistics_bytes) {
    check_simdrop(simdrop_softmax_backward(&operation.executor, &operation.mask, operation.dtype, &operation.matrix,
                                           &of.softmax, NULL, x, statistics, from, dx));
    next_matrix(&operation, &of);
  }
  stack[0] = put(&dx_handle);
}

int simdrop_torch_register_fused(void) {
  static const struct named_kernel kernels[] = {
      {"chain", chain_kernel},
      {"chain_backward", chain_backward_kernel},
      {"norm", norm_kernel},
      {"norm_backward", norm_backward_kernel},
      {"softmax_dropout", softmax_dropout_kernel},
      {"softmax_dropout_backward", softmax_dropout_backward_kernel},
  };
  return register_kernels("CPU", kernels, sizeof kernels / sizeof *kernels);
}
