// What the tests share: failures that say where, a replayable seed, memory between guard pages.
#ifndef SINTER_TESTING_H
#define SINTER_TESTING_H

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

// Goes through the lines of KERNELS.def of some operations: a test that defines
//   TAKE_<operation> as `~, M`   and   SINTER_KERNEL as TESTING_LINE
// before it includes the list gets M(isa) for these operations and nothing for the others.
#define TESTING_LINE(operation, isa) TESTING_TAKEN(TAKE_##operation, TESTING_NOTHING, ~)(isa)
#define TESTING_TAKEN(...) TESTING_SECOND(__VA_ARGS__)
#define TESTING_SECOND(first, second, ...) second
#define TESTING_NOTHING(isa)

namespace testing {

// From the environment variable SINTER_SEED, else a fresh one.
inline uint64_t seed() {
  static const uint64_t value = [] {
    const char *given = std::getenv("SINTER_SEED");
    const uint64_t s = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::printf("SINTER_SEED=%llu\n", static_cast<unsigned long long>(s));
    std::fflush(stdout);  // a crash would take it along
    return s;
  }();
  return value;
}

template <class... Args>
[[noreturn]] void fail(const char *format, Args... args) {
  std::fprintf(stderr, "FAILED (SINTER_SEED=%llu): ", static_cast<unsigned long long>(seed()));
  std::fprintf(stderr, format, args...);
  std::fputc('\n', stderr);
  std::exit(1);
}

enum class Edge { end, begin };

// Memory with an unreadable page on either side, mapped once and used for one buffer after another.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t capacity) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    inner_ = (capacity + page_ - 1) / page_ * page_;
    base_ = static_cast<char *>(
        mmap(nullptr, inner_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + page_, inner_, PROT_READ | PROT_WRITE) != 0) {
      fail("no memory for %zu guarded bytes", capacity);
    }
  }
  ~GuardedMemory() { munmap(base_, inner_ + 2 * page_); }
  GuardedMemory(const GuardedMemory &) = delete;
  GuardedMemory &operator=(const GuardedMemory &) = delete;

  // `count` elements, filled with junk, the last of which ends (or the first begins) at a guard.
  template <class T>
  T *place(size_t count, Edge edge) {
    const size_t bytes = count * sizeof(T);
    if (bytes > inner_) {
      fail("%zu bytes asked of %zu guarded ones", bytes, inner_);
    }
    char *start = base_ + page_ + (edge == Edge::end ? inner_ - bytes : 0);
    std::memset(start, 0xa5, bytes);
    return reinterpret_cast<T *>(start);
  }

 private:
  size_t page_;
  size_t inner_;
  char *base_;
};

}  // namespace testing

#endif
