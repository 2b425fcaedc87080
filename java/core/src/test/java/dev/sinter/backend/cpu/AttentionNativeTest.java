package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionKernelTest;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.testing.NativeBuild;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class AttentionNativeTest extends AttentionKernelTest {
  private record OfIsa(Isa isa) implements Variant {
    @Override
    public AttentionKernel make(AttentionSpec spec, int workers) {
      return new AttentionNative(spec, workers, isa);
    }
  }

  @Override
  protected List<Variant> variants() {
    return AttentionNative.COMPILED.stream()
        .filter(isa -> isa.runsOn(CpuFeatures.host()))
        .<Variant>map(OfIsa::new)
        .toList();
  }

  @Test
  void theBestInstructionSetIsTaken() {
    AttentionSpec spec = new AttentionSpec(1, 8, 8);
    try (CpuBackend backend = new CpuBackend(1, null);
        AttentionKernel kernel = backend.attention(spec)) {
      String best =
          Isa.best(Isa.allowed(CpuFeatures.host(), null), AttentionNative.COMPILED).text();
      assertEquals(best, kernel.isa());
      assertEquals("sinter_attention_" + best, kernel.implementation());
    }
  }
}
