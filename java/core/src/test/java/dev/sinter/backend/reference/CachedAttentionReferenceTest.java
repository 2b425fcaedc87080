package dev.sinter.backend.reference;

import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionKernelTest;
import dev.sinter.backend.CachedAttentionSpec;
import java.util.List;

class CachedAttentionReferenceTest extends CachedAttentionKernelTest {
  private static final Variant REFERENCE =
      new Variant() {
        @Override
        public CachedAttentionKernel make(CachedAttentionSpec spec, int workers) {
          return new ReferenceBackend().cachedAttention(spec);
        }

        @Override
        public String toString() {
          return "reference";
        }
      };

  @Override
  protected List<Variant> variants() {
    return List.of(REFERENCE);
  }
}
