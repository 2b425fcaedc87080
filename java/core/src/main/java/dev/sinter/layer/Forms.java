package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Packing;
import dev.sinter.backend.PackingBudget;
import dev.sinter.backend.Planner;
import dev.sinter.layout.PackedWeights;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Sparse;

/**
 * The kernels of a {@link Linear}: one, or one for few rows and another for more, of the same
 * weights packed in two ways. Both want the same codes and yield the same bits.
 */
final class Forms implements AutoCloseable {
  private final MatmulKernel few;
  private final int most;
  private final MatmulKernel more; // null if there is but one
  private final MatmulSpec spec;
  private final String explanation;
  private final PackingBudget budget;
  private final long taken; // of the budget

  private Forms(
      Packing packing, MatmulKernel few, MatmulKernel more, PackingBudget budget, long taken) {
    this.few = few;
    this.most = packing.most();
    this.more = more;
    this.budget = budget;
    this.taken = taken;
    spec = (MatmulSpec) packing.few().spec();
    explanation =
        packing.few().explain(few) + (more == null ? "" : "\n" + packing.more().explain(more));
  }

  /** Packs weights as the planner and the budget for second packings want it. */
  static Forms of(Sinter sinter, MatmulSpec spec, CompressedTensor weights, float[] bias) {
    Packing packing = sinter.planner().pack(spec, weights);
    if (!packing.isBoth()) {
      return new Forms(packing, kernel(packing.few(), weights, bias), null, null, 0);
    }
    PackingBudget budget = sinter.packingBudget();
    long bytes = weights.bytes();
    String refusal = budget.take(bytes);
    if (refusal != null) {
      Packing dense = packing.dense(refusal);
      return new Forms(dense, kernel(dense.few(), weights, bias), null, null, 0);
    }
    MatmulKernel few = null;
    MatmulKernel more = null;
    try {
      few = kernel(packing.few(), weights, bias);
      more = kernel(packing.more(), weights, bias);
      String difference = difference(few, more);
      if (difference == null) {
        return new Forms(packing, few, more, budget, bytes);
      }
      boolean denseFirst = packing.few().keptDense() != null;
      (denseFirst ? more : few).close();
      budget.giveBack(bytes);
      return new Forms(packing.dense(difference), denseFirst ? few : more, null, null, 0);
    } catch (RuntimeException | Error e) {
      if (few != null) {
        few.close();
      }
      budget.giveBack(bytes);
      throw e;
    }
  }

  /** Weights that {@link #packed} gave out before. */
  static Forms of(Sinter sinter, MatmulSpec spec, PackedWeights weights, float[] bias) {
    Planner.Choice choice = sinter.planner().choose(spec);
    MatmulKernel kernel = choice.backend().packedMatmul(spec, weights, bias);
    return new Forms(new Packing(choice), kernel, null, null, 0);
  }

  /** What the kernel reads; null if it cannot be taken back, or if there are two. */
  PackedWeights packed() {
    return more == null && spec.sparsity() == null ? few.packed() : null;
  }

  private static MatmulKernel kernel(
      Planner.Choice choice, CompressedTensor weights, float[] bias) {
    MatmulSpec spec = (MatmulSpec) choice.spec();
    CompressedTensor taken =
        spec.sparsity() == null ? weights.full() : ((Sparse) weights).as(spec.sparsity());
    return choice.backend().matmul(spec, taken, bias);
  }

  /** Why one input will not do for both; null if it will. */
  private static String difference(MatmulKernel a, MatmulKernel b) {
    boolean same =
        a.signedCodes() == b.signedCodes()
            && a.sumStep() == b.sumStep()
            && a.codeColumns() == b.codeColumns();
    return same ? null : a.implementation() + " and " + b.implementation() + " want other codes";
  }

  /** Whether zeros are skipped, for some numbers of rows at least. */
  boolean isSparse() {
    return more != null || spec.sparsity() != null;
  }

  /** Whose layout of codes any kernel of the layer takes. */
  MatmulKernel any() {
    return few;
  }

  /** The one for so many rows. */
  MatmulKernel kernel(int rows) {
    return rows <= most || more == null ? few : more;
  }

  /** Of the form for few rows. */
  MatmulSpec spec() {
    return spec;
  }

  long bytes() {
    return few.bytes() + (more == null ? 0 : more.bytes());
  }

  String explain() {
    return explanation;
  }

  @Override
  public void close() {
    few.close();
    if (more != null) {
      more.close();
    }
    if (budget != null) {
      budget.giveBack(taken);
    }
  }
}
