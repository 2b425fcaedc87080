package dev.sinter.compress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.compress.Pruner.Pruned;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sparse x quantized: the same structure, zeros where they were. */
class PruneThenQuantizeTest {
  private static final int ROWS = 36;
  private static final int COLUMNS = 150;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofAuto();
  private final Dense weights =
      new Dense(
          "w",
          ROWS,
          COLUMNS,
          DType.F32,
          arena.allocateFrom(ValueLayout.JAVA_FLOAT, random.normals(ROWS * COLUMNS, 1)));

  private Pruned prune(String id) {
    return switch (Sparsity.of(id)) {
      case Sparsity.Blocks b -> Pruner.blocks(weights, b, Norm.L2, 0.5, arena);
      case Sparsity.NofM p -> Pruner.nOfM(weights, p, arena);
      case Sparsity.Unstructured _ -> Pruner.unstructured(weights, 0.5, arena);
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"2:4", "16x4", "8x1", "1x16", "unstructured"})
  void zerosStayZerosInEveryFormat(String id) {
    Pruned pruned = prune(id);
    for (CodeFormat format :
        List.of(
            CodeFormat.perChannel(8),
            new CodeFormat(8, Granularity.TENSOR, 0, false),
            CodeFormat.perChannel(4),
            CodeFormat.inGroups(4, 32),
            CodeFormat.inGroups(4, 128))) {
      Sparse codes = Quantizer.roundToNearest(pruned.weights(), format, arena);
      assertEquals(pruned.weights().sparsity(), codes.sparsity());
      assertEquals(format, ((Quantized) codes.values()).format());
      float[] row = new float[COLUMNS];
      byte[] integers = new byte[COLUMNS];
      for (int r = 0; r < ROWS; r++) {
        codes.decodeRow(r, row);
        ((Quantized) codes.values()).readIntegers(r, integers);
        for (int k = 0; k < COLUMNS; k++) {
          String where = format + " at " + r + ", " + k + " " + random;
          assertEquals(integers[k] != 0, codes.mask().isPresent(r, k), where);
          if (!pruned.weights().mask().isPresent(r, k)) {
            assertEquals(0, row[k], where);
          }
        }
      }
      assertTrue(codes.nonZeros() <= pruned.weights().nonZeros());
      assertTrue(codes.nonZeros() > pruned.weights().nonZeros() / 2, format + " " + random);
      ErrorReport before = ErrorReport.of((Dense) pruned.weights().values(), codes);
      assertTrue(before.sqnrDb() > (format.bits() == 8 ? 30 : 8), before + " " + random);
    }
  }

  @Test
  void whatIsNoPrunedFloatIsRefused() {
    Sparse pruned = prune("2:4").weights();
    Sparse codes = Quantizer.roundToNearest(pruned, CodeFormat.perChannel(8), arena);
    expect(
        "w is quantized already",
        () -> Quantizer.roundToNearest(codes, CodeFormat.perChannel(8), arena));
    expect(
        "w: not integers: TERNARY",
        () -> Quantizer.roundToNearest(pruned, CodeFormat.inGroups(Code.TERNARY, 128), arena));
    CodeFormat zeroPoints = new CodeFormat(4, Granularity.GROUP, 32, true);
    expect("no zero points", () -> Quantizer.roundToNearest(pruned, zeroPoints, arena));
  }

  private static void expect(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
