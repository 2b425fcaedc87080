// Every variant of attention that this CPU runs, against the formula in double. All buffers end (or
// begin) at an unreadable page. The bounds are derived and judged in Java (AttentionNativeTest);
// here a plain one is enough to see a wrong lane, and the sanitizers see the rest.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;

constexpr int64_t max_length = 131;
constexpr int64_t max_head_dim = 80;
constexpr int64_t gap = 5;  // between the rows of q, k and v, and of out

struct Variant {
  const char *isa;
  uint64_t needs;
  decltype(sinter_attention_scalar) *kernel;
};

#define VARIANT(isa) {#isa, SINTER_NEEDS_##isa, sinter_attention_##isa},
#define TAKE_attention ~, VARIANT
#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
const Variant variants[] = {
#include "KERNELS.def"
};
#undef SINTER_KERNEL

// Rows `stride` apart, the last of which ends at the buffer's end.
size_t size(int64_t length, int64_t head_dim, int64_t stride) {
  return static_cast<size_t>((length - 1) * stride + head_dim);
}

struct Case {
  int64_t length;
  int64_t head_dim;
  std::vector<float> q, k, v;
  int64_t stride() const { return head_dim + gap; }
  size_t at(int64_t row, int64_t t) const { return static_cast<size_t>(row * stride() + t); }

  std::vector<double> expected(int64_t row) const {
    std::vector<double> score(static_cast<size_t>(length));
    double most = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < length; j++) {
      double sum = 0;
      for (int64_t t = 0; t < head_dim; t++) {
        sum += double(q[at(row, t)]) * double(k[at(j, t)]);
      }
      score[static_cast<size_t>(j)] = sum / std::sqrt(double(head_dim));
      most = std::fmax(most, score[static_cast<size_t>(j)]);
    }
    double total = 0;
    std::vector<double> result(static_cast<size_t>(head_dim), 0);
    for (int64_t j = 0; j < length; j++) {
      const double weight = std::exp(score[static_cast<size_t>(j)] - most);
      total += weight;
      for (int64_t t = 0; t < head_dim; t++) {
        result[static_cast<size_t>(t)] += weight * double(v[at(j, t)]);
      }
    }
    for (double &x : result) {
      x /= total;
    }
    return result;
  }
};

// `nan_row`: a query that holds NaN, or -1.
void check(const Variant &variant, const Case &c, Edge edge, int64_t nan_row) {
  constexpr size_t most = max_length * (max_head_dim + gap) * sizeof(float);
  static GuardedMemory memory[] = {
      GuardedMemory(most), GuardedMemory(most), GuardedMemory(most), GuardedMemory(most),
      GuardedMemory(static_cast<size_t>(sinter_attention_scratch(max_length, max_head_dim)))};
  const size_t n = size(c.length, c.head_dim, c.stride());
  const std::vector<float> *inputs[] = {&c.q, &c.k, &c.v};
  float *placed[3];
  for (int i = 0; i < 3; i++) {
    placed[i] = memory[i].place<float>(n, edge);
    std::copy(inputs[i]->begin(), inputs[i]->end(), placed[i]);
  }
  float *out = memory[3].place<float>(n, edge);
  const float untouched = out[0];
  char *scratch = memory[4].place<char>(
      static_cast<size_t>(sinter_attention_scratch(c.length, c.head_dim)), edge);
  const int32_t status =
      variant.kernel(placed[0], placed[1], placed[2], c.stride(), out, c.stride(), 0, c.length, 0,
                     c.head_dim, reinterpret_cast<float *>(scratch));
  if (status != SINTER_OK) {
    fail("%s: status %d", variant.isa, status);
  }
  for (int64_t row = 0; row < c.length; row++) {
    const std::vector<double> expected = c.expected(row);
    for (int64_t t = 0; t < c.stride() && c.at(row, t) < n; t++) {
      const float found = out[c.at(row, t)];
      const bool ok =
          t >= c.head_dim
              ? std::memcmp(&found, &untouched, sizeof found) == 0
              : (row == nan_row
                     ? std::isnan(found)
                     : std::fabs(double(found) - expected[static_cast<size_t>(t)]) < 2e-5);
      if (!ok) {
        fail("%s, length %lld, head_dim %lld, row %lld, column %lld: %g, expected %g", variant.isa,
             static_cast<long long>(c.length), static_cast<long long>(c.head_dim),
             static_cast<long long>(row), static_cast<long long>(t), double(found),
             t < c.head_dim ? expected[static_cast<size_t>(t)] : double(untouched));
      }
    }
  }
}

}  // namespace

int main() {
  std::mt19937_64 random(testing::seed());
  std::normal_distribution<float> normal(0, 1.5f);
  long cases = 0;
  for (const int64_t length : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 131}) {
    for (const int64_t head_dim : {1, 7, 8, 15, 16, 20, 32, 33, 64, 80}) {
      Case c{length, head_dim, {}, {}, {}};
      for (std::vector<float> *values : {&c.q, &c.k, &c.v}) {
        values->resize(size(length, head_dim, c.stride()));
        std::generate(values->begin(), values->end(), [&] { return normal(random); });
      }
      int64_t nan_row = -1;
      if (cases % 3 == 1) {
        nan_row = static_cast<int64_t>(random() % static_cast<uint64_t>(length));
        c.q[c.at(nan_row, head_dim / 2)] = std::numeric_limits<float>::quiet_NaN();
      }
      for (const Variant &variant : variants) {
        if (sinter::cpu_has(variant.needs)) {
          check(variant, c, Edge::end, nan_row);
          check(variant, c, Edge::begin, nan_row);
          cases++;
        }
      }
    }
  }
  if (cases == 0) {
    fail("no case was run");
  }
  std::printf("attention: %ld cases\n", cases);
}
