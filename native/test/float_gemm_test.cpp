// Every variant of f32_gemm, bf16_gemm and bf16_weights_gemm that this CPU runs: the scalar one,
// and that for pairs of bfloat16, against the formulas of sinter.h, bit for bit, whose own error is
// bounded in double; the others against the scalar one, bit for bit; and each against itself for
// any cut of rows and panels. All buffers end (or begin) at an unreadable page.
#include "cpu_features.h"
#include "gemm_problem.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;
using testing::judge;
using testing::put;
using testing::Random;
using testing::same;

// Types of x and of w; bf16_pairs have formulas of their own.
enum class Types { f32, bf16, bf16_pairs, bf16_weights };

constexpr Types bf16_scalar = Types::bf16;
constexpr Types bf16_avx2 = Types::bf16;
constexpr Types bf16_avx512 = Types::bf16;
constexpr Types bf16_avx512bf16 = Types::bf16_pairs;

struct Variant {
  Types types;
  const char *name;
  uint64_t needs;
  int32_t (*gemm)(const sinter_float_gemm_args *);
  long cases = 0;
};

#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
#define F32_VARIANT(isa) {Types::f32, "f32 " #isa, SINTER_NEEDS_##isa, sinter_f32_gemm_##isa},
#define BF16_VARIANT(isa) {bf16_##isa, "bf16 " #isa, SINTER_NEEDS_##isa, sinter_bf16_gemm_##isa},
#define BF16_WEIGHTS_VARIANT(isa) \
  {Types::bf16_weights, "bf16 weights " #isa, SINTER_NEEDS_##isa, sinter_bf16_weights_gemm_##isa},
#define TAKE_bf16_weights_gemm ~, BF16_WEIGHTS_VARIANT
#define TAKE_f32_gemm ~, F32_VARIANT
#define TAKE_bf16_gemm ~, BF16_VARIANT
Variant variants[] = {
#include "KERNELS.def"
};

Random random_;

struct Memory {
  GuardedMemory x{4 << 20}, rows{20 << 20}, w{20 << 20}, bias{1 << 16}, y{4 << 20};
};
Memory memory;

// Values: ordinary; all of one sign, so that nothing cancels; products around the subnormal
// numbers, or x around them and w so large that it shows; or with zeros, subnormal and huge
// numbers, infinity and NaN among them.
enum class Fill { ordinary, positive, tiny, tiny_x, odd };

struct Config {
  int64_t m, n, k;
  Types types;
  bool bias, accumulate, gate;
  int32_t activation;
  Fill fill;

  bool bf16_x() const { return types == Types::bf16 || types == Types::bf16_pairs; }
  bool bf16_w() const { return types != Types::f32; }

  std::string text() const {
    char line[176];
    std::snprintf(
        line, sizeof line,
        "m %lld n %lld k %lld types %d bias %d activation %d accumulate %d gate %d fill %d",
        static_cast<long long>(m), static_cast<long long>(n), static_cast<long long>(k),
        static_cast<int>(types), bias, activation, accumulate, gate, static_cast<int>(fill));
    return line;
  }
};

uint16_t upper_half(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

float widened(uint16_t upper_half) {
  const uint32_t bits = uint32_t{upper_half} << 16;
  float v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

// Values where a call can read them, in its type.
const void *put_factors(GuardedMemory &into, const std::vector<float> &values, bool bf16,
                        Edge edge) {
  if (!bf16) {
    return put(into, values, edge);
  }
  std::vector<uint16_t> halves;
  for (const float v : values) {
    halves.push_back(upper_half(v));
  }
  return put(into, halves, edge);
}

struct Problem {
  Config c;
  int64_t panels, columns, x_stride, w_stride, y_stride;
  std::vector<float> x, w, bias, before;

  explicit Problem(const Config &config)
      : c(config),
        panels(c.gate ? (c.n + 7) / 8 : (c.n + 15) / 16),
        columns(c.gate ? 16 * panels : c.n),
        x_stride((c.bf16_x() ? (c.k + 1) / 2 * 2 : c.k) + random_.between(0, 20)),
        w_stride(c.k + random_.between(0, 20)),
        y_stride(c.n + random_.between(0, 20)),
        x(factors(c.bf16_x(), c.fill == Fill::tiny_x ? -126 : -63,
                  (c.m - 1) * x_stride + (c.bf16_x() ? (c.k + 1) / 2 * 2 : c.k))),
        w(factors(c.bf16_w(), c.fill == Fill::tiny_x ? 100 : -63, (columns - 1) * w_stride + c.k)),
        bias(values(c.gate ? 2 * c.n : c.n)),
        before(values((c.m - 1) * y_stride + c.n)) {
    for (int64_t row = 0; c.bf16_x() && c.k % 2 != 0 && row < c.m; row++) {
      x[static_cast<size_t>(row * x_stride + c.k)] = 0;
    }
  }

  // Of x and w: bfloat16 values as floats, if that is what they are; tiny ones around 2^exponent.
  std::vector<float> factors(bool bf16, int exponent, int64_t count) const {
    std::vector<float> v = values(count);
    for (float &e : v) {
      if (c.fill == Fill::tiny || c.fill == Fill::tiny_x) {
        e = std::ldexp(e, exponent + static_cast<int>(random_.between(-9, 9)));
      }
      e = bf16 ? widened(upper_half(e)) : e;
    }
    return v;
  }

  std::vector<float> values(int64_t count) const {
    std::vector<float> v(static_cast<size_t>(count));
    for (float &e : v) {
      e = c.fill == Fill::positive ? random_.uniform(0.5f, 1) : random_.uniform(-1, 1);
      if (c.fill == Fill::odd && random_.between(0, 63) == 0) {
        e = random_.pick<float>(
            {0, -0.0f, FLT_TRUE_MIN, -1e-40f, FLT_MIN, 1e25f, -FLT_MAX, INFINITY, -INFINITY, NAN});
      }
    }
    return v;
  }

  // Whether the result may be all error: pairs have no subnormal x.
  bool odd() const {
    return c.fill == Fill::odd || (c.fill == Fill::tiny_x && c.types == Types::bf16_pairs);
  }

  // One for each k and one for the bias.
  double roundings() const { return static_cast<double>(c.k + 1); }

  // What an instruction for pairs makes of subnormal numbers.
  static float flushed(float v) { return std::fabs(v) < FLT_MIN ? std::copysign(0.0f, v) : v; }

  static float step(float w, float x, float sum) {
    return flushed(std::fma(flushed(w), flushed(x), flushed(sum)));
  }

  // How far off a product is besides roundings: all of it if a factor is subnormal and they count
  // as 0, and what a subnormal sum loses by that or by its own rounding.
  double off(float w, float x) const {
    if (c.types != Types::bf16_pairs) {
      return double(FLT_TRUE_MIN);
    }
    const bool lost = flushed(w) != w || flushed(x) != x;
    return (lost ? std::fabs(double(w) * double(x)) : 0) + double(FLT_MIN);
  }

  // A column of the panels as sinter.h writes it.
  testing::Value value(int64_t row, int64_t column) const {
    const float *factors = x.data() + row * x_stride;
    const float *weights = w.data() + column * w_stride;
    const float b = c.bias ? bias[testing::bias_column(c.gate, column, c.n)] : 0.0f;
    float sum = 0;
    double judge = double(b);
    double magnitude = std::fabs(judge);
    double lost = 0;
    for (int64_t i = 0; c.types == Types::bf16_pairs && i < c.k; i += 2) {
      if (i + 1 < c.k) {
        sum = step(weights[i + 1], factors[i + 1], sum);
      } else {
        sum = flushed(sum);
      }
      sum = step(weights[i], factors[i], sum);
    }
    for (int64_t i = 0; i < c.k; i++) {
      if (c.types != Types::bf16_pairs) {
        sum = std::fma(weights[i], factors[i], sum);
      }
      judge += double(weights[i]) * double(factors[i]);
      magnitude += std::fabs(double(weights[i]) * double(factors[i]));
      lost += off(weights[i], factors[i]);
    }
    return {sum + b, judge, magnitude, lost};
  }
};

// Packs by two calls, cut anywhere.
const void *pack(const Problem &p, Edge edge) {
  const int64_t together = p.c.bf16_w() ? 2 : 1;
  const int64_t k = (p.c.k + together - 1) / together * together;
  const size_t count = static_cast<size_t>(p.panels * k * 16);
  auto *const floats = memory.w.place<float>(p.c.bf16_w() ? count / 2 : count, edge);
  const auto *const halves = reinterpret_cast<const uint16_t *>(floats);
  const void *const w = put_factors(memory.rows, p.w, p.c.bf16_w(), edge);
  const int64_t cut = random_.between(0, p.panels);
  for (const auto &[from, to] : {std::pair{cut, p.panels}, std::pair{int64_t{0}, cut}}) {
    const sinter_float_pack_args a{w, p.w_stride, p.columns, p.c.k, from, to, floats};
    if ((p.c.bf16_w() ? sinter_bf16_pack_scalar : sinter_f32_pack_scalar)(&a) != SINTER_OK) {
      fail("pack of %s", p.c.text().c_str());
    }
  }
  for (size_t i = 0; i < count; i++) {
    const int64_t at = static_cast<int64_t>(i) / together;
    const int64_t column = at / (16 * k / together) * 16 + at % 16;
    const int64_t row = at / 16 % (k / together) * together + static_cast<int64_t>(i) % together;
    const bool there = column < p.columns && row < p.c.k;
    const float expected = there ? p.w[static_cast<size_t>(column * p.w_stride + row)] : 0;
    if (!same(p.c.bf16_w() ? widened(halves[i]) : floats[i], expected)) {
      fail("pack of %s, element %zu", p.c.text().c_str(), i);
    }
  }
  return floats;
}

void run(const Variant &variant, const sinter_float_gemm_args &a) {
  const int32_t status = variant.gemm(&a);
  if (status != SINTER_OK) {
    fail("%s: status %d", variant.name, status);
  }
}

// The same in pieces: some rows, some panels at a time.
void run_cut(const Variant &variant, const Problem &p, sinter_float_gemm_args a) {
  for (int64_t row = 0; row < p.c.m; row += a.m) {
    a.m = std::min(p.c.m - row, random_.between(1, random_.coin() ? 3 : p.c.m));
    sinter_float_gemm_args piece = a;
    piece.x = static_cast<const char *>(a.x) + row * p.x_stride * (p.c.bf16_x() ? 2 : 4);
    piece.y += row * p.y_stride;
    for (int64_t panel = 0; panel < p.panels; panel = piece.panel_end) {
      piece.panel_begin = panel;
      piece.panel_end = std::min(p.panels, panel + random_.between(1, p.panels));
      run(variant, piece);
    }
  }
}

void check(const Config &config) {
  const Problem p(config);
  std::vector<float> expected;
  const auto compare = [&](const char *name, const char *what, const float *y) {
    for (size_t i = 0; i < expected.size(); i++) {
      if (!same(y[i], expected[i])) {
        fail("%s %s, %s, element %zu (stride %lld): %a, expected %a", name, p.c.text().c_str(),
             what, i, static_cast<long long>(p.y_stride), double(y[i]), double(expected[i]));
      }
    }
  };
  for (const Edge edge : {Edge::end, Edge::begin}) {
    sinter_float_gemm_args a{};
    a.m = p.c.m;
    a.n = p.c.n;
    a.k = p.c.k;
    a.panel_end = p.panels;
    a.x = put_factors(memory.x, p.x, p.c.bf16_x(), edge);
    a.x_stride = p.x_stride;
    a.w = pack(p, edge);
    a.bias = p.c.bias ? put(memory.bias, p.bias, edge) : nullptr;
    a.y_stride = p.y_stride;
    a.activation = p.c.activation;
    a.accumulate = p.c.accumulate;
    a.gate = p.c.gate;
    for (Variant &variant : variants) {
      if (variant.types != p.c.types || !sinter::cpu_has(variant.needs)) {
        continue;
      }
      a.y = put(memory.y, p.before, edge);
      run(variant, a);
      if (expected.empty()) {  // the scalar one
        expected.assign(a.y, a.y + p.before.size());
        for (size_t i = 0; i < expected.size(); i++) {
          const int64_t row = static_cast<int64_t>(i) / p.y_stride;
          const int64_t column = static_cast<int64_t>(i) % p.y_stride;
          if (column >= p.c.n) {
            expected[i] = p.before[i];  // compare() sees what was written beyond n
          } else if (p.c.m * p.c.n * p.c.k < 1000000 || i < 20 ||
                     random_.between(0, p.c.m * p.c.n) < 200) {
            judge(p, variant.name, row, column, expected[i]);
          }
        }
      }
      compare(variant.name, "whole", a.y);
      a.y = put(memory.y, p.before, edge);
      run_cut(variant, p, a);
      compare(variant.name, "in pieces", a.y);
      variant.cases++;
    }
  }
}

void check_any(int64_t m, int64_t n, int64_t k, bool gate = random_.between(0, 2) == 0) {
  constexpr int64_t most = 2000000;
  while (m > 1 && m * n * k > most) {
    m = random_.between(1, m - 1);
  }
  Config c{
      m,
      n,
      k,
      Types::f32,
      random_.coin(),
      !gate && random_.between(0, 2) == 0,
      gate,
      SINTER_NO_ACTIVATION,
      random_.pick<Fill>({Fill::ordinary, Fill::positive, Fill::tiny, Fill::tiny_x, Fill::odd})};
  if (random_.coin()) {
    c.activation = static_cast<int32_t>(random_.between(SINTER_GELU_ERF, SINTER_SILU));
  }
  for (const Types types : {Types::f32, Types::bf16, Types::bf16_pairs, Types::bf16_weights}) {
    c.types = types;
    c.k += types == Types::bf16_weights ? c.k % 2 : 0;
    check(c);
  }
}

}  // namespace

int main() {
  // Around the blocks of k and of rows, and the edges of panels and tiles.
  for (const int64_t k : {1, 2, 15, 384, 1535, 1536, 1537, 4096}) {
    for (const int64_t n : {1, 15, 16, 17, 50, 64, 193}) {
      check_any(random_.between(1, 20), n, k);
    }
  }
  for (int64_t m = 1; m <= 33; m++) {
    check_any(m, random_.between(1, 100), random_.between(1, 200));
  }
  for (const int64_t m : {127, 128, 129, 257, 300}) {
    check_any(m, 50, random_.between(1, 100));
    check_any(m, 3, 1600);
  }
  for (const int64_t n : {1, 7, 8, 9, 16, 23, 25}) {
    for (const int64_t m : {1, 2, 3, 4, 5, 8, 9}) {
      check_any(m, n, random_.between(1, 300), true);
    }
    check_any(2, n, 1600, true);
  }
  for (const Variant &variant : variants) {
    std::printf("%s: %ld cases\n", variant.name, variant.cases);
    if ((variant.cases != 0) != sinter::cpu_has(variant.needs)) {
      fail("%s: %ld cases", variant.name, variant.cases);
    }
  }
  return 0;
}
