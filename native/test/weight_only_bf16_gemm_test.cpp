// Every variant of weight_only_bf16_gemm that this CPU runs: the scalar one, and that which takes
// subnormal numbers for 0, against the formulas of sinter.h, bit for bit, whose own error is
// bounded in double; the others against the scalar one, bit for bit; and each against itself for
// any cut of rows and panels. All buffers end (or begin) at an unreadable page.
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
  bool flushes;
  uint64_t needs;
  int32_t (*gemm)(const sinter_weight_only_gemm_args *);
  long cases = 0;
};

constexpr bool flushes_scalar = false;
constexpr bool flushes_avx2 = false;
constexpr bool flushes_avx512 = false;
constexpr bool flushes_avx512bf16 = true;

#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
#define VARIANT(isa) {#isa, flushes_##isa, SINTER_NEEDS_##isa, sinter_weight_only_bf16_gemm_##isa},
#define TAKE_weight_only_bf16_gemm ~, VARIANT
Variant variants[] = {
#include "KERNELS.def"
};

Random random_;

struct Memory {
  GuardedMemory x{20 << 20}, w{20 << 20}, w_scales{2 << 20}, centers{1 << 20}, bias{1 << 16},
      y{4 << 20};
};
Memory memory;

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

// What comes out for the weights of a Problem and activations of its own: ordinary ones, some of
// them odd if the scales are, or all around the subnormal numbers.
struct Bf16Problem : Problem {
  int64_t stride;
  bool tiny;
  bool flushes = false;
  std::vector<uint16_t> inputs;  // [m][stride], the last row short

  explicit Bf16Problem(const Config &config)
      : Problem(config, random_),
        stride(c.k + random_.between(0, 20)),
        tiny(random_.between(0, 7) == 0) {
    for (int64_t i = 0; i < (c.m - 1) * stride + c.k; i++) {
      float v = random_.uniform(-1, 1);
      if (tiny) {
        v = std::ldexp(v, -126 + static_cast<int>(random_.between(-6, 6)));
      }
      if (c.scales == Scales::odd && random_.between(0, 63) == 0) {
        v = random_.pick<float>(
            {0, -0.0f, FLT_TRUE_MIN, -1e-39f, FLT_MIN, 1e25f, -FLT_MAX, INFINITY, -INFINITY, NAN});
      }
      inputs.push_back(upper_half(v));
    }
  }

  // What vdpbf16ps makes of subnormal numbers.
  float flushed(float v) const {
    return flushes && std::fabs(v) < FLT_MIN ? std::copysign(0.0f, v) : v;
  }

  testing::Value value(int64_t row, int64_t column) const {
    float f = 0;
    double judge = 0;
    double magnitude = 0;
    double lost = 0;
    const int64_t length = c.w_group == 0 ? c.k : c.w_group;
    for (int64_t group = 0; group < groups; group++) {
      const size_t at = static_cast<size_t>((column / 16 * groups + group) * 16 + column % 16);
      const int32_t center = centers[at] - (c.bits == 8 ? 128 : 8);
      const double scale = double(w_scales[at]);
      const int64_t end = std::min((group + 1) * length, c.k);
      float sum = 0;
      for (int64_t step = group * length; step < end; step += 8) {
        const int order[2][8] = {{1, 0, 3, 2, 5, 4, 7, 6}, {1, 0, 5, 4, 3, 2, 7, 6}};
        for (const int place : order[c.bits == 4]) {
          const int64_t i = step + place;
          if (i >= end) {
            continue;  // a product that is 0
          }
          const int32_t integer = w[static_cast<size_t>(column * c.k + i)] - center;
          const float factor = widened(inputs[static_cast<size_t>(row * stride + i)]);
          sum = flushed(std::fma(static_cast<float>(integer), flushed(factor), sum));
          const double term = double(factor) * integer * scale;
          judge += term;
          magnitude += std::fabs(term);
          lost += flushed(factor) != factor ? std::fabs(term) : 0;
          lost += double(flushes ? FLT_MIN : FLT_TRUE_MIN) * std::fabs(scale);
        }
      }
      f = std::fma(sum, w_scales[at], f);
      lost += double(FLT_TRUE_MIN);
    }
    const float b = c.bias ? bias[testing::bias_column(c.gate, column, c.n)] : 0.0f;
    return {f + b, judge + double(b), magnitude + std::fabs(double(b)), lost};
  }

  // The roundings that a term of the sum goes through at most.
  double roundings() const {
    const int64_t length = c.w_group == 0 ? c.k : std::min(c.w_group, c.k);
    return static_cast<double>(length + groups + 1);
  }
};

const uint8_t *pack(const Bf16Problem &p, Edge edge) {
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

sinter_weight_only_gemm_args place(const Bf16Problem &p, Edge edge) {
  sinter_weight_only_gemm_args a{};
  a.m = p.c.m;
  a.n = p.c.n;
  a.k = p.c.k;
  a.panel_end = p.panels;
  a.x = reinterpret_cast<const float *>(put(memory.x, p.inputs, edge));
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
void run_cut(const Variant &variant, const Bf16Problem &p, sinter_weight_only_gemm_args a) {
  for (int64_t row = 0; row < p.c.m; row += a.m) {
    a.m = std::min(p.c.m - row, random_.between(1, random_.coin() ? 3 : p.c.m));
    sinter_weight_only_gemm_args piece = a;
    piece.x =
        reinterpret_cast<const float *>(reinterpret_cast<const uint16_t *>(a.x) + row * p.stride);
    piece.y += row * p.y_stride;
    for (int64_t panel = 0; panel < p.panels; panel = piece.panel_end) {
      piece.panel_begin = panel;
      piece.panel_end = std::min(p.panels, panel + random_.between(1, p.panels));
      run(variant, piece);
    }
  }
}

void check(const Config &config) {
  Bf16Problem p(config);
  std::vector<float> both[2];  // of what flushes and what does not
  const auto compare = [&](const char *isa, const char *what, const float *y) {
    const std::vector<float> &expected = both[p.flushes];
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
      p.flushes = variant.flushes;
      std::vector<float> &expected = both[p.flushes];
      if (expected.empty()) {  // the first of its kind
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
      for (size_t i = 0; variant.flushes && !p.odd() && !p.tiny && i < expected.size(); i++) {
        if (!same(expected[i], both[false][i])) {
          fail("%s %s, element %zu: %a, scalar %a", variant.isa, p.c.text().c_str(), i,
               double(expected[i]), double(both[false][i]));
        }
      }
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
  Bf16Problem p(c);
  for (int64_t i = 0; i < c.n * c.k; i++) {
    p.w[static_cast<size_t>(i)] = static_cast<int8_t>(i % c.k / 8 - codes / 2);
  }
  for (int64_t n = 0; n < c.n; n++) {
    p.centers[static_cast<size_t>(n)] = static_cast<uint8_t>(n);
  }
  sinter_weight_only_gemm_args a = place(p, Edge::end);
  a.y = memory.y.place<float>(static_cast<size_t>(c.n), Edge::end);
  auto *x = memory.x.place<uint16_t>(static_cast<size_t>(c.k), Edge::end);
  a.x = reinterpret_cast<const float *>(x);
  std::memset(x, 0, static_cast<size_t>(c.k) * sizeof *x);
  for (const Variant &variant : variants) {
    for (int64_t k = 0; sinter::cpu_has(variant.needs) && k < c.k; k++) {
      x[k] = upper_half(1);
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
    for (const Fill fill : {Fill::lowest, Fill::highest}) {
      Config c = any_options(bits, random_.between(1, 9), 33, 500);
      c.w_fill = fill;
      check(c);
    }
  }
  for (const Variant &variant : variants) {
    std::printf("weight only bf16 %s: %ld cases\n", variant.isa, variant.cases);
    if ((variant.cases != 0) != sinter::cpu_has(variant.needs)) {
      fail("%s: %ld cases", variant.isa, variant.cases);
    }
  }
  return 0;
}
