package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.cli.DemoResult.SchemeResult;
import dev.sinter.compress.ErrorReport;
import dev.sinter.models.Progress;
import dev.sinter.models.Pruning;
import dev.sinter.tensor.Scheme;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a real encoder in float and in int8 and compares the two.",
      "It shows nearest neighbours of some sentences, bytes, speed, cosine to float, the layers"
          + " that lose most, and how one of them runs. Takes about half a minute."
    },
    footer = {
      "",
      "Examples:",
      "  sinter demo",
      "  sinter demo --threads 4 --json demo4.json",
      "  sinter demo --json > demo.json",
      "  sinter demo --sparse"
    })
final class DemoCommand implements Callable<Integer> {
  private static final String STANDARD_OUTPUT = "-";
  private static final int WORST_LAYERS = 5;

  private final Terminal terminal;
  private final EncoderHost.Opener opener;
  private final Stopwatch stopwatch;

  @Mixin private EngineOptions engine;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      defaultValue = "minilm",
      description = "A name of the catalog or a path. Default: ${DEFAULT-VALUE}.")
  private String model;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      arity = "0..1",
      fallbackValue = STANDARD_OUTPUT,
      description =
          "Write the result to FILE as well, as one line of JSON. Without FILE it goes to standard"
              + " output, and nothing else does.")
  private String json;

  @Option(
      names = "--sparse",
      description =
          "Compare int8 with int8 after pruning instead: 16x4 blocks, 2:4 and unstructured, in one"
              + " shot, which costs accuracy.")
  private boolean sparse;

  DemoCommand(Terminal terminal, EncoderHost.Opener opener, Stopwatch stopwatch) {
    this.terminal = terminal;
    this.opener = opener;
    this.stopwatch = stopwatch;
  }

  @Override
  public Integer call() throws IOException {
    boolean jsonOnly = STANDARD_OUTPUT.equals(json);
    PrintStream people =
        jsonOnly
            ? new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)
            : terminal.out();
    String line;
    try (EncoderHost host = opener.open(engine)) {
      line =
          Json.line(sparse ? runSparse(host, people) : run(host, new DemoReport(people)).toJson());
    }
    if (jsonOnly) {
      terminal.out().println(line);
    } else if (json != null) {
      Files.writeString(Path.of(json), line + "\n");
    }
    return ExitCode.OK;
  }

  private DemoResult run(EncoderHost host, DemoReport report) throws IOException {
    List<String> sentences = sentences();
    report.title(model, host.threads(), sentences.size());
    try (Encoder f32 = load(host, Scheme.F32);
        Encoder w8a8 = load(host, Scheme.W8A8)) {
      float[][] exact = f32.embed(sentences);
      float[][] compressed = w8a8.embed(sentences);
      report.neighbours(sentences, exact, compressed);

      List<List<Double>> speeds = speeds(sentences, List.of(f32, w8a8));
      SchemeResult before = result(Scheme.F32, f32, speeds.get(0), exact, exact);
      SchemeResult after = result(Scheme.W8A8, w8a8, speeds.get(1), compressed, exact);
      report.schemes(before, after);

      List<Map.Entry<String, ErrorReport>> worst =
          w8a8.quantizationErrors().entrySet().stream()
              .sorted(Comparator.comparingDouble(e -> e.getValue().sqnrDb()))
              .limit(WORST_LAYERS)
              .toList();
      report.worstLayers(worst);
      String explain = w8a8.explain(layerToExplain(w8a8.layers(), worst));
      report.explain(explain);
      return new DemoResult(f32.name(), host.threads(), List.of(before, after), worst, explain);
    }
  }

  private ObjectNode runSparse(EncoderHost host, PrintStream people) throws IOException {
    List<String> sentences = sentences();
    List<Encoder> encoders = new ArrayList<>();
    try (Encoder f32 = load(host, Scheme.F32)) {
      float[][] exact = f32.embed(sentences);
      for (SparseDemo.Variant variant : SparseDemo.VARIANTS) {
        encoders.add(load(host, Scheme.W8A8, variant.pruning()));
      }
      List<List<Double>> speeds = speeds(sentences, encoders);
      List<SparseDemo.Outcome> outcomes = new ArrayList<>();
      for (int i = 0; i < encoders.size(); i++) {
        Encoder encoder = encoders.get(i);
        SchemeResult result =
            result(Scheme.W8A8, encoder, speeds.get(i), encoder.embed(sentences), exact);
        outcomes.add(SparseDemo.Outcome.of(SparseDemo.VARIANTS.get(i), encoder, result));
      }
      SparseDemo demo = new SparseDemo(f32.name(), host.threads(), outcomes);
      demo.print(people);
      return demo.toJson();
    } finally {
      encoders.forEach(Encoder::close);
    }
  }

  /** The worst that has an explanation: an embedding table, for one, runs no kernel. */
  private static String layerToExplain(
      List<String> layers, List<Map.Entry<String, ErrorReport>> worst) {
    return worst.stream()
        .map(Map.Entry::getKey)
        .filter(layers::contains)
        .findFirst()
        .orElse(layers.getFirst());
  }

  private Encoder load(EncoderHost host, Scheme scheme) {
    return load(host, scheme, null);
  }

  private Encoder load(EncoderHost host, Scheme scheme, Pruning pruning) {
    String what = scheme.id() + (pruning == null ? "" : " " + pruning.structure());
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "load " + what)) {
      return host.load(model, null, scheme, pruning, progress);
    }
  }

  /** Sentences per second, for each encoder at each size. */
  private List<List<Double>> speeds(List<String> sentences, List<Encoder> encoders) {
    List<int[]> tokenized = sentences.stream().map(encoders.getFirst()::tokenize).toList();
    List<List<Double>> speeds = new ArrayList<>();
    encoders.forEach(e -> speeds.add(new ArrayList<>()));
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "measure")) {
      int done = 0;
      for (DemoSize size : DemoSize.ALL) {
        step(progress, size, done++);
        List<int[]> batch = size.batchOf(tokenized);
        double[] medians =
            stopwatch.medians(
                encoders.stream().<Runnable>map(e -> () -> e.embedIds(batch)).toList());
        for (int i = 0; i < medians.length; i++) {
          speeds.get(i).add(size.batch() * 1e9 / medians[i]);
        }
      }
    }
    return speeds;
  }

  private static void step(Progress progress, DemoSize size, int done) {
    progress.step("batch x length " + size.label(), done, DemoSize.ALL.size());
  }

  private static SchemeResult result(
      Scheme scheme, Encoder encoder, List<Double> speeds, float[][] own, float[][] exact) {
    double[] cosines =
        IntStream.range(0, own.length).mapToDouble(i -> Cosine.of(own[i], exact[i])).toArray();
    // A NaN row must show as NaN: Math.min passes it on.
    return new SchemeResult(
        scheme.id(),
        encoder.bytes(),
        speeds,
        Arrays.stream(cosines).sum() / cosines.length,
        Arrays.stream(cosines).reduce(Double.POSITIVE_INFINITY, Math::min));
  }

  private static List<String> sentences() throws IOException {
    try (InputStream in = DemoCommand.class.getResourceAsStream("sentences.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}
