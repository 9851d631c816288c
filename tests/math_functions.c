#include "math_functions.h"

#include <math.h>

#include "scalar/math.h"

static const double pi = 3.14159265358979323846, root_half = 0.70710678118654752440;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double relu(double x) { return x < 0 ? 0 : x; }
static double relu_gradient(double x) { return x > 0; }
static double silu(double x) { return x * sigmoid(x); }
static double silu_gradient(double x) { return sigmoid(x) * (1 + x * sigmoid(-x)); }
static double gelu(double x) { return 0.5 * x * erfc(-x * root_half); }
static double gelu_gradient(double x) { return 0.5 * erfc(-x * root_half) + x * exp(-0.5 * x * x) / sqrt(2 * pi); }
static double gelu_tanh_argument(double x) { return 2 * sqrt(2 / pi) * (x + 0.044715 * x * x * x); }
static double gelu_tanh(double x) { return x * sigmoid(gelu_tanh_argument(x)); }
static double gelu_tanh_gradient(double x) {
  const double u = gelu_tanh_argument(x), slope = 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x);
  return sigmoid(u) * (1 + x * sigmoid(-u) * slope);
}
static double minus_two_log(double u) { return -2 * log(u); }

// By arguments of which pi times is at most pi / 4.
static double sine_pi(double t) {
  const double a = fabs(t) > 0.5 ? 1 - fabs(t) : fabs(t);
  return copysign(a > 0.25 ? cos(pi * (0.5 - a)) : sin(pi * a), t);
}
static double cosine_pi(double t) {
  const double a = fabs(t) > 0.5 ? 1 - fabs(t) : fabs(t);
  const double cosine = a > 0.25 ? sin(pi * (0.5 - a)) : cos(pi * a);
  return fabs(t) > 0.5 ? -cosine : cosine;
}

const math_function math_functions[MATH_FUNCTION_COUNT] = {
    [MATH_exp] = {"exp", scalar_exp, exp, -INFINITY, 0, true},
    [MATH_sigmoid] = {"sigmoid", scalar_sigmoid, sigmoid, -INFINITY, INFINITY, true},
    [MATH_relu] = {"relu", scalar_relu, relu, -INFINITY, INFINITY, true},
    [MATH_relu_gradient] = {"relu_gradient", scalar_relu_gradient, relu_gradient, -INFINITY, INFINITY, true},
    [MATH_silu] = {"silu", scalar_silu, silu, -INFINITY, INFINITY, true},
    [MATH_silu_gradient] = {"silu_gradient", scalar_silu_gradient, silu_gradient, -INFINITY, INFINITY, true},
    [MATH_gelu] = {"gelu", scalar_gelu, gelu, -INFINITY, INFINITY, true},
    [MATH_gelu_gradient] = {"gelu_gradient", scalar_gelu_gradient, gelu_gradient, -INFINITY, INFINITY, true},
    [MATH_gelu_tanh] = {"gelu_tanh", scalar_gelu_tanh, gelu_tanh, -INFINITY, INFINITY, true},
    [MATH_gelu_tanh_gradient] = {"gelu_tanh_gradient", scalar_gelu_tanh_gradient, gelu_tanh_gradient, -INFINITY, INFINITY,
                                 true},
    [MATH_minus_two_log] = {"minus_two_log", scalar_minus_two_log, minus_two_log, 0x1p-32f, 1, false},
    [MATH_sine_pi] = {"sine_pi", scalar_sine_pi, sine_pi, -1, 1, true},
    [MATH_cosine_pi] = {"cosine_pi", scalar_cosine_pi, cosine_pi, -1, 1, true},
};

bool is_in_domain(const math_function *function, float x) {
  return isnan(x) ? function->takes_nan : x >= function->lowest && x <= function->highest;
}

math_error error_of(const math_function *function, float x) {
  const double exact = function->exact(x), absolute = fabs(function->scalar(x) - exact);
  int exponent;
  frexp(exact, &exponent);
  return (math_error){absolute, absolute / ldexp(1, (exponent < -125 ? -125 : exponent) - 24), absolute / fabsf(x) * 0x1p24};
}
