package dev.sinter.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class RowTimerTest {
  @Test
  void onceIsOneUntimedCallAndOneTimed() {
    int[] calls = {0};
    RowTimer.Times times = RowTimer.once().time(() -> calls[0]++);
    assertEquals(2, calls[0]);
    assertTrue(times.best() <= times.median());
    RowTimer.once().warmUp(1_000_000_000, () -> calls[0]++);
    assertEquals(2, calls[0]);
  }

  @Test
  void callsAsOftenAsItMustAndMore() {
    int[] calls = {0};
    RowTimer.Times times = new RowTimer(2_000_000, 5000).time(() -> calls[0]++);
    assertTrue(calls[0] > 5000, calls[0] + " calls");
    assertTrue(times.best() >= 0 && times.best() <= times.median());
  }

  @Test
  void warmsUpUntilNothingIsCompiledOrTheTimeIsOver() {
    int[] calls = {0};
    long start = System.nanoTime();
    new RowTimer(1, 1).warmUp(20_000_000, () -> calls[0]++);
    assertTrue(System.nanoTime() - start >= 20_000_000, "shorter than the compiler needs a look");
    assertTrue(calls[0] > 0);
  }

  @Test
  void everyBatchHasItsSizeAndDiffers() {
    int[] text = new int[40];
    for (int i = 0; i < text.length; i++) {
      text[i] = 100 + i;
    }
    for (EncoderSize size : EncoderSize.ALL) {
      List<int[]> batch = size.batchOf(text);
      assertEquals(size.batch(), batch.size());
      for (int[] ids : batch) {
        assertEquals(size.tokens(), ids.length);
        assertEquals(100, ids[0]);
        assertEquals(139, ids[ids.length - 1]);
      }
      if (size.batch() > 1) {
        assertTrue(batch.get(0)[1] != batch.get(1)[1]);
      }
    }
  }
}
