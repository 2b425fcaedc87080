package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.Sinter;
import dev.sinter.layout.PackedModel;
import dev.sinter.models.ChatMessage;
import dev.sinter.models.ChatTemplate;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.DecoderSession;
import dev.sinter.models.Generation;
import dev.sinter.models.Sampling;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Continues a text with a decoder, or answers as its chat template has it.",
      "The continuation is printed while it grows; with --json, at the end, one line:"
          + " {\"prompt_ids\":...,\"ids\":...,\"text\":...} with the new ids and their text."
    },
    footer = {
      "",
      "Examples:",
      "  sinter generate --model DIR --prompt 'Once upon a time' --scheme w4a8",
      "  sinter generate --model DIR --chat 'Why is the sky blue?' --system 'Be brief.'"
    })
final class GenerateCommand implements Callable<Integer> {
  private static final double NANOS = 1e9;

  private final Terminal terminal;
  private final LongSupplier clock;

  @Mixin private EngineOptions engine;

  @Mixin private DecoderModelOptions model;

  @ArgGroup(multiplicity = "1")
  private Input input;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "Most new tokens. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @ArgGroup(exclusive = false, validate = false, heading = "%nHow tokens are chosen:%n")
  private SamplingOptions sampling = new SamplingOptions();

  @Option(names = "--stats", description = "Print times and sizes to standard error.")
  private boolean stats;

  @Option(names = "--json", description = "Print one line of JSON.")
  private boolean json;

  /** One of two. */
  private static final class Input {
    @Option(
        names = "--prompt",
        paramLabel = "TEXT",
        required = true,
        description = "The text to continue, as it is.")
    private String prompt;

    @ArgGroup(exclusive = false)
    private Chat chat;

    int[] tokens(DecoderModel decoder) {
      return chat == null ? decoder.tokenize(prompt) : decoder.tokenize(chat.messages());
    }
  }

  private static final class Chat {
    @Option(
        names = "--chat",
        paramLabel = "TEXT",
        required = true,
        description = "What the user says, in the model's chat template.")
    private String user;

    @Option(
        names = "--system",
        paramLabel = "TEXT",
        description = "With --chat: the system message before it. Default: the template's, if any.")
    private String system;

    List<ChatMessage> messages() {
      ChatMessage message = ChatMessage.user(user);
      return system == null ? List.of(message) : List.of(ChatMessage.system(system), message);
    }
  }

  /**
   * @param clock nanoseconds
   */
  GenerateCommand(Terminal terminal, LongSupplier clock) {
    this.terminal = terminal;
    this.clock = clock;
  }

  @Override
  public Integer call() {
    check();
    long start = clock.getAsLong();
    try (Sinter sinter = engine.open();
        DecoderModel decoder = load(sinter);
        DecoderSession session = decoder.open()) {
      long loaded = clock.getAsLong();
      int[] ids = tokens(decoder);
      Generation.Settings settings = settings(decoder);
      Generation generation = session.generate(ids, settings, this::show);
      print(ids, generation);
      if (stats) {
        printStats(decoder, settings, ids.length, generation, loaded - start);
      }
    }
    return ExitCode.OK;
  }

  /** Before a model is loaded, which may take long. */
  private void check() {
    try {
      sampling.check();
      new Generation.Settings(maxTokens, Sampling.greedy());
    } catch (IllegalArgumentException e) {
      throw engine.wrongUsage(e);
    }
    Path folder = model.folder();
    if (input.chat != null && Files.isDirectory(folder) && ChatTemplate.read(folder).isEmpty()) {
      throw engine.wrongUsage(
          new IllegalArgumentException(
              folder + " has no chat template: use --prompt, in the form that the model knows"));
    }
  }

  private Generation.Settings settings(DecoderModel decoder) {
    long another = ThreadLocalRandom.current().nextInt() & 0xFFFF_FFFFL;
    return new Generation.Settings(maxTokens, sampling.sampling(decoder.sampling(another)));
  }

  private DecoderModel load(Sinter sinter) {
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "load " + model.scheme())) {
      return model.load(sinter, engine, progress);
    }
  }

  private int[] tokens(DecoderModel decoder) {
    try {
      return input.tokens(decoder);
    } catch (IllegalArgumentException e) {
      throw engine.wrongUsage(e);
    }
  }

  private boolean show(int id, String text) {
    if (json || text.isEmpty()) {
      return true;
    }
    terminal.out().print(text);
    return !terminal.out().checkError(); // flushes, too
  }

  private void print(int[] ids, Generation generation) {
    if (json) {
      ObjectNode line = Json.object();
      put(line.putArray("prompt_ids"), ids);
      put(line.putArray("ids"), generation.ids());
      line.put("text", generation.text());
      terminal.out().println(Json.line(line));
    } else {
      terminal.out().println();
    }
    if (terminal.out().checkError()) {
      throw new CommandFailure("standard output was closed", null, null);
    }
  }

  private static void put(ArrayNode array, int[] values) {
    for (int value : values) {
      array.add(value);
    }
  }

  private void printStats(
      DecoderModel decoder,
      Generation.Settings settings,
      int prompted,
      Generation generation,
      long loadNanos) {
    int decoded = generation.ids().length - 1; // the first came with the prompt
    String seed =
        settings.sampling().temperature() == 0 ? "" : ", seed " + settings.sampling().seed();
    if (decoder.options().scheme().isPruned()) {
      terminal.err().println(String.format(Locale.ROOT, "%-10s %s", "sparse", sparse(decoder)));
    }
    terminal
        .err()
        .println(
            String.join(
                "\n",
                line("load", loadNanos, ""),
                line("prompt", generation.promptNanos(), rate(prompted, generation.promptNanos())),
                line("generation", generation.nanos(), rate(decoded, generation.nanos())),
                String.format(
                    Locale.ROOT,
                    "%-10s %.1f MB, KV cache %.1f MB in use",
                    "weights",
                    decoder.bytes() / 1e6,
                    decoder.cacheBytes() / 1e6),
                String.format(Locale.ROOT, "%-10s %s", "packed", cached(decoder)),
                String.format(
                    Locale.ROOT,
                    "%-10s %s%s",
                    "ended",
                    generation.stop().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    seed)));
  }

  private static String cached(DecoderModel decoder) {
    String text = cached(decoder.packed());
    return decoder.options().scheme().isPruned()
        ? text + "; pruned layers are not kept, they are packed at every load"
        : text;
  }

  private static String cached(PackedModel packed) {
    if (packed.written() > 0) {
      return String.format(
          Locale.ROOT, "%.1f MB kept in %s", packed.written() / 1e6, packed.path());
    }
    return packed.mapped() > 0
        ? String.format(Locale.ROOT, "%.1f MB from %s", packed.mapped() / 1e6, packed.path())
        : "now, and not kept";
  }

  /** How many layers skip zeros, and why the first that could and does not. */
  private static String sparse(DecoderModel decoder) {
    DecoderModel.Sparseness sparseness = decoder.sparseness();
    String text = sparseness.sparse() + " of " + sparseness.matmuls() + " matmuls skip zeros";
    return sparseness.dense() == null
        ? text
        : text
            + "; "
            + sparseness.dense()
            + ": "
            + SparseDemo.decision(decoder.explain(sparseness.dense()));
  }

  private static String line(String what, long nanos, String more) {
    return String.format(Locale.ROOT, "%-10s %.3f s%s", what, nanos / NANOS, more);
  }

  private static String rate(int tokens, long nanos) {
    return String.format(
        Locale.ROOT, ", %d tokens, %.1f tokens/s", tokens, tokens / Math.max(nanos / NANOS, 1e-9));
  }
}
