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
          new Epilogue(true, Activation.NONE, true),
          new Epilogue(false, Activation.GELU_TANH, true),
          new Epilogue(true, Activation.SILU, false));

  /** Columns of results around those of a panel with a gate. */
  static final int[] GATES = {1, 7, 8, 9, 33};

  static final int[] ROWS = {1, 2, 3, 8, 33, 129, 257};

  /** Of a value of 1 at most the absolute error, as kernels/gemm/activations.h states it. */
  static final double ACTIVATION_ERROR = 3e-7;

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
}
