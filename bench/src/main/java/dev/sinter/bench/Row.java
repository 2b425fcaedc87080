package dev.sinter.bench;

import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.MachineLimits;
import dev.sinter.cli.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A measurement against the limits of the machine; bench/README.md describes its fields in JSON.
 *
 * @param limits of the row's number of threads
 */
record Row(String suite, Measurement measured, MachineLimits limits) {
  // Beyond this the limit was measured in a worse moment than the row.
  private static final double IMPOSSIBLE = 1.05;

  /** 10^9 operations a second, by the median; null if operations are not counted. */
  Double gops() {
    return perNano(measured.operations());
  }

  /** 10^9 bytes a second, by the median; null if bytes are not counted. */
  Double gbs() {
    return perNano(measured.bytes());
  }

  private Double perNano(Double count) {
    return count == null ? null : count / (measured.ms() * 1e6);
  }

  /** Which peak the operations are compared with: {@code int8}, {@code bf16} or {@code f32}. */
  String peak() {
    if (measured.operations() == null) {
      return null;
    }
    return switch (measured.subject().scheme()) {
      case "w8a8", "w4a8", "ternary", "binary" -> "int8";
      case "bf16" -> "bf16";
      default -> "f32";
    };
  }

  Double fracPeak() {
    return switch (peak()) {
      case null -> null;
      case "int8" -> ratio(gops(), limits.int8PeakGops());
      case "bf16" -> ratio(gops(), limits.bf16PeakGflops());
      default -> ratio(gops(), limits.f32PeakGflops());
    };
  }

  /**
   * Of the operations on weights that are kept: {@link #gops} counts those that are not as well.
   */
  Double fracPeakExecuted() {
    Double sparsity = measured.subject().sparsity();
    Double all = fracPeak();
    return all == null || sparsity == null ? all : Double.valueOf(all * (1 - sparsity));
  }

  /** Of cold weights only: warm ones do not come from memory. */
  Double fracDram() {
    return "cold".equals(measured.weights()) ? ratio(gbs(), limits.dramGbs()) : null;
  }

  Double sentencesPerSecond() {
    return measured.sentences() == null ? null : measured.sentences() * 1e3 / measured.ms();
  }

  /** Of a decoder's prompt or decoded tokens. */
  Double tokensPerSecond() {
    return measured.decoding() == null || measured.decoding().stepShare() != null
        ? null
        : Double.valueOf(measured.m() * 1e3 / measured.ms());
  }

  private static Double ratio(Double value, Double limit) {
    return value == null || limit == null ? null : value / limit;
  }

  /** What cannot be, in words; empty if the row can be true. */
  List<String> doubts() {
    List<String> doubts = new ArrayList<>();
    if (fracDram() != null && fracDram() > IMPOSSIBLE) {
      doubts.add(String.format(Locale.ROOT, "%.0f%% of the memory bandwidth", 100 * fracDram()));
    }
    Double executed = fracPeakExecuted();
    if (executed != null && executed > IMPOSSIBLE) {
      doubts.add(String.format(Locale.ROOT, "%.0f%% of the %s peak", 100 * executed, peak()));
    }
    return doubts;
  }

  ObjectNode toJson() {
    Subject subject = measured.subject();
    ObjectNode json = Json.object();
    json.put("suite", suite).put("kernel", measured.kernel());
    json.put("scheme", subject.scheme()).put("group", subject.group());
    json.put("sparsity", subject.sparsity()).put("format", subject.format());
    json.put("backend", subject.backend());
    json.put("isa", measured.isa()).put("impl", measured.impl());
    json.put("m", measured.m()).put("n", measured.n()).put("k", measured.k());
    json.put("threads", measured.threads());
    set(json, "ms", measured.ms(), 6);
    set(json, "ms_best", measured.msBest(), 6);
    set(json, "gops", gops(), 3);
    set(json, "gbs", gbs(), 3);
    set(json, "frac_dram", fracDram(), 4);
    json.put("peak", peak());
    set(json, "frac_peak", fracPeak(), 4);
    set(json, "frac_peak_executed", fracPeakExecuted(), 4);
    json.put("peer", subject.peer()).put("weights", measured.weights());
    if (measured.sentences() != null) {
      set(json, "sentences_per_s", sentencesPerSecond(), 2);
      set(json, "cosine", measured.cosine(), 6);
    }
    if (measured.decoding() != null) {
      set(json, "tokens_per_s", tokensPerSecond(), 2);
      json.put("cache", measured.decoding().cache());
      set(json, "step_share", measured.decoding().stepShare(), 4);
    }
    return json;
  }

  private static void set(ObjectNode json, String field, Double value, int decimals) {
    json.set(field, value == null ? NullNode.instance : Json.number(value, decimals));
  }
}
