package dev.sinter.bench;

import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;

/** Weights of each scheme, row by row, so that some rows compress to the same codes as all. */
final class Compression {
  private Compression() {}

  static FullTensor of(Scheme scheme, Dense weights, Arena arena) {
    return switch (scheme.kind()) {
      case F32 -> weights;
      case BF16 -> weights.toBf16(arena);
      default -> Quantizer.quantize(weights, scheme.codes(), arena);
    };
  }

  /** The same for weights that were pruned to a structure. */
  static Sparse of(Scheme scheme, Sparsity structure, Dense pruned, Arena arena) {
    return new Sparse(structure, of(scheme, pruned, arena));
  }
}
