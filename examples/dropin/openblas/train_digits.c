// Trains a small network on handwritten digits, without dropout and with it, and prints the losses of both: the network of
// 64 - 256 - 256 - 10 with ReLU and dropout behind its hidden layers learns 600 images, and is tested on the other 1197. The
// products are OpenBLAS's; bias, activation, dropout and softmax, forward and backward, are simdrop's.
//
//     train_digits digits.txt
//
// examples/data/README.md tells where the images are from.
#include <cblas.h>
#include <simdrop/simdrop.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PIXELS = 64,
  HIDDEN = 256,
  CLASSES = 10,
  IMAGES = 1797,
  TRAINED = 600,  // the first images; the others are for the test
  BATCH = 100,
  EPOCHS = 100,
  LAYERS = 3,
};

static const size_t widths[LAYERS + 1] = {PIXELS, HIDDEN, HIDDEN, CLASSES};
static const float learning_rate = 0.03f, momentum = 0.9f;

_Noreturn static void give_up(const char *reason) {
  fprintf(stderr, "train_digits: %s\n", reason);
  exit(2);
}

static void check(simdrop_status status) {
  if (status != SIMDROP_OK) give_up(simdrop_status_string(status));
}

static float *allocate(size_t count) {
  float *const array = calloc(count, sizeof *array);
  if (array == NULL) give_up("there is no memory left");
  return array;
}

typedef struct images {
  float *pixels;  // 0 to 1, PIXELS for each image
  uint8_t digits[IMAGES];
} images;

// A line is a letter for each pixel, 'a' to 'q' for 0 to 16, a space, and the digit.
static images read_images(const char *name) {
  images all = {.pixels = allocate((size_t)IMAGES * PIXELS)};
  char line[PIXELS + 4];
  FILE *const file = fopen(name, "r");
  if (file == NULL) give_up("the file of the digits cannot be opened");
  for (size_t i = 0; i < IMAGES; ++i) {
    if (fgets(line, sizeof line, file) == NULL || strlen(line) != PIXELS + 3) give_up("the file of the digits is not whole");
    for (size_t k = 0; k < PIXELS; ++k) all.pixels[i * PIXELS + k] = (float)(line[k] - 'a') / 16;
    all.digits[i] = (uint8_t)(line[PIXELS + 1] - '0');
  }
  fclose(file);
  return all;
}

// A layer: z = input * weights, and output = dropout(relu(z + bias)) but for the last one.
typedef struct layer {
  size_t inputs, outputs;
  float *weights, *bias;                    // inputs x outputs; outputs
  float *weights_gradient, *bias_gradient;  // of the last batch
  float *weights_velocity, *bias_velocity;  // of the optimizer
  float *z, *output, *output_gradient;      // rows of a batch, or of the test
} layer;

typedef struct network {
  layer layers[LAYERS];
  double p;
} network;

// Uniform in [-1, 1): what the library has its masks from, so that every machine begins with the same weights.
static void draw_weights(uint64_t stream, size_t count, float *weights, float reach) {
  uint8_t *const bits = malloc(4 * count);
  if (bits == NULL) give_up("there is no memory left");
  const simdrop_mask coins = {.p = 0.5, .seed = 1, .stream = stream};
  check(simdrop_mask_bits(&coins, 32 * count, bits));
  for (size_t k = 0; k < count; ++k) {
    const uint32_t word = bits[4 * k] | (uint32_t)bits[4 * k + 1] << 8 | (uint32_t)bits[4 * k + 2] << 16;
    weights[k] = reach * ((float)word * 0x1p-23f - 1);
  }
  free(bits);
}

static network make_network(double p) {
  network net = {.p = p};
  for (int l = 0; l < LAYERS; ++l) {
    layer *const here = &net.layers[l];
    here->inputs = widths[l];
    here->outputs = widths[l + 1];
    const size_t count = here->inputs * here->outputs;
    here->weights = allocate(count);
    here->weights_gradient = allocate(count);
    here->weights_velocity = allocate(count);
    here->bias = allocate(here->outputs);
    here->bias_gradient = allocate(here->outputs);
    here->bias_velocity = allocate(here->outputs);
    here->z = allocate(IMAGES * here->outputs);
    here->output = allocate(IMAGES * here->outputs);
    here->output_gradient = allocate(IMAGES * here->outputs);
    draw_weights((uint64_t)l, count, here->weights, sqrtf(6.0f / (float)here->inputs));
  }
  return net;
}

static void free_network(network *net) {
  for (int l = 0; l < LAYERS; ++l) {
    const layer *const here = &net->layers[l];
    float *const arrays[] = {here->weights, here->weights_gradient, here->weights_velocity,
                             here->bias,    here->bias_gradient,    here->bias_velocity,
                             here->z,       here->output,           here->output_gradient};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) free(arrays[i]);
  }
}

static int as_int(size_t count) { return (int)count; }

// c = a * b, each of them transposed or not; c is m x n, and k is what the sum is over.
static void multiply(CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, size_t m, size_t n, size_t k, const float *a,
                     const float *b, float *c) {
  cblas_sgemm(CblasRowMajor, transpose_a, transpose_b, as_int(m), as_int(n), as_int(k), 1, a,
              as_int(transpose_a == CblasTrans ? m : k), b, as_int(transpose_b == CblasTrans ? k : n), 0, c, as_int(n));
}

// Behind the last layer there is a bias alone.
static simdrop_chain chain_of(const network *net, int l) {
  return (simdrop_chain){.activation = l == LAYERS - 1 ? SIMDROP_ACTIVATION_NONE : SIMDROP_RELU, .bias = net->layers[l].bias};
}

// Each layer and each step has a mask of its own, which need not be kept: the backward pass draws it again.
static simdrop_mask mask_of(const network *net, int l, uint64_t step, bool is_training) {
  return (simdrop_mask){.p = is_training && l < LAYERS - 1 ? net->p : 0, .seed = 2024, .stream = step * LAYERS + (uint64_t)l};
}

static void forward(network *net, size_t rows, const float *pixels, uint64_t step, bool is_training) {
  const float *input = pixels;
  for (int l = 0; l < LAYERS; ++l) {
    layer *const here = &net->layers[l];
    const simdrop_mask mask = mask_of(net, l, step, is_training);
    const simdrop_matrix matrix = simdrop_matrix_dense(rows, here->outputs);
    const simdrop_chain chain = chain_of(net, l);
    multiply(CblasNoTrans, CblasNoTrans, rows, here->outputs, here->inputs, input, here->weights, here->z);
    check(simdrop_chain_forward(NULL, &mask, SIMDROP_F32, &matrix, &chain, here->z, here->output, NULL));
    input = here->output;
  }
}

// The mean cross entropy; the gradient with respect to the scores goes where the last layer has its output's.
static double loss_of(network *net, size_t rows, const uint8_t *digits, size_t *correct) {
  layer *const last = &net->layers[LAYERS - 1];
  const simdrop_matrix matrix = simdrop_matrix_dense(rows, CLASSES);
  const simdrop_softmax softmax = simdrop_softmax_plain(1, CLASSES);
  const simdrop_mask nothing_dropped = {.p = 0};
  float *const chances = last->output_gradient;
  check(simdrop_softmax_forward(NULL, &nothing_dropped, SIMDROP_F32, &matrix, &softmax, last->output, chances, NULL, NULL));
  double sum = 0;
  *correct = 0;
  for (size_t r = 0; r < rows; ++r) {
    float *const row = chances + r * CLASSES;
    size_t likeliest = 0;
    for (size_t c = 1; c < CLASSES; ++c)
      if (row[c] > row[likeliest]) likeliest = c;
    *correct += likeliest == digits[r];
    sum -= log(fmax((double)row[digits[r]], 1e-30));
    row[digits[r]] -= 1;
    for (size_t c = 0; c < CLASSES; ++c) row[c] /= (float)rows;
  }
  return sum / (double)rows;
}

static void backward(network *net, size_t rows, const float *pixels, uint64_t step) {
  for (int l = LAYERS - 1; l >= 0; --l) {
    layer *const here = &net->layers[l], *const before = here - 1;
    const simdrop_mask mask = mask_of(net, l, step, true);
    const simdrop_matrix matrix = simdrop_matrix_dense(rows, here->outputs);
    const simdrop_chain chain = chain_of(net, l);
    float *const z_gradient = here->output_gradient;  // in place
    check(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &matrix, &chain, NULL, here->z, here->output_gradient, z_gradient,
                                 here->bias_gradient));
    multiply(CblasTrans, CblasNoTrans, here->inputs, here->outputs, rows, l == 0 ? pixels : before->output, z_gradient,
             here->weights_gradient);
    if (l > 0)
      multiply(CblasNoTrans, CblasTrans, rows, here->inputs, here->outputs, z_gradient, here->weights, before->output_gradient);
  }
}

static void descend(size_t count, float *values, float *velocity, const float *gradient) {
  for (size_t k = 0; k < count; ++k) {
    velocity[k] = momentum * velocity[k] - learning_rate * gradient[k];
    values[k] += velocity[k];
  }
}

static void train_epoch(network *net, const images *all, uint64_t epoch) {
  for (size_t first = 0; first < TRAINED; first += BATCH) {
    const float *const pixels = all->pixels + first * PIXELS;
    const uint64_t step = epoch * (TRAINED / BATCH) + first / BATCH;
    size_t correct;
    forward(net, BATCH, pixels, step, true);
    loss_of(net, BATCH, all->digits + first, &correct);
    backward(net, BATCH, pixels, step);
    for (int l = 0; l < LAYERS; ++l) {
      layer *const here = &net->layers[l];
      descend(here->inputs * here->outputs, here->weights, here->weights_velocity, here->weights_gradient);
      descend(here->outputs, here->bias, here->bias_velocity, here->bias_gradient);
    }
  }
}

typedef struct result {
  double train_loss, test_loss, test_accuracy;
} result;

// Without dropout, as a network is used.
static result evaluate(network *net, const images *all) {
  const size_t tested = IMAGES - TRAINED;
  size_t correct;
  result found;
  forward(net, TRAINED, all->pixels, 0, false);
  found.train_loss = loss_of(net, TRAINED, all->digits, &correct);
  forward(net, tested, all->pixels + (size_t)TRAINED * PIXELS, 0, false);
  found.test_loss = loss_of(net, tested, all->digits + TRAINED, &correct);
  found.test_accuracy = (double)correct / (double)tested;
  return found;
}

static result train(double p, const images *all) {
  network net = make_network(p);
  result found = {0};
  printf("p = %g\n  epoch  training loss  test loss  test accuracy\n", p);
  for (uint64_t epoch = 0; epoch < EPOCHS; ++epoch) {
    train_epoch(&net, all, epoch);
    if ((epoch + 1) % 10 != 0) continue;
    found = evaluate(&net, all);
    printf("  %5d  %13.4f  %9.4f  %12.1f%%\n", (int)epoch + 1, found.train_loss, found.test_loss, 100 * found.test_accuracy);
  }
  free_network(&net);
  return found;
}

int main(int argc, char **argv) {
  if (argc != 2) give_up("call it with the file of the digits: train_digits digits.txt");
  images all = read_images(argv[1]);
  const result without = train(0, &all), with = train(0.5, &all);
  printf("without dropout: test loss %.4f, accuracy %.1f%%\n", without.test_loss, 100 * without.test_accuracy);
  printf("with dropout:    test loss %.4f, accuracy %.1f%%\n", with.test_loss, 100 * with.test_accuracy);
  free(all.pixels);
  // A wrong gradient or mask would not get there.
  return with.test_loss < without.test_loss && with.test_accuracy > 0.9 ? 0 : 1;
}
