package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_QUANTIZE_ROWS_MAX_K;

import dev.sinter.backend.Backend;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeLibraries;
import java.util.Set;

/** The kernels of libsinter, of the best instruction set the CPU and a cap allow. Thread-safe. */
public final class CpuBackend implements Backend {
  private final Isa isa;
  private final String unavailable; // null if the library runs here

  /**
   * Never fails for a missing library: {@link #supports} then says what is missing.
   *
   * @param isaCap highest instruction set to use ({@code scalar}, {@code avx2}, {@code avxvnni},
   *     {@code avx512vnni}), or null for all the CPU has
   * @throws IllegalArgumentException for another cap, and for one that the CPU does not reach
   */
  public CpuBackend(String isaCap) {
    isa = Isa.best(CpuFeatures.host(), isaCap);
    unavailable =
        switch (NativeLibraries.sinter()) {
          case NativeLibraries.Loaded _ -> null;
          case NativeLibraries.Unavailable u -> u.reason();
        };
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public Set<Class<? extends OpSpec>> operations() {
    return Set.of(QuantizeSpec.class);
  }

  @Override
  public Support supports(OpSpec spec) {
    if (unavailable != null) {
      return Support.no(unavailable);
    }
    if (!(spec instanceof QuantizeSpec quantize)) {
      return Support.no("has no " + spec.operation() + " kernel");
    }
    return quantize.width() <= SINTER_QUANTIZE_ROWS_MAX_K()
        ? Support.yes()
        : Support.no(
            "width "
                + quantize.width()
                + " could overflow int32 sums, at most "
                + SINTER_QUANTIZE_ROWS_MAX_K());
  }

  @Override
  public QuantizeKernel quantize(QuantizeSpec spec) {
    Support support = supports(spec);
    if (!support.supported()) {
      throw new IllegalArgumentException("cpu: " + support.reason());
    }
    return new QuantizeRowsNative(spec, isa);
  }
}
