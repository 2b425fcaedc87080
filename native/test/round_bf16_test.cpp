// Every variant of round_bf16 that this CPU runs, for all values whose rounding can differ: every
// upper half with the lower halves around a tie. Buffers end (or begin) at an unreadable page.
#include <cmath>
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;

struct Variant {
  const char *isa;
  uint64_t needs;
  decltype(sinter_round_bf16_scalar) *kernel;
};

#define VARIANT(isa) {#isa, SINTER_NEEDS_##isa, sinter_round_bf16_##isa},
#define TAKE_round_bf16 ~, VARIANT
#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
const Variant variants[] = {
#include "KERNELS.def"
};
#undef SINTER_KERNEL

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// By distance, not by bits: the nearer of the two neighbours, the even one of two equally near.
bool right(float x, uint16_t y) {
  const float rounded = from_bits(static_cast<uint32_t>(y) << 16);
  if (std::isnan(x)) {
    return std::isnan(rounded);
  }
  if (std::signbit(x) != std::signbit(rounded)) {
    return false;
  }
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const uint16_t below = static_cast<uint16_t>(bits >> 16);  // towards zero
  if (y == below && (bits & 0xffff) == 0) {
    return true;
  }
  if (std::isinf(x) || (y != below && y != below + 1)) {
    return false;
  }
  // 2^128 stands for the infinity above the largest value.
  const double low = std::fabs(double(from_bits(static_cast<uint32_t>(below) << 16)));
  const uint32_t above = (static_cast<uint32_t>(below) + 1) << 16;
  const double high = std::isinf(from_bits(above)) ? 0x1p128 : std::fabs(double(from_bits(above)));
  const double up = high - std::fabs(double(x));
  const double down = std::fabs(double(x)) - low;
  return up == down ? y % 2 == 0 : y == (up < down ? below + 1 : below);
}

void check(const Variant &variant, const std::vector<float> &values, int64_t rows, int64_t k,
           int64_t stride, Edge edge) {
  static GuardedMemory memory[] = {GuardedMemory(1 << 20), GuardedMemory(1 << 20)};
  const int64_t first = 1;  // the row before keeps its pattern
  const size_t n = static_cast<size_t>((first + rows) * stride);
  float *x = memory[0].place<float>(static_cast<size_t>((first + rows) * k), edge);
  std::memcpy(x + first * k, values.data(), static_cast<size_t>(rows * k) * sizeof *x);
  uint16_t *y = memory[1].place<uint16_t>(n, edge);
  const uint16_t untouched = y[0];
  if (variant.kernel(x, first, rows, k, y, stride) != SINTER_OK) {
    fail("%s refused", variant.isa);
  }
  for (size_t i = 0; i < n; i++) {
    const int64_t row = static_cast<int64_t>(i) / stride - first;
    const int64_t column = static_cast<int64_t>(i) % stride;
    const bool ok = row < 0       ? y[i] == untouched
                    : column >= k ? y[i] == 0
                                  : right(values[static_cast<size_t>(row * k + column)], y[i]);
    if (!ok) {
      fail("%s, k %lld, row %lld, column %lld: %04x", variant.isa, static_cast<long long>(k),
           static_cast<long long>(row), static_cast<long long>(column), y[i]);
    }
  }
}

}  // namespace

int main() {
  std::vector<float> values;
  for (uint32_t upper = 0; upper < 0x10000; upper++) {
    for (const uint32_t lower : {0x0u, 0x1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      values.push_back(from_bits(upper << 16 | lower));
    }
  }
  long cases = 0;
  for (const Variant &variant : variants) {
    if (!sinter::cpu_has(variant.needs)) {
      continue;
    }
    for (const int64_t k : {1, 7, 8, 15, 16, 17, 31, 33, 384}) {
      const int64_t rows = 3;
      for (size_t at = 0; at + static_cast<size_t>(rows * k) <= values.size();
           at += static_cast<size_t>(rows * k) * (k < 31 ? 17 : 1)) {
        const std::vector<float> some(values.begin() + static_cast<long>(at),
                                      values.begin() + static_cast<long>(at) + rows * k);
        check(variant, some, rows, k, k + cases % 3, cases % 2 ? Edge::end : Edge::begin);
        cases++;
      }
    }
  }
  if (cases == 0) {
    fail("no case was run");
  }
  std::printf("round_bf16: %ld cases\n", cases);
}
