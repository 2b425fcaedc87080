// Every variant of cached_attention that this CPU runs, against the formula in double: rows of a
// call, the same rows one by one, and their segments merged. All buffers, and each page by itself,
// end (or begin) at an unreadable page of memory. The bounds are derived and judged in Java
// (CachedAttentionNativeTest); here a plain one is enough to see a wrong lane, and the sanitizers
// see the rest.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;

constexpr int64_t tokens = SINTER_KV_PAGE_TOKENS;
constexpr int64_t gap = 3;  // between rows, in floats

struct Variant {
  const char *isa;
  uint64_t needs;
  decltype(sinter_cached_attention_scalar) *rows;
  decltype(sinter_cached_attention_segment_scalar) *segment;
  decltype(sinter_cached_attention_merge_scalar) *merge;
};

#define VARIANT(isa)                                                                               \
  {#isa, SINTER_NEEDS_##isa, sinter_cached_attention_##isa, sinter_cached_attention_segment_##isa, \
   sinter_cached_attention_merge_##isa},
#define TAKE_cached_attention ~, VARIANT
#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)
const Variant variants[] = {
#include "KERNELS.def"
};
#undef SINTER_KERNEL

enum class Fill { random, least, most };

// Pages of one head, as a cache holds them, and what they mean.
class Cache {
 public:
  Cache(int32_t type, int64_t head_dim, int64_t length, Fill fill, Edge edge,
        std::mt19937_64 &random)
      : keys_(static_cast<size_t>(length * head_dim)), values_(keys_.size()) {
    std::normal_distribution<float> normal(0, 1);
    const int64_t size = type == SINTER_KV_F32 ? 4 : type == SINTER_KV_BF16 ? 2 : 1;
    const int64_t pair = size == 4 ? 1 : 2;
    const int64_t key_bytes = tokens * size * ((head_dim + pair - 1) / pair * pair);
    const int64_t stride = (head_dim + 7) / 8 * 8;
    const int64_t value_bytes = tokens * size * stride;
    const int64_t bytes = (key_bytes + value_bytes + (size == 1 ? 8 * tokens : 0) + 63) / 64 * 64;
    for (int64_t t = 0; t < length; t++) {
      const int64_t slot = t % tokens;
      if (slot == 0) {
        memory_.push_back(std::make_unique<GuardedMemory>(static_cast<size_t>(bytes)));
        table_.push_back(memory_.back()->place<char>(static_cast<size_t>(bytes), edge));
        // What a cache does not write is 0 to begin with; tokens to come may be anything.
        std::memset(table_.back(), 0, static_cast<size_t>(key_bytes));
      }
      char *page = static_cast<char *>(table_.back());
      auto *scales = reinterpret_cast<float *>(page + key_bytes + value_bytes);
      float scale[2] = {std::fabs(normal(random)) / 64, std::fabs(normal(random)) / 64};
      if (size == 1) {
        scales[slot] = scale[0];
        scales[tokens + slot] = scale[1];
      }
      for (int64_t d = 0; d < head_dim; d++) {
        const int64_t at[2] = {(d / pair * tokens + slot) * pair + d % pair, slot * stride + d};
        for (int i = 0; i < 2; i++) {
          const float x = fill == Fill::random ? normal(random) : fill == Fill::least ? -4.f : 4.f;
          double kept = 0;
          char *to = page + (i == 0 ? 0 : key_bytes) + at[i] * size;
          if (size == 4) {
            std::memcpy(to, &x, 4);
            kept = x;
          } else if (size == 2) {
            uint32_t bits;
            std::memcpy(&bits, &x, 4);
            bits &= 0xffff0000;
            std::memcpy(to, reinterpret_cast<char *>(&bits) + 2, 2);
            float upper;
            std::memcpy(&upper, &bits, 4);
            kept = upper;
          } else {
            const float code = std::rint(std::fmax(-127.f, std::fmin(127.f, x * 40)));
            *to = static_cast<char>(static_cast<int8_t>(code));
            kept = double(code) * double(scale[i]);
          }
          (i == 0 ? keys_ : values_)[static_cast<size_t>(t * head_dim + d)] = kept;
        }
      }
    }
  }

  const void *const *table() const { return table_.data(); }
  const double *key(int64_t t, int64_t head_dim) const { return keys_.data() + t * head_dim; }
  const double *value(int64_t t, int64_t head_dim) const { return values_.data() + t * head_dim; }

 private:
  std::vector<double> keys_, values_;
  std::vector<std::unique_ptr<GuardedMemory>> memory_;
  std::vector<void *> table_;
};

std::vector<double> expected(const sinter_cached_attention_args &a, const Cache &cache,
                             const float *q, int64_t position) {
  const int64_t first = a.window == 0 ? 0 : std::max<int64_t>(0, position - a.window + 1);
  std::vector<double> score;
  for (int64_t t = first; t <= position; t++) {
    double sum = 0;
    for (int64_t d = 0; d < a.head_dim; d++) {
      sum += double(q[d]) * cache.key(t, a.head_dim)[d];
    }
    sum *= double(a.scale);
    score.push_back(a.soft_cap > 0 ? double(a.soft_cap) * std::tanh(sum / double(a.soft_cap))
                                   : sum);
  }
  const double most = *std::max_element(score.begin(), score.end());
  double total = 0;
  std::vector<double> result(static_cast<size_t>(a.head_dim), 0);
  for (int64_t t = first; t <= position; t++) {
    const double weight = std::exp(score[static_cast<size_t>(t - first)] - most);
    total += weight;
    for (int64_t d = 0; d < a.head_dim; d++) {
      result[static_cast<size_t>(d)] += weight * cache.value(t, a.head_dim)[d];
    }
  }
  for (double &x : result) {
    x /= total;
  }
  return result;
}

void ok(const Variant &variant, int32_t status) {
  if (status != SINTER_OK) {
    fail("%s: status %d", variant.isa, status);
  }
}

// How the rows of a case are computed.
enum class Cut { none, rows, segments };

void compute(const Variant &variant, sinter_cached_attention_args a, const Cache &cache, Cut cut,
             Edge edge) {
  if (cut == Cut::none) {
    ok(variant, variant.rows(&a, cache.table()));
    return;
  }
  const int64_t rows = a.rows;
  a.rows = 1;
  for (int64_t i = 0; i < rows; i++, a.position++, a.q += a.q_stride, a.out += a.out_stride) {
    if (cut == Cut::rows) {
      ok(variant, variant.rows(&a, cache.table()));
      continue;
    }
    const int64_t begin = a.window == 0 ? 0 : std::max<int64_t>(0, a.position - a.window + 1);
    const int64_t first = begin / SINTER_KV_SEGMENT_TOKENS;
    const int64_t last = a.position / SINTER_KV_SEGMENT_TOKENS;
    const int64_t stride = sinter_cached_attention_part(a.group, a.head_dim) + 16;
    const auto size = static_cast<size_t>((last - first + 1) * stride - 16);
    GuardedMemory memory(size * sizeof(float));
    float *parts = memory.place<float>(size, edge);
    for (int64_t s = last; s >= first; s--) {
      ok(variant, variant.segment(&a, cache.table(), s, parts, (s - first) * stride));
    }
    ok(variant, variant.merge(&a, parts, 0, stride, last - first + 1));
  }
}

void check(const Variant &variant, sinter_cached_attention_args a, const Cache &cache, Edge edge,
           std::mt19937_64 &random) {
  std::normal_distribution<float> normal(0, 1);
  const int64_t width = a.group * a.head_dim;
  a.q_stride = a.out_stride = width + gap;
  const auto size = static_cast<size_t>((a.rows - 1) * a.q_stride + width);
  const auto scratch = static_cast<size_t>(sinter_cached_attention_scratch(a.head_dim));
  GuardedMemory q(size * sizeof(float)), out(size * sizeof(float)), work(scratch);
  float *queries = q.place<float>(size, edge);
  std::generate(queries, queries + size, [&] { return normal(random); });
  std::vector<float> before;
  for (const Cut cut : {Cut::none, Cut::rows, Cut::segments}) {
    a.q = queries;
    a.out = out.place<float>(size, edge);
    a.scratch = reinterpret_cast<float *>(work.place<char>(scratch, edge));
    const std::vector<float> untouched(a.out, a.out + size);
    compute(variant, a, cache, cut, edge);
    for (int64_t row = 0; row < a.rows; row++) {
      const float *results = a.out + row * a.out_stride;
      for (int64_t head = 0; head < a.group; head++) {
        const std::vector<double> want =
            expected(a, cache, queries + row * a.q_stride + head * a.head_dim, a.position + row);
        for (int64_t d = 0; d < a.head_dim; d++) {
          const float found = results[head * a.head_dim + d];
          if (!(std::fabs(double(found) - want[static_cast<size_t>(d)]) < 1e-3)) {
            fail(
                "%s, type %d, head_dim %lld, group %lld, position %lld, row %lld, head %lld: "
                "element %lld is %g, expected %g",
                variant.isa, a.kv_type, static_cast<long long>(a.head_dim),
                static_cast<long long>(a.group), static_cast<long long>(a.position),
                static_cast<long long>(row), static_cast<long long>(head),
                static_cast<long long>(d), double(found), want[static_cast<size_t>(d)]);
          }
        }
      }
      const auto at = static_cast<size_t>(row * a.out_stride + width);
      if (row + 1 < a.rows && std::memcmp(a.out + at, &untouched[at], gap * sizeof(float)) != 0) {
        fail("%s: written between rows", variant.isa);
      }
    }
    if (!before.empty() && std::memcmp(before.data(), a.out, size * sizeof(float)) != 0) {
      fail("%s: a row depends on what is beside it, or on how it was cut", variant.isa);
    }
    before.assign(a.out, a.out + size);
  }
}

void refuses(const Variant &variant) {
  alignas(64) static float floats[1 << 16];
  const void *pages[] = {floats};
  const sinter_cached_attention_args good{floats, 16, floats, 16, 1, 0, 2,
                                          8,      0,  0,      1,  0, 0, floats + 1024};
  using Args = sinter_cached_attention_args;
  void (*const changes[])(Args &) = {[](Args &a) { a.q = nullptr; },
                                     [](Args &a) { a.q_stride = 15; },
                                     [](Args &a) { a.out = nullptr; },
                                     [](Args &a) { a.out_stride = 15; },
                                     [](Args &a) { a.rows = 0; },
                                     [](Args &a) { a.rows = SINTER_KV_ROWS + 1; },
                                     [](Args &a) { a.position = -1; },
                                     [](Args &a) { a.group = 0; },
                                     [](Args &a) { a.head_dim = 0; },
                                     [](Args &a) { a.head_dim = 513; },
                                     [](Args &a) { a.page_offset = 32; },
                                     [](Args &a) { a.page_offset = -64; },
                                     [](Args &a) { a.window = -1; },
                                     [](Args &a) { a.scale = NAN; },
                                     [](Args &a) { a.scale = INFINITY; },
                                     [](Args &a) { a.soft_cap = -1; },
                                     [](Args &a) { a.soft_cap = INFINITY; },
                                     [](Args &a) { a.kv_type = 3; },
                                     [](Args &a) { a.kv_type = -1; },
                                     [](Args &a) { a.scratch = nullptr; }};
  ok(variant, variant.rows(&good, pages));
  int number = 0;
  for (const auto change : changes) {
    sinter_cached_attention_args bad = good;
    change(bad);
    if (variant.rows(&bad, pages) != SINTER_INVALID_ARGUMENT) {
      fail("%s: change %d is not refused", variant.isa, number);
    }
    number++;
  }
  const int64_t part = sinter_cached_attention_part(2, 8);
  sinter_cached_attention_args two = good;
  two.rows = 2;
  if (variant.rows(nullptr, pages) != SINTER_INVALID_ARGUMENT ||
      variant.rows(&good, nullptr) != SINTER_INVALID_ARGUMENT ||
      variant.segment(&good, pages, 1, floats, 0) != SINTER_INVALID_ARGUMENT ||
      variant.segment(&good, pages, -1, floats, 0) != SINTER_INVALID_ARGUMENT ||
      variant.segment(&two, pages, 0, floats, 0) != SINTER_INVALID_ARGUMENT ||
      variant.segment(&good, pages, 0, nullptr, 0) != SINTER_INVALID_ARGUMENT ||
      variant.segment(&good, pages, 0, floats, -1) != SINTER_INVALID_ARGUMENT ||
      variant.merge(&good, floats, -1, part, 1) != SINTER_INVALID_ARGUMENT ||
      variant.merge(&good, nullptr, 0, part, 1) != SINTER_INVALID_ARGUMENT ||
      variant.merge(&good, floats, 0, part - 1, 1) != SINTER_INVALID_ARGUMENT ||
      variant.merge(&good, floats, 0, part, 0) != SINTER_INVALID_ARGUMENT) {
    fail("%s: a segment or a merge is not refused", variant.isa);
  }
}

}  // namespace

int main() {
  std::mt19937_64 random(testing::seed());
  struct Shape {
    int64_t position, rows, group, head_dim, window;
    float soft_cap;
  };
  const Shape shapes[] = {
      {0, 1, 1, 1, 0, 0},      {0, 8, 8, 8, 0, 0},      {31, 2, 3, 7, 0, 0},
      {5, 8, 1, 15, 0, 0},     {60, 5, 4, 16, 0, 0},    {30, 4, 2, 20, 9, 2},
      {250, 8, 2, 32, 0, 0},   {255, 2, 7, 33, 40, 0},  {253, 8, 5, 40, 1, 0},
      {515, 3, 4, 64, 0, 0},   {600, 8, 2, 80, 300, 0}, {40, 8, 16, 80, 0, 0.5f},
      {300, 2, 40, 128, 0, 0}, {12, 1, 2, 511, 0, 0},   {70, 2, 1, 512, 0, 0}};
  long cases = 0;
  for (const Variant &variant : variants) {
    if (!sinter::cpu_has(variant.needs)) {
      continue;
    }
    refuses(variant);
    for (const Shape &shape : shapes) {
      for (const int32_t type : {SINTER_KV_F32, SINTER_KV_BF16, SINTER_KV_INT8}) {
        for (const Fill fill : {Fill::random, Fill::least, Fill::most}) {
          const Edge edge = cases % 2 == 0 ? Edge::end : Edge::begin;
          const Cache cache(type, shape.head_dim, shape.position + shape.rows, fill, edge, random);
          sinter_cached_attention_args a{};
          a.rows = shape.rows;
          a.position = shape.position;
          a.group = shape.group;
          a.head_dim = shape.head_dim;
          a.window = shape.window;
          a.scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
          a.soft_cap = shape.soft_cap;
          a.kv_type = type;
          check(variant, a, cache, edge, random);
          cases++;
        }
      }
    }
  }
  if (cases == 0) {
    fail("no case was run");
  }
  std::printf("cached_attention: %ld cases\n", cases);
}
