package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.Calibration;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Timings;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "calibrate",
    mixinStandardHelpOptions = true,
    description = {
      "Times the backends on this machine, so that the fastest runs each layer from now on, and"
          + " sparse weights against dense ones, so that they run as such where that is faster.",
      "Takes some tens of seconds, in which nothing else should run. The result is kept in the cache folder"
          + " and counts for the same CPU, kernels, threads and instruction sets; property"
          + " sinter.plan or SINTER_PLAN names another file to go by, or is off."
    },
    footer = {
      "",
      "Examples:",
      "  sinter calibrate",
      "  sinter calibrate --threads 8 --out plan.properties"
    })
final class CalibrateCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private EngineOptions engine;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write the result to FILE instead of the cache folder.")
  private Path out;

  @Option(names = "--json", description = "Print one line of JSON.")
  private boolean json;

  CalibrateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    SinterOptions options = engine.toSinterOptions();
    Timings timings;
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "calibrate", true)) {
      timings = Calibration.measure(options, progress::step);
    } catch (IllegalArgumentException e) {
      throw engine.wrongUsage(e);
    }
    Path file = save(timings, options);
    if (json) {
      terminal.out().println(Json.line(toJson(timings, file)));
    } else {
      print(timings, file, terminal.out());
    }
    return ExitCode.OK;
  }

  private Path save(Timings timings, SinterOptions options) {
    Path file = out == null ? Calibration.file(options) : out;
    try {
      Calibration.save(timings, options, file);
      return file;
    } catch (IOException e) {
      throw new CommandFailure("cannot write " + file + ": " + e, null, e);
    }
  }

  private static ObjectNode toJson(Timings timings, Path file) {
    ObjectNode result = Json.object().put("file", file.toString());
    ArrayNode layers = result.putArray("layers");
    timings
        .millis()
        .forEach(
            (layer, times) -> {
              ObjectNode of =
                  layers
                      .addObject()
                      .put("kind", layer.kind())
                      .put("k", layer.k())
                      .put("n", layer.n());
              if (layer.percent() > 0) {
                of.put("density", layer.percent() / 100.0);
              }
              of.put("m", layer.m());
              ObjectNode ms = of.putObject("ms");
              times.forEach((backend, value) -> ms.set(backend, Json.number(value, 4)));
            });
    return result;
  }

  private static void print(Timings timings, Path file, PrintStream out) {
    printBackends(timings, out);
    printSparse(timings, out);
    out.println();
    out.println("kept in " + file);
  }

  private static void printBackends(Timings timings, PrintStream out) {
    List<String> backends =
        timings.millis().entrySet().stream()
            .filter(e -> e.getKey().percent() == 0)
            .flatMap(e -> e.getValue().keySet().stream())
            .distinct()
            .sorted()
            .toList();
    if (backends.isEmpty()) {
      out.println("There is nothing to choose from: no layer runs on several backends here.");
    } else {
      List<String> heads = new ArrayList<>(List.of("weights and activations", "KxN", ">M"));
      backends.forEach(b -> heads.add(">" + b + " ms"));
      heads.add("fastest");
      TextTable table = new TextTable(heads.toArray(String[]::new));
      timings
          .millis()
          .forEach(
              (layer, times) -> {
                if (layer.percent() == 0) {
                  table.row(row(layer, times, backends));
                }
              });
      table.print(out);
    }
  }

  private static void printSparse(Timings timings, PrintStream out) {
    TextTable table =
        new TextTable("sparse weights", "KxN", ">kept", ">M", "by", ">ms", ">dense ms", ">faster");
    timings
        .millis()
        .forEach(
            (layer, times) ->
                times.forEach(
                    (by, ms) -> {
                      if (layer.percent() > 0 && !by.equals(Timings.DENSE)) {
                        double dense = times.get(Timings.DENSE);
                        table.row(
                            layer.kind(),
                            layer.k() + "x" + layer.n(),
                            layer.percent() + "%",
                            String.valueOf(layer.m()),
                            by,
                            String.format(Locale.ROOT, "%.4f", ms),
                            String.format(Locale.ROOT, "%.4f", dense),
                            String.format(Locale.ROOT, "%.2f", dense / ms));
                      }
                    }));
    if (timings.millis().keySet().stream().anyMatch(l -> l.percent() > 0)) {
      out.println();
      table.print(out);
    }
  }

  private static String[] row(
      Timings.Layer layer, Map<String, Double> times, List<String> backends) {
    List<String> cells =
        new ArrayList<>(
            List.of(layer.kind(), layer.k() + "x" + layer.n(), String.valueOf(layer.m())));
    for (String backend : backends) {
      Double ms = times.get(backend);
      cells.add(ms == null ? "-" : String.format(Locale.ROOT, "%.4f", ms));
    }
    cells.add(Collections.min(times.entrySet(), Map.Entry.comparingByValue()).getKey());
    return cells.toArray(String[]::new);
  }
}
