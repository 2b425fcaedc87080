// Every variant of int8_block_gemm, int4_block_gemm, int8_2of4_gemm, int8_sell_gemm, f32_block_gemm
// and f32_sell_gemm that this CPU runs against the dense kernel with the same weights, zeros filled
// in, bit for bit; and each against itself for any cut of rows and panels. All buffers end (or
// begin) at an unreadable page.
#include <functional>

#include "cpu_features.h"
#include "gemm_problem.h"
#include "testing.h"

// avxvnni with vpdpbusd in its EVEX form, for CPUs that have only that (see CMakeLists.txt).
namespace sinter {
void int8_block_gemm_evex256(const sinter_block_gemm_args &args);
void int8_2of4_gemm_evex256(const sinter_block_gemm_args &args);
void int8_sell_gemm_evex256(const sinter_block_gemm_args &args);
void int4_block_gemm_evex256(const sinter_block_gemm_args &args);
}  // namespace sinter

namespace {

using testing::Config;
using testing::Edge;
using testing::fail;
using testing::Fill;
using testing::GuardedMemory;
using testing::Problem;
using testing::put;
using testing::Random;
using testing::same;
using testing::Scales;

template <class Args>
struct Variant {
  const char *isa;
  uint64_t needs;
  int32_t (*gemm)(const Args *);
  long cases = 0;
};

template <void (*kernel)(const sinter_block_gemm_args &)>
int32_t direct(const sinter_block_gemm_args *args) {
  kernel(*args);
  return SINTER_OK;
}

#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
#define VARIANT_int8(isa) {#isa, SINTER_NEEDS_##isa, sinter_int8_block_gemm_##isa},
#define TAKE_int8_block_gemm ~, VARIANT_int8
Variant<sinter_block_gemm_args> int8_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::int8_block_gemm_evex256>}};
#undef TAKE_int8_block_gemm
#define VARIANT_int4(isa) {#isa, SINTER_NEEDS_##isa, sinter_int4_block_gemm_##isa},
#define TAKE_int4_block_gemm ~, VARIANT_int4
Variant<sinter_block_gemm_args> int4_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::int4_block_gemm_evex256>}};
#undef TAKE_int4_block_gemm
#define VARIANT_2of4(isa) {#isa, SINTER_NEEDS_##isa, sinter_int8_2of4_gemm_##isa},
#define TAKE_int8_2of4_gemm ~, VARIANT_2of4
Variant<sinter_block_gemm_args> two_of_four_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::int8_2of4_gemm_evex256>}};
#undef TAKE_int8_2of4_gemm
#define VARIANT_int8_sell(isa) {#isa, SINTER_NEEDS_##isa, sinter_int8_sell_gemm_##isa},
#define TAKE_int8_sell_gemm ~, VARIANT_int8_sell
Variant<sinter_block_gemm_args> int8_sell_variants[] = {
#include "KERNELS.def"
    {"avxvnni as EVEX", SINTER_NEEDS_avx512vnni, direct<sinter::int8_sell_gemm_evex256>}};
#undef TAKE_int8_sell_gemm
#define VARIANT_f32(isa) {#isa, SINTER_NEEDS_##isa, sinter_f32_block_gemm_##isa},
#define TAKE_f32_block_gemm ~, VARIANT_f32
Variant<sinter_f32_block_gemm_args> f32_variants[] = {
#include "KERNELS.def"
};
#undef TAKE_f32_block_gemm

#define VARIANT_sell(isa) {#isa, SINTER_NEEDS_##isa, sinter_f32_sell_gemm_##isa},
#define TAKE_f32_sell_gemm ~, VARIANT_sell
Variant<sinter_f32_block_gemm_args> sell_variants[] = {
#include "KERNELS.def"
};
#undef TAKE_f32_sell_gemm

Random random_;

struct Memory {
  GuardedMemory x{4 << 20}, x_scales{1 << 20}, x_zeros{1 << 20}, starts{1 << 20}, quads{8 << 20},
      w{40 << 20}, w_scales{1 << 20}, w_sums{1 << 20}, bias{1 << 16}, scratch{17 << 20}, y{4 << 20};
};
Memory memory;

// Which weights stay: blocks of height x width at this chance of 256, but in a fifth of the panels
// none or all of them.
struct Pattern {
  int64_t height, width, chance;

  std::vector<bool> kept(int64_t n, int64_t k) const {
    std::vector<bool> v(static_cast<size_t>(n * k));
    for (int64_t row = 0; row < n; row += height) {
      const int64_t odds = random_.pick<int64_t>(
          {chance, chance, chance, chance, chance, chance, chance, chance, 0, 256});
      for (int64_t column = 0; column < k; column += width) {
        const bool keep = random_.between(0, 255) < odds;
        for (int64_t r = row; r < std::min(row + height, n); r++) {
          std::fill_n(v.begin() + r * k + column, std::min(width, k - column), keep);
        }
      }
    }
    return v;
  }
};

Pattern any_pattern() {
  return {random_.pick<int64_t>({16, 16, 32, 8, 1}), random_.pick<int64_t>({4, 4, 16, 32, 1}),
          random_.pick<int64_t>({0, 13, 25, 51, 128, 230, 256})};
}

// Leaves at most two of each quad, anywhere in it.
void leave_two_of_four(std::vector<int8_t> &w, int64_t k) {
  for (int64_t row = 0; row < static_cast<int64_t>(w.size()); row += k) {
    for (int64_t quad = row; quad < row + k; quad += 4) {
      const int64_t end = std::min(quad + 4, row + k);
      const auto nonzero = [](int8_t v) { return v != 0; };
      while (std::count_if(w.begin() + quad, w.begin() + end, nonzero) > 2) {
        w[static_cast<size_t>(random_.between(quad, end - 1))] = 0;
      }
    }
  }
}

struct Packed {
  const int64_t *starts;
  const uint16_t *quads;
  const void *w;
  int32_t *w_sums;
};

// Packs, and looks at how much came out.
template <class Weight>
Packed pack(int32_t (*kernel)(const sinter_block_pack_args *), const std::vector<Weight> &weights,
            int64_t n, int64_t k, int64_t group, int bits, Edge edge) {
  const size_t panels = static_cast<size_t>((n + 15) / 16);
  const size_t lists = panels * static_cast<size_t>(group == 0 ? 1 : (k + group - 1) / group);
  const size_t block_bytes = bits == 4 ? 64 : 64 * sizeof(Weight);
  sinter_block_pack_args a{};
  a.weights = weights.data();
  a.stride = k;
  a.n = n;
  a.k = k;
  a.group = group;
  a.starts = memory.starts.place<int64_t>(lists + 1, edge);
  bool good = kernel(&a) == SINTER_OK;
  const size_t blocks = static_cast<size_t>(a.starts[lists]);
  a.quads = memory.quads.place<uint16_t>(blocks, edge);
  uint8_t *const w = memory.w.place<uint8_t>(blocks * block_bytes, edge);
  a.w = w;
  a.w_sums = bits == 8 ? memory.w_sums.place<int32_t>(panels * 16, edge) : nullptr;
  good = good && kernel(&a) == SINTER_OK &&
         sinter_block_list(n, k, group, bits == 4 ? 8 : 4, a.starts, a.quads) == SINTER_OK;
  // No block without weights.
  for (size_t i = 0; i < blocks; i++) {
    const uint8_t *const block = w + i * block_bytes;
    good = good && std::any_of(block, block + block_bytes, [](uint8_t b) { return b != 0; });
  }
  if (!good) {
    fail("pack of n %lld k %lld: %zu blocks", static_cast<long long>(n), static_cast<long long>(k),
         blocks);
  }
  return {a.starts, a.quads, w, a.w_sums};
}

// The same for 2:4.
Packed pack_2of4(const std::vector<int8_t> &codes, int64_t n, int64_t k, Edge edge) {
  const int64_t panels = (n + 15) / 16;
  const int64_t bytes = panels * ((k + 31) / 32) * SINTER_2OF4_BLOCK;
  uint8_t *const w = memory.w.place<uint8_t>(static_cast<size_t>(bytes), edge);
  int32_t *const w_sums = memory.w_sums.place<int32_t>(static_cast<size_t>(panels * 16), edge);
  const sinter_pack_args a{codes.data(), k, n, k, 0, panels, 0, w, w_sums};
  if (sinter_int8_2of4_pack_scalar(&a) != SINTER_OK) {
    fail("2:4 pack of n %lld k %lld", static_cast<long long>(n), static_cast<long long>(k));
  }
  std::vector<int8_t> spoiled = codes;
  std::fill_n(spoiled.begin(), std::min<int64_t>(k, 3), int8_t{1});
  uint8_t *const unused = memory.scratch.place<uint8_t>(static_cast<size_t>(bytes), edge);
  const sinter_pack_args bad{spoiled.data(), k, n, k, 0, panels, 0, unused, nullptr};
  if (sinter_int8_2of4_pack_scalar(&bad) != (k >= 3 ? SINTER_INVALID_ARGUMENT : SINTER_OK)) {
    fail("2:4 pack of three of four");
  }
  return {nullptr, nullptr, w, w_sums};
}

// The same for f32_sell_gemm and int8_sell_gemm, whose windows begin at `last` at most. A place
// past that must be found.
template <class Weight>
Packed pack_sell(const std::vector<Weight> &weights, int64_t n, int64_t k, Edge edge) {
  constexpr bool int8 = sizeof(Weight) == 1;
  constexpr size_t places = int8 ? 1 : 16;
  const auto kernel = int8 ? sinter_int8_sell_pack_scalar : sinter_f32_sell_pack_scalar;
  const auto list = int8 ? sinter_int8_sell_list : sinter_sell_list;
  const int64_t last = int8 ? (k + 31) / 32 * 32 - 16 : k - 1;
  const size_t panels = static_cast<size_t>((n + 15) / 16);
  sinter_block_pack_args a{};
  a.weights = weights.data();
  a.stride = k;
  a.n = n;
  a.k = k;
  a.starts = memory.starts.place<int64_t>(panels + 1, edge);
  bool good = kernel(&a) == SINTER_OK;
  const size_t steps = static_cast<size_t>(a.starts[panels]);
  a.quads = memory.quads.place<uint16_t>(steps * places, edge);
  a.w = memory.w.place<uint8_t>(steps * (int8 ? SINTER_SELL_STEP : 64), edge);
  a.w_sums = int8 ? memory.w_sums.place<int32_t>(panels * 32, edge) : nullptr;
  good = good && kernel(&a) == SINTER_OK && list(n, k, a.starts, a.quads) == SINTER_OK;
  if (steps > 0 && last < UINT16_MAX) {
    uint16_t &place = a.quads[steps * places - 1];
    const uint16_t right = place;
    place = static_cast<uint16_t>(last + 1);
    good = good && list(n, k, a.starts, a.quads) == SINTER_INVALID_ARGUMENT;
    place = right;
  }
  a.starts[0] = 1;
  good = good && list(n, k, a.starts, a.quads) == SINTER_INVALID_ARGUMENT;
  a.starts[0] = 0;
  if (!good) {
    fail("sell pack of n %lld k %lld", static_cast<long long>(n), static_cast<long long>(k));
  }
  return {a.starts, a.quads, a.w, a.w_sums};
}

// All variants, whole and in pieces: move(args, row) makes a call start at a row.
template <class Args, size_t count>
void check(Variant<Args> (&variants)[count], Args a, const std::vector<float> &before,
           const std::vector<float> &expected, Edge edge, const char *text,
           const std::function<void(Args &, int64_t)> &move) {
  const auto run = [&](const Variant<Args> &variant, const Args &args) {
    if (const int32_t status = variant.gemm(&args); status != SINTER_OK) {
      fail("%s: status %d", variant.isa, status);
    }
  };
  const auto compare = [&](const Variant<Args> &variant, const char *what, const float *y) {
    for (size_t i = 0; i < expected.size(); i++) {
      if (!same(y[i], expected[i])) {
        fail("%s %s, %s, element %zu (stride %lld): %a, expected %a", variant.isa, text, what, i,
             static_cast<long long>(a.gemm.y_stride), double(y[i]), double(expected[i]));
      }
    }
  };
  for (Variant<Args> &variant : variants) {
    if (!sinter::cpu_has(variant.needs)) {
      continue;
    }
    a.gemm.y = put(memory.y, before, edge);
    run(variant, a);
    compare(variant, "whole", a.gemm.y);
    float *const y = put(memory.y, before, edge);
    const int64_t panels = (a.gemm.n + 15) / 16;
    Args piece = a;
    for (int64_t row = 0; row < a.gemm.m; row += piece.gemm.m) {
      piece = a;
      piece.gemm.m = std::min(a.gemm.m - row, random_.between(1, random_.coin() ? 3 : a.gemm.m));
      piece.gemm.y = y + row * a.gemm.y_stride;
      move(piece, row);
      for (int64_t panel = 0; panel < panels; panel = piece.gemm.panel_end) {
        piece.gemm.panel_begin = panel;
        piece.gemm.panel_end = std::min(panels, panel + random_.between(1, panels));
        run(variant, piece);
      }
    }
    compare(variant, "in pieces", y);
    variant.cases++;
  }
}

enum class Kind { int8, int4, two_of_four, sell };

void check_codes(Kind kind, int64_t m, int64_t n, int64_t k, Fill fill, const Pattern &pattern) {
  const bool int4 = kind == Kind::int4;
  Config c;
  c.bits = int4 ? 4 : 8;
  c.m = m;
  c.n = n;
  c.k = k;
  c.x_zero_points = k <= INT32_MAX / (255 * 128) && random_.coin();
  c.bias = random_.coin();
  c.activation = static_cast<int32_t>(random_.between(SINTER_NO_ACTIVATION, SINTER_SILU));
  c.accumulate = random_.between(0, 3) == 0;
  c.scales = random_.pick<Scales>({Scales::ordinary, Scales::ones, Scales::odd});
  if (int4) {
    c.w_group = random_.pick<int64_t>({0, 32, 64, 128});
    c.half_scales = random_.coin();
    c.scales = random_.pick<Scales>({Scales::ordinary, Scales::ones});  // NaN can be hidden
  }
  c.x_fill = c.w_fill = fill;
  Problem p(c, random_);
  const std::vector<bool> kept = pattern.kept(n, k);
  for (size_t i = 0; i < p.w.size(); i++) {
    p.w[i] = kept[i] ? p.w[i] : int8_t{0};
  }
  if (kind == Kind::two_of_four) {
    leave_two_of_four(p.w, k);
  }
  // The dense kernel.
  const int64_t k32 = (k + 31) / 32 * 32;
  std::vector<uint8_t> dense(static_cast<size_t>(p.panels * 2 * c.bits * k32));
  std::vector<int32_t> w_sums(static_cast<size_t>(p.panels * p.steps * 16)), x_sums;
  const sinter_pack_args to_pack{p.w.data(),   k, n, k, 0, p.panels, p.step, dense.data(),
                                 w_sums.data()};
  if ((int4 ? sinter_int4_pack_scalar : sinter_int8_pack_scalar)(&to_pack) != SINTER_OK) {
    fail("dense pack of %s", c.text().c_str());
  }
  for (int64_t row = 0; row < m; row++) {
    for (int64_t from = 0, length = p.step == 0 ? k : p.step; from < k; from += length) {
      int32_t sum = 0;
      for (int64_t i = from; i < std::min(k, from + length); i++) {
        sum += p.x[static_cast<size_t>(row * p.x_stride + i)] - p.x_zero(row, i);
      }
      x_sums.push_back(sum);
    }
  }
  for (const Edge edge : {Edge::end, Edge::begin}) {
    sinter_block_gemm_args a{};
    sinter_gemm_args &g = a.gemm;
    g.m = m;
    g.n = n;
    g.k = k;
    g.panel_end = p.panels;
    g.x = put(memory.x, p.x, edge);
    g.x_stride = p.x_stride;
    g.x_scales = put(memory.x_scales, p.x_scales, edge);
    g.x_zero_points = c.x_zero_points ? put(memory.x_zeros, p.x_zeros, edge) : nullptr;
    g.x_sums = x_sums.data();
    g.w_scales = c.half_scales ? static_cast<void *>(put(memory.w_scales, p.w_halves, edge))
                               : put(memory.w_scales, p.w_scales, edge);
    g.w_scale_type = c.half_scales ? SINTER_F16 : SINTER_F32;
    g.w_group = c.w_group;
    g.bias = c.bias ? put(memory.bias, p.bias, edge) : nullptr;
    g.y_stride = p.y_stride;
    g.activation = c.activation;
    g.accumulate = c.accumulate;
    std::vector<float> expected = p.before;
    g.w = dense.data();
    g.w_sums = w_sums.data();
    g.y = expected.data();
    if ((int4 ? sinter_int4_gemm_scalar : sinter_int8_gemm_scalar)(&g) != SINTER_OK) {
      fail("dense %s", c.text().c_str());
    }
    const Packed packed = kind == Kind::two_of_four ? pack_2of4(p.w, n, k, edge)
                          : kind == Kind::sell      ? pack_sell(p.w, n, k, edge)
                                                    : pack(int4 ? sinter_int4_block_pack_scalar
                                                                : sinter_int8_block_pack_scalar,
                                                      p.w, n, k, c.w_group, c.bits, edge);
    g.w = packed.w;
    g.w_sums = int4 ? w_sums.data() : packed.w_sums;
    a.starts = packed.starts;
    a.quads = packed.quads;
    a.scratch =
        memory.scratch.place<uint8_t>(static_cast<size_t>(sinter_block_gemm_scratch(k, 1)), edge);
    auto &variants = kind == Kind::two_of_four ? two_of_four_variants
                     : kind == Kind::sell      ? int8_sell_variants
                     : int4                    ? int4_variants
                                               : int8_variants;
    check<sinter_block_gemm_args>(variants, a, p.before, expected, edge, c.text().c_str(),
                                  [&](sinter_block_gemm_args &piece, int64_t row) {
                                    piece.gemm.x += row * p.x_stride;
                                    piece.gemm.x_scales += row;
                                    piece.gemm.x_sums += row * p.steps;
                                    piece.gemm.x_zero_points += c.x_zero_points ? row : 0;
                                  });
  }
}

std::vector<float> floats(int64_t count) {
  std::vector<float> v(static_cast<size_t>(count));
  for (float &e : v) {
    e = random_.uniform(-1, 1);
  }
  return v;
}

void check_f32(int64_t m, int64_t n, int64_t k, const Pattern &pattern) {
  const int64_t panels = (n + 15) / 16;
  const int64_t x_stride = k + random_.between(0, 20);
  const std::vector<float> x = floats((m - 1) * x_stride + k), bias = floats(n);
  std::vector<float> w = floats(n * k), dense(static_cast<size_t>(panels * 16 * k));
  const std::vector<bool> kept = pattern.kept(n, k);
  for (size_t i = 0; i < w.size(); i++) {
    w[i] = kept[i] ? w[i] : random_.coin() ? 0.0f : -0.0f;
  }
  const sinter_float_pack_args to_pack{w.data(), k, n, k, 0, panels, dense.data()};
  if (sinter_f32_pack_scalar(&to_pack) != SINTER_OK) {
    fail("dense f32 pack");
  }
  for (const Edge edge : {Edge::end, Edge::begin}) {
    sinter_f32_block_gemm_args a{};
    sinter_float_gemm_args &g = a.gemm;
    g.m = m;
    g.n = n;
    g.k = k;
    g.panel_end = panels;
    g.x = put(memory.x, x, edge);
    g.x_stride = x_stride;
    g.bias = random_.coin() ? put(memory.bias, bias, edge) : nullptr;
    g.y_stride = n + random_.between(0, 20);
    g.activation = static_cast<int32_t>(random_.between(SINTER_NO_ACTIVATION, SINTER_SILU));
    g.accumulate = random_.between(0, 3) == 0;
    const std::vector<float> before = floats((m - 1) * g.y_stride + n);
    std::vector<float> expected = before;
    g.w = dense.data();
    g.y = expected.data();
    if (sinter_f32_gemm_scalar(&g) != SINTER_OK) {
      fail("dense f32");
    }
    char text[160];
    std::snprintf(text, sizeof text,
                  "f32 m %lld n %lld k %lld blocks %lldx%lld chance %lld activation %d",
                  static_cast<long long>(m), static_cast<long long>(n), static_cast<long long>(k),
                  static_cast<long long>(pattern.height), static_cast<long long>(pattern.width),
                  static_cast<long long>(pattern.chance), g.activation);
    a.scratch =
        memory.scratch.place<uint8_t>(static_cast<size_t>(sinter_block_gemm_scratch(k, 4)), edge);
    const auto run = [&](Variant<sinter_f32_block_gemm_args>(&variants)[3], const Packed &packed) {
      g.w = packed.w;
      a.starts = packed.starts;
      a.quads = packed.quads;
      check<sinter_f32_block_gemm_args>(variants, a, before, expected, edge, text,
                                        [&](sinter_f32_block_gemm_args &piece, int64_t row) {
                                          piece.gemm.x = static_cast<const float *>(piece.gemm.x) +
                                                         row * x_stride;
                                        });
    };
    run(f32_variants, pack(sinter_f32_block_pack_scalar, w, n, k, 0, 32, edge));
    if (k <= SINTER_SELL_MAX_K) {
      run(sell_variants, pack_sell(w, n, k, edge));
    }
  }
}

// An infinite activation gets to the columns with a weight there, whatever fills up the others.
void check_infinity() {
  constexpr int64_t n = 16, k = 20, m = 9;
  std::vector<float> w(n * k), x(m * k, 1.0f), y(m * n);
  for (int64_t column = 0; column < n; column++) {
    std::fill_n(w.begin() + column * k + 1, column + 1, 1.0f);
  }
  w[0] = 1.0f;
  for (int64_t row = 0; row < m; row++) {
    x[static_cast<size_t>(row * k)] = INFINITY;
  }
  const Packed packed = pack_sell(w, n, k, Edge::end);
  sinter_f32_block_gemm_args a{};
  a.gemm = {m, n, k, 0, 1, x.data(), k, packed.w, nullptr, y.data(), n, 0, 0, 0};
  a.starts = packed.starts;
  a.quads = packed.quads;
  a.scratch = memory.scratch.place<uint8_t>(static_cast<size_t>(sinter_block_gemm_scratch(k, 4)),
                                            Edge::end);
  for (const auto &variant : sell_variants) {
    if (!sinter::cpu_has(variant.needs)) {
      continue;
    }
    if (variant.gemm(&a) != SINTER_OK) {
      fail("%s: infinity", variant.isa);
    }
    for (int64_t i = 0; i < m * n; i++) {
      const float v = y[static_cast<size_t>(i)];
      if (i % n == 0 ? std::isfinite(v) : !same(v, static_cast<float>(i % n + 1))) {
        fail("%s: infinity, column %lld: %a", variant.isa, static_cast<long long>(i % n),
             double(v));
      }
    }
  }
}

template <class Variants>
void report(const char *name, const Variants &variants) {
  for (const auto &variant : variants) {
    std::printf("%s %s: %ld cases\n", name, variant.isa, variant.cases);
    if ((variant.cases != 0) != sinter::cpu_has(variant.needs)) {
      fail("%s: %ld cases", variant.isa, variant.cases);
    }
  }
}

}  // namespace

int main() {
  const auto each_kind = [](int64_t m, int64_t n, int64_t k) {
    for (const Kind kind : {Kind::int8, Kind::int4, Kind::two_of_four, Kind::sell}) {
      const Fill fill = random_.pick<Fill>({Fill::random, Fill::lowest, Fill::highest, Fill::ends});
      check_codes(kind, m, n, k, fill, any_pattern());
    }
    check_f32(m, n, k, any_pattern());
  };
  for (int64_t m = 1; m <= 35; m++) {
    each_kind(m, random_.between(1, 100), random_.between(1, 300));
  }
  for (const int64_t k : {1, 3, 4, 5, 31, 384, 1000, 4096}) {
    for (const int64_t n : {1, 15, 16, 17, 33, 200}) {
      const int64_t rows = std::min<int64_t>(40, 2000000 / (n * k));
      each_kind(random_.between(1, std::max<int64_t>(1, rows)), n, k);
    }
  }
  // The longest k there is, with the sums furthest from 0.
  for (const Fill fill : {Fill::lowest, Fill::highest}) {
    for (const int64_t k : {INT32_MAX / (128 * 128), INT32_MAX / (255 * 128)}) {
      check_codes(Kind::int8, 2, 17, k, fill, Pattern{16, 4, 256});
      check_codes(Kind::int4, 2, 17, k, fill, Pattern{16, 4, 256});
    }
    for (const int64_t k : {int64_t{SINTER_SELL_MAX_K}, int64_t{SINTER_SELL_MAX_K - 31}}) {
      check_codes(Kind::sell, 2, 17, k, fill, Pattern{16, 4, 256});
      check_codes(Kind::sell, 5, 17, k, Fill::ends, Pattern{1, 1, 25});
    }
  }
  check_codes(Kind::two_of_four, 2, 17, INT32_MAX / (255 * 128), Fill::ends, Pattern{16, 4, 256});
  check_f32(2, 17, SINTER_BLOCK_MAX_K, Pattern{16, 4, 128});
  check_f32(3, 17, SINTER_SELL_MAX_K, Pattern{1, 1, 128});
  check_f32(17, 100, 30000, Pattern{16, 4, 230});  // more weights than a strip has
  check_infinity();
  report("int8", int8_variants);
  report("int4", int4_variants);
  report("2:4", two_of_four_variants);
  report("int8 unstructured", int8_sell_variants);
  report("f32", f32_variants);
  report("f32 unstructured", sell_variants);
  return 0;
}
