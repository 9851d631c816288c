// A layer y = dropout(relu(x * w + b)) whose product, bias and ReLU are oneDNN's matmul, made a block of rows at a time: each
// block is dropped in place by simdrop_tile_apply while it is in the second cache, as an epilogue of its product. The other way
// is the whole product, and then a pass of simdrop_forward over all of it.
//
//     linear_dropout                                   # both ways give the same bits
//     linear_dropout --time [ROWS INPUTS OUTPUTS]      # and what each takes
//
// oneDNN's threads are OpenMP's; with OMP_NUM_THREADS=1 both ways have one. A program with more gives each of them rows of its
// own: the epilogue's results do not depend on who makes which block.
#include <simdrop/simdrop.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>
#include <vector>

namespace {

using dnnl::memory;

void check(simdrop_status status) {
  if (status != SIMDROP_OK) throw std::runtime_error(simdrop_status_string(status));
}

struct Shape {
  memory::dim rows, inputs, outputs;
};

// ---- oneDNN

// relu(x * w + b) of so many rows, with w as oneDNN wants it for them.
class Product {
 public:
  Product(const dnnl::engine& engine, const Shape& shape, memory& weights, memory& bias)
      : stream_(engine), descriptor_(describe(engine, shape)), matmul_(descriptor_), bias_(bias) {
    x_ = memory(descriptor_.src_desc(), engine, nullptr);
    y_ = memory(descriptor_.dst_desc(), engine, nullptr);
    packed_ = memory(descriptor_.weights_desc(), engine);
    dnnl::reorder(weights, packed_).execute(stream_, weights, packed_);
    stream_.wait();
  }

  void run(const float* x, float* y) {
    x_.set_data_handle(const_cast<float*>(x));
    y_.set_data_handle(y);
    matmul_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, packed_}, {DNNL_ARG_BIAS, bias_}, {DNNL_ARG_DST, y_}});
    stream_.wait();
  }

  const char* implementation() const { return descriptor_.impl_info_str(); }

 private:
  static dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const Shape& shape) {
    const memory::desc x({shape.rows, shape.inputs}, memory::data_type::f32, memory::format_tag::ab);
    const memory::desc w({shape.inputs, shape.outputs}, memory::data_type::f32, memory::format_tag::any);
    const memory::desc b({1, shape.outputs}, memory::data_type::f32, memory::format_tag::ab);
    const memory::desc y({shape.rows, shape.outputs}, memory::data_type::f32, memory::format_tag::ab);
    dnnl::post_ops relu;
    dnnl::primitive_attr attributes;
#if DNNL_VERSION_MAJOR >= 3
    relu.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
    attributes.set_post_ops(relu);
    return {engine, x, w, b, y, attributes};
#else
    relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    attributes.set_post_ops(relu);
    return {{x, w, b, y}, attributes, engine};
#endif
  }

  dnnl::stream stream_;
  dnnl::matmul::primitive_desc descriptor_;
  dnnl::matmul matmul_;
  memory bias_, x_, y_, packed_;
};

// ---- the layer

// As many rows as have 256 KiB of outputs, a quarter of a second cache of 1 MiB: fewer cost oneDNN calls, more leave no place
// for the weights.
memory::dim rows_of_a_block(const Shape& shape) {
  const memory::dim fitting = (256 << 10) / (shape.outputs * static_cast<memory::dim>(sizeof(float)));
  return std::min(std::max<memory::dim>(fitting / 16 * 16, 16), shape.rows);
}

class Layer {
 public:
  Layer(const dnnl::engine& engine, const Shape& shape, memory& weights, memory& bias)
      : shape_(shape),
        block_(rows_of_a_block(shape)),
        whole_(engine, shape, weights, bias),
        full_(engine, {block_, shape.inputs, shape.outputs}, weights, bias),
        last_(engine, {(shape.rows - 1) % block_ + 1, shape.inputs, shape.outputs}, weights, bias) {}

  void product(const float* x, float* y) { whole_.run(x, y); }

  // The same product by blocks, and the dropout of each if there is one.
  void product_by_blocks(const simdrop_tile* dropout, const float* x, float* y) {
    for (memory::dim row = 0; row < shape_.rows; row += block_) {
      const memory::dim rows = std::min(block_, shape_.rows - row);
      float* const block = y + row * shape_.outputs;
      (rows == block_ ? full_ : last_).run(x + row * shape_.inputs, block);
      if (dropout != nullptr)
        check(simdrop_tile_apply(dropout, static_cast<std::uint64_t>(row), 0, static_cast<std::size_t>(rows),
                                 static_cast<std::size_t>(shape_.outputs), block, shape_.outputs));
    }
  }

  memory::dim block() const { return block_; }
  const char* implementation() const { return full_.implementation(); }

 private:
  Shape shape_;
  memory::dim block_;
  Product whole_, full_, last_;
};

// A layer with its arrays.
struct Example {
  Example(const Shape& wanted, double p)
      : shape(wanted),
        engine(dnnl::engine::kind::cpu, 0),
        x(filled(shape.rows * shape.inputs, 1)),
        w(filled(shape.inputs * shape.outputs, 2)),
        b(filled(shape.outputs, 3)),
        y(static_cast<std::size_t>(shape.rows * shape.outputs)),
        weights({{shape.inputs, shape.outputs}, memory::data_type::f32, memory::format_tag::ab}, engine, w.data()),
        bias({{1, shape.outputs}, memory::data_type::f32, memory::format_tag::ab}, engine, b.data()),
        layer(engine, shape, weights, bias) {
    mask.p = p;
    mask.seed = 2024;
    mask.stream = 7;
    check(simdrop_tile_init(&mask, SIMDROP_F32, static_cast<std::uint64_t>(shape.outputs), &tile));
  }

  void pass() { check(simdrop_forward(&mask, SIMDROP_F32, y.size(), y.data(), y.data(), nullptr)); }

  static std::vector<float> filled(memory::dim count, std::uint32_t seed) {
    std::vector<float> values(static_cast<std::size_t>(count));
    std::uint32_t state = seed;
    for (float& value : values) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(state >> 8) * 0x1p-23F - 1;
    }
    return values;
  }

  Shape shape;
  dnnl::engine engine;
  std::vector<float> x, w, b, y;
  memory weights, bias;
  Layer layer;
  simdrop_mask mask = {};
  simdrop_tile tile = {};
};

// ---- both ways

bool is_the_same(const Shape& shape, double p) {
  Example e(shape, p);
  e.layer.product_by_blocks(&e.tile, e.x.data(), e.y.data());
  const std::vector<float> epilogue = e.y;
  e.layer.product_by_blocks(nullptr, e.x.data(), e.y.data());
  e.pass();
  const bool is_same = std::memcmp(epilogue.data(), e.y.data(), e.y.size() * sizeof(float)) == 0;
  std::printf("%5d x %4d x %5d, p = %g: epilogue and pass %s\n", static_cast<int>(shape.rows), static_cast<int>(shape.inputs),
              static_cast<int>(shape.outputs), p, is_same ? "give the same bits" : "DIFFER");
  return is_same;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// The ways in turns, so that a machine that slows down slows all; milliseconds, medians.
void measure(const Shape& shape, double p) {
  Example e(shape, p);
  const float* const x = e.x.data();
  float* const y = e.y.data();
  enum {
    WHOLE,
    BLOCKS,
    WHOLE_PASS,
    BLOCKS_PASS,
    EPILOGUE,
    WAYS
  };
  std::vector<double> taken[WAYS];
  for (int round = -1; round < 15; ++round)
    for (int way = 0; way < WAYS; ++way) {
      const auto begin = std::chrono::steady_clock::now();
      if (way == WHOLE || way == WHOLE_PASS) {
        e.layer.product(x, y);
      } else {
        e.layer.product_by_blocks(way == EPILOGUE ? &e.tile : nullptr, x, y);
      }
      if (way == WHOLE_PASS || way == BLOCKS_PASS) e.pass();
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
      if (round >= 0) taken[way].push_back(time.count());
    }
  double ms[WAYS];
  for (int way = 0; way < WAYS; ++way) ms[way] = median(taken[way]);
  const double product = std::min(ms[WHOLE], ms[BLOCKS]), with_pass = std::min(ms[WHOLE_PASS], ms[BLOCKS_PASS]);
  std::printf("%6d %6d %7d %5d %4g %9.2f %9.2f %9.2f %9.2f %9.2f %7.3f %10.2f\n", static_cast<int>(shape.rows),
              static_cast<int>(shape.inputs), static_cast<int>(shape.outputs), static_cast<int>(e.layer.block()), p, ms[WHOLE],
              ms[BLOCKS], ms[WHOLE_PASS], ms[BLOCKS_PASS], ms[EPILOGUE], ms[EPILOGUE] / with_pass,
              (ms[EPILOGUE] - product) / (with_pass - product));
}

void measure_all(std::vector<Shape> shapes) {
  if (shapes.empty()) shapes = {{65536, 32, 512}, {32768, 64, 1024}, {32768, 256, 1024}};
  std::printf(
      "Milliseconds, medians. \"time\" is that of the epilogue over that of the better pass, and \"added\" what dropout adds "
      "to\n"
      "the better product, the epilogue's over the pass'. oneDNN %d.%d.%d (%s), simdrop's %s\n"
      "                                      product            and a pass over       epi-\n"
      "  rows inputs outputs block    p     whole   blocks     whole   blocks      logue    time      added\n",
      dnnl::version()->major, dnnl::version()->minor, dnnl::version()->patch, Example({16, 16, 16}, 0).layer.implementation(),
      simdrop_backend_current());
  for (const Shape& shape : shapes)
    for (const double p : {0.1, 0.5}) measure(shape, p);
}

struct Options {
  bool is_timed = false;
  std::vector<Shape> shapes;  // none: some usual ones
};

Options options_of(int argc, char** argv) {
  Options options;
  options.is_timed = argc > 1 && std::strcmp(argv[1], "--time") == 0;
  bool are_right = argc == 1 || (options.is_timed && (argc == 2 || argc == 5));
  if (are_right && argc == 5) {
    memory::dim sizes[3];
    for (int k = 0; k < 3; ++k) {
      char* end;
      sizes[k] = std::strtol(argv[k + 2], &end, 10);
      are_right &= *end == '\0' && sizes[k] > 0;
    }
    options.shapes = {{sizes[0], sizes[1], sizes[2]}};
  }
  if (!are_right) throw std::runtime_error("usage: linear_dropout [--time [ROWS INPUTS OUTPUTS]]");
  return options;
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = options_of(argc, argv);
  bool are_the_same = true;
  // Rows that fill their last block and that do not, fewer than a block has, and columns that end in a block of the mask.
  for (const Shape& shape : {Shape{512, 64, 1024}, {301, 64, 1024}, {7, 32, 256}, {100, 48, 333}, {257, 64, 3000}})
    for (const double p : {0.1, 0.5}) are_the_same &= is_the_same(shape, p);
  if (!are_the_same) return 1;
  if (options.is_timed) measure_all(options.shapes);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "linear_dropout: %s\n", error.what());
  return 2;
}
