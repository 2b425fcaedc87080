package dev.sinter.bench;

import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;

/** Weights of each scheme, row by row, so that some rows compress to the same codes as all. */
final class Compression {
  private Compression() {}

  static CompressedTensor of(Scheme scheme, Dense weights, Arena arena) {
    return switch (scheme.kind()) {
      case F32 -> weights;
      case BF16 -> weights.toBf16(arena);
      default -> Quantizer.quantize(weights, scheme.codes(), arena);
    };
  }
}
