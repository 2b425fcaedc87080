package dev.sinter.backend.vector;

import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionKernelTest;
import dev.sinter.backend.CachedAttentionSpec;
import java.util.Arrays;
import java.util.List;

class CachedAttentionVectorTest extends CachedAttentionKernelTest {
  private record OfWidth(int bits) implements Variant {
    @Override
    public CachedAttentionKernel make(CachedAttentionSpec spec, int workers) {
      return new VectorBackend(workers, bits).cachedAttention(spec);
    }
  }

  @Override
  protected List<Variant> variants() {
    return Arrays.stream(Widths.ofThisHost()).<Variant>mapToObj(OfWidth::new).toList();
  }
}
