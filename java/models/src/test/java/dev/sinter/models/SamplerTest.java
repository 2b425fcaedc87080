package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.testing.TestRandom;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplerTest {
  private static final int[] NONE = {};

  /** Logits of these probabilities. */
  private static float[] logits(double... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(probabilities[i]);
    }
    return logits;
  }

  private static double[] probabilities(Sampling sampling, float[] logits, int... before) {
    return new Sampler(sampling, logits.length).probabilities(logits, before, before.length);
  }

  private static Sampling with(double temperature, int topK, double topP, double minP) {
    return new Sampling(temperature, topK, topP, minP, 1, 5);
  }

  private static void assertNear(double[] right, double[] found) {
    assertArrayEquals(right, found, 1e-6, Arrays.toString(found));
  }

  @Test
  void eachStepHasItsDistribution() {
    float[] logits = logits(0.1, 0.4, 0.2, 0.3);
    assertNear(new double[] {0.1, 0.4, 0.2, 0.3}, probabilities(with(1, 0, 1, 0), logits));
    // Temperature 1/2 squares them.
    assertNear(
        new double[] {0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3},
        probabilities(with(0.5, 0, 1, 0), logits));
    assertNear(new double[] {0, 0.4 / 0.7, 0, 0.3 / 0.7}, probabilities(with(1, 2, 1, 0), logits));
    assertNear(new double[] {0, 1, 0, 0}, probabilities(with(1, 1, 1, 0), logits));
    // 0.4 + 0.3 is not enough for 0.75, with 0.2 it is.
    assertNear(
        new double[] {0, 0.4 / 0.9, 0.2 / 0.9, 0.3 / 0.9},
        probabilities(with(1, 0, 0.75, 0), logits));
    assertNear(new double[] {0, 1, 0, 0}, probabilities(with(1, 0, 0.3, 0), logits));
    // A share of 0.6 of the largest is 0.24.
    assertNear(
        new double[] {0, 0.4 / 0.7, 0, 0.3 / 0.7}, probabilities(with(1, 0, 1, 0.6), logits));
    // Of the two that top-k leaves, 0.4 / 0.7 is enough for 0.5.
    assertNear(new double[] {0, 1, 0, 0}, probabilities(with(1, 2, 0.5, 0), logits));
  }

  @Test
  void repetitionIsPenalizedOnceATokenAndByTheSignOfItsLogit() {
    float[] logits = {2, -2, 0, 1};
    Sampling sampling = new Sampling(1, 0, 1, 0, 2, 0);
    double[] found = probabilities(sampling, logits, 0, 0, 1);
    double sum = Math.exp(1) + Math.exp(-4) + 1 + Math.exp(1);
    assertNear(
        new double[] {Math.exp(1) / sum, Math.exp(-4) / sum, 1 / sum, Math.exp(1) / sum}, found);
    // Greedy choice heeds it, too; of equals the first wins.
    Sampler greedy = new Sampler(new Sampling(0, 0, 1, 0, 4, 0), 4);
    assertEquals(3, greedy.next(logits, new int[] {0}, 1));
    assertEquals(0, greedy.next(logits, NONE, 0));
    assertEquals(0, new Sampler(Sampling.greedy(), 3).next(new float[] {1, 1, 1}, NONE, 0));
  }

  @Test
  void drawsHaveTheirFrequencies() {
    float[] logits = logits(0.1, 0.4, 0.2, 0.3);
    Sampler sampler = new Sampler(with(1, 0, 1, 0), 4);
    int draws = 100_000;
    int[] counts = new int[4];
    for (int i = 0; i < draws; i++) {
      counts[sampler.next(logits, NONE, 0)]++;
    }
    for (int i = 0; i < 4; i++) {
      double p = Math.exp(logits[i]);
      double sigma = Math.sqrt(p * (1 - p) / draws);
      assertEquals(p, (double) counts[i] / draws, 5 * sigma);
    }
  }

  @Test
  void topKOfManyIsTheSameAsSorting() {
    TestRandom random = new TestRandom();
    for (int round = 0; round < 200; round++) {
      float[] logits = new float[random.integer(1, 301)];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = random.integer(0, 40) / 4f; // with equals
      }
      int k = random.integer(1, logits.length + 1);
      double[] found = probabilities(with(0.7, k, 1, 0), logits);
      Integer[] order = new Integer[logits.length];
      Arrays.setAll(order, i -> i);
      Arrays.sort(
          order, (a, b) -> logits[a] == logits[b] ? a - b : Float.compare(logits[b], logits[a]));
      double sum = 0;
      for (int i = 0; i < k; i++) {
        sum += Math.exp(logits[order[i]] / 0.7);
      }
      for (int i = 0; i < order.length; i++) {
        double right = i < k ? Math.exp(logits[order[i]] / 0.7) / sum : 0;
        assertEquals(right, found[order[i]], 1e-9, "k " + k + " " + random);
      }
    }
  }

  @Test
  void theSeedDecides() {
    float[] logits = logits(0.1, 0.4, 0.2, 0.3);
    for (long seed : new long[] {0, 1, -7}) {
      Sampler one = new Sampler(Sampling.usual(seed), 4);
      Sampler two = new Sampler(Sampling.usual(seed), 4);
      for (int i = 0; i < 100; i++) {
        assertEquals(one.next(logits, NONE, 0), two.next(logits, NONE, 0));
      }
    }
  }

  @Test
  void infiniteLogitsAreImpossibleTokensAndNaNAnError() {
    float[] logits = {Float.NEGATIVE_INFINITY, 1, Float.NEGATIVE_INFINITY};
    assertNear(new double[] {0, 1, 0}, probabilities(with(1, 0, 1, 0), logits));
    assertEquals(1, new Sampler(Sampling.usual(3), 3).next(logits, NONE, 0));
    Sampler sampler = new Sampler(Sampling.usual(3), 2);
    String message =
        assertThrows(
                IllegalStateException.class,
                () -> sampler.next(new float[] {1, Float.NaN}, NONE, 0))
            .getMessage();
    assertTrue(message.contains("token 1 is NaN"), message);
  }

  @Test
  void valuesOutOfRangeAreNamed() {
    for (String name : new String[] {"temperature", "topK", "topP", "minP", "repetitionPenalty"}) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      new Sampling(
                          name.equals("temperature") ? Double.NaN : 1,
                          name.equals("topK") ? -1 : 0,
                          name.equals("topP") ? 0 : 1,
                          name.equals("minP") ? 1.5 : 0,
                          name.equals("repetitionPenalty") ? 0 : 1,
                          0))
              .getMessage();
      assertTrue(message.startsWith(name + " must be"), message);
    }
  }

  @Test
  void generationConfigSaysHow(@TempDir Path folder) throws Exception {
    assertEquals(Sampling.usual(0), SamplingReader.read(folder));
    Path file = folder.resolve("generation_config.json");
    Files.writeString(file, "{\"temperature\": 0.5, \"eos_token_id\": 2}");
    assertEquals(Sampling.usual(0), SamplingReader.read(folder));
    Files.writeString(
        file,
        "{\"do_sample\": true, \"top_p\": 0.8, \"repetition_penalty\": 1.1, \"min_p\": null}");
    assertEquals(new Sampling(1, 50, 0.8, 0, 1.1, 0), SamplingReader.read(folder));
    for (String wrong : new String[] {"-1", "\"hot\""}) {
      Files.writeString(file, "{\"do_sample\": true, \"temperature\": " + wrong + "}");
      String message =
          assertThrows(CheckpointException.class, () -> SamplingReader.read(folder)).getMessage();
      assertTrue(message.contains("temperature"), message);
      assertTrue(message.contains("generation_config.json"), message);
    }
  }
}
