package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.tensor.Scheme;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PerplexityTest {
  private static final String TEXT = "Twenty-three tokens, ok";

  @TempDir private Path scratch;

  private DecoderModel load(Sinter sinter, Path folder) {
    return DecoderModel.load(sinter, folder, DecoderOptions.of(Scheme.F32), Progress.none());
  }

  @Test
  void windowsLieSideBySideAndTheLastMayBeShorter() throws Exception {
    Path folder = scratch.resolve("m");
    SyntheticDecoder.write("tiny", 100, 3, folder, Progress.none());
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1))) {
      try (DecoderModel model = load(sinter, folder)) {
        Perplexity found = Perplexity.of(model, TEXT, 10, Progress.none());
        assertEquals(23, found.tokens());
        int[] ids = model.tokenizer().encodePlain(TEXT);
        double sum = 0;
        for (int from = 0; from < 23; from += 10) {
          int count = Math.min(10, 23 - from);
          int[] window = new int[count + 1];
          window[0] = 0; // the start token
          System.arraycopy(ids, from, window, 1, count);
          try (DecoderSession session = model.open()) {
            sum -= Arrays.stream(session.score(window)).skip(1).sum();
          }
        }
        assertEquals(sum / 23, found.nats(), 1e-12);
        assertEquals(Math.exp(found.nats()), found.perplexity());
        assertEquals(99, Perplexity.usualWindow(model));
        assertThrows(
            IllegalArgumentException.class, () -> Perplexity.of(model, TEXT, 100, Progress.none()));
        assertThrows(
            IllegalArgumentException.class, () -> Perplexity.of(model, "", 10, Progress.none()));
      }
      Path config = folder.resolve("config.json");
      Files.writeString(config, Files.readString(config).replaceFirst("\"bos_token_id\" : 0,", ""));
      try (DecoderModel model = load(sinter, folder)) {
        // One of ten is context only.
        assertEquals(9 + 9 + 2, Perplexity.of(model, TEXT, 10, Progress.none()).tokens());
      }
    }
  }
}
