package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionKernelTest;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvType;
import dev.sinter.bindings.sinter.sinter_h;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.testing.NativeBuild;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class CachedAttentionNativeTest extends CachedAttentionKernelTest {
  private record OfIsa(Isa isa) implements Variant {
    @Override
    public CachedAttentionKernel make(CachedAttentionSpec spec, int workers) {
      return new CachedAttentionNative(spec, workers, isa);
    }
  }

  @Override
  protected List<Variant> variants() {
    return CachedAttentionNative.COMPILED.stream()
        .filter(isa -> isa.runsOn(CpuFeatures.host()))
        .<Variant>map(OfIsa::new)
        .toList();
  }

  @Test
  void bothLanguagesCountAlike() {
    assertEquals(KvLayout.PAGE_TOKENS, sinter_h.SINTER_KV_PAGE_TOKENS());
    assertEquals(KvLayout.MAX_HEAD_DIM, sinter_h.SINTER_KV_MAX_HEAD_DIM());
    assertEquals(CachedAttentionSpec.SEGMENT, sinter_h.SINTER_KV_SEGMENT_TOKENS());
    assertEquals(CachedAttentionSpec.ROWS, sinter_h.SINTER_KV_ROWS());
  }

  @Test
  void theBestInstructionSetIsTaken() {
    CachedAttentionSpec spec = new CachedAttentionSpec(2, 1, 8, KvType.INT8);
    try (CpuBackend backend = new CpuBackend(1, null);
        CachedAttentionKernel kernel = backend.cachedAttention(spec)) {
      String best =
          Isa.best(Isa.allowed(CpuFeatures.host(), null), CachedAttentionNative.COMPILED).text();
      assertEquals(best, kernel.isa());
      assertEquals("sinter_cached_attention_" + best, kernel.implementation());
    }
  }
}
