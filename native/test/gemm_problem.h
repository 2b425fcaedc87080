// A matmul for the tests of int8_gemm and its narrower kin: canonical codes and scales, and what
// sinter.h says comes out, written plainly; and what these share with the other matmuls' tests.
#ifndef SINTER_GEMM_PROBLEM_H
#define SINTER_GEMM_PROBLEM_H

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "sinter.h"
#include "testing.h"

namespace testing {

class Random {
 public:
  int64_t between(int64_t lo, int64_t hi) {  // both included
    return lo + static_cast<int64_t>(engine_() % static_cast<uint64_t>(hi - lo + 1));
  }
  bool coin() { return between(0, 1) == 1; }
  template <class T>
  T pick(const std::vector<T> &from) {
    return from[static_cast<size_t>(between(0, static_cast<int64_t>(from.size()) - 1))];
  }
  float uniform(float lo, float hi) {
    return lo + (hi - lo) * static_cast<float>(between(0, 1 << 20)) / (1 << 20);
  }

 private:
  std::mt19937_64 engine_{seed()};
};

// Codes: random, or all at an end of their range, or at one end and the other at random.
enum class Fill { random, lowest, highest, ends };
// Scales: ordinary; all 1, which shows the integer sums; or 0, subnormal, huge and NaN among
// others.
enum class Scales { ordinary, ones, odd };

struct Config {
  int bits = 8;
  int64_t m = 1, n = 1, k = 1;
  int64_t w_group = 0, x_group = 0;
  bool half_scales = false, x_zero_points = false, w_zero_points = false, bias = false;
  int32_t activation = SINTER_NO_ACTIVATION;
  bool accumulate = false, gate = false;
  Fill x_fill = Fill::random, w_fill = Fill::random;
  Scales scales = Scales::ordinary;

  // The canonical codes are low, low + every, ... to high; a code is stored as code + center.
  int64_t low() const { return bits < 4 ? -1 : -(1 << (bits - 1)); }
  int64_t high() const { return bits < 4 ? 1 : -low() - 1; }
  int64_t every() const { return bits == 1 ? 2 : 1; }
  int32_t center() const { return static_cast<int32_t>(-low()); }
  // The w of sinter.h's bound of k.
  int64_t largest() const {
    return bits == 1 ? 2 : bits == 2 ? 32 : w_zero_points ? (1 << bits) - 1 : center();
  }

  std::string text() const {
    char line[288];
    std::snprintf(line, sizeof line,
                  "int%d m %lld n %lld k %lld w_group %lld x_group %lld f16 %d xz %d wz %d bias %d "
                  "activation %d accumulate %d gate %d fills %d %d scales %d",
                  bits, static_cast<long long>(m), static_cast<long long>(n),
                  static_cast<long long>(k), static_cast<long long>(w_group),
                  static_cast<long long>(x_group), half_scales, x_zero_points, w_zero_points, bias,
                  activation, accumulate, gate, static_cast<int>(x_fill), static_cast<int>(w_fill),
                  static_cast<int>(scales));
    return line;
  }
};

inline float half_to_float(uint16_t h) {
  const int exponent = (h >> 10) & 31;
  const float mantissa = static_cast<float>(h & 1023);
  const float v = exponent == 0    ? std::ldexp(mantissa, -24)
                  : exponent == 31 ? (mantissa == 0 ? INFINITY : NAN)
                                   : std::ldexp(mantissa + 1024, exponent - 25);
  return (h & 0x8000) != 0 ? -v : v;
}

// Column j of y comes from a column of the panels, or with a gate from two, those of the factors 0
// and 1.
inline int64_t panel_column(bool gate, int64_t j, int factor) {
  return gate ? j / 8 * 16 + 8 * factor + j % 8 : j;
}

// Of n columns, that whose bias a column of the panels has: behind those of the first factor lie
// those of the second. For those past n anything.
inline size_t bias_column(bool gate, int64_t column, int64_t n) {
  return static_cast<size_t>(gate ? column / 16 * 8 + column % 8 + column % 16 / 8 * n : column);
}

// A result before the activation; the same in double, with the sum of magnitudes.
struct Value {
  float exact;
  double judge, magnitude;
};

struct Problem {
  Config c;
  int64_t panels, columns, groups, x_groups, step, steps, x_stride, y_stride;
  std::vector<int8_t> x;           // [m][x_stride]
  std::vector<int8_t> w;           // [columns][k], the canonical codes
  std::vector<uint8_t> centers;    // [panels][groups][16]
  std::vector<float> w_scales;     // [panels][groups][16]
  std::vector<uint16_t> w_halves;  // the same
  std::vector<float> x_scales;     // [m][x_groups]
  std::vector<int32_t> x_zeros;    // [m][x_groups]
  std::vector<float> bias;         // [n], with a gate [2][n]
  std::vector<float> before;       // [m][y_stride], what y holds before the call

  Problem(const Config &config, Random &random) : c(config) {
    const auto up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
    panels = up(c.n, c.gate ? 8 : 16);
    columns = c.gate ? 16 * panels : c.n;
    groups = c.w_group == 0 ? 1 : up(c.k, c.w_group);
    x_groups = c.x_group == 0 ? 1 : up(c.k, c.x_group);
    step = c.w_group == 0 ? c.x_group : c.x_group == 0 ? c.w_group : std::min(c.w_group, c.x_group);
    steps = step == 0 ? 1 : up(c.k, step);
    x_stride = up(c.k, 32) * 32 + random.between(0, 2) * 32;
    y_stride = c.n + random.between(0, 20);
    x = codes(c.m * x_stride, c.x_fill, -128, 127, 1, random);
    w = codes(columns * c.k, c.w_fill, c.low(), c.high(), c.every(), random);
    for (int64_t i = 0; i < panels * groups * 16; i++) {
      centers.push_back(static_cast<uint8_t>(
          c.w_zero_points ? edge_or(random, 0, c.bits == 8 ? 255 : 15, c.w_fill) : c.center()));
      w_halves.push_back(half(random));
      w_scales.push_back(c.half_scales ? half_to_float(w_halves.back()) : scale(random));
    }
    for (int64_t i = 0; i < c.m * x_groups; i++) {
      x_scales.push_back(scale(random));
      x_zeros.push_back(
          static_cast<int32_t>(c.x_zero_points ? edge_or(random, -128, 127, c.x_fill) : 0));
    }
    for (int64_t i = 0; i < (c.gate ? 2 * c.n : c.n); i++) {
      bias.push_back(random.uniform(-3, 3));
    }
    for (int64_t i = 0; i < c.m * y_stride; i++) {
      before.push_back(random.uniform(-3, 3));
    }
  }

  int32_t x_zero(int64_t row, int64_t i) const {
    return x_zeros[static_cast<size_t>(row * x_groups + (c.x_group == 0 ? 0 : i / c.x_group))];
  }

  bool odd() const { return c.scales == Scales::odd; }

  // Of a step's sum one, and three for conversion, scales and bias.
  double roundings() const { return static_cast<double>(steps + 3); }

  // A column of the panels as sinter.h writes it.
  Value value(int64_t row, int64_t column) const {
    float f = 0;
    double judge = 0;
    double magnitude = 0;
    const int64_t length = step == 0 ? c.k : step;
    for (int64_t from = 0; from < c.k; from += length) {
      const int64_t group = c.w_group == 0 ? 0 : from / c.w_group;
      const size_t at = static_cast<size_t>((column / 16 * groups + group) * 16 + column % 16);
      const int32_t center = centers[at] - c.center();
      int64_t sum = 0;
      for (int64_t i = from; i < std::min(from + length, c.k); i++) {
        sum += int64_t{x[static_cast<size_t>(row * x_stride + i)] - x_zero(row, i)} *
               int64_t{w[static_cast<size_t>(column * c.k + i)] - center};
      }
      if (sum < INT32_MIN || sum > INT32_MAX) {
        fail("the problem itself: %s overflows", c.text().c_str());
      }
      const float exact_sum = static_cast<float>(static_cast<int32_t>(sum));
      const float x_scale =
          x_scales[static_cast<size_t>(row * x_groups + (c.x_group == 0 ? 0 : from / c.x_group))];
      const double term = double(sum) * double(w_scales[at]) * double(x_scale);
      judge += term;
      magnitude += std::fabs(term);
      f = c.bits == 8      ? exact_sum * w_scales[at]
          : c.x_group == 0 ? std::fma(exact_sum, w_scales[at], f)
                           : std::fma(exact_sum * x_scale, w_scales[at], f);
    }
    const float b = c.bias ? bias[bias_column(c.gate, column, c.n)] : 0.0f;
    const float last = c.x_group == 0 ? x_scales[static_cast<size_t>(row)] : 1.0f;
    return {std::fma(f, last, b), judge + double(b), magnitude + std::fabs(double(b))};
  }

 private:
  static int64_t edge_or(Random &random, int64_t lo, int64_t hi, Fill fill) {
    switch (fill) {
      case Fill::lowest:  // furthest from the codes
        return hi;
      case Fill::highest:
        return lo;
      case Fill::ends:
        return random.coin() ? lo : hi;
      default:
        return random.between(lo, hi);
    }
  }

  static std::vector<int8_t> codes(int64_t count, Fill fill, int64_t low, int64_t high,
                                   int64_t every, Random &random) {
    std::vector<int8_t> v(static_cast<size_t>(count));
    for (int8_t &e : v) {
      e = static_cast<int8_t>(fill == Fill::lowest    ? low
                              : fill == Fill::highest ? high
                              : fill == Fill::ends
                                  ? (random.coin() ? low : high)
                                  : low + every * random.between(0, (high - low) / every));
    }
    return v;
  }

  float scale(Random &random) const {
    if (c.scales == Scales::ones) {
      return 1;
    }
    if (c.scales == Scales::odd && random.coin()) {
      return random.pick<float>({0, FLT_TRUE_MIN, 1e-40f, FLT_MIN, 1e30f, FLT_MAX, NAN});
    }
    return random.uniform(0.001f, 0.1f);
  }

  uint16_t half(Random &random) const {
    if (c.scales == Scales::ones) {
      return 0x3c00;
    }
    if (c.scales == Scales::odd && random.coin()) {
      return random.pick<uint16_t>({0, 1, 0x3ff, 0x400, 0x7bff, 0x7e00, 0x7c00, 0x8001, 0xfbff});
    }
    return static_cast<uint16_t>(random.between(0x1400, 0x2e00));  // 0.001 to 0.1
  }
};

inline bool same(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

template <class T>
T *put(GuardedMemory &into, const std::vector<T> &values, Edge edge) {
  T *p = into.place<T>(values.size(), edge);
  std::memcpy(p, values.data(), values.size() * sizeof(T));
  return p;
}

inline double activate(int32_t activation, double v) {
  switch (activation) {
    case SINTER_GELU_ERF:
      return v * std::erfc(-v / std::sqrt(2.0)) / 2;
    case SINTER_GELU_TANH:
      return v / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
    case SINTER_SILU:
      return v / (1 + std::exp(-v));
    default:
      return v;
  }
}

// Whether a result is what the activation makes of v, added to what was there before if so asked.
inline bool follows(float v, int32_t activation, bool accumulate, float before, float result) {
  if (activation == SINTER_NO_ACTIVATION || !std::isfinite(v)) {
    const float activated = activation != SINTER_NO_ACTIVATION && v < 0 ? NAN : v;
    return same(result, accumulate ? before + activated : activated);
  }
  const double activated = activate(activation, double(v));
  if (accumulate && !std::isfinite(before)) {
    return same(result, before + static_cast<float>(activated));
  }
  const double expected = accumulate ? double(before) + activated : activated;
  return std::fabs(double(result) - expected) <=
         3e-7 * std::fmax(1, std::fabs(double(v))) + FLT_EPSILON * std::fabs(expected);
}

// The same of activation(a) * b.
inline bool follows_gate(float a, int32_t activation, float b, float result) {
  if (activation == SINTER_NO_ACTIVATION || !std::isfinite(a) || std::isnan(b)) {
    return same(result,
                (activation != SINTER_NO_ACTIVATION && a < 0 && std::isinf(a) ? NAN : a) * b);
  }
  const double activated = activate(activation, double(a));
  const double error = 3e-7 * std::fmax(1, std::fabs(double(a)));
  if (std::isinf(b)) {  // a factor near 0 may be 0, which times infinity is NaN
    return std::fabs(activated) > error ? same(result, static_cast<float>(activated) * b)
                                        : !std::isfinite(result);
  }
  const double expected = activated * double(b);
  const double bound =
      error * std::fabs(double(b)) + FLT_EPSILON * std::fabs(expected) + double(FLT_TRUE_MIN);
  return std::isinf(result) ? std::fabs(expected) + bound >= double(FLT_MAX)
                            : std::fabs(double(result) - expected) <= bound;
}

// A value as the formulas have it, whose error is bounded.
template <class Problem>
float exact(const Problem &p, int64_t row, int64_t column) {
  const Value v = p.value(row, column);
  // Half an epsilon for a rounding, and as much for the double.
  const double bound = v.magnitude * p.roundings() * FLT_EPSILON;
  if (!p.odd() &&
      (std::fabs(double(v.exact) - v.judge) > bound || bound > 0.01 * v.magnitude + 1e-30)) {
    fail("the formulas themselves, %s: %a, in double %a, bound %g", p.c.text().c_str(),
         double(v.exact), v.judge, bound);
  }
  return v.exact;
}

// An element of y against the formulas.
template <class Problem>
void judge(const Problem &p, const char *isa, int64_t row, int64_t column, float result) {
  const float a = exact(p, row, panel_column(p.c.gate, column, 0));
  const float b = p.c.gate ? exact(p, row, panel_column(true, column, 1)) : 1;
  const float before = p.before[static_cast<size_t>(row * p.y_stride + column)];
  if (p.c.gate ? !follows_gate(a, p.c.activation, b, result)
               : !follows(a, p.c.activation, p.c.accumulate, before, result)) {
    fail("%s %s, row %lld, column %lld: %a (before activation %a, times %a)", isa,
         p.c.text().c_str(), static_cast<long long>(row), static_cast<long long>(column),
         double(result), double(a), double(b));
  }
}

}  // namespace testing

#endif
