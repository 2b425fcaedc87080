package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.layer.KvCacheFullException;
import dev.sinter.tensor.Scheme;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What sessions do, on a small model with random weights. */
class DecoderSessionTest {
  private static final int CONTEXT = 600;

  @TempDir private static Path scratch;

  @BeforeAll
  static void write() {
    SyntheticDecoder.write("tiny", CONTEXT, 3, scratch.resolve("tiny"), Progress.none());
  }

  private interface Check {
    void run(DecoderModel model) throws Exception;
  }

  private static void with(int threads, DecoderOptions options, Check test) throws Exception {
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(threads));
        DecoderModel model =
            DecoderModel.load(sinter, scratch.resolve("tiny"), options, Progress.none())) {
      test.run(model);
    }
  }

  private static void with(Check test) throws Exception {
    with(2, DecoderOptions.of(Scheme.F32), test);
  }

  private static int[] text(int length) {
    int[] ids = new int[length];
    for (int i = 0; i < length; i++) {
      ids[i] = 2 + (i * i + 7 * i) % 300;
    }
    return ids;
  }

  private static Generation.Settings settings(int tokens, Sampling sampling) {
    return new Generation.Settings(tokens, sampling);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"f32", "w8a8", "w4a8", "w4a8:32", "w4a16:32", "w8a16", "ternary", "binary"})
  void passesOfAnyLengthGiveTheSame(String scheme) throws Exception {
    // Longer than a pass, and than the rows of logits of one.
    int[] ids = text(2 * Decoder.MAX_ROWS + 3);
    with(
        2,
        DecoderOptions.of(Scheme.of(scheme)),
        model -> {
          try (DecoderSession whole = model.open();
              DecoderSession pieces = model.open();
              DecoderSession scored = model.open()) {
            whole.prefill(ids);
            pieces.prefill(Arrays.copyOf(ids, 200));
            double[] scores = scored.score(Arrays.copyOf(ids, 201));
            for (int i = 200; i < 210; i++) {
              double sum = 0;
              for (float logit : pieces.logits()) {
                sum += Math.exp(logit);
              }
              double right = pieces.logits()[ids[i]] - Math.log(sum);
              if (i == 200) {
                assertEquals(right, scores[200], 1e-6);
              }
              pieces.next(ids[i]);
            }
            pieces.prefill(Arrays.copyOfRange(ids, 210, ids.length));
            assertArrayEquals(whole.logits(), pieces.logits());
            assertEquals(ids.length, whole.length());
          }
        });
  }

  @Test
  void schemesAreNotTheSame() throws Exception {
    int[] ids = text(20);
    List<float[]> all = new ArrayList<>();
    DecoderOptions f32 = DecoderOptions.of(Scheme.F32);
    DecoderScheme head = new DecoderScheme(Scheme.F32, Scheme.F32, Scheme.W8A8, null);
    DecoderScheme table = new DecoderScheme(Scheme.F32, Scheme.F32, null, Scheme.W8A8);
    DecoderScheme mlp = new DecoderScheme(Scheme.F32, Scheme.W4A8, null, null);
    for (DecoderOptions options :
        List.of(
            f32,
            DecoderOptions.of(Scheme.W8A8),
            f32.withScheme(head),
            f32.withScheme(table),
            f32.withScheme(mlp))) {
      with(
          1,
          options,
          model -> {
            try (DecoderSession session = model.open()) {
              session.prefill(ids);
              for (float[] other : all) {
                assertNotEquals(-1, Arrays.mismatch(other, session.logits()), options.toString());
              }
              all.add(session.logits().clone());
            }
          });
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> new DecoderScheme(Scheme.F32, Scheme.F32, null, Scheme.W4A8));
  }

  @Test
  void theSeedDecidesTheTextWhateverTheThreads() throws Exception {
    List<int[]> texts = new ArrayList<>();
    for (int threads : new int[] {1, 2, 3}) {
      with(
          threads,
          DecoderOptions.of(Scheme.W8A8),
          model -> {
            for (long seed : new long[] {7, 8}) {
              try (DecoderSession session = model.open()) {
                texts.add(
                    session
                        .generate(text(9), settings(60, Sampling.usual(seed)), (_, _) -> true)
                        .ids());
              }
            }
          });
    }
    assertArrayEquals(texts.get(0), texts.get(2));
    assertArrayEquals(texts.get(0), texts.get(4));
    assertArrayEquals(texts.get(1), texts.get(5));
    assertNotEquals(-1, Arrays.mismatch(texts.get(0), texts.get(1)));
  }

  @Test
  void sessionsOfManyThreadsDoNotMix() throws Exception {
    with(
        model -> {
          Callable<int[]> caller =
              () -> {
                try (DecoderSession session = model.open()) {
                  return session
                      .generate(text(40), settings(30, Sampling.greedy()), (_, _) -> true)
                      .ids();
                }
              };
          int[] right = caller.call();
          try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<int[]>> found = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
              found.add(callers.submit(caller));
            }
            for (Future<int[]> ids : found) {
              assertArrayEquals(right, ids.get());
            }
          }
          assertEquals(0, model.cacheBytes());
        });
  }

  @Test
  void forksShareWhatTheyHaveInCommon() throws Exception {
    with(
        model -> {
          int[] ids = text(70);
          try (DecoderSession one = model.open()) {
            one.prefill(ids);
            float[] behind = one.logits().clone();
            long bytes = model.cacheBytes();
            try (DecoderSession fork = one.fork()) {
              assertEquals(bytes, model.cacheBytes());
              assertArrayEquals(behind, fork.logits());
              fork.prefill(text(30));
              one.next(5);
              float[] own = one.logits().clone();
              one.truncate(70);
              assertThrows(IllegalStateException.class, one::logits);
              one.next(5);
              assertArrayEquals(own, one.logits());
              try (DecoderSession plain = model.open()) {
                plain.prefill(ids);
                plain.next(5);
                assertArrayEquals(own, plain.logits());
                plain.truncate(70);
                plain.prefill(text(30));
                assertArrayEquals(plain.logits(), fork.logits());
              }
            }
          }
        });
  }

  @Test
  void textsEnd() throws Exception {
    with(
        model -> {
          try (DecoderSession session = model.open()) {
            Generation some =
                session.generate(text(5), settings(4, Sampling.greedy()), (_, _) -> true);
            assertEquals(Generation.Stop.MAX_TOKENS, some.stop());
            assertEquals(4, some.ids().length);
            assertEquals(8, session.length()); // the last is not appended
            StringBuilder heard = new StringBuilder();
            session.truncate(0);
            Generation full =
                session.generate(
                    text(CONTEXT - 3),
                    settings(50, Sampling.greedy()),
                    (_, piece) -> heard.append(piece) != null);
            if (full.stop() != Generation.Stop.END_OF_TEXT) {
              assertEquals(Generation.Stop.CONTEXT_FULL, full.stop());
              assertEquals(4, full.ids().length);
            }
            assertEquals(full.text(), heard.toString());
            session.truncate(0);
            Generation stopped =
                session.generate(text(5), settings(9, Sampling.greedy()), (_, _) -> false);
            assertEquals(Generation.Stop.LISTENER, stopped.stop());
            assertEquals(1, stopped.ids().length);
          }
        });
  }

  @Test
  void aFullCacheIsAnErrorThatLosesNothing() throws Exception {
    long room = 2L * 2 * 2 * 16 * 4 * 100; // of 100 tokens of f32
    with(
        2,
        DecoderOptions.of(Scheme.F32).withCacheBytes(room),
        model -> {
          try (DecoderSession two = model.open()) {
            try (DecoderSession one = model.open()) {
              one.prefill(text(40));
              assertThrows(KvCacheFullException.class, () -> two.prefill(text(80)));
              assertEquals(0, two.length());
              one.next(3);
              assertEquals(41, one.length());
            }
            two.prefill(text(64));
          }
        });
  }

  @Test
  void wrongCallsAreNamed() throws Exception {
    with(
        model -> {
          DecoderSession session = model.open();
          assertThrows(IllegalStateException.class, session::logits);
          assertThrows(IllegalArgumentException.class, () -> session.prefill(new int[0]));
          for (int id : new int[] {-1, 320}) {
            String message =
                assertThrows(
                        IllegalArgumentException.class, () -> session.prefill(new int[] {1, id}))
                    .getMessage();
            assertTrue(message.contains("token 1 is " + id), message);
          }
          String message =
              assertThrows(IllegalArgumentException.class, () -> session.prefill(text(601)))
                  .getMessage();
          assertTrue(message.contains("context of 600"), message);
          assertEquals(0, session.length());
          assertThrows(
              IllegalArgumentException.class, () -> new Generation.Settings(0, Sampling.greedy()));
          assertThrows(IllegalArgumentException.class, () -> model.explain("model.layers.9"));
          assertTrue(model.explain("model.layers.1.mlp.up_proj").contains("gate_proj"));
          assertTrue(model.explainAttention(1).contains("cached attention"));
          assertEquals(7 * 2 + 1, model.layers().size());
          session.close();
          session.close();
          assertThrows(IllegalStateException.class, () -> session.next(1));
          DecoderSession late = model.open();
          model.close();
          assertThrows(IllegalStateException.class, () -> late.next(1));
          assertThrows(IllegalStateException.class, model::open);
          late.close();
          assertFalse(late.length() > 0);
        });
  }
}
