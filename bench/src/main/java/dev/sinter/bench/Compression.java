package dev.sinter.bench;

import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Weights of each scheme, row by row, so that some rows compress to the same codes as all. */
final class Compression {
  private Compression() {}

  static CompressedTensor of(Scheme scheme, Dense weights, Arena arena) {
    return switch (scheme.kind()) {
      case F32 -> weights;
      case BF16 -> bf16(weights, arena);
      case W8A8, W4A8 -> Quantizer.roundToNearest(weights, scheme.codes(), arena);
    };
  }

  /** Rounded half to even; finite values only. */
  private static Dense bf16(Dense weights, Arena arena) {
    long count = (long) weights.rows() * weights.columns();
    MemorySegment data = arena.allocate(2 * count, 64);
    for (long i = 0; i < count; i++) {
      int bits = weights.data().getAtIndex(ValueLayout.JAVA_INT, i);
      int rounded = bits + 0x7fff + (bits >>> 16 & 1);
      data.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (rounded >>> 16));
    }
    return new Dense(weights.name(), weights.rows(), weights.columns(), DType.BF16, data);
  }
}
