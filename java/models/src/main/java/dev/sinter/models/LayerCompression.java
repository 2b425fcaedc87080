package dev.sinter.models;

import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;

/**
 * What becomes of the weights of linear layers.
 *
 * @param pruning before they are rounded; null for none
 */
record LayerCompression(Scheme scheme, Pruning pruning) {
  CompressedTensor apply(Dense weights, Arena arena) {
    if (pruning == null) {
      return round(weights, arena);
    }
    Dense pruned = (Dense) pruning.apply(weights, arena).values();
    return new Sparse(pruning.structure(), round(pruned, arena));
  }

  private FullTensor round(Dense weights, Arena arena) {
    return switch (scheme.kind()) {
      case F32 -> weights;
      case BF16 -> weights.toBf16(arena);
      default -> Quantizer.quantize(weights, scheme.codes(), arena);
    };
  }
}
