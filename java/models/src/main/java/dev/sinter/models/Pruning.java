package dev.sinter.models;

import dev.sinter.compress.Norm;
import dev.sinter.compress.Pruner;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
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

  Sparse apply(Dense weights, Arena arena) {
    return (switch (structure) {
          case Sparsity.Blocks b -> Pruner.blocks(weights, b, Norm.L2, share, arena);
          case Sparsity.NofM p -> Pruner.nOfM(weights, p, arena);
          case Sparsity.Unstructured _ -> Pruner.unstructured(weights, share, arena);
        })
        .weights();
  }
}
