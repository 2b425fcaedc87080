package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Mask;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * {@code int8_sell_gemm} of libsinter: 8-bit activations times 8-bit weights of which any may be
 * zeros, and are left out. Each step takes up to four weights of each of 16 outputs, from 16 inputs
 * that lie side by side.
 */
final class Int8SellGemmNative extends CodesGemm {
  /** Inputs that a step reaches, and weights it takes of an output. */
  private static final int WINDOW = 16;

  private static final int SLOTS = 4;

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param source the weights in full; which are zeros is seen from them
   */
  Int8SellGemmNative(MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    super(
        "int8_sell_gemm",
        spec,
        bias,
        workers,
        isa,
        (arena, _, _) -> BlockList.unstructured(arena, source));
  }

  /** The share of slots among all weights, those that stay empty among them. */
  static double density(Mask mask) {
    long[][] rows = new long[BlockList.ROWS][mask.words()];
    long steps = 0;
    for (int row = 0; row < mask.rows(); row += BlockList.ROWS) {
      for (int r = 0; r < BlockList.ROWS; r++) {
        if (row + r < mask.rows()) {
          mask.readRow(row + r, rows[r]);
        } else {
          Arrays.fill(rows[r], 0);
        }
      }
      steps += steps(rows);
    }
    long panels = Math.ceilDiv(mask.rows(), BlockList.ROWS);
    return (double) SLOTS * steps / ((double) panels * mask.columns());
  }

  /** Steps of a panel, as int8_sell_pack takes them; leaves no bit set. */
  private static long steps(long[][] rows) {
    long steps = 0;
    for (int word = 0; word < rows[0].length; ) {
      long any = 0;
      for (long[] row : rows) {
        any |= row[word];
      }
      if (any == 0) {
        word++;
        continue;
      }
      int first = Long.numberOfTrailingZeros(any);
      for (long[] row : rows) {
        take(row, word, first);
      }
      steps++;
    }
    return steps;
  }

  /** Clears the first weights of a row within a window. */
  private static void take(long[] row, int word, int first) {
    int taken = 0;
    for (; taken < SLOTS && (row[word] & window(first)) != 0; taken++) {
      row[word] &= row[word] - 1;
    }
    int beyond = first + WINDOW - Long.SIZE; // bits of the window in the next word
    for (; taken < SLOTS && beyond > 0 && word + 1 < row.length; taken++) {
      long some = row[word + 1] & (1L << beyond) - 1;
      if (some == 0) {
        return;
      }
      row[word + 1] &= row[word + 1] - 1;
    }
  }

  private static long window(int first) {
    return ((1L << WINDOW) - 1) << first;
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_int8_sell_gemm_scalar(args);
      case AVX2 -> sinter_int8_sell_gemm_avx2(args);
      case AVXVNNI -> sinter_int8_sell_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_int8_sell_gemm_avx512vnni(args);
    };
  }
}
