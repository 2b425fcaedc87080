// That the micro-kernels do the work they are timed by: every byte is read, every product counted.
#include <vector>

#include "cpu_features.h"
#include "testing.h"

namespace {

using testing::Edge;
using testing::fail;
using testing::GuardedMemory;

struct Reader {
  const char *isa;
  uint64_t needs;
  int32_t (*run)(const uint8_t *, int64_t, int64_t, uint64_t *);
};

struct Multiplier {
  const char *isa;
  uint64_t needs;
  int32_t (*run)(int32_t, int64_t, int64_t *, double *);
};

#define SINTER_KERNEL(operation, isa) TESTING_LINE(operation, isa)

#define VARIANT(isa) {#isa, SINTER_NEEDS_##isa, sinter_machine_limits_read_##isa},
#define TAKE_machine_limits_read ~, VARIANT
const Reader readers[] = {
#include "KERNELS.def"
};
#undef TAKE_machine_limits_read
#undef VARIANT

#define VARIANT(isa) {#isa, SINTER_NEEDS_##isa, sinter_machine_limits_multiply_##isa},
#define TAKE_machine_limits_multiply ~, VARIANT
const Multiplier multipliers[] = {
#include "KERNELS.def"
};
#undef TAKE_machine_limits_multiply
#undef VARIANT

#undef SINTER_KERNEL

void check(const Reader &reader) {
  constexpr int64_t largest = 33 * SINTER_MACHINE_LIMITS_BLOCK;
  GuardedMemory memory(largest);
  std::mt19937_64 random(testing::seed());
  for (int64_t bytes = 0; bytes <= largest; bytes += SINTER_MACHINE_LIMITS_BLOCK) {
    for (const Edge edge : {Edge::begin, Edge::end}) {
      uint8_t *data = memory.place<uint8_t>(static_cast<size_t>(bytes), edge);
      uint64_t expected = 0;
      for (int64_t i = 0; i < bytes; i += 8) {
        const uint64_t word = random();
        std::memcpy(data + i, &word, sizeof word);
        expected += word;
      }
      for (const int64_t repeats : {0, 1, 3}) {
        uint64_t sum = 1;
        if (reader.run(data, bytes, repeats, &sum) != SINTER_OK ||
            sum != static_cast<uint64_t>(repeats) * expected) {
          fail("read %s, %lld bytes, %lld times: sum %llx of %llx a time", reader.isa,
               static_cast<long long>(bytes), static_cast<long long>(repeats),
               static_cast<unsigned long long>(sum), static_cast<unsigned long long>(expected));
        }
      }
    }
  }
}

// How many types the instruction set has multiply-adds for.
int check(const Multiplier &multiplier) {
  int types = 0;
  for (int32_t type = SINTER_MACHINE_LIMITS_F32; type <= SINTER_MACHINE_LIMITS_INT8; type++) {
    int64_t once = -1;
    for (const int64_t iterations :
         {int64_t{1}, int64_t{1000}, int64_t{SINTER_MACHINE_LIMITS_MAX_ITERATIONS}}) {
      int64_t operations = -1;
      double sum = -1;
      if (multiplier.run(type, iterations, &operations, &sum) != SINTER_OK) {
        fail("multiply %s: refused", multiplier.isa);
      }
      once = once < 0 ? operations : once;
      if (operations != once * iterations || 2 * sum != static_cast<double>(operations)) {
        fail("multiply %s, type %d, %lld iterations: %lld operations, products %f", multiplier.isa,
             type, static_cast<long long>(iterations), static_cast<long long>(operations), sum);
      }
    }
    types += once > 0;
  }
  return types;
}

}  // namespace

int main() {
  long cases = 0;
  for (const Reader &reader : readers) {
    if (sinter::cpu_has(reader.needs)) {
      check(reader);
      cases++;
    } else {
      uint64_t sum;
      if (reader.run(reinterpret_cast<const uint8_t *>(64), 0, 0, &sum) != SINTER_UNSUPPORTED_ISA) {
        fail("read %s runs on a CPU without it", reader.isa);
      }
    }
  }
  for (const Multiplier &multiplier : multipliers) {
    if (sinter::cpu_has(multiplier.needs)) {
      if (check(multiplier) == 0) {
        fail("multiply %s has nothing to multiply", multiplier.isa);
      }
      cases++;
    } else {
      int64_t operations;
      double sum;
      if (multiplier.run(0, 1, &operations, &sum) != SINTER_UNSUPPORTED_ISA) {
        fail("multiply %s runs on a CPU without it", multiplier.isa);
      }
    }
  }
  if (cases == 0 && sinter::cpu_has(SINTER_NEEDS_avx2)) {
    fail("no case has run");
  }
  return 0;
}
