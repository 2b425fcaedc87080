package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.models.Spearman;
import dev.sinter.models.StsPairs;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    description = {
      "Rates a model on sentence pairs scored by people (STS benchmark).",
      "The result is Spearman's correlation of cosine and score, times 100."
    },
    footer = {"", "Example:", "  sinter evaluate --model minilm --sts sts-test.csv --scheme w8a8"})
final class EvaluateCommand implements Callable<Integer> {
  private static final int PAIRS_PER_BATCH = 32;

  private final Terminal terminal;
  private final EncoderHost.Opener opener;

  @Mixin private EngineOptions engine;

  @Mixin private ModelOptions model;

  @Option(
      names = "--sts",
      paramLabel = "FILE",
      required = true,
      description = "Pairs in the layout of the STS benchmark, separated by tabs.")
  private Path sts;

  @Option(names = "--json", description = "Print one line of JSON.")
  private boolean json;

  EvaluateCommand(Terminal terminal, EncoderHost.Opener opener) {
    this.terminal = terminal;
    this.opener = opener;
  }

  @Override
  public Integer call() {
    List<StsPairs.Pair> pairs = StsPairs.read(sts);
    if (pairs.size() < 2) {
      throw new CommandFailure(
          sts + " has " + pairs.size() + " pairs, a correlation needs at least 2", null, null);
    }
    double spearman = 100 * Spearman.correlation(cosines(pairs), scores(pairs));
    if (json) {
      ObjectNode line = Json.object().put("scheme", model.scheme().id()).put("pairs", pairs.size());
      line.set("spearman", Json.number(spearman, 4));
      terminal.out().println(Json.line(line));
    } else {
      new TextTable("scheme", ">pairs", ">Spearman x 100")
          .row(
              model.scheme().id(),
              Integer.toString(pairs.size()),
              String.format(Locale.ROOT, "%.2f", spearman))
          .print(terminal.out());
    }
    return ExitCode.OK;
  }

  private static double[] scores(List<StsPairs.Pair> pairs) {
    return pairs.stream().mapToDouble(StsPairs.Pair::score).toArray();
  }

  private double[] cosines(List<StsPairs.Pair> pairs) {
    double[] cosines = new double[pairs.size()];
    try (EncoderHost host = opener.open(engine);
        ProgressDisplay progress =
            new ProgressDisplay(terminal, "evaluate " + model.scheme().id());
        Encoder encoder = model.load(host, progress)) {
      for (int from = 0; from < cosines.length; from += PAIRS_PER_BATCH) {
        int to = Math.min(cosines.length, from + PAIRS_PER_BATCH);
        float[][] rows =
            encoder.embed(
                pairs.subList(from, to).stream()
                    .flatMap(p -> Stream.of(p.first(), p.second()))
                    .toList());
        for (int i = from; i < to; i++) {
          cosines[i] = Cosine.of(rows[2 * (i - from)], rows[2 * (i - from) + 1]);
        }
        progress.step("pairs", to, cosines.length);
      }
    }
    return cosines;
  }
}
