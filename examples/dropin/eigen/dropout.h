// Dropout of Eigen's matrices, arrays and tensors of float, double, Eigen::half and Eigen::bfloat16, by simdrop. In C++17.
//
//     dropin::dropout(mask, x, y);                     // y = dropout(x), of any expression x, to any y that has memory
//     dropin::dropout(mask, m.block(0, 0, 8, 8), m.block(0, 0, 8, 8));  // in place
//     dropin::dropout_backward(mask, dy, dx);
//     dropin::tensor_dropout(mask, x, y);              // Eigen::Tensor, TensorFixedSize and TensorMap
//
// Where an element lies in memory plays no part in what is dropped: by default element (r, c) has the mask's index
// r * cols + c, so that column-major matrices, row-major ones, blocks and maps with strides all get the same dropout, which is
// that of simdrop_forward on a row-major array.
#ifndef DROPIN_EIGEN_DROPOUT_H
#define DROPIN_EIGEN_DROPOUT_H

#include <simdrop/simdrop.h>

#include <Eigen/Core>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <unsupported/Eigen/CXX11/Tensor>

namespace dropin {

inline void check(simdrop_status status) {
  if (status != SIMDROP_OK) throw std::invalid_argument(simdrop_status_string(status));
}

template <typename Scalar>
constexpr simdrop_dtype dtype_of() {
  if constexpr (std::is_same_v<Scalar, float>) {
    return SIMDROP_F32;
  } else if constexpr (std::is_same_v<Scalar, double>) {
    return SIMDROP_F64;
  } else if constexpr (std::is_same_v<Scalar, Eigen::half>) {
    return SIMDROP_F16;
  } else {
    static_assert(std::is_same_v<Scalar, Eigen::bfloat16>, "dropout is of float, double, Eigen::half or Eigen::bfloat16");
    return SIMDROP_BF16;
  }
}

// Which index of the mask an element has.
enum class Numbering {
  row_major,    // r * cols + c: the same decisions whatever the storage order
  column_major  // c * rows + r: the order of memory of most of Eigen's matrices, which is quicker for these
};

// ---- matrices and arrays

// x itself where its coefficients lie in memory, as those of a Map, a Block or a transpose() do; otherwise what it evaluates
// to.
template <typename X>
decltype(auto) in_memory(const X& x) {
  if constexpr ((X::Flags & Eigen::DirectAccessBit) != 0) {
    return (x);
  } else {
    return typename X::PlainObject(x);
  }
}

template <typename X, typename Y>
simdrop_layout matrix_layout(const X& x, const Y& y, Numbering numbering) {
  static_assert((Y::Flags & Eigen::DirectAccessBit) != 0, "the result of dropout needs memory to go to");
  static_assert(std::is_same_v<typename X::Scalar, typename Y::Scalar>, "dropout does not convert; use cast<>()");
  if (x.rows() != y.rows() || x.cols() != y.cols()) check(SIMDROP_ERROR_SHAPE);
  const auto rows = static_cast<std::size_t>(x.rows()), cols = static_cast<std::size_t>(x.cols());
  simdrop_layout layout = {};
  layout.rank = 2;
  layout.dims[0] = rows;
  layout.dims[1] = cols;
  layout.x_strides[0] = x.rowStride();
  layout.x_strides[1] = x.colStride();
  layout.y_strides[0] = y.rowStride();
  layout.y_strides[1] = y.colStride();
  layout.index_strides[0] = numbering == Numbering::row_major ? cols : 1;
  layout.index_strides[1] = numbering == Numbering::row_major ? 1 : rows;
  return layout;
}

// y = dropout(x). y is a matrix of the right size, or a block, map or transpose of one; it may be x, or else must lie apart
// from it. What simdrop refuses is std::invalid_argument, and y stays as it was.
template <typename X, typename Y>
void dropout(const simdrop_mask& mask, const Eigen::DenseBase<X>& x, Y&& y, Numbering numbering = Numbering::row_major) {
  const auto& input = in_memory(x.derived());
  const simdrop_layout layout = matrix_layout(input, y, numbering);
  check(simdrop_forward_layout(&mask, dtype_of<typename X::Scalar>(), &layout, input.data(), y.data()));
}

// dx = the gradient with respect to x of dropout(mask, x, y), of dy, that with respect to y. The mask is drawn again.
template <typename X, typename Y>
void dropout_backward(const simdrop_mask& mask, const Eigen::DenseBase<Y>& dy, X&& dx,
                      Numbering numbering = Numbering::row_major) {
  const auto& gradient = in_memory(dy.derived());
  const simdrop_layout layout = matrix_layout(gradient, dx, numbering);
  check(simdrop_backward_layout(&mask, dtype_of<typename Y::Scalar>(), &layout, gradient.data(), dx.data()));
}

// ---- tensors

template <typename T>
std::array<std::ptrdiff_t, T::NumDimensions> strides_of(const T& tensor) {
  constexpr int rank = T::NumDimensions;
  std::array<std::ptrdiff_t, rank> strides = {};
  std::ptrdiff_t stride = 1;
  for (int k = 0; k < rank; ++k) {
    const int axis = static_cast<int>(T::Layout) == static_cast<int>(Eigen::ColMajor) ? k : rank - 1 - k;
    strides[static_cast<std::size_t>(axis)] = stride;
    stride *= tensor.dimension(static_cast<std::size_t>(axis));
  }
  return strides;
}

// Along which axes a tensor's elements share a decision: {false, false, true, true} drops whole channels of (N, C, H, W).
template <typename T>
using Shared = std::array<bool, static_cast<std::size_t>(T::NumDimensions)>;

// Indices are row-major over the axes that are not shared.
template <typename X, typename Y>
simdrop_layout tensor_layout(const X& x, const Y& y, const Shared<X>& shared) {
  constexpr std::size_t rank = X::NumDimensions;
  static_assert(static_cast<int>(X::NumDimensions) == static_cast<int>(Y::NumDimensions) && rank <= SIMDROP_MAX_RANK);
  static_assert(std::is_same_v<std::remove_const_t<typename X::Scalar>, typename Y::Scalar>, "dropout does not convert");
  const auto x_strides = strides_of(x), y_strides = strides_of(y);
  simdrop_layout layout = {};
  layout.rank = static_cast<int>(rank);
  std::uint64_t index_stride = 1;
  for (std::size_t axis = rank; axis-- > 0;) {
    if (x.dimension(axis) != y.dimension(axis)) check(SIMDROP_ERROR_SHAPE);
    layout.dims[axis] = static_cast<std::size_t>(x.dimension(axis));
    layout.x_strides[axis] = x_strides[axis];
    layout.y_strides[axis] = y_strides[axis];
    layout.index_strides[axis] = shared[axis] ? 0 : index_stride;
    if (!shared[axis]) index_stride *= layout.dims[axis];
  }
  return layout;
}

// y = dropout(x). Either may be column-major, as Eigen's tensors are by default, or row-major. Expressions are evaluated by the
// caller: Eigen::Tensor<float, 3> x = a + b;
template <typename X, typename Y>
void tensor_dropout(const simdrop_mask& mask, const X& x, Y&& y, const Shared<X>& shared = {}) {
  const simdrop_layout layout = tensor_layout(x, y, shared);
  check(simdrop_forward_layout(&mask, dtype_of<std::remove_const_t<typename X::Scalar>>(), &layout, x.data(), y.data()));
}

template <typename X, typename Y>
void tensor_dropout_backward(const simdrop_mask& mask, const Y& dy, X&& dx, const Shared<Y>& shared = {}) {
  const simdrop_layout layout = tensor_layout(dy, dx, shared);
  check(simdrop_backward_layout(&mask, dtype_of<std::remove_const_t<typename Y::Scalar>>(), &layout, dy.data(), dx.data()));
}

}  // namespace dropin

#endif
