package consumer;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.layer.Linear;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Runs a layer through the public API and fails unless each expected backend really ran. */
public final class Main {
  private static final int K = 64;
  private static final int N = 32;

  private Main() {}

  /**
   * @param backends those that must run here, for example {@code onednn vector}
   */
  public static void main(String[] backends) {
    System.out.println(Main.class.getModule().isNamed() ? "module path" : "class path");
    for (String backend : backends) {
      try (Sinter sinter = Sinter.open(new SinterOptions(2, backend, null));
          Arena arena = Arena.ofShared()) {
        multiply(sinter, arena, backend);
      }
    }
  }

  private static void multiply(Sinter sinter, Arena arena, String backend) {
    MemorySegment weights = arena.allocate(4L * K * N, 64);
    MemorySegment x = arena.allocate(4L * K, 64);
    MemorySegment y = arena.allocate(4L * N, 64);
    for (int i = 0; i < K * N; i++) {
      weights.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
    }
    for (int i = 0; i < K; i++) {
      x.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
    }
    Dense dense = new Dense("w", N, K, DType.F32, weights);
    try (Linear linear = Linear.of(sinter, dense, (float[]) null, ActivationScheme.FLOAT)) {
      linear.forward(x, 1, y);
      float found = y.getAtIndex(ValueLayout.JAVA_FLOAT, N - 1);
      if (found != K * (K - 1) / 2 || !linear.explain().contains("runs on " + backend + ":")) {
        throw new IllegalStateException(backend + " gave " + found + "\n" + linear.explain());
      }
      System.out.println(linear.explain().lines().toList().get(1).strip());
    }
  }
}
