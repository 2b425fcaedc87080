// Every variant of weight_only_gemm that this CPU runs: the scalar one against the formulas of
// sinter.h, bit for bit, whose own error is bounded in double; the others against the scalar one,
// bit for bit; and each against itself for any cut of rows and panels. All buffers end (or begin)
// at an unreadable page.
#include "cpu_features.h"
#include "gemm_problem.h"
#include "testing.h"

namespace {

using testing::Config;
using testing::Edge;
using testing::fail;
using testing::Fill;
using testing::GuardedMemory;
using testing::judge;
using testing::Problem;
using testing::put;
using testing::Random;
using testing::same;
using testing::Scales;

struct Variant {
  const char *isa;
  uint64_t needs;
  int32_t (*gemm)(const sinter_weight_only_gemm_args *);
  long cases = 0;
};

#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
#define VARIANT(isa) {#isa, SINTER_NEEDS_##isa, sinter_weight_only_gemm_##isa},
#define TAKE_weight_only_gemm ~, VARIANT
Variant variants[] = {
#include "KERNELS.def"
};

Random random_;

struct Memory {
  GuardedMemory x{20 << 20}, w{20 << 20}, w_scales{2 << 20}, centers{1 << 20}, bias{1 << 16},
      y{4 << 20};
};
Memory memory;

// What comes out for the weights of a Problem and activations of its own.
struct FloatProblem : Problem {
  int64_t stride;
  std::vector<float> floats;  // [m][stride], the last row short

  explicit FloatProblem(const Config &config)
      : Problem(config, random_), stride(c.k + random_.between(0, 20)) {
    for (int64_t i = 0; i < (c.m - 1) * stride + c.k; i++) {
      floats.push_back(random_.uniform(-1, 1));
      if (c.scales == Scales::odd && random_.between(0, 63) == 0) {
        floats.back() = random_.pick<float>(
            {0, -0.0f, FLT_TRUE_MIN, -1e-40f, FLT_MIN, 1e25f, -FLT_MAX, INFINITY, -INFINITY, NAN});
      }
    }
  }

  testing::Value value(int64_t row, int64_t column) const {
    return c.bits == 8 ? by_floats(row, column) : by_digits(row, column);
  }

  testing::Value by_floats(int64_t row, int64_t column) const {
    float f = 0;
    double judge = 0;
    double magnitude = 0;
    const int64_t length = c.w_group == 0 ? c.k : c.w_group;
    for (int64_t group = 0; group < groups; group++) {
      const size_t at = static_cast<size_t>((column / 16 * groups + group) * 16 + column % 16);
      const int32_t center = centers[at] - (c.bits == 8 ? 128 : 8);
      float sum = 0;
      for (int64_t i = group * length; i < std::min((group + 1) * length, c.k); i++) {
        const int32_t integer = w[static_cast<size_t>(column * c.k + i)] - center;
        const float factor = floats[static_cast<size_t>(row * stride + i)];
        sum = std::fma(static_cast<float>(integer), factor, sum);
        const double term = double(factor) * integer * double(w_scales[at]);
        judge += term;
        magnitude += std::fabs(term);
      }
      f = std::fma(sum, w_scales[at], f);
    }
    const float b = c.bias ? bias[testing::bias_column(c.gate, column, c.n)] : 0.0f;
    return {f + b, judge + double(b), magnitude + std::fabs(double(b))};
  }

  // In units of 2^-149 or more, found by trying. Sums are exact, so digits do not show.
  testing::Value by_digits(int64_t row, int64_t column) const {
    float f = 0;
    double judge = 0;
    double magnitude = 0;
    const float *x = floats.data() + row * stride;
    for (int64_t begin = 0; begin < c.k; begin += 32) {
      const int64_t end = std::min(begin + 32, c.k);
      const int64_t group = c.w_group == 0 ? 0 : begin / c.w_group;
      const size_t at = static_cast<size_t>((column / 16 * groups + group) * 16 + column % 16);
      const double unit = unit_of(x + begin, x + end);
      int64_t sum = 0;
      for (int64_t i = begin; i < end; i++) {
        const int32_t integer = w[static_cast<size_t>(column * c.k + i)] - (centers[at] - 8);
        if (std::isfinite(unit)) {
          sum += std::llrint(double(x[i]) / unit) * integer;
        }
        const double term = double(x[i]) * integer * double(w_scales[at]);
        judge += term;
        magnitude += std::fabs(term);
      }
      f = std::fma(static_cast<float>(sum) * static_cast<float>(unit), w_scales[at], f);
    }
    const float b = c.bias ? bias[testing::bias_column(c.gate, column, c.n)] : 0.0f;
    return {f + b, judge + double(b), magnitude + std::fabs(double(b)), splitting(row, column)};
  }

  static double unit_of(const float *begin, const float *end) {
    double largest = 0;
    for (const float *x = begin; x < end; x++) {
      if (!std::isfinite(*x)) {
        return NAN;
      }
      largest = std::max(largest, std::fabs(double(*x)));
    }
    double unit = 0x1p-149;
    while (std::rint(largest / unit) > 0x7f7f7f) {
      unit *= 2;
    }
    return unit;
  }

  // Half a unit for each weight, which the roundings below know nothing of.
  double splitting(int64_t row, int64_t column) const {
    double error = 0;
    const float *x = floats.data() + row * stride;
    for (int64_t i = 0; i < c.k; i++) {
      const int64_t group = c.w_group == 0 ? 0 : i / c.w_group;
      const size_t at = static_cast<size_t>((column / 16 * groups + group) * 16 + column % 16);
      const int32_t integer = w[static_cast<size_t>(column * c.k + i)] - (centers[at] - 8);
      const float *begin = x + i / 32 * 32;
      const double unit = unit_of(begin, std::min(begin + 32, x + c.k));
      error += 0.5 * unit * std::fabs(integer * double(w_scales[at]));
    }
    return error;
  }

  // The roundings that a term of the sum goes through at most.
  double roundings() const {
    const int64_t length = c.w_group == 0 ? c.k : std::min(c.w_group, c.k);
    return static_cast<double>(c.bits == 8 ? length + groups + 1 : (c.k + 31) / 32 + 3);
  }
};

const uint8_t *pack(const FloatProblem &p, Edge edge) {
  const int64_t bytes = p.panels * ((p.c.k + 31) / 32 * 32) * 16 * p.c.bits / 8;
  sinter_pack_args a{};
  a.codes = p.w.data();
  a.stride = a.k = p.c.k;
  a.n = p.columns;
  a.panel_end = p.panels;
  a.w = memory.w.place<uint8_t>(static_cast<size_t>(bytes), edge);
  const int32_t status = p.c.bits == 8 ? sinter_int8_pack_scalar(&a) : sinter_int4_pack_scalar(&a);
  if (status != SINTER_OK) {
    fail("pack of %s: status %d", p.c.text().c_str(), status);
  }
  return a.w;
}

sinter_weight_only_gemm_args place(const FloatProblem &p, Edge edge) {
  sinter_weight_only_gemm_args a{};
  a.m = p.c.m;
  a.n = p.c.n;
  a.k = p.c.k;
  a.panel_end = p.panels;
  a.x = put(memory.x, p.floats, edge);
  a.x_stride = p.stride;
  a.w = pack(p, edge);
  a.w_scales = p.c.half_scales ? static_cast<void *>(put(memory.w_scales, p.w_halves, edge))
                               : put(memory.w_scales, p.w_scales, edge);
  a.w_zero_points = p.c.w_zero_points ? put(memory.centers, p.centers, edge) : nullptr;
  a.w_group = p.c.w_group;
  a.bias = p.c.bias ? put(memory.bias, p.bias, edge) : nullptr;
  a.y_stride = p.y_stride;
  a.bits = p.c.bits;
  a.w_scale_type = p.c.half_scales ? SINTER_F16 : SINTER_F32;
  a.activation = p.c.activation;
  a.accumulate = p.c.accumulate;
  a.gate = p.c.gate;
  return a;
}

void run(const Variant &variant, const sinter_weight_only_gemm_args &a) {
  const int32_t status = variant.gemm(&a);
  if (status != SINTER_OK) {
    fail("%s: status %d", variant.isa, status);
  }
}

// The same in pieces: some rows, some panels at a time.
void run_cut(const Variant &variant, const FloatProblem &p, sinter_weight_only_gemm_args a) {
  for (int64_t row = 0; row < p.c.m; row += a.m) {
    a.m = std::min(p.c.m - row, random_.between(1, random_.coin() ? 3 : p.c.m));
    sinter_weight_only_gemm_args piece = a;
    piece.x += row * p.stride;
    piece.y += row * p.y_stride;
    for (int64_t panel = 0; panel < p.panels; panel = piece.panel_end) {
      piece.panel_begin = panel;
      piece.panel_end = std::min(p.panels, panel + random_.between(1, p.panels));
      run(variant, piece);
    }
  }
}

void check(const Config &config) {
  const FloatProblem p(config);
  std::vector<float> expected;
  const auto compare = [&](const char *isa, const char *what, const float *y) {
    for (size_t i = 0; i < expected.size(); i++) {
      if (!same(y[i], expected[i])) {
        fail("%s %s, %s, element %zu (stride %lld): %a, expected %a", isa, p.c.text().c_str(), what,
             i, static_cast<long long>(p.y_stride), double(y[i]), double(expected[i]));
      }
    }
  };
  for (const Edge edge : {Edge::end, Edge::begin}) {
    sinter_weight_only_gemm_args a = place(p, edge);
    for (Variant &variant : variants) {
      if (!sinter::cpu_has(variant.needs)) {
        continue;
      }
      a.y = put(memory.y, p.before, edge);
      run(variant, a);
      if (expected.empty()) {  // the scalar one
        expected.assign(a.y, a.y + p.before.size());
        for (int64_t i = 0; i < p.c.m * p.y_stride; i++) {
          const size_t at = static_cast<size_t>(i);
          if (i % p.y_stride >= p.c.n) {
            expected[at] = p.before[at];  // compare() sees what was written beyond n
          } else if (p.c.m * p.c.n * p.c.k < 1000000 || i < 20 ||
                     random_.between(0, p.c.m * p.c.n) < 200) {
            judge(p, variant.isa, i / p.y_stride, i % p.y_stride, expected[at]);
          }
        }
      }
      compare(variant.isa, "whole", a.y);
      a.y = put(memory.y, p.before, edge);
      run_cut(variant, p, a);
      compare(variant.isa, "in pieces", a.y);
      variant.cases++;
    }
  }
}

Config any_options(int bits, int64_t m, int64_t n, int64_t k) {
  Config c;
  c.bits = bits;
  c.m = m;
  c.n = n;
  c.k = k;
  c.w_group = random_.pick<int64_t>({0, 32, 64, 96, 128, 1 << 20});
  c.half_scales = random_.coin();
  c.w_zero_points = random_.coin();
  c.bias = random_.coin();
  c.activation = static_cast<int32_t>(
      random_.coin() ? SINTER_NO_ACTIVATION : random_.between(SINTER_GELU_ERF, SINTER_SILU));
  c.gate = random_.between(0, 2) == 0;
  c.accumulate = !c.gate && random_.between(0, 3) == 0;
  c.scales = random_.pick<Scales>({Scales::ordinary, Scales::ordinary, Scales::ones, Scales::odd});
  c.w_fill = random_.pick<Fill>({Fill::random, Fill::random, Fill::ends});
  return c;
}

// As many rows, m at most, as the time allows.
void check_any(int bits, int64_t m, int64_t n, int64_t k) {
  constexpr int64_t most = 2000000;
  while (m > 1 && m * n * k > most) {
    m = random_.between(1, m - 1);
  }
  check(any_options(bits, m, n, k));
}

// Every code and every zero point there is, each with each: an activation 1 at a time shows them.
void check_decoding(int bits) {
  const int64_t codes = 1 << bits;
  Config c;
  c.bits = bits;
  c.n = codes;
  c.k = 8 * codes;  // each code in each place of a step
  c.m = 1;
  c.w_zero_points = true;
  c.scales = Scales::ones;
  FloatProblem p(c);
  for (int64_t i = 0; i < c.n * c.k; i++) {
    p.w[static_cast<size_t>(i)] = static_cast<int8_t>(i % c.k / 8 - codes / 2);
  }
  for (int64_t n = 0; n < c.n; n++) {
    p.centers[static_cast<size_t>(n)] = static_cast<uint8_t>(n);
  }
  sinter_weight_only_gemm_args a = place(p, Edge::end);
  a.y = memory.y.place<float>(static_cast<size_t>(c.n), Edge::end);
  float *x = memory.x.place<float>(static_cast<size_t>(c.k), Edge::end);
  a.x = x;
  std::memset(x, 0, static_cast<size_t>(c.k) * sizeof *x);
  for (const Variant &variant : variants) {
    for (int64_t k = 0; sinter::cpu_has(variant.needs) && k < c.k; k++) {
      x[k] = 1;
      run(variant, a);
      x[k] = 0;
      for (int64_t n = 0; n < c.n; n++) {
        if (!same(a.y[n], static_cast<float>(k / 8 - n))) {
          fail("int%d %s: code %lld at %lld less %lld is %a", bits, variant.isa,
               static_cast<long long>(k / 8), static_cast<long long>(k), static_cast<long long>(n),
               double(a.y[n]));
        }
      }
    }
  }
}

}  // namespace

int main() {
  for (const int bits : {4, 8}) {
    check_decoding(bits);
    for (const int64_t k : {1, 7, 8, 9, 31, 33, 127, 129, 384, 4096, 11008}) {
      for (const int64_t n : {1, 15, 16, 17, 50, 64, 193}) {
        check_any(bits, random_.between(1, 20), n, k);
      }
    }
    for (int64_t m = 1; m <= 33; m++) {
      check_any(bits, m, random_.between(1, 100), random_.between(1, 300));
    }
    for (const int64_t m : {127, 128, 129, 257, 512}) {
      check_any(bits, m, 50, random_.between(1, 70));
      check_any(bits, m, 3, 1000);
    }
    for (const int64_t n : {1, 7, 8, 9, 16, 23, 25}) {
      for (const int64_t m : {1, 2, 3, 4, 5, 8, 9}) {
        Config gate = any_options(bits, m, n, random_.between(1, 300));
        gate.gate = true;
        gate.accumulate = false;
        check(gate);
      }
    }
    check_any(bits, 1, 17, 2 * 16384 + 40);  // more than is split into digits at a time
    check_any(bits, 2, 17, 2 * 16384 + 40);
    check_any(bits, 9, 17, 2 * 1024 + 40);
    check_any(bits, 1, 16 * 64 + 5, 100);  // and more panels
    check_any(bits, 3, 16 * 64 + 5, 100);
    for (const Fill fill : {Fill::lowest, Fill::highest}) {
      Config c = any_options(bits, random_.between(1, 9), 33, 500);
      c.w_fill = fill;
      check(c);
    }
  }
  for (const Variant &variant : variants) {
    std::printf("weight only %s: %ld cases\n", variant.isa, variant.cases);
    if ((variant.cases != 0) != sinter::cpu_has(variant.needs)) {
      fail("%s: %ld cases", variant.isa, variant.cases);
    }
  }
  return 0;
}
