package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.KvType;
import dev.sinter.tensor.Scheme;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Logits of tiny models with strong weights, against those of transformers in f32. */
class DecoderGoldenTest {
  private static final double BOUND = 1e-4;

  private static Sinter sinter;

  @TempDir private Path scratch;

  @BeforeAll
  static void open() {
    sinter = Sinter.open(SinterOptions.defaults().withThreads(2));
  }

  @AfterAll
  static void close() {
    sinter.close();
  }

  private static List<GoldenDecoders.Case> cases() {
    List<GoldenDecoders.Case> cases = GoldenDecoders.cases();
    assertEquals(9, cases.size());
    return cases;
  }

  private DecoderModel load(GoldenDecoders.Case c, DecoderOptions options) {
    return DecoderModel.load(
        sinter, c.folder(scratch), options.withContext(context(c)), Progress.none());
  }

  /** That of the text, so that dynamic frequencies are those of its length. */
  private static int context(GoldenDecoders.Case c) {
    return c.ids().length;
  }

  private static void assertClose(GoldenDecoders.Case c, int row, float[] logits, String how) {
    double error = c.error(row, logits);
    assertTrue(error < BOUND, c + ", token " + row + ", " + how + ": off by " + error);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void tokenByTokenInChunksAndInterleaved(GoldenDecoders.Case c) {
    try (DecoderModel model = load(c, DecoderOptions.of(Scheme.F32));
        DecoderSession whole = model.open();
        DecoderSession single = model.open();
        DecoderSession pieces = model.open()) {
      int[] ids = c.ids();
      whole.prefill(ids);
      assertClose(c, ids.length - 1, whole.logits(), "in one piece");
      int done = 0;
      for (int i = 0; i < ids.length; i++) {
        single.next(ids[i]);
        assertClose(c, i, single.logits(), "token by token");
        if (i % 5 == 4 || i == ids.length - 1) {
          pieces.prefill(Arrays.copyOfRange(ids, done, i + 1));
          assertClose(c, i, pieces.logits(), "in pieces");
          done = i + 1;
        }
      }
      // Our own kernels give a row the same whatever is beside it.
      assertArrayEquals(whole.logits(), single.logits());
      assertArrayEquals(whole.logits(), pieces.logits());
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void scoresAreThoseOfTheLogits(GoldenDecoders.Case c) {
    try (DecoderModel model = load(c, DecoderOptions.of(Scheme.F32));
        DecoderSession session = model.open()) {
      double[] scores = session.score(c.ids());
      assertTrue(Double.isNaN(scores[0]));
      for (int i = 1; i < scores.length; i++) {
        double sum = 0;
        for (float logit : c.logits()[i - 1]) {
          sum += Math.exp(logit);
        }
        double right = c.logits()[i - 1][c.ids()[i]] - Math.log(sum);
        assertEquals(right, scores[i], 1e-3 * Math.max(1, Math.abs(right)), c + " token " + i);
      }
    }
  }

  /** oneDNN has no gates: gate and up are two layers there. */
  @ParameterizedTest
  @ValueSource(strings = {"onednn", "vector", "reference"})
  void otherBackendsGiveTheSame(String backend) {
    SinterOptions options = SinterOptions.defaults().withThreads(2).withBackend(backend);
    try (Sinter other = Sinter.open(options)) {
      for (String name : List.of("llama", "qwen2", "gemma2")) {
        GoldenDecoders.Case c = GoldenDecoders.of(name);
        try (DecoderModel model =
                DecoderModel.load(
                    other,
                    c.folder(scratch),
                    DecoderOptions.of(Scheme.F32).withContext(context(c)),
                    Progress.none());
            DecoderSession session = model.open()) {
          String up = model.explain("model.layers.0.mlp.up_proj");
          assertTrue(up.contains("runs on " + backend), up);
          assertEquals(!backend.equals("onednn"), up.contains("gate_proj"), up);
          session.prefill(c.ids());
          assertClose(c, c.ids().length - 1, session.logits(), backend);
        }
      }
    }
  }

  @Test
  void theCasesTellVariantsApart() {
    GoldenDecoders.Case plain = GoldenDecoders.of("llama");
    int last = plain.ids().length - 1;
    for (String variant : List.of("linear", "llama3", "yarn", "dynamic")) {
      double difference = plain.error(last, GoldenDecoders.of("llama-" + variant).logits()[last]);
      assertTrue(difference > 0.01, variant + " differs by " + difference);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void narrowCachesStayNear(GoldenDecoders.Case c) {
    for (KvType type : List.of(KvType.BF16, KvType.INT8)) {
      try (DecoderModel model = load(c, DecoderOptions.of(Scheme.F32).withCache(type));
          DecoderSession session = model.open()) {
        session.prefill(c.ids());
        double error = c.error(c.ids().length - 1, session.logits());
        // Peaked attention magnifies what rounding does; wrong codes would be off by more than 1.
        assertTrue(error > BOUND && error < 0.5, c + " with " + type + ": off by " + error);
      }
    }
  }
}
