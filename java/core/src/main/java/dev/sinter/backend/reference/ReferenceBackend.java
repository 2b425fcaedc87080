package dev.sinter.backend.reference;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Backend;
import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.NormThenQuantize;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.tensor.CompressedTensor;
import java.util.Set;

/**
 * Every operation in float64 with one rounding to f32 at the end; quantization in f32, as {@link
 * dev.sinter.tensor.ActivationScheme} defines it. Runs on any JVM, without flags and libraries.
 * Thread-safe; its kernels copy the weights and keep no state between calls.
 */
public final class ReferenceBackend implements Backend {
  @Override
  public String name() {
    return "reference";
  }

  @Override
  public Set<Class<? extends OpSpec>> operations() {
    return Set.of(
        MatmulSpec.class,
        AttentionSpec.class,
        CachedAttentionSpec.class,
        NormSpec.class,
        QuantizeSpec.class);
  }

  @Override
  public Support supports(OpSpec spec) {
    return Support.yes();
  }

  @Override
  public MatmulReference matmul(MatmulSpec spec, CompressedTensor weights, float[] bias) {
    return new MatmulReference(spec, weights, bias);
  }

  @Override
  public AttentionKernel attention(AttentionSpec spec) {
    return new AttentionReference(spec);
  }

  @Override
  public CachedAttentionKernel cachedAttention(CachedAttentionSpec spec) {
    return new CachedAttentionReference(spec);
  }

  @Override
  public NormKernel norm(NormSpec spec, float[] gamma, float[] beta) {
    NormKernel norm = new NormReference(spec, gamma, beta);
    return spec.codes() == null ? norm : new NormThenQuantize(norm, quantize(spec.codes()));
  }

  @Override
  public QuantizeKernel quantize(QuantizeSpec spec) {
    return new QuantizeRowsReference(spec);
  }
}
