// Dropout of matrices, blocks, maps, expressions and tensors of Eigen's, forward and backward, each compared with a plain loop
// over its coefficients. Prints a line for each, and returns 1 if one differs.
#include <cstdio>
#include <cstring>
#include <vector>

#include "dropout.h"

using Eigen::Index;
using Matrix = Eigen::MatrixXf;  // column-major, as Eigen's matrices are by default
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

bool are_right = true;

void report(const char* what, bool is_right, const char* how = "the same as by a plain loop") {
  std::printf("%s: %s\n", what, is_right ? how : "WRONG");
  are_right &= is_right;
}

simdrop_mask mask_with(double p) noexcept {
  simdrop_mask mask = {};
  mask.p = p;
  mask.seed = 2024;
  mask.stream = 7;
  mask.offset = 1000;
  return mask;
}
const simdrop_mask mask = mask_with(0.3);

// What the plain loops have of simdrop: one decision for each index, and the scale.
class Plain {
 public:
  explicit Plain(Index count) : kept_(static_cast<std::size_t>(count)) {
    double scale = 0;
    dropin::check(simdrop_mask_bytes(&mask, kept_.size(), kept_.data()));
    dropin::check(simdrop_scale(mask.p, &scale));
    scale_ = scale;
  }
  // double is scaled in double; all others are in float, and rounded once.
  double operator()(Index index, double x) const { return kept_[static_cast<std::size_t>(index)] ? x * scale_ : 0; }
  template <typename Scalar>
  Scalar operator()(Index index, Scalar x) const {
    const float product = static_cast<float>(x) * static_cast<float>(scale_);
    return static_cast<Scalar>(kept_[static_cast<std::size_t>(index)] ? product : 0.0F);
  }

 private:
  std::vector<std::uint8_t> kept_;
  double scale_ = 0;
};

template <typename X, typename Y>
bool is_dropout_of(const X& x, const Y& y) {
  const Plain plain(x.size());
  for (Index r = 0; r < x.rows(); ++r)
    for (Index c = 0; c < x.cols(); ++c)
      if (plain(r * x.cols() + c, x(r, c)) != y(r, c)) return false;
  return y.rows() == x.rows() && y.cols() == x.cols();
}

template <typename M>
M numbered(Index rows, Index cols) {
  M m(rows, cols);
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c)
      m(r, c) = static_cast<typename M::Scalar>(static_cast<float>((r * 31 + c * 17) % 101 + 1) / 8);
  return m;
}

// ---- matrices

void storage_orders() {
  const Matrix x = numbered<Matrix>(37, 53);
  const RowMajor x_by_rows = x;
  Matrix y(37, 53);
  RowMajor y_by_rows(37, 53);
  dropin::dropout(mask, x, y);
  dropin::dropout(mask, x_by_rows, y_by_rows);
  report("column-major matrix", is_dropout_of(x, y));
  report("row-major matrix", is_dropout_of(x_by_rows, y_by_rows) && y == y_by_rows);
  dropin::dropout(mask, x_by_rows, y);
  report("row-major to column-major", is_dropout_of(x, y));

  // By the order of memory, a column-major matrix is an array like any other.
  std::vector<float> flat(static_cast<std::size_t>(x.size()));
  dropin::check(simdrop_forward(&mask, SIMDROP_F32, flat.size(), x.data(), flat.data(), nullptr));
  dropin::dropout(mask, x, y, dropin::Numbering::column_major);
  report("column-major numbering", std::memcmp(flat.data(), y.data(), flat.size() * sizeof(float)) == 0);
}

void blocks_and_maps() {
  const Matrix before = numbered<Matrix>(40, 60);
  Matrix m = before;
  dropin::dropout(mask, m.block(3, 5, 20, 30), m.block(3, 5, 20, 30));
  const bool is_inside_right = is_dropout_of(before.block(3, 5, 20, 30), m.block(3, 5, 20, 30));
  m.block(3, 5, 20, 30) = before.block(3, 5, 20, 30);
  report("a block in place", is_inside_right && m == before);

  Matrix rows_dropped = before;
  dropin::dropout(mask, before.row(7), rows_dropped.row(9));
  report("a row of one matrix to that of another", is_dropout_of(before.row(7), rows_dropped.row(9)));

  // Pairs of numbers, of which the first are a matrix; its columns are 41 pairs apart.
  std::vector<float> memory(2 * 41 * 12, -1);
  Eigen::Map<Matrix, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> strided(memory.data(), 40, 12, {82, 2});
  strided = before.leftCols(12);
  dropin::dropout(mask, strided, strided);
  std::size_t untouched = 0;
  for (const float value : memory) untouched += value == -1;
  report("a map with strides in place", is_dropout_of(before.leftCols(12), strided) && untouched == memory.size() - 40 * 12);

  Eigen::Map<RowMajor, 0, Eigen::OuterStride<>> outer(memory.data(), 12, 40, Eigen::OuterStride<>(82));
  dropin::dropout(mask, before.transpose().topRows(12), outer);
  report("a transpose to a map with an outer stride", is_dropout_of(before.transpose().topRows(12), outer));

  const Eigen::Ref<const Matrix> reference = before.middleCols(4, 9);
  Matrix y(40, 9);
  dropin::dropout(mask, reference, y);
  report("a Ref", is_dropout_of(reference, y));
}

void expressions() {
  const Matrix w = numbered<Matrix>(16, 24), x = numbered<Matrix>(24, 30);
  const Eigen::VectorXf bias = numbered<Matrix>(16, 1);
  Matrix y(16, 30);
  dropin::dropout(mask, ((w * x).colwise() - 40 * bias).cwiseMax(0.0F), y);
  const Matrix hidden = ((w * x).colwise() - 40 * bias).cwiseMax(0.0F);
  report("an expression: a linear layer and its ReLU", is_dropout_of(hidden, y));
  Eigen::ArrayXXf reversed(24, 30);
  dropin::dropout(mask, x.array().sqrt().colwise().reverse(), reversed);
  report("an expression of arrays", is_dropout_of(x.array().sqrt().colwise().reverse().eval(), reversed));
}

template <typename Scalar>
void type(const char* what) {
  using M = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
  const M x = numbered<M>(19, 23);
  M y(19, 23);
  dropin::dropout(mask, x, y);
  report(what, is_dropout_of(x, y));
}

// y = dropout(w x), loss = sum of t * y: the gradients of w and x, by Eigen and by loops.
void backward() {
  const Matrix w = numbered<Matrix>(12, 7), x = numbered<Matrix>(7, 9), t = numbered<Matrix>(12, 9);
  Matrix gradient(12, 9);
  dropin::dropout_backward(mask, t, gradient);
  const Matrix dw = gradient * x.transpose(), dx = w.transpose() * gradient;

  const Plain plain(12 * 9);
  Matrix plain_dw = Matrix::Zero(12, 7), plain_dx = Matrix::Zero(7, 9);
  for (Index r = 0; r < 12; ++r)
    for (Index c = 0; c < 9; ++c)
      for (Index k = 0; k < 7; ++k) {
        plain_dw(r, k) += plain(r * 9 + c, t(r, c)) * x(k, c);
        plain_dx(k, c) += plain(r * 9 + c, t(r, c)) * w(r, k);
      }
  report("backward", is_dropout_of(t, gradient) && dw.isApprox(plain_dw, 1e-5F) && dx.isApprox(plain_dx, 1e-5F));

  Matrix whole = Matrix::Constant(20, 20, -1);
  dropin::dropout_backward(mask, t.array() * 2, whole.block(4, 4, 12, 9));
  report("backward of an expression to a block", is_dropout_of((t * 2).eval(), whole.block(4, 4, 12, 9)));
}

// ---- tensors

template <typename X, typename Y>
bool is_tensor_dropout_of(const X& x, const Y& y, bool by_channel) {
  const Plain plain(x.size());
  Index index = 0;
  for (Index n = 0; n < x.dimension(0); ++n)
    for (Index c = 0; c < x.dimension(1); ++c)
      for (Index h = 0; h < x.dimension(2); ++h)
        for (Index w = 0; w < x.dimension(3); ++w, ++index)
          if (plain(by_channel ? n * x.dimension(1) + c : index, x(n, c, h, w)) != y(n, c, h, w)) return false;
  return true;
}

void tensors() {
  Eigen::Tensor<float, 4> x(3, 5, 8, 11);
  for (Index k = 0; k < x.size(); ++k) x.data()[k] = static_cast<float>(k % 97 + 1);
  Eigen::Tensor<float, 4> y(x.dimensions());
  dropin::tensor_dropout(mask, x, y);
  report("column-major tensor", is_tensor_dropout_of(x, y, false));

  // swap_layout() turns the axes round as well; shuffle() turns them back.
  const Eigen::array<int, 4> backwards = {3, 2, 1, 0};
  const Eigen::Tensor<float, 4, Eigen::RowMajor> x_by_rows = x.swap_layout().shuffle(backwards);
  Eigen::Tensor<float, 4, Eigen::RowMajor> y_by_rows(x.dimensions());
  dropin::tensor_dropout(mask, x_by_rows, y_by_rows);
  report("row-major tensor, the same dropout", is_tensor_dropout_of(x, y_by_rows, false));

  std::vector<float> memory(static_cast<std::size_t>(x.size()));
  Eigen::TensorMap<Eigen::Tensor<float, 4>> map(memory.data(), x.dimensions());
  map = x * 2.0F + 1.0F;
  const Eigen::Tensor<float, 4> copy = map;
  dropin::tensor_dropout(mask, map, map);
  report("a map of a tensor's expression, in place", is_tensor_dropout_of(copy, map, false));

  dropin::tensor_dropout(mask, x, y, {false, false, true, true});
  report("whole channels of a tensor", is_tensor_dropout_of(x, y, true));
  Eigen::Tensor<float, 4> dx(x.dimensions());
  dropin::tensor_dropout_backward(mask, x, dx);
  const bool is_right = is_tensor_dropout_of(x, dx, false);
  dropin::tensor_dropout_backward(mask, x, dx, {false, false, true, true});
  report("backward of tensors", is_right && is_tensor_dropout_of(x, dx, true));
}

// ---- what is refused

template <typename Call>
bool is_refused(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument&) {
    return true;
  }
  return false;
}

void refusals() {
  const Matrix x = numbered<Matrix>(6, 6);
  Matrix y = Matrix::Constant(6, 7, -1), m = x;
  const bool are_refused = is_refused([&] { dropin::dropout(mask, x, y); }) &&
                           is_refused([&] { dropin::dropout(mask_with(1.5), x, m); }) &&
                           is_refused([&] { dropin::dropout(mask, m.transpose(), m); });  // m would be read after it is written
  report("what cannot be done", are_refused && y == Matrix::Constant(6, 7, -1) && m == x, "refused, and all is as it was");
}

}  // namespace

int main() try {
  storage_orders();
  blocks_and_maps();
  expressions();
  type<double>("double");
  type<Eigen::half>("half");
  type<Eigen::bfloat16>("bfloat16");
  backward();
  tensors();
  refusals();
  return are_right ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "eigen_dropout: %s\n", error.what());
  return 2;
}
