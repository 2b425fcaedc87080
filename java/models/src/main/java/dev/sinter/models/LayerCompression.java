package dev.sinter.models;

import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;
import java.util.Objects;

/**
 * What becomes of the weights of linear layers.
 *
 * @param pruning before they are rounded; null for none
 */
public record LayerCompression(Scheme scheme, Pruning pruning) {
  private static final String PLUS = "+";

  /**
   * @throws IllegalArgumentException for binary weights with zeros
   */
  public LayerCompression {
    Objects.requireNonNull(scheme, "scheme");
    if (pruning != null && scheme.kind() == Scheme.Kind.BINARY) {
      throw new IllegalArgumentException(
          "'"
              + scheme.id()
              + PLUS
              + pruning.id()
              + "': binary weights are -1 or 1 and none can be zero; the other schemes can be"
              + " pruned");
    }
  }

  /** Without zeros of its own. */
  public static LayerCompression of(Scheme scheme) {
    return new LayerCompression(scheme, null);
  }

  /**
   * What an {@link #id} means.
   *
   * @throws IllegalArgumentException if there is no such thing; the message says what there is
   */
  public static LayerCompression of(String id) {
    String[] parts = id.split("\\+", 2);
    Scheme scheme = Scheme.of(parts[0]);
    return parts.length == 1 ? of(scheme) : new LayerCompression(scheme, pruning(id, parts[1]));
  }

  private static Pruning pruning(String id, String part) {
    try {
      return Pruning.of(part);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'" + id + "': " + e.getMessage(), e);
    }
  }

  /** The name on the command line: {@code w8a8}, {@code w4a8:32+16x8@0.5}, {@code f32+2:4}. */
  public String id() {
    return pruning == null ? scheme.id() : scheme.id() + PLUS + pruning.id();
  }

  @Override
  public String toString() {
    return id();
  }

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
