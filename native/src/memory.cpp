// Large pages for large buffers.
#include <sys/mman.h>

#include "sinter.h"

#ifndef MADV_COLLAPSE  // Linux 6.1
#define MADV_COLLAPSE 25
#endif

int64_t sinter_advise_huge_pages(void *memory, int64_t bytes) {
  const uintptr_t page = SINTER_HUGE_PAGE;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const uintptr_t end =
      (reinterpret_cast<uintptr_t>(memory) + static_cast<uintptr_t>(bytes)) / page * page;
  if (begin >= end || madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE) != 0) {
    return 0;
  }
  // Pages that have been touched are small; a kernel that cannot replace them at once does it
  // later.
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_COLLAPSE);
  return static_cast<int64_t>(end - begin);
}
