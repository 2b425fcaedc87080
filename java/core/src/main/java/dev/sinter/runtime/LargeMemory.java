package dev.sinter.runtime;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_HUGE_PAGE;
import static dev.sinter.bindings.sinter.sinter_h.sinter_advise_huge_pages;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory for packed weights. A matmul of one row streams through all of them, and with pages of 4
 * KB spends much of its time on address translation; so large buffers ask the operating system for
 * huge pages. Where it has none, or libsinter is missing, they work as well, only slower.
 */
public final class LargeMemory {
  private static final long CACHE_LINE = 64;

  /** Buffers below this have no whole huge page in them. */
  private static final long LARGE = 2L << 20;

  private LargeMemory() {}

  /** Zeroed memory of the arena, aligned to a cache line at least. */
  public static MemorySegment allocate(Arena arena, long bytes) {
    boolean advise = bytes >= LARGE && NativeLibraries.sinter() instanceof NativeLibraries.Loaded;
    if (!advise) {
      return arena.allocate(bytes, CACHE_LINE);
    }
    MemorySegment memory = arena.allocate(bytes, SINTER_HUGE_PAGE());
    sinter_advise_huge_pages(memory, bytes);
    return memory;
  }

  /** Asks for huge pages behind memory from elsewhere, such as a mapped file. */
  public static void advise(MemorySegment memory) {
    if (memory.byteSize() >= LARGE && NativeLibraries.sinter() instanceof NativeLibraries.Loaded) {
      sinter_advise_huge_pages(memory, memory.byteSize());
    }
  }
}
