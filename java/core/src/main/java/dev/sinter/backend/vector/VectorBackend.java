package dev.sinter.backend.vector;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Backend;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import java.util.Set;

/** f32 kernels on the Vector API, of the width the JVM prefers or of a forced one. Thread-safe. */
public final class VectorBackend implements Backend {
  private static final Set<Integer> WIDTHS = Set.of(0, 128, 256, 512);

  private final int workers;
  private final int bits;
  private final Support support;

  /**
   * @param workers size of the worker pool that runs the kernels
   * @param bits vector width: 128, 256 or 512, or 0 for the one this JVM prefers
   */
  public VectorBackend(int workers, int bits) {
    if (workers < 1) {
      throw new IllegalArgumentException("workers must be at least 1, got " + workers);
    }
    if (!WIDTHS.contains(bits)) {
      throw new IllegalArgumentException("bits must be 0, 128, 256 or 512, got " + bits);
    }
    this.workers = workers;
    this.bits = bits;
    support = support(bits);
  }

  private static Support support(int bits) {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return Support.no(
          "module jdk.incubator.vector is missing: start the JVM with"
              + " --add-modules jdk.incubator.vector");
    }
    return VectorWidth.support(bits);
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public Set<Class<? extends OpSpec>> operations() {
    return Set.of(AttentionSpec.class, NormSpec.class, QuantizeSpec.class);
  }

  @Override
  public Support supports(OpSpec spec) {
    if (!operations().contains(spec.getClass())) {
      return Support.no("there is no vector kernel for " + spec.operation());
    }
    if (spec instanceof QuantizeSpec q && (!q.scheme().isScaled() || q.signedCodes())) {
      return Support.no("makes U8 and S8 codes only");
    }
    if (spec instanceof QuantizeSpec q && q.sumStep() != 0) {
      return Support.no("adds up whole rows of codes only");
    }
    return support;
  }

  @Override
  public AttentionKernel attention(AttentionSpec spec) {
    requireSupport();
    return VectorWidth.kernel(AttentionVector.class, AttentionKernel.class, bits, spec, workers);
  }

  @Override
  public NormKernel norm(NormSpec spec, float[] gamma, float[] beta) {
    requireSupport();
    return VectorWidth.kernel(LayerNormVector.class, NormKernel.class, bits, spec, gamma, beta);
  }

  @Override
  public QuantizeKernel quantize(QuantizeSpec spec) {
    requireSupport();
    return VectorWidth.kernel(QuantizeRowsVector.class, QuantizeKernel.class, bits, spec);
  }

  private void requireSupport() {
    if (!support.supported()) {
      throw new IllegalArgumentException("the vector backend cannot run: " + support.reason());
    }
  }
}
