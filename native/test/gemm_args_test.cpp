// What the entries of the matmuls, of packing and of group_sums refuse, each time against
// the same call without the flaw; and that a refused call writes nothing.
#include <functional>
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::fail;

constexpr int64_t k = 64;

struct Buffers {
  std::vector<int8_t> x = std::vector<int8_t>(2 * k, 1);
  std::vector<float> x_scales = std::vector<float>(8, 1), w_scales = std::vector<float>(128, 1);
  std::vector<int32_t> x_zero_points = std::vector<int32_t>(8), x_sums = x_zero_points;
  std::vector<uint8_t> w = std::vector<uint8_t>(4 * 16 * k), centers = std::vector<uint8_t>(256);
  std::vector<int32_t> w_sums = std::vector<int32_t>(256);
  std::vector<float> y = std::vector<float>(64, -5);

  sinter_gemm_args gemm() {
    sinter_gemm_args a{};
    a.m = 2;
    a.n = 17;
    a.k = k;
    a.panel_end = 2;
    a.x = x.data();
    a.x_stride = k;
    a.x_scales = x_scales.data();
    a.x_sums = x_sums.data();
    a.w = w.data();
    a.w_scales = w_scales.data();
    a.y = y.data();
    a.y_stride = 17;
    return a;
  }
  sinter_pack_args pack() {
    sinter_pack_args a{};
    a.codes = x.data();
    a.stride = a.k = k;
    a.n = 2;
    a.panel_end = 1;
    a.w = w.data();
    return a;
  }
};

template <class Args>
void expect(const char *what, int32_t (*function)(const Args *), const Args &args,
            int32_t expected) {
  const int32_t status = function(&args);
  if (status != expected) {
    fail("%s: status %d, expected %d", what, status, expected);
  }
}

template <class Args, class Spoil>
void refuse(const char *what, int32_t (*function)(const Args *), Args args, Spoil spoil) {
  expect("as it should be", function, args, SINTER_OK);
  spoil(args);
  expect(what, function, args, SINTER_INVALID_ARGUMENT);
}

// The same columns of y in the panels that they have with a gate.
template <class Args>
Args gated(Args args) {
  args.gate = 1;
  args.panel_end = 3;
  return args;
}

#define REFUSE(function, args, change) \
  refuse(#function ": " #change, function, args, [&](auto &a) { change; })

using Gemm = int32_t(const sinter_gemm_args *);

void check_gemm(Gemm *gemm) {
  Buffers b;
  REFUSE(gemm, b.gemm(), a.m = 0);
  REFUSE(gemm, b.gemm(), a.n = 0);
  REFUSE(gemm, b.gemm(), a.k = 0);
  REFUSE(gemm, b.gemm(), a.m = int64_t{1} << 31);
  REFUSE(gemm, b.gemm(), a.panel_begin = -1);
  REFUSE(gemm, b.gemm(), a.panel_begin = 3);
  REFUSE(gemm, b.gemm(), a.panel_end = 3);
  REFUSE(gemm, b.gemm(), a.x_stride = k - 1);
  REFUSE(gemm, b.gemm(), a.k = k + 1);
  REFUSE(gemm, b.gemm(), a.y_stride = 16);
  REFUSE(gemm, b.gemm(), a.x = nullptr);
  REFUSE(gemm, b.gemm(), a.x_scales = nullptr);
  REFUSE(gemm, b.gemm(), a.x_sums = nullptr);
  REFUSE(gemm, b.gemm(), a.w = nullptr);
  REFUSE(gemm, b.gemm(), a.w_scales = nullptr);
  REFUSE(gemm, b.gemm(), a.y = nullptr);
  REFUSE(gemm, b.gemm(), a.x_zero_points = b.x_zero_points.data());  // without w_sums
  REFUSE(gemm, b.gemm(), a.activation = 4);
  REFUSE(gemm, b.gemm(), a.activation = -1);
  REFUSE(gemm, b.gemm(), a.w_group = 16);
  REFUSE(gemm, b.gemm(), a.x_group = -32);
  REFUSE(gemm, b.gemm(), a.w_scale_type = 2);
  REFUSE(gemm, gated(b.gemm()), a.gate = 2);
  REFUSE(gemm, gated(b.gemm()), a.gate = -1);
  REFUSE(gemm, gated(b.gemm()), a.accumulate = 1);
  REFUSE(gemm, gated(b.gemm()), a.panel_end = 4);
  REFUSE(gemm, gated(b.gemm()), a.gate = 0);  // which has fewer panels
  if (gemm(nullptr) != SINTER_INVALID_ARGUMENT) {
    fail("no arguments");
  }
  // A k above what fits int32 is refused before anything is read.
  struct Bound {
    bool x_zero_points, w_zero_points;
    int64_t int8, int4, ternary, binary;
  };
  for (const Bound &bound :
       {Bound{false, false, 131071, 2097151, 524287, 8388607},
        Bound{true, false, 65793, 1052688, 263172, 4210752},
        Bound{false, true, 65793, 1118481, 0, 0}, Bound{true, true, 33025, 561433, 0, 0}}) {
    sinter_gemm_args a = b.gemm();
    const int64_t most = gemm == sinter_int8_gemm_scalar      ? bound.int8
                         : gemm == sinter_int4_gemm_scalar    ? bound.int4
                         : gemm == sinter_ternary_gemm_scalar ? bound.ternary
                                                              : bound.binary;
    if (most == 0) {
      continue;  // they have no zero points
    }
    a.k = most + 1;
    a.x_stride = a.k + 32;
    a.x_zero_points = bound.x_zero_points ? b.x_zero_points.data() : nullptr;
    a.w_sums = b.w_sums.data();
    a.w_zero_points = bound.w_zero_points ? b.centers.data() : nullptr;
    expect("long k", gemm, a, SINTER_INVALID_ARGUMENT);
    a.k--;
    a.panel_end = 0;  // valid, and nothing to do
    expect("longest k", gemm, a, SINTER_OK);
  }
}

void check_groups() {
  Buffers b;
  REFUSE(sinter_int8_gemm_scalar, b.gemm(), a.w_group = 32);
  REFUSE(sinter_int8_gemm_scalar, b.gemm(), a.x_group = 32);
  REFUSE(sinter_int8_gemm_scalar, b.gemm(), a.w_scale_type = SINTER_F16);
  REFUSE(sinter_int4_gemm_scalar, b.gemm(), a.w_group = 48);
  REFUSE(sinter_ternary_gemm_scalar, b.gemm(), a.w_group = 48);
  REFUSE(sinter_ternary_gemm_scalar, b.gemm(), a.w_zero_points = b.centers.data());
  REFUSE(sinter_binary_gemm_scalar, b.gemm(), a.w_zero_points = b.centers.data());
  REFUSE(sinter_int4_gemm_scalar, b.gemm(), a.w_group = 64; a.x_group = 96);
  sinter_gemm_args a = b.gemm();
  a.w_group = 64;
  a.x_group = 32;
  a.w_scale_type = SINTER_F16;
  expect("int4 groups", sinter_int4_gemm_scalar, a, SINTER_OK);
}

void check_pack() {
  using Pack = int32_t(const sinter_pack_args *);
  for (Pack *pack : {sinter_int8_pack_scalar, sinter_int4_pack_scalar, sinter_ternary_pack_scalar,
                     sinter_binary_pack_scalar}) {
    Buffers b;
    REFUSE(pack, b.pack(), a.n = 0);
    REFUSE(pack, b.pack(), a.k = 0);
    REFUSE(pack, b.pack(), a.k = int64_t{1} << 40);
    REFUSE(pack, b.pack(), a.stride = k - 1);
    REFUSE(pack, b.pack(), a.panel_end = 2);
    REFUSE(pack, b.pack(), a.panel_begin = 2);
    REFUSE(pack, b.pack(), a.step = 16);
    REFUSE(pack, b.pack(), a.codes = nullptr);
    REFUSE(pack, b.pack(), a.w = nullptr);
    if (pack(nullptr) != SINTER_INVALID_ARGUMENT) {
      fail("pack: no arguments");
    }
  }
  // Codes that some width has not.
  for (int code = -128; code < 128; code++) {
    Buffers b;
    b.x[2 * k - 1] = static_cast<int8_t>(code);
    const auto status = [](bool fits) { return fits ? SINTER_OK : SINTER_INVALID_ARGUMENT; };
    expect("int8 code", sinter_int8_pack_scalar, b.pack(), SINTER_OK);
    expect("int4 code", sinter_int4_pack_scalar, b.pack(), status(-8 <= code && code <= 7));
    expect("ternary code", sinter_ternary_pack_scalar, b.pack(), status(-1 <= code && code <= 1));
    expect("binary code", sinter_binary_pack_scalar, b.pack(), status(code == -1 || code == 1));
  }
}

void check_floats(int32_t (*run)(const sinter_float_gemm_args *),
                  int32_t (*pack)(const sinter_float_pack_args *)) {
  std::vector<float> x(2 * k, 1), w(3 * 16 * k), y(2 * 17);
  const sinter_float_gemm_args gemm{2,        17,      k,        0,  2, x.data(), k,
                                    w.data(), nullptr, y.data(), 17, 0, 0,        0};
  REFUSE(run, gemm, a.m = 0);
  REFUSE(run, gemm, a.n = -1);
  REFUSE(run, gemm, a.k = int64_t{1} << 40);
  REFUSE(run, gemm, a.panel_begin = -1);
  REFUSE(run, gemm, a.panel_begin = 3);
  REFUSE(run, gemm, a.panel_end = 3);
  REFUSE(run, gemm, a.x_stride = k - 1);
  REFUSE(run, gemm, a.y_stride = 16);
  REFUSE(run, gemm, a.x = nullptr);
  REFUSE(run, gemm, a.w = nullptr);
  REFUSE(run, gemm, a.y = nullptr);
  REFUSE(run, gemm, a.activation = 4);
  REFUSE(run, gated(gemm), a.gate = 2);
  REFUSE(run, gated(gemm), a.accumulate = 1);
  REFUSE(run, gated(gemm), a.panel_end = 4);
  if (run == sinter_bf16_gemm_scalar) {
    REFUSE(run, gemm, a.x_stride = --a.k);
  } else if (run == sinter_bf16_weights_gemm_scalar) {
    REFUSE(run, gemm, a.k--);
  }
  const sinter_float_pack_args to_pack{x.data(), k, 2, k, 0, 1, w.data()};
  REFUSE(pack, to_pack, a.n = 0);
  REFUSE(pack, to_pack, a.k = 0);
  REFUSE(pack, to_pack, a.stride = k - 1);
  REFUSE(pack, to_pack, a.panel_end = 2);
  REFUSE(pack, to_pack, a.w = nullptr);
  REFUSE(pack, to_pack, a.packed = nullptr);
  if (run(nullptr) != SINTER_INVALID_ARGUMENT || pack(nullptr) != SINTER_INVALID_ARGUMENT) {
    fail("floats: no arguments");
  }
}

void check_weight_only(int32_t (*run)(const sinter_weight_only_gemm_args *)) {
  Buffers b;
  std::vector<float> x(2 * k, 1);
  sinter_weight_only_gemm_args good{};
  good.m = 2;
  good.n = 17;
  good.k = k;
  good.panel_end = 2;
  good.x = x.data();
  good.x_stride = k;
  good.w = b.w.data();
  good.w_scales = b.w_scales.data();
  good.w_group = 32;
  good.y = b.y.data();
  good.y_stride = 17;
  good.bits = 4;
  REFUSE(run, good, a.m = 0);
  REFUSE(run, good, a.n = -1);
  REFUSE(run, good, a.k = int64_t{1} << 40);
  REFUSE(run, good, a.panel_begin = -1);
  REFUSE(run, good, a.panel_end = 3);
  REFUSE(run, good, a.x_stride = k - 1);
  REFUSE(run, good, a.y_stride = 16);
  REFUSE(run, good, a.x = nullptr);
  REFUSE(run, good, a.w = nullptr);
  REFUSE(run, good, a.w_scales = nullptr);
  REFUSE(run, good, a.y = nullptr);
  REFUSE(run, good, a.w_group = 33);
  REFUSE(run, good, a.w_group = -32);
  REFUSE(run, good, a.bits = 5);
  REFUSE(run, good, a.w_scale_type = 2);
  REFUSE(run, good, a.activation = 4);
  REFUSE(run, gated(good), a.gate = 2);
  REFUSE(run, gated(good), a.accumulate = 1);
  REFUSE(run, gated(good), a.panel_end = 4);
  if (run(nullptr) != SINTER_INVALID_ARGUMENT) {
    fail("weight_only: no arguments");
  }
}

void check_group_sums() {
  Buffers b;
  const auto call = [&](int64_t rows, int64_t width, int64_t stride, int64_t group, int64_t step) {
    return sinter_group_sums_scalar(b.x.data(), 0, rows, width, stride, b.x_zero_points.data(),
                                    group, step, b.x_sums.data());
  };
  const bool good = call(2, k, k, 0, 0) == SINTER_OK && call(2, k, k, 32, 32) == SINTER_OK &&
                    call(2, k, k, 0, 32) == SINTER_OK;
  for (const int32_t status :
       {call(0, k, k, 0, 0), call(2, 0, k, 0, 0), call(2, k, k - 1, 0, 0), call(2, k, k, 32, 0),
        call(2, k, k, 32, 64), call(2, k, k, -32, 32), call(2, k, k, 0, -1),
        sinter_group_sums_scalar(nullptr, 0, 2, k, k, nullptr, 0, 0, b.x_sums.data()),
        sinter_group_sums_scalar(b.x.data(), -1, 2, k, k, nullptr, 0, 0, b.x_sums.data()),
        sinter_group_sums_scalar(b.x.data(), 0, 2, k, k, nullptr, 0, 0, nullptr)}) {
    if (!good || status != SINTER_INVALID_ARGUMENT) {
      fail("group_sums: good %d, status %d", good, status);
    }
  }
}

void check_blocks() {
  Buffers b;
  const int64_t starts[] = {0, 1, 2, 3, 4, 5};  // of two panels, or of their groups
  const uint16_t quads[] = {0, 4, 1, 5, 3};
  std::vector<uint8_t> scratch(static_cast<size_t>(sinter_block_gemm_scratch(k, 4)));
  sinter_block_gemm_args good{b.gemm(), starts, quads, scratch.data()};
  good.gemm.w_sums = b.w_sums.data();
  for (const auto run : {sinter_int8_block_gemm_scalar, sinter_int4_block_gemm_scalar,
                         sinter_int8_2of4_gemm_scalar, sinter_int8_sell_gemm_scalar}) {
    REFUSE(run, good, a.gemm.m = 0);
    REFUSE(run, good, a.gemm.panel_end = 3);
    REFUSE(run, good, a.gemm.w_zero_points = b.centers.data());
    REFUSE(run, good, a.gemm.x_group = 32);
    REFUSE(run, good, a.gemm.gate = 1);
    if (run != sinter_int8_sell_gemm_scalar) {
      REFUSE(run, good, a.scratch = nullptr);
    }
    if (run != sinter_int8_2of4_gemm_scalar) {
      REFUSE(run, good, a.starts = nullptr);
      REFUSE(run, good, a.quads = nullptr);
    }
    if (run != sinter_int4_block_gemm_scalar) {
      REFUSE(run, good, a.gemm.w_sums = nullptr);
    }
    if (run(nullptr) != SINTER_INVALID_ARGUMENT) {
      fail("blocks: no arguments");
    }
  }
  REFUSE(sinter_int8_sell_gemm_scalar, good, a.gemm.k = a.gemm.x_stride = SINTER_SELL_MAX_K + 32);
  const auto int4 = sinter_int4_block_gemm_scalar;
  good.gemm.w_group = 32;
  REFUSE(int4, good, a.gemm.w_group = 16);
  REFUSE(int4, good, a.gemm.k = 131072; a.gemm.x_stride = 131072);  // 16 times the sums
  std::vector<float> x(2 * k, 1), w(2 * 256), y(2 * 17);
  const sinter_f32_block_gemm_args floats{
      {2, 17, k, 0, 2, x.data(), k, w.data(), nullptr, y.data(), 17, 0, 0, 0},
      starts,
      quads,
      scratch.data()};
  const auto f32 = sinter_f32_block_gemm_scalar;
  REFUSE(f32, floats, a.gemm.m = 0);
  REFUSE(f32, floats, a.gemm.k = a.gemm.x_stride = SINTER_BLOCK_MAX_K + 1);
  REFUSE(f32, floats, a.gemm.gate = 1);
  REFUSE(f32, floats, a.starts = nullptr);
  REFUSE(f32, floats, a.quads = nullptr);
  REFUSE(f32, floats, a.scratch = nullptr);
  int64_t counted[2];
  const sinter_block_pack_args to_pack{b.x.data(), k, 2, k, 0, counted, nullptr, nullptr, nullptr};
  for (const auto pack : {sinter_int8_block_pack_scalar, sinter_int4_block_pack_scalar,
                          sinter_int8_sell_pack_scalar}) {
    REFUSE(pack, to_pack, a.n = 0);
    REFUSE(pack, to_pack, a.k = a.stride = SINTER_BLOCK_MAX_K + 1);
    REFUSE(pack, to_pack, a.stride = k - 1);
    REFUSE(pack, to_pack, a.group = 16);
    REFUSE(pack, to_pack, a.weights = nullptr);
    REFUSE(pack, to_pack, a.starts = nullptr);
    REFUSE(pack, to_pack, a.quads = const_cast<uint16_t *>(quads));  // and nowhere to put weights
  }
}

// Lists of blocks with each kind of flaw.
void check_lists() {
  const int64_t starts[] = {0, 2, 2, 3};
  const uint16_t quads[] = {0, 4, 3};
  const auto refuse = [&](const char *what, const std::function<void(int64_t *, uint16_t *)> &spoil,
                          int32_t expected = SINTER_INVALID_ARGUMENT) {
    int64_t s[4];
    uint16_t q[3];
    std::copy(std::begin(starts), std::end(starts), s);
    std::copy(std::begin(quads), std::end(quads), q);
    spoil(s, q);
    if (sinter_block_list(33, 17, 0, 4, s, q) != expected) {
      fail("a list, %s", what);
    }
  };
  refuse(
      "as it should be", [](int64_t *, uint16_t *) {}, SINTER_OK);
  refuse("that does not begin at 0", [](int64_t *s, uint16_t *) { s[0] = 1; });
  refuse("that begins below 0", [](int64_t *s, uint16_t *) { s[0] = -1; });
  refuse("that goes back", [](int64_t *s, uint16_t *) { s[2] = 1; });
  refuse("with more blocks than quads", [](int64_t *s, uint16_t *) { s[3] = 8; });
  refuse("with a quad past the last", [](int64_t *, uint16_t *q) { q[1] = 5; });
  refuse("with one twice", [](int64_t *, uint16_t *q) { q[1] = 0; });
  const int64_t grouped[] = {0, 1, 2};
  const uint16_t places[] = {3, 4}, early[] = {3, 3};
  if (sinter_block_list(1, 40, 32, 8, grouped, places) != SINTER_OK ||
      sinter_block_list(1, 40, 32, 8, grouped, early) != SINTER_INVALID_ARGUMENT ||
      sinter_block_list(1, 40, 33, 8, grouped, places) != SINTER_INVALID_ARGUMENT) {
    fail("lists of groups");
  }
  refuse("out of order", [](int64_t *, uint16_t *q) { q[0] = 4, q[1] = 0; });
}

// A variant that this CPU lacks says so, and is never run.
void check_isa(const char *name, uint64_t needs, Gemm *gemm) {
  Buffers b;
  const std::vector<float> before = b.y;
  const sinter_gemm_args a = b.gemm();
  const int32_t status = gemm(&a);
  const bool runs = sinter::cpu_has(needs);
  if (status != (runs ? SINTER_OK : SINTER_UNSUPPORTED_ISA) || (b.y != before) != runs) {
    fail("%s: status %d", name, status);
  }
}

}  // namespace

int main() {
  for (Gemm *gemm : {sinter_int8_gemm_scalar, sinter_int4_gemm_scalar, sinter_ternary_gemm_scalar,
                     sinter_binary_gemm_scalar}) {
    check_gemm(gemm);
  }
  check_groups();
  check_pack();
  check_floats(sinter_f32_gemm_scalar, sinter_f32_pack_scalar);
  check_floats(sinter_bf16_gemm_scalar, sinter_bf16_pack_scalar);
  check_floats(sinter_bf16_weights_gemm_scalar, sinter_bf16_pack_scalar);
  check_weight_only(sinter_weight_only_gemm_scalar);
  check_weight_only(sinter_weight_only_bf16_gemm_scalar);
  check_group_sums();
  check_blocks();
  check_lists();
#define CHECK_ISA(width, isa) \
  check_isa(#width " " #isa, SINTER_NEEDS_##isa, sinter_##width##_gemm_##isa);
#define CHECK_int8(isa) CHECK_ISA(int8, isa)
#define CHECK_int4(isa) CHECK_ISA(int4, isa)
#define CHECK_ternary(isa) CHECK_ISA(ternary, isa)
#define CHECK_binary(isa) CHECK_ISA(binary, isa)
#define TAKE_int8_gemm ~, CHECK_int8
#define TAKE_int4_gemm ~, CHECK_int4
#define TAKE_ternary_gemm ~, CHECK_ternary
#define TAKE_binary_gemm ~, CHECK_binary
#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
#include "KERNELS.def"
  return 0;
}
