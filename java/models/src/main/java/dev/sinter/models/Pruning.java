package dev.sinter.models;

import dev.sinter.compress.Norm;
import dev.sinter.compress.Pruner;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
import java.math.BigDecimal;
import java.util.Objects;

/**
 * Zeros that the linear layers of a model get while it is loaded: the weights of least magnitude of
 * each, in one shot and with no training after it, which costs accuracy. Biases, norms and
 * embeddings stay as they are.
 *
 * @param structure blocks go by their L2 norm
 * @param share of the weights or blocks of a layer, from 0 to below 1; N:M has its own
 */
public record Pruning(Sparsity structure, double share) {
  private static final String AT = "@";

  public Pruning {
    Objects.requireNonNull(structure, "structure");
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException(
          "the share to remove must be from 0 to below 1, got " + share);
    }
    if (structure instanceof Sparsity.NofM p && share != 1 - (double) p.n() / p.m()) {
      throw new IllegalArgumentException(
          p + " removes " + (1 - (double) p.n() / p.m()) + " of the weights, not " + share);
    }
  }

  /**
   * The pruning of an {@link #id}.
   *
   * @throws IllegalArgumentException if there is none; the message says what is wrong with it
   */
  public static Pruning of(String id) {
    String[] parts = id.split(AT, 2);
    Sparsity structure = Sparsity.of(parts[0]);
    if (structure instanceof Sparsity.NofM p) {
      if (parts.length > 1) {
        throw new IllegalArgumentException(
            p + " has its own share of zeros, so no " + AT + parts[1]);
      }
      return new Pruning(p, 1 - (double) p.n() / p.m());
    }
    if (parts.length == 1) {
      throw new IllegalArgumentException(
          "how much goes is missing, as in " + structure.id() + AT + "0.5");
    }
    double share;
    try {
      share = Double.parseDouble(parts[1]);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the share to remove must be a number, got '" + parts[1] + "'", e);
    }
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException(
          "the share to remove must be above 0 and below 1, got " + parts[1]);
    }
    return new Pruning(structure, share);
  }

  /** The short name: {@code 16x4@0.5}, {@code unstructured@0.7}, {@code 2:4}. */
  public String id() {
    return structure instanceof Sparsity.NofM
        ? structure.id()
        : structure.id() + AT + BigDecimal.valueOf(share).stripTrailingZeros().toPlainString();
  }

  Sparse apply(Dense weights, Arena arena) {
    return (switch (structure) {
          case Sparsity.Blocks b -> Pruner.blocks(weights, b, Norm.L2, share, arena);
          case Sparsity.NofM p -> Pruner.nOfM(weights, p, arena);
          case Sparsity.Unstructured _ -> Pruner.unstructured(weights, share, arena);
        })
        .weights();
  }
}
