package dev.sinter.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LargeMemoryTest {
  @ParameterizedTest
  @ValueSource(
      longs = {1, 4095, 1L << 20, (2L << 20) - 4097, (4L << 20) - 1, 4L << 20, (6L << 20) + 17})
  void isZeroedAlignedAndWritableToTheEnd(long bytes) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = LargeMemory.allocate(arena, bytes);
      assertEquals(bytes, memory.byteSize());
      assertEquals(0, memory.address() % 64);
      assertEquals(-1, memory.mismatch(arena.allocate(bytes)));
      memory.fill((byte) 7);
      assertEquals(7, memory.get(JAVA_BYTE, bytes - 1));
    }
  }
}
