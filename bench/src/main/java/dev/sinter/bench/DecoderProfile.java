package dev.sinter.bench;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** Divides a decode step by the {@code sinter.Kernel} events of its operations. */
final class DecoderProfile {
  private static final String REST = "rest";
  private static final List<String> PARTS =
      List.of(
          "qkv",
          "attention output",
          "MLP gate and up",
          "MLP output",
          "head",
          "attention",
          "norm and quantize",
          "rotation and store",
          REST);

  private DecoderProfile() {}

  /**
   * Where the time of a step goes.
   *
   * @param steps runs this many steps, with the text behind them
   */
  static SequencedMap<String, Double> measure(int steps, Runnable run) {
    SequencedMap<String, Double> parts = new LinkedHashMap<>();
    PARTS.forEach(part -> parts.put(part, 0.0));
    long[] wall = {0};
    KernelEvents.record(
        () -> {
          long before = System.nanoTime();
          run.run();
          wall[0] = System.nanoTime() - before;
        },
        (operation, nanos) -> parts.merge(part(operation), nanos / 1e6 / steps, Double::sum));
    double known = parts.values().stream().mapToDouble(ms -> ms).sum();
    parts.merge(REST, wall[0] / 1e6 / steps - known, Double::sum);
    return Collections.unmodifiableSequencedMap(parts);
  }

  /** What an operation of DecoderLayer, DecoderMlp and DecoderHead counts as. */
  static String part(String operation) {
    String inLayer = operation.replaceFirst("^layer \\d+ ", "");
    return switch (inLayer) {
      case "qkv", "attention output", "MLP output", "head" -> inLayer;
      case "MLP gate", "MLP up", "gate" -> "MLP gate and up";
      case "attention", "attention.merge" -> "attention";
      default ->
          operation.contains("rotation")
              ? "rotation and store"
              : operation.contains("norm") || operation.contains("quantize")
                  ? "norm and quantize"
                  : REST;
    };
  }
}
