package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.backend.Activation;
import dev.sinter.backend.Epilogue;
import dev.sinter.layer.Linear;
import dev.sinter.models.EmbeddingModel;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Divides a pass by the {@code sinter.Kernel} events of its operations. GELU runs inside a matmul:
 * its share is what that layer takes longer with it than without. The tokenizer is no part of a
 * pass, and is measured on a text with as many tokens.
 */
final class EncoderProfile {
  private static final int FEWEST_PASSES = 3;

  private EncoderProfile() {}

  /**
   * @param nanos how long each of the three measurements takes, at least
   */
  static SequencedMap<String, Double> measure(
      Sinter sinter, EmbeddingModel model, EncoderSize size, List<int[]> batch, long nanos) {
    SequencedMap<String, Double> parts = new LinkedHashMap<>();
    for (String part : List.of("linear", "attention", "norm and quantize", "other")) {
      parts.put(part, 0.0);
    }
    kernels(model, batch, nanos, parts);
    double gelu = geluMillis(sinter, model, size, nanos);
    parts.merge("linear", -gelu, Double::sum);
    parts.put("gelu", gelu);
    parts.put("tokenizer", tokenizerMillis(model, size, nanos));
    return Collections.unmodifiableSequencedMap(parts);
  }

  private static void kernels(
      EmbeddingModel model, List<int[]> batch, long nanos, SequencedMap<String, Double> parts) {
    int[] passes = {0};
    KernelEvents.record(
        () -> passes[0] = repeat(nanos, () -> model.embedIds(batch)),
        (operation, time) -> parts.merge(part(operation), time / 1e6 / passes[0], Double::sum));
  }

  /** What an operation of BertLayer and BertEncoder counts as. */
  static String part(String operation) {
    if (operation.contains("norm") || operation.contains("quantize")) {
      return "norm and quantize";
    }
    if (operation.endsWith(" attention")) {
      return "attention";
    }
    return operation.startsWith("layer ") ? "linear" : "other";
  }

  private static double geluMillis(
      Sinter sinter, EmbeddingModel model, EncoderSize size, long nanos) {
    int k = model.dimension();
    int n = 4 * k;
    int rows = Math.min(size.batch() * size.tokens(), 1024); // a pass takes no more at once
    double passes = (double) size.batch() * size.tokens() / rows;
    long layers = model.layers().stream().filter(l -> l.endsWith("intermediate.dense")).count();
    Scheme scheme = model.scheme();
    try (Arena arena = Arena.ofShared()) {
      Dense dense = Data.weights(n, k, arena);
      CompressedTensor weights = Compression.of(scheme, dense, arena);
      float[] bias = new float[n];
      MemorySegment x = Data.activations(rows, k, arena);
      MemorySegment y = Data.floats(rows, n, arena);
      Epilogue gelu = new Epilogue(true, Activation.GELU_ERF, false);
      try (Linear with = Linear.of(sinter, weights, bias, scheme.activations(), gelu);
          Linear without = Linear.of(sinter, weights, bias, scheme.activations(), Epilogue.BIAS)) {
        RowTimer timer = new RowTimer(nanos, FEWEST_PASSES);
        double more =
            timer.time(() -> with.forward(x, rows, y)).best()
                - timer.time(() -> without.forward(x, rows, y)).best();
        return Math.max(0, more) * layers * passes;
      }
    }
  }

  /** A text of as many words as there are tokens beside the two special ones. */
  private static double tokenizerMillis(EmbeddingModel model, EncoderSize size, long nanos) {
    String text = "time ".repeat(size.tokens() - 2).strip();
    RowTimer timer = new RowTimer(nanos, FEWEST_PASSES);
    return timer
        .time(
            () -> {
              for (int i = 0; i < size.batch(); i++) {
                model.tokenize(text);
              }
            })
        .median();
  }

  private static int repeat(long nanos, Runnable call) {
    long start = System.nanoTime();
    int count = 0;
    while (count < FEWEST_PASSES || System.nanoTime() - start < nanos) {
      call.run();
      count++;
    }
    return count;
  }
}
