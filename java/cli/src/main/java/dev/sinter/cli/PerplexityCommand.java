package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.Sinter;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.Perplexity;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Rates how well a decoder predicts a text.",
      "The text is tokenized once, without special tokens, and cut into windows of W tokens side by"
          + " side, each after the model's start token."
    },
    footer = {"", "Example:", "  sinter perplexity --model DIR --text heldout.txt --scheme w8a8"})
final class PerplexityCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private EngineOptions engine;

  @Mixin private DecoderModelOptions model;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      required = true,
      description = "The text to predict, in UTF-8.")
  private Path text;

  @Option(
      names = "--window",
      paramLabel = "W",
      description = "Tokens of a window. Default: the context, at most 512, less 1.")
  private Integer window;

  @Option(names = "--json", description = "Print one line of JSON.")
  private boolean json;

  PerplexityCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    Perplexity result = measure(read());
    if (json) {
      ObjectNode line = Json.object().put("scheme", model.scheme());
      line.put("tokens", result.tokens());
      line.set("nats_per_token", Json.number(result.nats(), 6));
      line.set("perplexity", Json.number(result.perplexity(), 5));
      terminal.out().println(Json.line(line));
    } else {
      new TextTable("scheme", ">tokens", ">nats/token", ">perplexity")
          .row(
              model.scheme(),
              Long.toString(result.tokens()),
              String.format(Locale.ROOT, "%.5f", result.nats()),
              String.format(Locale.ROOT, "%.3f", result.perplexity()))
          .print(terminal.out());
    }
    return ExitCode.OK;
  }

  private String read() throws IOException {
    try {
      return Files.readString(text);
    } catch (CharacterCodingException e) {
      throw new CommandFailure(
          text + ": not UTF-8", "convert it first, for example: iconv -f latin1 -t utf-8", e);
    }
  }

  private Perplexity measure(String content) {
    try (Sinter sinter = engine.open();
        ProgressDisplay progress =
            new ProgressDisplay(terminal, "perplexity " + model.scheme(), true);
        DecoderModel decoder = model.load(sinter, engine, progress)) {
      int tokens = window == null ? Perplexity.usualWindow(decoder) : window;
      try {
        return Perplexity.of(decoder, content, tokens, progress);
      } catch (IllegalArgumentException e) {
        throw engine.wrongUsage(e);
      }
    }
  }
}
