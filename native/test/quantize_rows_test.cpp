// Every variant of quantize_rows that this CPU runs, bit for bit against the formulas of sinter.h
// written out plainly, whose own error is bounded in double. All buffers end (or begin) at an
// unreadable page.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;

constexpr int64_t max_rows = 5;
constexpr int64_t max_k = 1536;

struct Variant {
  const char *isa;
  uint64_t needs;
  decltype(&sinter_quantize_rows_scalar) run;
};

const char *const names[] = {"u8", "s8", "s8z"};  // by SINTER_CODES_

#define VARIANT(isa) {#isa, SINTER_NEEDS_##isa, sinter_quantize_rows_##isa},
#define TAKE_quantize_rows ~, VARIANT
#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
const Variant variants[] = {
#include "KERNELS.def"
};
#undef SINTER_KERNEL

struct Expected {
  float scale = 0;
  int32_t zero_point = 0;
  int32_t sum = 0;
  std::vector<int32_t> codes;
};

// Of one group.
Expected judge(const float *x, int64_t k, bool u8) {
  Expected e;
  e.codes.assign(static_cast<size_t>(k), 0);
  float lo = 0;
  float hi = 0;
  for (int64_t i = 0; i < k; i++) {
    if (!std::isfinite(x[i])) {
      e.scale = std::numeric_limits<float>::quiet_NaN();
      return e;
    }
    lo = std::fmin(lo, x[i]);
    hi = std::fmax(hi, x[i]);
  }
  const float most = u8 ? 255.0f : 127.0f;
  const float least = u8 ? 0.0f : -127.0f;
  e.scale = u8 ? hi / 255.0f - lo / 255.0f : std::fmax(std::fabs(lo), hi) / 127.0f;
  if (e.scale == 0) {
    e.scale = 0;  // not -0.0
    return e;
  }
  if (u8) {
    const float z = std::nearbyint(-lo / e.scale);
    e.zero_point = static_cast<int32_t>(std::fmin(std::fmax(z, 0.0f), 255.0f));
  }
  for (int64_t i = 0; i < k; i++) {
    const float q = std::nearbyint(x[i] / e.scale) + static_cast<float>(e.zero_point);
    const int32_t code = static_cast<int32_t>(std::fmin(std::fmax(q, least), most));
    e.codes[static_cast<size_t>(i)] = code;
    e.sum += code - e.zero_point;
    // Half a step by rounding x / s, half by rounding z; nothing bounds a scale that is subnormal.
    const double error = std::fabs(double(code - e.zero_point) * e.scale - double(x[i]));
    if (e.scale >= FLT_MIN && error > e.scale * (1 + 1e-4)) {
      fail("the judge itself: x %a, scale %a, error %g", x[i], e.scale, error);
    }
  }
  return e;
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// How one case is laid out.
struct Layout {
  int64_t rows, k, stride, group;  // 0: all of k
  std::vector<int32_t> columns;    // empty: in order
};

void check(const Variant &variant, int32_t kind, const char *what, const std::vector<float> &values,
           const Layout &l) {
  const int32_t offset = kind == SINTER_CODES_S8Z ? -128 : 0;
  static GuardedMemory memory[] = {GuardedMemory(max_rows * max_k * sizeof(float)),
                                   GuardedMemory(max_rows * (max_k + 64)),
                                   GuardedMemory(max_rows * max_k * sizeof(float)),
                                   GuardedMemory(max_rows * max_k * sizeof(int32_t)),
                                   GuardedMemory(max_rows * max_k * sizeof(int32_t)),
                                   GuardedMemory(max_k * sizeof(int32_t))};
  const int64_t group = l.group == 0 ? l.k : l.group;
  const int64_t groups = (l.k + group - 1) / group;
  for (const Edge edge : {Edge::end, Edge::begin}) {
    const size_t n = static_cast<size_t>(l.rows * groups);
    float *x = memory[0].place<float>(values.size(), edge);
    uint8_t *codes = memory[1].place<uint8_t>(static_cast<size_t>(l.rows * l.stride), edge);
    float *scales = memory[2].place<float>(n, edge);
    int32_t *zero_points = memory[3].place<int32_t>(n, edge);
    int32_t *sums = memory[4].place<int32_t>(n, edge);
    int32_t *columns = nullptr;
    std::memcpy(x, values.data(), values.size() * sizeof(float));
    if (!l.columns.empty()) {
      columns = memory[5].place<int32_t>(l.columns.size(), edge);
      std::memcpy(columns, l.columns.data(), l.columns.size() * sizeof(int32_t));
    }
    const sinter_quantize_format format{l.k, l.group, columns, kind};
    const int32_t status =
        variant.run(&format, x, 0, l.rows, codes, l.stride, scales, zero_points, sums);
    if (status != SINTER_OK) {
      fail("%s %s: status %d", variant.isa, what, status);
    }
    std::vector<float> row(static_cast<size_t>(l.k));
    for (int64_t r = 0; r < l.rows; r++) {
      for (int64_t i = 0; i < l.k; i++) {
        row[static_cast<size_t>(i)] = x[r * l.k + (columns == nullptr ? i : columns[i])];
      }
      const auto code = [&](int64_t i) {
        const uint8_t q = codes[r * l.stride + i];
        return kind == SINTER_CODES_U8 ? int32_t{q} : int32_t{static_cast<int8_t>(q)};
      };
      const auto where = [&](int64_t g) {
        static char text[200];
        std::snprintf(text, sizeof text, "%s %s %s, k %lld, row %lld, group %lld of %lld, %s",
                      variant.isa, names[kind], what, static_cast<long long>(l.k),
                      static_cast<long long>(r), static_cast<long long>(g),
                      static_cast<long long>(group), columns ? "reordered" : "in order");
        return text;
      };
      int32_t zero_point = 0;
      for (int64_t g = 0; g < groups; g++) {
        const int64_t begin = g * group;
        const int64_t width = l.k - begin < group ? l.k - begin : group;
        Expected e = judge(row.data() + begin, width, kind != SINTER_CODES_S8);
        zero_point = e.zero_point += offset;
        const size_t at = static_cast<size_t>(r * groups + g);
        if (!same_bits(scales[at], e.scale) || zero_points[at] != e.zero_point ||
            sums[at] != e.sum) {
          fail("%s: scale %a, zero point %d, sum %d; expected %a, %d, %d", where(g),
               double(scales[at]), zero_points[at], sums[at], double(e.scale), e.zero_point, e.sum);
        }
        for (int64_t i = 0; i < width; i++) {
          const int32_t expected = e.codes[static_cast<size_t>(i)] + offset;
          if (code(begin + i) != expected) {
            fail("%s, value %lld: code %d, expected %d", where(g), static_cast<long long>(i),
                 code(begin + i), expected);
          }
        }
      }
      for (int64_t i = l.k; i < l.stride; i++) {
        if (code(i) != zero_point) {
          fail("%s: %d behind the row, expected %d", where(groups - 1), code(i), zero_point);
        }
      }
    }
  }
}

long cases = 0;
long reordered = 0;
long grouped = 0;

void check_all(const char *what, const std::vector<float> &values, int64_t rows, int64_t k) {
  static std::mt19937_64 random(testing::seed() + 1);
  static const int64_t groups[] = {0, 0, 32, 128, 7};
  for (const int64_t stride : {k, k + 1, (k + 63) / 64 * 64}) {
    Layout layout{rows, k, stride, groups[random() % 5], {}};
    if (random() % 2 == 0) {
      for (int64_t i = 0; i < k; i++) {
        layout.columns.push_back(static_cast<int32_t>(i));
      }
      std::shuffle(layout.columns.begin(), layout.columns.end(), random);
      reordered++;
    }
    grouped += layout.group != 0 && layout.group < k;
    for (const Variant &variant : variants) {
      if (sinter::cpu_has(variant.needs)) {
        for (const int32_t kind : {SINTER_CODES_U8, SINTER_CODES_S8, SINTER_CODES_S8Z}) {
          check(variant, kind, what, values, layout);
        }
        cases++;
      }
    }
  }
}

// What must be refused before anything is read.
void check_refusals() {
  float x[4] = {};
  uint8_t codes[4];
  float scales[4];
  int32_t ints[4];
  const auto status = [&](const sinter_quantize_format &f, int64_t rows, int64_t stride,
                          const float *from) {
    return sinter_quantize_rows_scalar(&f, from, 0, rows, codes, stride, scales, ints, ints);
  };
  const sinter_quantize_format good{4, 0, nullptr, SINTER_CODES_U8};
  const int32_t bad = SINTER_INVALID_ARGUMENT;
  if (status(good, 1, 4, x) != SINTER_OK || status(good, 1, 3, x) != bad ||
      status(good, -1, 4, x) != bad || status(good, 1, 4, nullptr) != bad ||
      status({0, 0, nullptr, 0}, 1, 4, x) != bad || status({4, -1, nullptr, 0}, 1, 4, x) != bad ||
      status({4, 0, nullptr, 3}, 1, 4, x) != bad ||
      status({SINTER_QUANTIZE_ROWS_MAX_K + 1, 0, nullptr, 0}, 1, 9000000, x) != bad) {
    fail("a call that should be refused is not, or the other way round");
  }
}

class Values {
 public:
  std::vector<float> normal(size_t n, float spread) {
    std::normal_distribution<float> d(0, spread);
    return fill(n, [&] { return d(random_); });
  }
  std::vector<float> uniform(size_t n, float from, float to) {
    std::uniform_real_distribution<float> d(from, to);
    return fill(n, [&] { return d(random_); });
  }
  // Any finite bit pattern.
  std::vector<float> bits(size_t n, uint32_t mask) {
    return fill(n, [&] {
      for (;;) {
        const uint32_t b = static_cast<uint32_t>(random_()) & mask;
        float v;
        std::memcpy(&v, &b, sizeof v);
        if (std::isfinite(v)) {
          return v;
        }
      }
    });
  }
  // Multiples of a half, with the extreme values that make the scale 1: all ties.
  std::vector<float> ties(size_t n, bool u8) {
    auto v = fill(n, [&] {
      return 0.5f * static_cast<float>(static_cast<int>(random_() % 509) - (u8 ? 200 : 254));
    });
    v[0] = u8 ? 155 : 127;
    if (u8 && n > 1) {
      v[n - 1] = -100;
    }
    return v;
  }
  size_t index(size_t n) { return random_() % n; }

 private:
  template <class F>
  std::vector<float> fill(size_t n, F next) {
    std::vector<float> v(n);
    for (float &e : v) {
      e = next();
    }
    return v;
  }

  std::mt19937_64 random_{testing::seed()};
};

void check_shape(Values &make, int64_t rows, int64_t k) {
  const size_t n = static_cast<size_t>(rows * k);
  check_all("normal", make.normal(n, 3), rows, k);
  check_all("positive", make.uniform(n, 0.5f, 9), rows, k);
  check_all("negative", make.uniform(n, -7, -0.01f), rows, k);
  check_all("any finite bits", make.bits(n, 0xffffffff), rows, k);
  check_all("subnormal", make.bits(n, 0x807fffff), rows, k);
  check_all("a few units above zero", make.bits(n, 0x800003ff), rows, k);
  check_all("ties", make.ties(n, false), rows, k);
  check_all("ties", make.ties(n, true), rows, k);
  check_all("zero", std::vector<float>(n, 0.0f), rows, k);
  check_all("negative zero", std::vector<float>(n, -0.0f), rows, k);
  check_all("constant", std::vector<float>(n, 42.0f), rows, k);
  check_all("lowest", std::vector<float>(n, -FLT_MAX), rows, k);
  auto huge = make.normal(n, 1);
  huge[0] = FLT_MAX;
  huge[n - 1] = -FLT_MAX;
  check_all("whole range", huge, rows, k);
  for (const float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
    for (const size_t at : {size_t{0}, n - 1, make.index(n)}) {
      auto v = make.normal(n, 1);
      v[at] = bad;
      check_all("not finite", v, rows, k);
    }
  }
}

}  // namespace

int main() {
  Values make;
  const int64_t widths[] = {1,  2,  3,  7,  8,  9,   15,  16,   17,
                            31, 33, 63, 64, 65, 127, 384, 1021, max_k};
  for (const int64_t k : widths) {
    for (const int64_t rows : {int64_t{1}, int64_t{2}, max_rows}) {
      check_shape(make, rows, k);
    }
  }
  for (int64_t k = 1; k <= 80; k++) {
    check_all("each tail", make.normal(static_cast<size_t>(k), 1), 1, k);
  }
  check_refusals();
  if (cases == 0 || reordered == 0 || grouped == 0) {
    fail("no case has run");
  }
  for (const Variant &variant : variants) {
    std::printf("%s: %s\n", variant.isa, sinter::cpu_has(variant.needs) ? "checked" : "not here");
  }
  return 0;
}
