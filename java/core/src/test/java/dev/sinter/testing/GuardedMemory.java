package dev.sinter.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Buffers that end right before an inaccessible page: native code that touches a byte behind one
 * kills the JVM. Whatever of the pages around a buffer is accessible, because its length is no
 * multiple of the alignment or the page, holds a pattern that {@link #check} compares. New buffers
 * hold the pattern too, so that what a kernel does not write is visible.
 *
 * <p>Not thread-safe. Linux and BSD-like systems.
 */
public final class GuardedMemory implements Arena {
  /** The byte that fills new memory: a float of all such bytes is about -2.9e-16. */
  public static final byte PATTERN = (byte) 0xA5;

  private static final int PROT_NONE = 0;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS =
      System.getProperty("os.name").equals("Linux") ? 0x22 : 0x1002;

  private static final MethodHandle MMAP =
      libc("mmap", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MPROTECT =
      libc("mprotect", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle MUNMAP = libc("munmap", JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle GETPAGESIZE = libc("getpagesize", JAVA_INT);

  private record Mapping(MemorySegment pages, long usable, long start, long end) {}

  private final List<Mapping> mappings = new ArrayList<>();

  /** The last aligned place before the inaccessible page. */
  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    try {
      long page = (int) GETPAGESIZE.invokeExact();
      long usable = Math.ceilDiv(bytes, page) * page;
      long size = usable + page;
      MemorySegment pages =
          ((MemorySegment)
                  MMAP.invokeExact(
                      MemorySegment.NULL, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L))
              .reinterpret(size);
      if (pages.address() == -1) {
        throw new OutOfMemoryError("mmap of " + size + " bytes");
      }
      MemorySegment guard = pages.asSlice(usable);
      assertEquals(0, (int) MPROTECT.invokeExact(guard, page, PROT_NONE), "mprotect");
      pages.asSlice(0, usable).fill(PATTERN);
      long start = (usable - bytes) / alignment * alignment;
      mappings.add(new Mapping(pages, usable, start, start + bytes));
      return pages.asSlice(start, bytes);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** {@code count} floats; the last one ends at the inaccessible page. */
  public MemorySegment floats(long count) {
    return allocate(4 * count, 4);
  }

  /** These floats, at the end of a page. */
  public MemorySegment floats(float[] values) {
    MemorySegment copy = floats(values.length);
    MemorySegment.copy(values, 0, copy, JAVA_FLOAT, 0, values.length);
    return copy;
  }

  /** Fails if a byte around a buffer has changed. */
  public void check(Object where) {
    for (Mapping mapping : mappings) {
      for (long i = 0; i < mapping.usable; i++) {
        if (i < mapping.start || i >= mapping.end) {
          byte found = mapping.pages.get(JAVA_BYTE, i);
          assertEquals(PATTERN, found, where + ": written beside a buffer");
        }
      }
    }
  }

  /** That of the global arena: the segments do not know that {@link #close} unmaps them. */
  @Override
  public MemorySegment.Scope scope() {
    return MemorySegment.NULL.scope();
  }

  @Override
  public void close() {
    try {
      for (Mapping mapping : mappings) {
        long size = mapping.pages.byteSize();
        assertEquals(0, (int) MUNMAP.invokeExact(mapping.pages, size), "munmap");
      }
      mappings.clear();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  private static MethodHandle libc(String name, MemoryLayout result, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
  }
}
