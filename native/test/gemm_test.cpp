// Every variant of int8_gemm, int4_gemm, ternary_gemm and binary_gemm that this CPU runs: the
// scalar one against the formulas of sinter.h, bit for bit, whose own error is bounded in double;
// the others against the scalar one, bit for bit; and each against itself for any cut of rows and
// panels. All buffers end (or begin) at an unreadable page.
#include "cpu_features.h"
#include "gemm_problem.h"
#include "testing.h"

// avxvnni with vpdpbusd in its EVEX form, for CPUs that have only that (see CMakeLists.txt).
namespace sinter {
void int8_gemm_evex256(const sinter_gemm_args &args);
void int4_gemm_evex256(const sinter_gemm_args &args);
void ternary_gemm_evex256(const sinter_gemm_args &args);
void binary_gemm_evex256(const sinter_gemm_args &args);
}  // namespace sinter

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

using Gemm = int32_t(const sinter_gemm_args *);
struct Variant {
  const char *isa;
  uint64_t needs;
  Gemm *gemm;
  long cases = 0;
};

template <void (*kernel)(const sinter_gemm_args &)>
int32_t direct(const sinter_gemm_args *args) {
  kernel(*args);
  return SINTER_OK;
}

#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
#define VARIANT(operation, isa) {#isa, SINTER_NEEDS_##isa, sinter_##operation##_##isa},
#define VARIANT_int8(isa) VARIANT(int8_gemm, isa)
#define TAKE_int8_gemm ~, VARIANT_int8
Variant int8_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::int8_gemm_evex256>}};
#undef TAKE_int8_gemm
#define VARIANT_int4(isa) VARIANT(int4_gemm, isa)
#define TAKE_int4_gemm ~, VARIANT_int4
Variant int4_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::int4_gemm_evex256>}};
#undef TAKE_int4_gemm
#define VARIANT_ternary(isa) VARIANT(ternary_gemm, isa)
#define TAKE_ternary_gemm ~, VARIANT_ternary
Variant ternary_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::ternary_gemm_evex256>}};
#undef TAKE_ternary_gemm
#define VARIANT_binary(isa) VARIANT(binary_gemm, isa)
#define TAKE_binary_gemm ~, VARIANT_binary
Variant binary_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::binary_gemm_evex256>}};
#undef TAKE_binary_gemm

// The kernels for codes of some width.
struct Width {
  int bits;
  const char *name;
  int32_t (*pack)(const sinter_pack_args *);
  Variant *begin_, *end_;

  Variant *begin() const { return begin_; }
  Variant *end() const { return end_; }
};
const Width widths[] = {
    {8, "int8", sinter_int8_pack_scalar, std::begin(int8_variants), std::end(int8_variants)},
    {4, "int4", sinter_int4_pack_scalar, std::begin(int4_variants), std::end(int4_variants)},
    {2, "ternary", sinter_ternary_pack_scalar, std::begin(ternary_variants),
     std::end(ternary_variants)},
    {1, "binary", sinter_binary_pack_scalar, std::begin(binary_variants),
     std::end(binary_variants)}};

const Width &width(int bits) {
  return *std::find_if(std::begin(widths), std::end(widths),
                       [=](const Width &w) { return w.bits == bits; });
}

using GroupSums = int32_t(const int8_t *, int64_t, int64_t, int64_t, int64_t, const int32_t *,
                          int64_t, int64_t, int32_t *);
struct SumsVariant {
  uint64_t needs;
  GroupSums *sums;
};
#define VARIANT_SUMS(isa) {SINTER_NEEDS_##isa, sinter_group_sums_##isa},
#define TAKE_group_sums ~, VARIANT_SUMS
const SumsVariant sums_variants[] = {
#include "KERNELS.def"
};

Random random_;

struct Memory {
  GuardedMemory x{9 << 20}, x_scales{1 << 20}, x_zeros{1 << 20}, x_sums{1 << 20}, w{24 << 20},
      w_scales{4 << 20}, centers{1 << 20}, w_sums{4 << 20}, bias{1 << 16}, y{4 << 20};
};
Memory memory;

// Packs by two calls, cut anywhere.
std::pair<uint8_t *, int32_t *> pack(const Problem &p, Edge edge) {
  const int64_t k32 = (p.c.k + 31) / 32 * 32;
  sinter_pack_args a{};
  a.codes = p.w.data();
  a.stride = a.k = p.c.k;
  a.n = p.columns;
  a.step = p.step;
  a.w = memory.w.place<uint8_t>(static_cast<size_t>(p.panels * k32 * 16 * p.c.bits / 8), edge);
  a.w_sums = memory.w_sums.place<int32_t>(static_cast<size_t>(p.panels * p.steps * 16), edge);
  const int64_t cut = random_.between(0, p.panels);
  for (const auto &[from, to] : {std::pair{cut, p.panels}, std::pair{int64_t{0}, cut}}) {
    a.panel_begin = from;
    a.panel_end = to;
    const int32_t status = width(p.c.bits).pack(&a);
    if (status != SINTER_OK) {
      fail("pack of %s: status %d", p.c.text().c_str(), status);
    }
  }
  return {a.w, a.w_sums};
}

int32_t *group_sums(const Problem &p, const sinter_gemm_args &a, Edge edge) {
  const size_t count = static_cast<size_t>(p.c.m * p.steps);
  std::vector<int32_t> expected(count, 0);
  for (int64_t r = 0; r < p.c.m; r++) {
    for (int64_t i = 0; i < p.c.k; i++) {
      expected[static_cast<size_t>(r * p.steps + (p.step == 0 ? 0 : i / p.step))] +=
          p.x[static_cast<size_t>(r * p.x_stride + i)] - p.x_zero(r, i);
    }
  }
  int32_t *sums = nullptr;
  for (const SumsVariant &variant : sums_variants) {
    if (sinter::cpu_has(variant.needs)) {
      sums = memory.x_sums.place<int32_t>(count, edge);
      // The upper rows first, which must leave the others alone.
      const int64_t cut = a.m / 2;
      int32_t status = variant.sums(a.x, cut, a.m - cut, a.k, a.x_stride, a.x_zero_points,
                                    a.x_group, p.step, sums);
      if (cut > 0 && status == SINTER_OK) {
        status =
            variant.sums(a.x, 0, cut, a.k, a.x_stride, a.x_zero_points, a.x_group, p.step, sums);
      }
      if (status != SINTER_OK || std::memcmp(sums, expected.data(), count * sizeof *sums) != 0) {
        fail("group_sums of %s: status %d", p.c.text().c_str(), status);
      }
    }
  }
  return sums;
}

sinter_gemm_args place(const Problem &p, Edge edge) {
  sinter_gemm_args a{};
  a.m = p.c.m;
  a.n = p.c.n;
  a.k = p.c.k;
  a.panel_end = p.panels;
  a.x = put(memory.x, p.x, edge);
  a.x_stride = p.x_stride;
  a.x_scales = put(memory.x_scales, p.x_scales, edge);
  a.x_zero_points = p.c.x_zero_points ? put(memory.x_zeros, p.x_zeros, edge) : nullptr;
  a.x_group = p.c.x_group;
  a.x_sums = group_sums(p, a, edge);
  const auto [w, w_sums] = pack(p, edge);
  a.w = w;
  a.w_sums = p.c.x_zero_points ? w_sums : nullptr;
  a.w_scales = p.c.half_scales ? static_cast<void *>(put(memory.w_scales, p.w_halves, edge))
                               : put(memory.w_scales, p.w_scales, edge);
  a.w_zero_points = p.c.w_zero_points ? put(memory.centers, p.centers, edge) : nullptr;
  a.w_group = p.c.w_group;
  a.bias = p.c.bias ? put(memory.bias, p.bias, edge) : nullptr;
  a.y_stride = p.y_stride;
  a.w_scale_type = p.c.half_scales ? SINTER_F16 : SINTER_F32;
  a.activation = p.c.activation;
  a.accumulate = p.c.accumulate;
  a.gate = p.c.gate;
  return a;
}

void compare(const Problem &p, const char *isa, const char *what, const float *y,
             const std::vector<float> &expected) {
  for (size_t i = 0; i < expected.size(); i++) {
    if (!same(y[i], expected[i])) {
      fail("%s %s, %s, element %zu (stride %lld): %a, expected %a", isa, p.c.text().c_str(), what,
           i, static_cast<long long>(p.y_stride), double(y[i]), double(expected[i]));
    }
  }
}

void run(const Variant &variant, const sinter_gemm_args &a) {
  const int32_t status = variant.gemm(&a);
  if (status != SINTER_OK) {
    fail("%s: status %d", variant.isa, status);
  }
}

// The same in pieces: some rows, some panels at a time.
void run_cut(const Variant &variant, const Problem &p, sinter_gemm_args a) {
  float *y = a.y;
  for (int64_t row = 0; row < p.c.m; row += a.m) {
    a.m = std::min(p.c.m - row, random_.between(1, random_.coin() ? 3 : p.c.m));
    a.x = p.x.data() + row * p.x_stride;
    a.y = y + row * p.y_stride;
    sinter_gemm_args piece = a;
    piece.x_scales += row * p.x_groups;
    piece.x_sums += row * p.steps;
    piece.x_zero_points += p.c.x_zero_points ? row * p.x_groups : 0;
    for (int64_t panel = 0; panel < p.panels; panel = piece.panel_end) {
      piece.panel_begin = panel;
      piece.panel_end = std::min(p.panels, panel + random_.between(1, p.panels));
      run(variant, piece);
    }
  }
}

void check(const Config &config) {
  const Problem p(config, random_);
  std::vector<float> expected;
  for (const Edge edge : {Edge::end, Edge::begin}) {
    sinter_gemm_args a = place(p, edge);
    for (Variant &variant : width(config.bits)) {
      if (!sinter::cpu_has(variant.needs)) {
        continue;
      }
      a.y = put(memory.y, p.before, edge);
      run(variant, a);
      if (expected.empty()) {  // the scalar one
        expected.assign(a.y, a.y + p.before.size());
        for (int64_t i = 0; i < p.c.m * p.y_stride; i++) {
          const int64_t column = i % p.y_stride;
          const size_t at = static_cast<size_t>(i);
          if (column >= p.c.n) {
            expected[at] = p.before[at];  // compare() sees what was written beyond n
          } else if (p.c.m * p.c.n * p.c.k < 2000000 || i < 20 ||
                     random_.between(0, p.c.m * p.c.n) < 300) {
            judge(p, variant.isa, i / p.y_stride, column, expected[at]);
          }
        }
      }
      compare(p, variant.isa, "whole", a.y, expected);
      a.y = put(memory.y, p.before, edge);
      run_cut(variant, p, a);
      compare(p, variant.isa, "in pieces", a.y, expected);
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
  if (bits != 8) {
    c.w_group = random_.pick<int64_t>({0, 32, 64, 128});
    c.x_group = random_.pick<int64_t>({0, 0, 32, 128});
    c.half_scales = random_.coin();
  }
  c.x_zero_points = random_.coin();
  c.w_zero_points = bits >= 4 && random_.coin();
  c.bias = random_.coin();
  c.activation =
      static_cast<int32_t>(random_.pick<int64_t>({SINTER_NO_ACTIVATION, SINTER_NO_ACTIVATION,
                                                  SINTER_GELU_ERF, SINTER_GELU_TANH, SINTER_SILU}));
  c.gate = random_.between(0, 2) == 0;
  c.accumulate = !c.gate && random_.between(0, 3) == 0;
  c.scales = random_.pick<Scales>({Scales::ordinary, Scales::ordinary, Scales::ones, Scales::odd});
  c.x_fill = random_.pick<Fill>({Fill::random, Fill::random, Fill::ends});
  c.w_fill = random_.pick<Fill>({Fill::random, Fill::random, Fill::ends});
  return c;
}

void check_shapes(int bits) {
  const std::vector<int64_t> ks = {1, 31, 33, 127, 129, 384, 4096, 11008};
  const std::vector<int64_t> ns = {1, 15, 17, 1000};
  std::vector<int64_t> ms = {127, 128, 512};
  for (int64_t m = 1; m <= 33; m++) {
    ms.push_back(m);
  }
  // Every pair of k and n, every m, with what else fits the time.
  constexpr int64_t most = 4000000;
  for (const int64_t k : ks) {
    for (const int64_t n : ns) {
      int64_t m = random_.pick(ms);
      while (m > 1 && m * n * k > most) {
        m = random_.between(1, m - 1);
      }
      check(any_options(bits, m, n, k));
    }
  }
  for (const int64_t m : ms) {
    int64_t n, k;
    do {
      n = random_.pick(ns);
      k = random_.pick(ks);
    } while (m * n * k > most);
    check(any_options(bits, m, n, k));
  }
  Config large = any_options(bits, 10, 1000, 4096);
  large.w_group = bits == 8 ? 0 : 128;
  check(large);
  // As many steps as narrow_excess.h has room for, and one more.
  if (bits != 8) {
    for (const int64_t k : {32768, 32769}) {
      Config steps = any_options(bits, 5, 17, k);
      steps.w_group = 32;
      check(steps);
    }
  }
  // Gates with columns of y around a panel's, for each number of rows that a tile may have.
  for (const int64_t n : {1, 7, 8, 9, 16, 23, 25}) {
    for (const int64_t m : {1, 2, 3, 4, 5, 8, 9}) {
      Config gate = any_options(bits, m, n, random_.between(1, 300));
      gate.gate = true;
      gate.accumulate = false;
      check(gate);
    }
  }
}

// Every combination of the groups, of zero points and of codes at the ends of their range.
void check_extremes(int bits) {
  for (const Fill x_fill : {Fill::lowest, Fill::highest, Fill::ends}) {
    for (const Fill w_fill : {Fill::lowest, Fill::highest, Fill::ends}) {
      for (int zero_points = 0; zero_points < (bits < 4 ? 2 : 4); zero_points++) {
        for (const int64_t w_group :
             bits == 8 ? std::vector<int64_t>{0} : std::vector<int64_t>{0, 32, 64, 128, 256}) {
          for (const int64_t x_group :
               bits == 8 ? std::vector<int64_t>{0} : std::vector<int64_t>{0, 32, 128}) {
            Config c = any_options(bits, random_.between(1, 9), random_.between(1, 50),
                                   random_.between(1, 600));
            c.x_fill = x_fill;
            c.w_fill = w_fill;
            c.w_group = w_group;
            c.x_group = x_group;
            c.x_zero_points = (zero_points & 1) != 0;
            c.w_zero_points = (zero_points & 2) != 0;
            check(c);
          }
        }
      }
    }
  }
  // The longest k there is, with the sums furthest from 0.
  for (int zero_points = 0; zero_points < (bits < 4 ? 2 : 4); zero_points++) {
    for (const Fill w_fill : {Fill::lowest, Fill::highest}) {
      Config c;
      c.bits = bits;
      c.x_zero_points = (zero_points & 1) != 0;
      c.w_zero_points = (zero_points & 2) != 0;
      c.k = INT32_MAX / ((c.x_zero_points ? 255 : 128) * c.largest());
      c.scales = Scales::ones;
      c.x_fill = Fill::lowest;
      c.w_fill = w_fill;
      check(c);
    }
  }
}

}  // namespace

int main() {
  for (const Width &w : widths) {
    check_extremes(w.bits);
    check_shapes(w.bits);
    for (const Variant &variant : w) {
      std::printf("%s %s: %ld cases\n", w.name, variant.isa, variant.cases);
      if ((variant.cases != 0) != sinter::cpu_has(variant.needs)) {
        fail("%s %s: %ld cases", w.name, variant.isa, variant.cases);
      }
    }
  }
  return 0;
}
