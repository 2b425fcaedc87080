package dev.sinter.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "embed",
    mixinStandardHelpOptions = true,
    description = {
      "Prints the embedding of each sentence as one line of JSON.",
      "Input is UTF-8, one sentence a line; blank lines are skipped. Output is, in the same order,"
          + " {\"text\":...,\"embedding\":[...]} with vectors of length 1."
    },
    footer = {
      "",
      "Examples:",
      "  echo 'A cat sleeps.' | sinter embed --model minilm",
      "  sinter embed --model minilm --scheme w8a8 --input in.txt > out.jsonl"
    })
final class EmbedCommand implements Callable<Integer> {
  // Enough to keep all cores busy; the memory does not grow with the input.
  private static final int BATCH = 64;

  private final Terminal terminal;
  private final EncoderHost.Opener opener;

  @Mixin private EngineOptions engine;

  @Mixin private ModelOptions model;

  @Option(names = "--input", paramLabel = "FILE", description = "Default: standard input.")
  private Path input;

  EmbedCommand(Terminal terminal, EncoderHost.Opener opener) {
    this.terminal = terminal;
    this.opener = opener;
  }

  @Override
  public Integer call() throws IOException {
    String source = input == null ? "standard input" : input.toString();
    try (Utf8Lines lines =
            new Utf8Lines(source, input == null ? terminal.in() : Files.newInputStream(input));
        EncoderHost host = opener.open(engine);
        Encoder encoder = load(host)) {
      embed(lines, encoder);
    }
    return ExitCode.OK;
  }

  private Encoder load(EncoderHost host) {
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "load " + model.scheme().id())) {
      return model.load(host, progress);
    }
  }

  private void embed(Utf8Lines lines, Encoder encoder) throws IOException {
    // Who types wants each answer at once. Otherwise batches are full, so that what comes out does
    // not depend on how fast the input came.
    int size = input == null && terminal.inIsTerminal() ? 1 : BATCH;
    List<String> batch = new ArrayList<>(size);
    for (; ; ) {
      String line = lines.next();
      if (line != null && !line.isBlank()) {
        batch.add(line);
      }
      if (batch.size() == size || line == null && !batch.isEmpty()) {
        print(batch, encoder.embed(batch));
        batch.clear();
      }
      if (line == null) {
        return;
      }
    }
  }

  private void print(List<String> texts, float[][] embeddings) throws IOException {
    for (int i = 0; i < embeddings.length; i++) {
      StringWriter line = new StringWriter();
      try (JsonGenerator json = Json.MAPPER.createGenerator(line)) {
        json.writeStartObject();
        json.writeStringField("text", texts.get(i));
        json.writeArrayFieldStart("embedding");
        for (float value : embeddings[i]) {
          write(json, value);
        }
        json.writeEndArray();
        json.writeEndObject();
      }
      terminal.out().println(line);
    }
    if (terminal.out().checkError()) { // flushes, too
      throw new CommandFailure("standard output was closed", null, null);
    }
  }

  /** The shortest decimal that reads back as this float, without exponent; null for NaN. */
  private static void write(JsonGenerator json, float value) throws IOException {
    if (!Float.isFinite(value)) {
      json.writeNull();
      return;
    }
    String text = Float.toString(value);
    json.writeNumber(text.indexOf('E') < 0 ? text : new BigDecimal(text).toPlainString());
  }
}
