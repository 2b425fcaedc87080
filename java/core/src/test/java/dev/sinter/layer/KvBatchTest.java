package dev.sinter.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.KvType;
import org.junit.jupiter.api.Test;

class KvBatchTest {
  @Test
  void countsRowsAndPositions() {
    try (KvCache cache = KvCache.of(1, 1, 8, KvType.F32, 1 << 20)) {
      KvSequence a = cache.open();
      KvSequence b = cache.open();
      KvBatch batch = new KvBatch(10);
      batch.add(a, 4);
      assertEquals(6, batch.room());
      batch.advance();
      assertEquals(0, batch.rows());
      assertEquals(4, a.length());
      batch.add(b, 3);
      batch.add(a, 5);
      assertEquals(2, batch.count());
      assertEquals(8, batch.rows());
      assertSame(a, batch.sequence(1));
      assertEquals(3, batch.start(1));
      assertEquals(5, batch.length(1));
      assertEquals(4, batch.past(1));
      assertEquals(0, batch.past(0));
      assertEquals(2, batch.position(2));
      assertEquals(4, batch.position(3));
      assertEquals(8, batch.position(7));
      batch.clear();
      assertEquals(0, batch.count());
      assertEquals(4, a.length());
    }
  }

  @Test
  void refusesWhatDoesNotFitAndStaysAsItWas() {
    KvCache small = KvCache.of(1, 1, 8, KvType.F32, 3 * 2 * 4 * 32 * 8);
    try (small) {
      KvSequence a = small.open();
      KvSequence b = small.open();
      KvBatch batch = new KvBatch(100);
      batch.add(a, 60);
      String message =
          assertThrows(IllegalArgumentException.class, () -> batch.add(b, 41)).getMessage();
      assertTrue(message.contains("1 to 40"), message);
      assertThrows(IllegalArgumentException.class, () -> batch.add(b, 0));
      assertThrows(IllegalArgumentException.class, () -> batch.add(a, 1));
      assertThrows(KvCacheFullException.class, () -> batch.add(b, 33));
      assertEquals(1, batch.count());
      assertEquals(60, batch.rows());
      batch.add(b, 32);
      batch.advance();
      assertEquals(32, b.length());
    }
    assertThrows(IllegalArgumentException.class, () -> new KvBatch(0));
  }
}
