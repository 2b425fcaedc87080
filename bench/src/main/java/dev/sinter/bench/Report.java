package dev.sinter.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.MachineLimits;
import dev.sinter.cli.Json;
import dev.sinter.cli.LimitsReport;
import dev.sinter.cli.TextTable;
import dev.sinter.runtime.CpuFeatures;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * All that a run found out.
 *
 * @param limits one for each number of threads
 * @param commit of the source, or null if it is not known
 * @param breakdowns of our encoders and decoders
 */
record Report(
    List<MachineLimits> limits,
    String commit,
    List<Row> rows,
    List<Breakdown> breakdowns,
    List<Refusal> refusals) {
  // What is to be compared stands together: ours before peers.
  private static final Comparator<Row> ORDER =
      Comparator.comparing((Row r) -> r.measured().kernel())
          .thenComparing(r -> r.measured().k())
          .thenComparing(r -> r.measured().n() == null ? 0 : r.measured().n())
          .thenComparing(r -> r.measured().m())
          .thenComparing(r -> r.measured().threads())
          .thenComparing(r -> r.measured().subject().scheme())
          .thenComparing(r -> sparsity(r.measured()))
          .thenComparing(r -> r.measured().subject().peer() == null ? 0 : 1);

  Report {
    rows = rows.stream().sorted(ORDER).toList();
  }

  ObjectNode toJson() {
    ObjectNode json = Json.object();
    LimitsReport.toJson(limits, json);
    json.put("cpu", CpuFeatures.host().model());
    json.put("jdk", Runtime.version().toString());
    json.put("commit", commit);
    ArrayNode list = json.putArray("rows");
    rows.forEach(r -> list.add(r.toJson()));
    ArrayNode parts = json.putArray("breakdowns");
    for (Breakdown b : breakdowns) {
      ObjectNode of =
          parts
              .addObject()
              .put("kernel", b.kernel())
              .put("scheme", b.subject().scheme())
              .put("group", b.subject().group())
              .put("backend", b.subject().backend())
              .put("m", b.m())
              .put("n", b.n())
              .put("k", b.k())
              .put("threads", b.threads());
      ObjectNode ms = of.putObject("ms");
      b.ms().forEach(ms::put);
    }
    ArrayNode refused = json.putArray("refusals");
    for (Refusal r : refusals) {
      refused
          .addObject()
          .put("scheme", r.subject().scheme())
          .put("group", r.subject().group())
          .put("sparsity", r.subject().sparsity())
          .put("format", r.subject().format())
          .put("backend", r.subject().backend())
          .put("peer", r.subject().peer())
          .put("what", r.what())
          .put("reason", r.reason())
          .put("failure", r.failure());
    }
    return json;
  }

  void print(PrintStream out) {
    LimitsReport.print(limits, out);
    printLayers(out);
    printEncoders(out);
    printDecoders(out);
    printBreakdowns(out);
    if (!refusals.isEmpty()) {
      TextTable table = new TextTable("not measured", "what", "why");
      for (Refusal r : refusals) {
        String reason = r.reason().lines().findFirst().orElse("");
        table.row(r.subject().label(), r.what(), (r.failure() ? "FAILED: " : "") + reason);
      }
      out.println();
      table.print(out);
    }
  }

  private void printLayers(PrintStream out) {
    TextTable table =
        new TextTable(
            "KxN",
            ">M",
            ">threads",
            "scheme",
            "format",
            ">zeros",
            "by",
            "implementation",
            ">ms",
            ">best",
            ">GOP/s",
            ">GB/s",
            "weights",
            ">DRAM",
            ">peak",
            "");
    boolean any = false;
    for (Row row : rows) {
      Measurement m = row.measured();
      if (m.kernel().equals("linear")) {
        any = true;
        table.row(
            m.k() + "x" + m.n(),
            String.valueOf(m.m()),
            String.valueOf(m.threads()),
            scheme(m.subject()),
            m.subject().format(),
            percent(m.subject().sparsity()),
            by(m),
            m.impl(),
            millis(m.ms()),
            millis(m.msBest()),
            number(row.gops()),
            number(row.gbs()),
            m.weights(),
            percent(row.fracDram()),
            percent(row.fracPeakExecuted()),
            row.doubts().isEmpty() ? "" : "BAD MEASUREMENT");
      }
    }
    if (any) {
      out.println();
      table.print(out);
    }
  }

  private void printEncoders(PrintStream out) {
    TextTable table =
        new TextTable(
            "encoder",
            ">threads",
            "scheme",
            "by",
            "implementation",
            ">ms",
            ">best",
            ">sentences/s",
            ">cosine");
    boolean any = false;
    for (Row row : rows) {
      Measurement m = row.measured();
      if (m.sentences() != null) {
        any = true;
        table.row(
            EncoderSeries.MODEL + " " + new EncoderSize(m.m(), m.k()).label(),
            String.valueOf(m.threads()),
            scheme(m.subject()),
            by(m),
            m.impl(),
            millis(m.ms()),
            millis(m.msBest()),
            number(row.sentencesPerSecond()),
            String.format(Locale.ROOT, "%.5f", m.cosine()));
      }
    }
    if (any) {
      out.println();
      table.print(out);
    }
  }

  private void printDecoders(PrintStream out) {
    TextTable table =
        new TextTable(
            "decoder",
            ">tokens",
            ">before",
            ">threads",
            "scheme",
            "cache",
            "by",
            "implementation",
            ">ms",
            ">best",
            ">tokens/s",
            ">GB/s",
            ">DRAM",
            ">peak",
            ">of a step");
    boolean any = false;
    for (Row row : rows) {
      Measurement m = row.measured();
      if (m.decoding() != null) {
        any = true;
        table.row(
            m.kernel(),
            String.valueOf(m.m()),
            String.valueOf(m.n()),
            String.valueOf(m.threads()),
            scheme(m.subject()),
            m.decoding().cache(),
            by(m),
            m.impl(),
            millis(m.ms()),
            millis(m.msBest()),
            number(row.tokensPerSecond()),
            number(row.gbs()),
            percent(row.fracDram()),
            percent(row.fracPeak()),
            percent(m.decoding().stepShare()));
      }
    }
    if (any) {
      out.println();
      table.print(out);
    }
  }

  private void printBreakdowns(PrintStream out) {
    if (breakdowns.isEmpty()) {
      return;
    }
    List<String> parts = List.copyOf(breakdowns.getFirst().ms().keySet());
    List<String> heads = new ArrayList<>(List.of("where the time goes, ms", ">threads", "scheme"));
    parts.forEach(part -> heads.add(">" + part));
    TextTable table = new TextTable(heads.toArray(String[]::new));
    for (Breakdown b : breakdowns) {
      List<String> cells = new ArrayList<>();
      cells.add(
          b.n() == null
              ? EncoderSeries.MODEL + " " + new EncoderSize(b.m(), b.k()).label()
              : b.kernel() + ", " + b.n() + " before");
      cells.add(String.valueOf(b.threads()));
      cells.add(scheme(b.subject()));
      parts.forEach(part -> cells.add(millis(b.ms().get(part))));
      table.row(cells.toArray(String[]::new));
    }
    out.println();
    table.print(out);
  }

  private static String scheme(Subject subject) {
    Integer group = subject.group();
    return subject.scheme() + (group == null ? "" : " g" + group);
  }

  private static double sparsity(Measurement m) {
    return m.subject().sparsity() == null ? 0 : m.subject().sparsity();
  }

  private static String by(Measurement m) {
    return m.subject().peer() != null ? m.subject().peer() : m.subject().backend();
  }

  private static String millis(double ms) {
    return String.format(Locale.ROOT, ms < 1 ? "%.4f" : "%.3f", ms);
  }

  private static String number(Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.1f", value);
  }

  private static String percent(Double fraction) {
    return fraction == null ? "-" : String.format(Locale.ROOT, "%.0f%%", 100 * fraction);
  }
}
