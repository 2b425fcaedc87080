package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import dev.sinter.MachineLimits;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * The limits of the machine as a table and as JSON, a figure a row, a number of threads a column.
 */
public final class LimitsReport {
  private record Figure(String key, String label, Function<MachineLimits, Double> value) {}

  private static final List<Figure> FIGURES =
      List.of(
          new Figure("dram_gbs", "DRAM read GB/s", MachineLimits::dramGbs),
          new Figure("l2_gbs", "L2 read GB/s", MachineLimits::l2Gbs),
          new Figure("l3_gbs", "L3 read GB/s", MachineLimits::l3Gbs),
          new Figure("int8_peak_gops", "int8 GOP/s", MachineLimits::int8PeakGops),
          new Figure("bf16_peak_gflops", "bf16 GFLOP/s", MachineLimits::bf16PeakGflops),
          new Figure("f32_peak_gflops", "f32 GFLOP/s", MachineLimits::f32PeakGflops),
          new Figure("fork_join_us", "fork-join us", MachineLimits::forkJoinMicros));

  private LimitsReport() {}

  /**
   * Adds an object for each figure, with the number of threads as key: {@code "dram_gbs":{"1":45.7,
   * "2":87.0}}. What was not measured is null.
   */
  public static void toJson(List<MachineLimits> limits, ObjectNode json) {
    for (Figure figure : FIGURES) {
      ObjectNode values = json.putObject(figure.key());
      for (MachineLimits l : limits) {
        values.set(Integer.toString(l.threads()), number(figure.value().apply(l)));
      }
    }
  }

  private static ValueNode number(Double value) {
    return value == null ? NullNode.instance : Json.number(value, 2);
  }

  public static void print(List<MachineLimits> limits, PrintStream out) {
    String[] headers = new String[limits.size() + 1];
    headers[0] = "limit, measured";
    for (int i = 0; i < limits.size(); i++) {
      int threads = limits.get(i).threads();
      headers[i + 1] = ">" + threads + (threads == 1 ? " thread" : " threads");
    }
    TextTable table = new TextTable(headers);
    for (Figure figure : FIGURES) {
      String[] row = new String[headers.length];
      row[0] = figure.label();
      for (int i = 0; i < limits.size(); i++) {
        Double value = figure.value().apply(limits.get(i));
        row[i + 1] =
            value == null ? "-" : String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.1f", value);
      }
      table.row(row);
    }
    table.print(out);
  }
}
