package dev.sinter.bench;

import dev.sinter.cli.CommandFailure;
import dev.sinter.cli.Json;
import dev.sinter.cli.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "sinter bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures what the machine can do, and how near the kernels come to it.",
      "First bandwidths and peaks for each number of threads; then linear layers in every scheme on"
          + " every backend that supports it, a sentence encoder or a decoder. Each result is checked against"
          + " the float64 reference before it is timed. bench/README.md says how to read it."
    },
    footer = {
      "",
      "Suites:",
      "  quick    the main schemes, two shapes, M = 1 and 32; within a minute",
      "  dense    every scheme, four shapes, M = 1 to 512; within ten minutes",
      "  sparse   w8a8, w4a8 and f32 with 50 to 95%% zeros in every structure, and",
      "           dense; 4096x4096, M = 1 to 128; within ten minutes",
      "  encoder  MiniLM, sentences per second at three sizes",
      "  decoder  random weights in the shape of TinyLlama 1.1B: a prompt of 512",
      "           tokens, 48 tokens after it, attention to 4096; ten minutes on a",
      "           slow machine, 4 GB of memory and 3 GB of disk",
      "",
      "Examples:",
      "  sinter bench",
      "  sinter bench --suite dense --threads 1,4 --json dense.json",
      "  sinter bench --suite encoder --peers",
      "  sinter bench --shapes my-shapes.txt",
      "",
      "Exit codes: 0 success, 1 failure (a wrong result too), 2 wrong usage."
    })
final class BenchCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec private CommandSpec spec;

  @Option(
      names = "--suite",
      paramLabel = "NAME",
      defaultValue = "quick",
      description = "quick, dense, sparse, encoder or decoder. Default: ${DEFAULT-VALUE}.")
  private String suite;

  @Option(
      names = "--threads",
      paramLabel = "LIST",
      split = ",",
      description = "Numbers of threads, with commas. Default: 1 and all cores.")
  private List<Integer> threads;

  @Option(
      names = "--shapes",
      paramLabel = "FILE",
      description =
          "Shapes instead of the suite's: lines K N M [M...], # starts a comment. Not for the"
              + " encoder or the decoder.")
  private Path shapes;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the result to FILE as well, as one line of JSON.")
  private Path json;

  @Option(
      names = "--full",
      description =
          "A fork of JMH for every single row, with its warm-up and sampling. Takes hours. Peers"
              + " and whole models are measured as always.")
  private boolean full;

  @Option(
      names = "--peers",
      description =
          "Measure ONNX Runtime on the same data as well, or llama.cpp for the decoder. The launcher"
              + " fetches them on first use.")
  private boolean peers;

  @Option(names = "--verbose", description = "Print the stack trace of a failure.")
  private boolean verbose;

  BenchCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    Suite what = suite();
    List<Integer> counts = threadCounts();
    List<Shape> layers = layers(what);
    List<Peer> others = peers ? Peer.all() : List.of();
    if (peers && others.isEmpty()) {
      throw new CommandFailure(
          "no peer is on the class path", "start it as ./sinter bench --peers", null);
    }
    Path folder = Files.createTempDirectory("sinter-bench");
    Report report = new Run(terminal, what, counts, layers, full, folder).execute(others);
    report.print(terminal.out());
    if (json != null) {
      Files.writeString(json, Json.line(report.toJson()) + "\n");
    }
    return conclude(report, folder);
  }

  private int conclude(Report report, Path folder) throws IOException {
    for (Row row : report.rows()) {
      for (String doubt : row.doubts()) {
        Measurement m = row.measured();
        terminal
            .err()
            .println(
                "sinter: bad measurement: "
                    + m.subject().label()
                    + (", " + m.k() + "x" + m.n() + ", M=" + m.m() + ", threads=" + m.threads())
                    + " reached "
                    + doubt
                    + "; other work on this machine disturbs one or the other");
      }
    }
    List<Refusal> failures = report.refusals().stream().filter(Refusal::failure).toList();
    if (!failures.isEmpty()) {
      throw new CommandFailure(
          failures.size() + " of the measurements failed, see 'not measured' above",
          "what JMH printed is in " + folder,
          null);
    }
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
    return ExitCode.OK;
  }

  private Suite suite() {
    for (Suite s : Suite.values()) {
      if (s.id().equals(suite)) {
        return s;
      }
    }
    throw usage("--suite must be quick, dense, sparse, encoder or decoder, got '" + suite + "'");
  }

  private List<Integer> threadCounts() {
    if (threads == null) {
      int all = Runtime.getRuntime().availableProcessors();
      return IntStream.of(1, all).distinct().boxed().toList();
    }
    for (int count : threads) {
      if (count < 1) {
        throw usage("--threads must be at least 1, got " + count);
      }
    }
    return threads.stream().distinct().toList();
  }

  private List<Shape> layers(Suite what) {
    if (shapes == null) {
      return what.shapes();
    }
    if (what.shapes().isEmpty()) {
      throw usage("--shapes is for linear layers, not for the " + what.id());
    }
    try {
      return Shape.read(shapes);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    } catch (IOException e) {
      throw usage("--shapes cannot be read: " + e);
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
