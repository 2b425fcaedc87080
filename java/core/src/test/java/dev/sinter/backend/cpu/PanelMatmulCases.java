package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.runtime.CpuFeatures;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** What the tests of the {@link PanelMatmul}s have in common. */
final class PanelMatmulCases {
  static final List<Epilogue> EPILOGUES =
      List.of(
          Epilogue.NONE,
          Epilogue.BIAS,
          new Epilogue(true, Activation.GELU_ERF, false),
          new Epilogue(true, Activation.NONE, true));

  static final int[] ROWS = {1, 2, 3, 8, 33, 129, 257};

  // The steepest slope of GELU, and the absolute error that kernels/gemm/activations.h states.
  private static final double GELU_SLOPE = 1.13;
  private static final double GELU_ERROR = 3e-7;

  private PanelMatmulCases() {}

  /** Those of a kernel's instruction sets that this CPU has. */
  static Set<Isa> isas(Set<Isa> compiled) {
    EnumSet<Isa> isas = Isa.allowed(CpuFeatures.host(), null);
    isas.retainAll(compiled);
    assertTrue(isas.contains(Isa.SCALAR));
    return isas;
  }

  static void run(MatmulKernel kernel, int m, ActivationBuffer x, MemorySegment y) {
    for (int tile = 0; tile < kernel.tiles(m); tile++) {
      kernel.run(0, tile, m, x, y);
    }
  }

  /**
   * The bound on the error after the activation.
   *
   * @param bound that before it
   * @param exact the value before it
   */
  static double afterActivation(Epilogue epilogue, double bound, double exact) {
    return switch (epilogue.activation()) {
      case NONE -> bound;
      case GELU_ERF -> GELU_SLOPE * bound + GELU_ERROR * Math.max(1, Math.abs(exact));
    };
  }
}
