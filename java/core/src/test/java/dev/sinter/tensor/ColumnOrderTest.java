package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

class ColumnOrderTest {
  private static final ColumnOrder ORDER = new ColumnOrder(new int[] {2, 0, 1});

  private static Quantized quantized(ColumnOrder order) {
    MemorySegment codes = MemorySegment.ofArray(new byte[] {10, 20, 30, -1, -2, -3});
    CodeFormat format = CodeFormat.perChannel(8);
    return new Quantized("w", 2, 3, format, codes, new float[] {1, 0.5f}, null, order);
  }

  @Test
  void onlyPermutationsAreOrders() {
    refused("entry 1 is 3", () -> new ColumnOrder(new int[] {0, 3, 1}));
    refused("entry 0 is -1", () -> new ColumnOrder(new int[] {-1, 0}));
    refused("column 0 comes again as entry 2", () -> new ColumnOrder(new int[] {0, 1, 0}));
  }

  @Test
  void ordersAreWhatTheyContain() {
    int[] columns = {2, 0, 1};
    ColumnOrder same = new ColumnOrder(columns);
    columns[0] = 1;
    assertEquals(ORDER, same);
    assertEquals(ORDER.hashCode(), same.hashCode());
    assertNotEquals(ORDER, new ColumnOrder(new int[] {2, 1, 0}));
    assertArrayEquals(new int[] {2, 0, 1}, same.columns());
  }

  @Test
  void decodedRowsAreInTheOrderOfTheMatrix() {
    float[] row = new float[3];
    quantized(ORDER).decodeRow(0, row);
    assertArrayEquals(new float[] {20, 30, 10}, row);
    quantized(ORDER).decodeRow(1, row);
    assertArrayEquals(new float[] {-1, -1.5f, -0.5f}, row);
    quantized(null).decodeRow(0, row);
    assertArrayEquals(new float[] {10, 20, 30}, row);
  }

  @Test
  void stacksKeepTheOrderTheyShare() {
    try (Arena arena = Arena.ofConfined()) {
      Quantized all =
          (Quantized) RowStack.of("all", List.of(quantized(ORDER), quantized(ORDER)), arena);
      assertEquals(ORDER, all.columnOrder());
      refused(
          "column orders differ",
          () -> RowStack.of("all", List.of(quantized(ORDER), quantized(null)), arena));
    }
  }

  @Test
  void whatCannotFollowAnOrderIsRefused() {
    refused("order of 3 for 4 columns", () -> ORDER.check(4));
    refused(
        "FLOAT are not",
        () -> MatmulSpec.of(quantized(ORDER), ActivationScheme.FLOAT, Epilogue.NONE));
    refused(
        "BF16 in another order", () -> new QuantizeSpec(3, ActivationScheme.BF16, false, 0, ORDER));
    refused(
        "order of 3 for 4",
        () -> new QuantizeSpec(4, ActivationScheme.U8_PER_TOKEN, false, 0, ORDER));
  }

  private static void refused(String why, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(why), message);
  }
}
