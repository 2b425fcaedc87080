package dev.sinter.backend.cpu;

import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Support;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.util.Set;

/** What the sparse matmuls of libsinter leave out. */
enum SparseForm {
  /** Blocks of 16 rows and 4 columns, of int4 8. */
  BLOCKS,

  /** Two of four along a row. */
  TWO_OF_FOUR,

  /** Whatever is zero. */
  SELL;

  /** That of a spec's structure; null if there is no kernel. */
  static SparseForm of(MatmulSpec spec) {
    if (spec.epilogue().gate()) {
      return null;
    }
    boolean int8 = spec.int8() && spec.activations().isScaled();
    boolean f32 = isF32(spec);
    return switch (spec.sparsity()) {
      case Sparsity.Blocks b when int8 || f32 || isPlainInt4(spec) ->
          // Of blocks of 8 rows, those that are absent two by two are left out.
          b.rows() % (BlockList.ROWS / 2) == 0 && b.columns() % blockColumns(spec) == 0
              ? BLOCKS
              : null;
      case Sparsity.NofM p when int8 -> p.m() == 4 && p.n() <= 2 ? TWO_OF_FOUR : null;
      case Sparsity.Unstructured _ when int8 || f32 -> SELL;
      default -> null;
    };
  }

  static Support examine(MatmulSpec spec) {
    SparseForm form = of(spec);
    if (form == null) {
      return Support.no(
          spec.epilogue().gate()
              ? "has no kernel with a gate for " + spec.sparsity()
              : "has no kernel for "
                  + spec.weightType()
                  + " with "
                  + spec.activations()
                  + ", only for F32 weights with FLOAT, or I8 weights without groups with U8 or S8"
                  + " activations, in blocks of a multiple of 8x4 or unstructured, for 2:4 of such"
                  + " I8 weights, and for blocks of a multiple of 8x8 of I4 weights without zero"
                  + " points with U8 or S8 activations without groups");
    }
    int maxK =
        form == SELL
            ? F32SellGemmNative.MAX_K
            : spec.codes() == null ? F32BlockGemmNative.MAX_K : Int4BlockGemmNative.MAX_K;
    return spec.k() <= maxK
        ? Support.yes()
        : Support.no("K " + spec.k() + " of " + spec.weightType() + ", at most " + maxK);
  }

  /** The share of the dense kernel's work that is left. */
  double density(MatmulSpec spec, Sparse weights) {
    return switch (this) {
      case BLOCKS -> {
        Sparsity.Blocks ours = new Sparsity.Blocks(BlockList.ROWS, blockColumns(spec));
        yield (double) weights.mask().count(ours) / ours.count(weights.rows(), weights.columns());
      }
      case TWO_OF_FOUR -> weights.density();
      case SELL ->
          spec.codes() == null
              ? F32SellGemmNative.density(weights.mask())
              : Int8SellGemmNative.density(weights.mask());
    };
  }

  MatmulKernel kernel(
      MatmulSpec spec, FullTensor weights, float[] bias, int workers, Set<Isa> allowed) {
    if (weights instanceof Dense floats) {
      Isa isa = Isa.best(allowed, FloatsGemm.COMPILED);
      return this == SELL
          ? new F32SellGemmNative(spec, floats, bias, workers, isa)
          : new F32BlockGemmNative(spec, floats, bias, workers, isa);
    }
    Quantized codes = (Quantized) weights;
    Isa isa = Isa.best(allowed, CodesGemm.COMPILED);
    return switch (this) {
      case TWO_OF_FOUR -> new Int8TwoOfFourGemmNative(spec, codes, bias, workers, isa);
      case SELL -> new Int8SellGemmNative(spec, codes, bias, workers, isa);
      case BLOCKS ->
          spec.int4()
              ? new Int4BlockGemmNative(spec, codes, bias, workers, isa)
              : new Int8BlockGemmNative(spec, codes, bias, workers, isa);
    };
  }

  private static boolean isF32(MatmulSpec spec) {
    return spec.weights() == DType.F32 && spec.activations() == ActivationScheme.FLOAT;
  }

  private static boolean isPlainInt4(MatmulSpec spec) {
    return spec.int4()
        && !spec.codes().zeroPoints()
        && spec.activations().isScaled()
        && spec.activations().groups(spec.k()) == 1;
  }

  /** Inputs of a block of the kernels that skip blocks. */
  private static int blockColumns(MatmulSpec spec) {
    return spec.codes() == null ? 4 : BlockList.columns(spec.codes().code());
  }
}
