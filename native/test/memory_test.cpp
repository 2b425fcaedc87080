// Advice changes where memory lies, not what is in it, and concerns whole huge pages only.
#include <sys/mman.h>

#include "cpu_features.h"
#include "testing.h"

namespace {

constexpr int64_t page = SINTER_HUGE_PAGE;

void check(char *begin, int64_t bytes, int64_t most) {
  for (int64_t i = 0; i < bytes; i++) {
    begin[i] = static_cast<char>(i * 31 + i / 4096);
  }
  const int64_t advised = sinter_advise_huge_pages(begin, bytes);
  if (advised != 0 && advised != most) {
    testing::fail("%lld bytes advised, not 0 or %lld", static_cast<long long>(advised),
                  static_cast<long long>(most));
  }
  for (int64_t i = 0; i < bytes; i++) {
    if (begin[i] != static_cast<char>(i * 31 + i / 4096)) {
      testing::fail("byte %lld has changed", static_cast<long long>(i));
    }
  }
}

}  // namespace

int main() {
  const size_t size = 4 * page;
  char *memory = static_cast<char *>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) {
    testing::fail("no memory");
  }
  char *aligned = memory + (page - reinterpret_cast<uintptr_t>(memory) % page) % page;
  check(aligned, page - 1, 0);
  check(aligned, page, page);
  check(aligned + 64, 2 * page, page);
  check(aligned, 3 * page, 3 * page);
  munmap(memory, size);
}
