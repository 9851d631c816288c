// The only C++ of the tool: Boost.Math behind C functions. Boost reports an argument out of range by NaN here, not by throwing,
// since exceptions may not pass through C.
#include "verify/special_functions.h"

#include <boost/math/distributions/non_central_chi_squared.hpp>
#include <boost/math/policies/policy.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>

namespace {

namespace policies = boost::math::policies;
using policies::ignore_error;
using quiet = policies::policy<policies::domain_error<ignore_error>, policies::pole_error<ignore_error>,
                               policies::overflow_error<ignore_error>, policies::underflow_error<ignore_error>,
                               policies::denorm_error<ignore_error>, policies::evaluation_error<ignore_error>,
                               policies::rounding_error<ignore_error>, policies::indeterminate_result_error<ignore_error>>;

// Whatever is thrown nevertheless ends as NaN.
template <typename Function>
double nan_for_exceptions(Function function) noexcept {
  try {
    return function();
  } catch (...) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace

extern "C" {

double binomial_at_most(double k, double n, double probability) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return nan_for_exceptions([=] { return boost::math::ibetac(k + 1, n - k, probability, quiet()); });
}

double binomial_at_least(double k, double n, double probability) {
  if (k <= 0) return 1;
  if (k > n) return 0;
  return nan_for_exceptions([=] { return boost::math::ibeta(k, n - k + 1, probability, quiet()); });
}

double chi_squared_at_least(double x, double degrees_of_freedom) {
  return nan_for_exceptions([=] { return boost::math::gamma_q(degrees_of_freedom / 2, x / 2, quiet()); });
}

double chi_squared_quantile(double probability_above, double degrees_of_freedom) {
  return nan_for_exceptions([=] { return 2 * boost::math::gamma_q_inv(degrees_of_freedom / 2, probability_above, quiet()); });
}

double normal_at_least(double z) {
  return nan_for_exceptions([=] { return boost::math::erfc(z / std::sqrt(2.0), quiet()) / 2; });
}

double normal_quantile(double probability_above) {
  return nan_for_exceptions([=] { return std::sqrt(2.0) * boost::math::erfc_inv(2 * probability_above, quiet()); });
}

double gamma_at_most(double x, double shape) {
  return nan_for_exceptions([=] { return boost::math::gamma_p(shape, x, quiet()); });
}

double gamma_at_least(double x, double shape) {
  return nan_for_exceptions([=] { return boost::math::gamma_q(shape, x, quiet()); });
}

double chi_squared_noncentrality(double x, double degrees_of_freedom, double probability_below) {
  using distribution = boost::math::non_central_chi_squared_distribution<double, quiet>;
  return nan_for_exceptions([=] { return distribution::find_non_centrality(degrees_of_freedom, x, probability_below); });
}

}  // extern "C"
