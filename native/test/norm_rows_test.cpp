// Every variant of norm_rows and norm_quantize_rows that this CPU runs: y within the bound of its
// roundings of what double gives, the same bits on every variant, and codes that are those of y.
// All buffers end (or begin) at an unreadable page.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;

constexpr int64_t rows = 6;  // more than norm_quantize_rows takes side by side
constexpr int64_t max_k = 1537;

struct Variant {
  const char *isa;
  uint64_t needs;
  decltype(&sinter_norm_rows_scalar) norm;
  decltype(&sinter_norm_quantize_rows_scalar) quantize;
};

#define VARIANT(isa) \
  {#isa, SINTER_NEEDS_##isa, sinter_norm_rows_##isa, sinter_norm_quantize_rows_##isa},
#define TAKE_norm_rows ~, VARIANT
#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
const Variant variants[] = {
#include "KERNELS.def"
};
#undef SINTER_KERNEL

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

std::mt19937_64 &random_bits() {
  static std::mt19937_64 r(testing::seed());
  return r;
}

Floats normals(int64_t n, float mean, float spread) {
  std::normal_distribution<float> d(mean, spread);
  Floats v(static_cast<size_t>(n));
  std::generate(v.begin(), v.end(), [&] { return d(random_bits()); });
  return v;
}

struct Case {
  const char *what;
  int64_t k;
  int32_t kind;
  float epsilon;
  Floats x, gamma, beta;
};

template <class T>
T *placed(GuardedMemory &memory, const std::vector<T> &values, Edge edge) {
  T *to = memory.place<T>(values.size(), edge);
  std::copy(values.begin(), values.end(), to);
  return to;
}

// The first-order error of every rounding of a row, a hundredth added for the higher orders: the
// mean is a sum of k terms and a division, an error of it shifts all differences; the squares and
// their sum add k + 2 roundings, the inverse root three, what follows four.
void judge(const Case &c, int64_t r, const float *y, const char *isa) {
  const float *x = c.x.data() + r * c.k;
  const double n = static_cast<double>(c.k);
  const double unit = 0x1p-24;
  double mean = 0;
  double magnitude = 0;
  bool finite = true;
  for (int64_t i = 0; i < c.k; i++) {
    finite &= std::isfinite(x[i]);
    mean += double(x[i]) / n;
    magnitude += std::fabs(double(x[i])) / n;
  }
  mean = c.kind == SINTER_LAYER_NORM ? mean : 0;
  double variance = 0;
  double deviation = 0;
  for (int64_t i = 0; i < c.k; i++) {
    variance += (x[i] - mean) * (x[i] - mean) / n;
    deviation += std::fabs(x[i] - mean) / n;
  }
  const double mean_error = c.kind == SINTER_LAYER_NORM ? (n + 1) * unit * magnitude : 0;
  const double variance_error =
      (n + 4) * unit * variance + 2 * mean_error * deviation + mean_error * mean_error;
  const double inverse = 1 / std::sqrt(variance + double(c.epsilon));
  const double relative = 0.5 * variance_error / (variance + double(c.epsilon)) + 4 * unit;
  for (int64_t i = 0; i < c.k; i++) {
    if (!finite || variance * n > double(FLT_MAX)) {
      if (!std::isnan(y[i])) {
        fail("%s %s, k %lld: row without a result has %a", isa, c.what, static_cast<long long>(c.k),
             double(y[i]));
      }
      continue;
    }
    const size_t at = static_cast<size_t>(i);
    const double g = double(c.gamma[at]);
    const double b = double(c.beta[at]);
    const double normal = (x[i] - mean) * inverse;
    const double expected = normal * g + b;
    const double bound =
        1.01 * (std::fabs(g) * (mean_error * inverse + std::fabs(normal) * relative) +
                4 * unit * (std::fabs(normal * g) + std::fabs(b)));
    if (c.k > 1 && bound > 0.1 * (std::fabs(g) + std::fabs(b))) {
      fail("%s, k %lld: a bound of %g proves nothing", c.what, static_cast<long long>(c.k), bound);
    }
    if (!(std::fabs(double(y[i]) - expected) <= bound)) {
      fail("%s %s, k %lld, row %lld, column %lld: %a, expected %a within %g", isa, c.what,
           static_cast<long long>(c.k), static_cast<long long>(r), static_cast<long long>(i),
           double(y[i]), expected, bound);
    }
  }
}

struct Codes {
  std::vector<uint8_t> codes;
  Floats scales;
  Ints zero_points, sums;
};

template <class T>
bool same(const std::vector<T> &a, const T *b) {
  return std::memcmp(a.data(), b, a.size() * sizeof(T)) == 0;
}

// The codes of y in memory of its own.
Codes quantized(const Floats &y, const sinter_quantize_format &f, int64_t stride, int64_t groups) {
  const size_t n = static_cast<size_t>(rows * groups);
  Codes c{std::vector<uint8_t>(static_cast<size_t>(rows * stride)), Floats(n), Ints(n), Ints(n)};
  if (sinter_quantize_rows_scalar(&f, y.data(), 0, rows, c.codes.data(), stride, c.scales.data(),
                                  c.zero_points.data(), c.sums.data()) != SINTER_OK) {
    fail("quantize_rows");
  }
  return c;
}

// As floats, so that one NaN is as good as another.
bool same(const Floats &a, const float *b) {
  return std::equal(a.begin(), a.end(), b, [](float left, float right) {
    return std::memcmp(&left, &right, sizeof left) == 0 || (std::isnan(left) && std::isnan(right));
  });
}

long cases = 0;

void check(const Case &c) {
  static GuardedMemory memory[] = {GuardedMemory(rows * max_k * 4),
                                   GuardedMemory(rows * max_k * 4),
                                   GuardedMemory(max_k * 4),
                                   GuardedMemory(max_k * 4),
                                   GuardedMemory(rows * (max_k + 64)),
                                   GuardedMemory(rows * max_k * 4),
                                   GuardedMemory(rows * max_k * 4),
                                   GuardedMemory(rows * max_k * 4),
                                   GuardedMemory(max_k * 4)};
  const int64_t stride = c.k + static_cast<int64_t>(random_bits()() % 3) * 13;
  const int64_t group = Ints{0, 32, 128}[random_bits()() % 3];
  const int64_t groups = group == 0 ? 1 : (c.k + group - 1) / group;
  const size_t entries = static_cast<size_t>(rows * groups);
  Ints order(static_cast<size_t>(c.k));
  for (size_t i = 0; i < order.size(); i++) {
    order[i] = static_cast<int32_t>(i);
  }
  std::shuffle(order.begin(), order.end(), random_bits());
  Floats first;  // what the first variant makes
  for (const Variant &v : variants) {
    if (!sinter::cpu_has(v.needs)) {
      continue;
    }
    for (const Edge edge : {Edge::end, Edge::begin}) {
      float *x = placed(memory[0], c.x, edge);
      float *y = memory[1].place<float>(c.x.size(), edge);
      const float *gamma = placed(memory[2], c.gamma, edge);
      const float *beta = placed(memory[3], c.beta, edge);
      const sinter_norm norm{c.k, gamma, beta, c.epsilon, c.kind};
      if (v.norm(&norm, x, 0, rows, y) != SINTER_OK) {
        fail("%s: status", v.isa);
      }
      if (first.empty()) {
        first.assign(y, y + c.x.size());
        for (int64_t r = 0; r < rows; r++) {
          judge(c, r, y + r * c.k, v.isa);
        }
      } else if (!same(first, y)) {
        fail("%s %s, k %lld: other bits than the first variant", v.isa, c.what,
             static_cast<long long>(c.k));
      }
      for (const int32_t kind : {SINTER_CODES_U8, SINTER_CODES_S8, SINTER_CODES_S8Z}) {
        for (const bool reorder : {false, true}) {
          const int32_t *columns = reorder ? placed(memory[8], order, edge) : nullptr;
          const sinter_quantize_format format{c.k, group, columns, kind};
          const Codes expected = quantized(first, format, stride, groups);
          enum { to_y, in_place, no_y };
          for (const int mode : {to_y, no_y, in_place}) {  // the last spoils x
            x = placed(memory[0], c.x, edge);
            y = memory[1].place<float>(c.x.size(), edge);
            uint8_t *codes = memory[4].place<uint8_t>(expected.codes.size(), edge);
            float *scales = memory[5].place<float>(entries, edge);
            int32_t *zero_points = memory[6].place<int32_t>(entries, edge);
            int32_t *sums = memory[7].place<int32_t>(entries, edge);
            float *result = mode == in_place ? x : mode == no_y ? nullptr : y;
            if (v.quantize(&norm, &format, x, 0, rows, result, codes, stride, scales, zero_points,
                           sums) != SINTER_OK) {
              fail("%s: status", v.isa);
            }
            if ((result != nullptr && !same(first, result)) || !same(expected.codes, codes) ||
                !same(expected.scales, scales) || !same(expected.zero_points, zero_points) ||
                !same(expected.sums, sums)) {
              fail("%s %s, k %lld, group %lld, codes %d, reordered %d, mode %d: not the codes of y",
                   v.isa, c.what, static_cast<long long>(c.k), static_cast<long long>(group), kind,
                   reorder, mode);
            }
            cases++;
          }
        }
      }
    }
  }
}

void check_width(int64_t k) {
  // One value always equals its mean, and the distance is lost in epsilon.
  const float epsilon = k == 1 ? 1.0f : 1e-12f;
  for (const int32_t kind : {SINTER_LAYER_NORM, SINTER_RMS_NORM}) {
    const Floats gamma = normals(k, 0, 1);
    const Floats beta = normals(k, 0, 1);
    const auto check_values = [&](const char *what, const Floats &x) {
      check({what, k, kind, epsilon, x, gamma, beta});
    };
    for (const float mean : {0.0f, 3.0f, -20.0f}) {
      check_values("normal", normals(rows * k, mean, 2));
    }
    check_values("zero", Floats(static_cast<size_t>(rows * k), 0.0f));
    for (const float bad : {NAN, -NAN, INFINITY, -INFINITY, 1e30f}) {
      Floats x = normals(rows * k, 0, 1);
      if (bad == 1e30f && k == 1 && kind == SINTER_LAYER_NORM) {
        continue;  // its own mean, so 0
      }
      x[static_cast<size_t>(k) + random_bits()() % static_cast<size_t>(k)] = bad;
      check_values("a row without a result", x);
    }
  }
}

// What lies behind a row less a huge mean, times a huge factor, is infinite: none of it may reach
// the codes. The mean is exact, so that y is beta.
void check_tail() {
  constexpr int64_t k = 17;
  const Floats x(k, 0x1p120f);
  const Floats gamma = normals(k, 0, 1);
  const Floats beta = normals(k, 0, 1);
  const sinter_norm norm{k, gamma.data(), beta.data(), 1e-30f, SINTER_LAYER_NORM};
  const sinter_quantize_format format{k, 0, nullptr, SINTER_CODES_U8};
  for (const Variant &v : variants) {
    float y[k];
    uint8_t codes[k];
    float scale;
    int32_t ints[2];
    if (sinter::cpu_has(v.needs) && (v.quantize(&norm, &format, x.data(), 0, 1, y, codes, k, &scale,
                                                ints, ints + 1) != SINTER_OK ||
                                     !same(beta, y) || !std::isfinite(scale))) {
      fail("%s: a constant row is not beta, or its scale is %a", v.isa, double(scale));
    }
  }
}

void check_refusals() {
  float x[4] = {1, 2, 3, 4};
  float y[4];
  const auto status = [&](const sinter_norm &n, int64_t count, float *to) {
    return sinter_norm_rows_scalar(&n, x, 0, count, to);
  };
  const int32_t bad = SINTER_INVALID_ARGUMENT;
  const sinter_quantize_format other{3, 0, nullptr, SINTER_CODES_U8};
  const sinter_norm good{4, x, x, 0, SINTER_LAYER_NORM};
  int32_t ints[1];
  uint8_t codes[4];
  if (status(good, 1, y) != SINTER_OK || status(good, 1, nullptr) != bad ||
      status(good, -1, y) != bad || status({4, nullptr, x, 0, 0}, 1, y) != bad ||
      status({4, x, nullptr, 0, 0}, 1, y) != bad || status({0, x, x, 0, 0}, 1, y) != bad ||
      status({4, x, x, -1, 0}, 1, y) != bad || status({4, x, x, NAN, 0}, 1, y) != bad ||
      status({4, x, x, 0, 2}, 1, y) != bad ||
      sinter_norm_quantize_rows_scalar(&good, &other, x, 0, 1, y, codes, 4, y, ints, ints) != bad) {
    fail("a call that should be refused is not, or the other way round");
  }
}

}  // namespace

int main() {
  for (const int64_t k : {1,  2,  3,  7,  8,  9,   15,  16,  17,  31,   32,   33,  47,
                          48, 49, 63, 64, 65, 127, 255, 384, 385, 1021, 1536, 1537}) {
    check_width(k);
  }
  check_tail();
  check_refusals();
  if (cases == 0) {
    fail("no case has run");
  }
  for (const Variant &v : variants) {
    std::printf("%s: %s\n", v.isa, sinter::cpu_has(v.needs) ? "checked" : "not here");
  }
  return 0;
}
