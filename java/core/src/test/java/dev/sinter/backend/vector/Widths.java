package dev.sinter.backend.vector;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import java.util.stream.IntStream;

/** The vector widths that tests force on this host. */
final class Widths {
  private static final OpSpec ANY = new QuantizeSpec(1, ActivationScheme.U8_PER_TOKEN);

  private Widths() {}

  static int[] ofThisHost() {
    assertTrue(new VectorBackend(1, 0).supports(ANY).supported(), "tests run with the module");
    int[] widths =
        IntStream.of(128, 256, 512)
            .filter(bits -> new VectorBackend(1, bits).supports(ANY).supported())
            .toArray();
    assertTrue(widths.length > 0, "no vector width to test");
    return widths;
  }
}
