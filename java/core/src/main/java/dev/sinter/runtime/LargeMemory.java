package dev.sinter.runtime;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_HUGE_PAGE;
import static dev.sinter.bindings.sinter.sinter_h.sinter_advise_huge_pages;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Memory for packed weights. A matmul of one row streams through all of them, and with pages of 4
 * KB spends much of its time on address translation; so large buffers ask the operating system for
 * huge pages. Where it has none, or libsinter is missing, they work as well, only slower.
 */
public final class LargeMemory {
  private static final long CACHE_LINE = 64;

  /** From half a huge page on, the last one is filled up. */
  private static final long LARGE = 1L << 20;

  private LargeMemory() {}

  /** Zeroed memory of the arena, aligned to a cache line at least. */
  public static MemorySegment allocate(Arena arena, long bytes) {
    return bytes >= LARGE && isLinux()
        ? Pages.map(arena, bytes)
        : arena.allocate(bytes, CACHE_LINE);
  }

  /** Asks for huge pages behind memory from elsewhere, such as a mapped file. */
  public static void advise(MemorySegment memory) {
    if (memory.byteSize() >= LARGE && isLinux()) {
      sinter_advise_huge_pages(memory, memory.byteSize());
    }
  }

  private static boolean isLinux() {
    return NativeLibraries.sinter() instanceof NativeLibraries.Loaded; // for no other system
  }

  /**
   * Memory straight from the system. That of {@link Arena#allocate} is written to before it can be
   * asked for huge pages, with all that is there for the alignment alone: small pages, two
   * megabytes too many for each buffer.
   */
  private static final class Pages {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MMAP =
        handle(
            "mmap",
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
        handle("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    // From Linux's sys/mman.h, on x86-64.
    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE_ANONYMOUS = 2 | 32;
    private static final long MAP_FAILED = -1;
    private static final long SMALL_PAGE = 4096;

    private static MethodHandle handle(String function, FunctionDescriptor type) {
      return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(function), type);
    }

    /** Aligned to a huge page; unmapped with the arena. */
    static MemorySegment map(Arena arena, long bytes) {
      long huge = SINTER_HUGE_PAGE();
      long page = bytes % huge >= LARGE ? huge : SMALL_PAGE;
      long size = Math.ceilDiv(bytes, page) * page;
      try {
        long found =
            (long)
                MMAP.invokeExact(0L, size + huge, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
        if (found == MAP_FAILED) {
          throw new OutOfMemoryError("the system has no " + bytes + " bytes for weights");
        }
        long begin = Math.ceilDiv(found, huge) * huge;
        unmap(found, begin - found);
        unmap(begin + size, found + huge - begin);
        MemorySegment memory =
            MemorySegment.ofAddress(begin).reinterpret(bytes, arena, _ -> unmap(begin, size));
        sinter_advise_huge_pages(MemorySegment.ofAddress(begin), size);
        return memory;
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable t) {
        throw new AssertionError("functions of C throw nothing", t);
      }
    }

    private static void unmap(long address, long bytes) {
      try {
        if (bytes > 0 && (int) MUNMAP.invokeExact(address, bytes) != 0) {
          throw new IllegalStateException("munmap of " + bytes + " bytes failed");
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable t) {
        throw new AssertionError("functions of C throw nothing", t);
      }
    }
  }
}
