package dev.sinter.backend;

import dev.sinter.layout.PackedWeights;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.util.Set;

/**
 * A family of kernels. A backend that cannot run here (library, instruction set or JVM flag
 * missing) still loads, and gives its reason from {@link #supports}.
 *
 * <p>The makers may be called for any spec that {@link #supports} accepts, from any thread outside
 * the worker pool; they fail with IllegalArgumentException for weights that disagree with the spec.
 */
public interface Backend extends AutoCloseable {
  /** One of {@code reference, vector, cpu, onednn, cuda}. */
  String name();

  /** The operation families this backend has kernels for, on some machine. */
  Set<Class<? extends OpSpec>> operations();

  /** Whether this backend runs the operation here, and if not, why. */
  Support supports(OpSpec spec);

  /**
   * The share of the weights that this backend's kernel does not skip, from 0 to 1: more than the
   * structure itself has where the kernel's blocks are larger.
   *
   * @param spec of a matmul of these weights that {@link #supports} accepts
   */
  default double density(MatmulSpec spec, Sparse weights) {
    return weights.density();
  }

  /**
   * Up to which {@link #density} sparse weights run as such where that was not measured: 1 where a
   * kernel gains in proportion on any machine, 0 where it may not at all.
   *
   * @param spec that {@link #supports} accepts
   */
  default double crossover(MatmulSpec spec) {
    return spec.sparsity() instanceof Sparsity.Blocks ? 1 : 0;
  }

  /**
   * @param bias N values; null unless the epilogue has a bias
   */
  default MatmulKernel matmul(MatmulSpec spec, CompressedTensor weights, float[] bias) {
    throw refused(spec);
  }

  /**
   * Whether this backend's kernel for a spec that {@link #supports} accepts reads weights that are
   * packed so.
   */
  default boolean takes(MatmulSpec spec, PackedWeights weights) {
    return false;
  }

  /**
   * The same kernel over weights that it, or one like it, has packed before.
   *
   * @param weights which {@link #takes} accepts; not copied, and so to be kept until the kernel is
   *     closed
   * @param bias N values; null unless the epilogue has a bias
   */
  default MatmulKernel packedMatmul(MatmulSpec spec, PackedWeights weights, float[] bias) {
    throw refused(spec);
  }

  default AttentionKernel attention(AttentionSpec spec) {
    throw refused(spec);
  }

  default CachedAttentionKernel cachedAttention(CachedAttentionSpec spec) {
    throw refused(spec);
  }

  /**
   * @param gamma one factor for each column
   * @param beta one summand for each column
   */
  default NormKernel norm(NormSpec spec, float[] gamma, float[] beta) {
    throw refused(spec);
  }

  default QuantizeKernel quantize(QuantizeSpec spec) {
    throw refused(spec);
  }

  /** Frees what the backend itself holds; its kernels must be closed before. */
  @Override
  default void close() {}

  private IllegalArgumentException refused(OpSpec spec) {
    return new IllegalArgumentException(name() + " has no kernel for " + spec);
  }
}
