package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.CheckpointFiles;
import dev.sinter.checkpoint.CheckpointIdentity;
import dev.sinter.layer.Linear;
import dev.sinter.layout.PackedModel;
import dev.sinter.runtime.LoadEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A decoder of the Llama family (Llama, Mistral, Qwen2, Qwen3, Gemma 2) from a Hugging Face folder.
 * Texts are continued in sessions; several may be open, and used by several threads: passes run one
 * after another on the workers of the {@link Sinter} it was loaded with. Callable from virtual
 * threads.
 *
 * <p>Owns its weights, KV cache and tokenizer; close it before the Sinter.
 */
public final class DecoderModel implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(DecoderModel.class.getName());
  private static final String KEPT_DENSE = " kept as dense "; // as the planner has it
  private static final String TOKENIZER = "tokenizer.json";

  private final Path folder;
  private final DecoderOptions options;
  private final Decoder decoder;
  private final PackedModel packed;
  private final Tokenizer tokenizer; // null if the folder has none
  private final Sampling sampling;
  private volatile ChatTemplate chatTemplate; // read when it is asked for

  private DecoderModel(
      Path folder,
      DecoderOptions options,
      Decoder decoder,
      PackedModel packed,
      Tokenizer tokenizer,
      Sampling sampling) {
    this.folder = folder;
    this.options = options;
    this.decoder = decoder;
    this.packed = packed;
    this.tokenizer = tokenizer;
    this.sampling = sampling;
  }

  /**
   * Reads a model, compresses it to a scheme and packs it for this machine, or maps what an earlier
   * load has kept of that, see {@link dev.sinter.SinterOptions#packedCache}.
   *
   * @param folder with {@code config.json}, weights in safetensors files, and {@code
   *     tokenizer.json}, without which a model takes token ids only
   * @throws IllegalArgumentException if there is no such folder, or no weights in it
   * @throws dev.sinter.checkpoint.CheckpointException if a file is malformed, a tensor missing or
   *     of another shape, or config.json asks for what is not supported
   * @throws IllegalStateException if no backend runs a layer, with every reason
   */
  public static DecoderModel load(
      Sinter sinter, Path folder, DecoderOptions options, Progress progress) {
    LoadEvent event = LoadEvent.start();
    String name = folder.toAbsolutePath().normalize().getFileName().toString();
    progress.step("reading " + name, 0, -1);
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(folder + ": no such folder");
    }
    Path weights =
        CheckpointFiles.inFolder(folder)
            .orElseThrow(
                () -> new IllegalArgumentException(folder + ": no model.safetensors here"));
    DecoderConfig config = DecoderConfigReader.read(folder);
    Sampling sampling = SamplingReader.read(folder);
    Path tokens = folder.resolve(TOKENIZER);
    Tokenizer tokenizer = Files.exists(tokens) ? Tokenizer.open(tokens) : null;
    try {
      Optional<CheckpointIdentity> identity = CheckpointIdentity.of(weights, Instant.now());
      PackedModel packed =
          identity
              .map(i -> sinter.packed(i.digest(), options.scheme().toString(), i.bytes()))
              .orElseGet(PackedModel::none);
      Decoder decoder =
          Decoder.load(
              sinter, () -> CheckpointFiles.open(weights), packed, config, options, progress);
      packed.finish(() -> isStill(weights, identity));
      event.finish(name, options.scheme().toString(), decoder.bytes());
      LOG.log(
          System.Logger.Level.DEBUG,
          "loaded {0} as {1}: {2} bytes",
          name,
          options.scheme(),
          decoder.bytes());
      return new DecoderModel(folder, options, decoder, packed, tokenizer, sampling);
    } catch (RuntimeException | Error e) {
      if (tokenizer != null) {
        tokenizer.close();
      }
      throw e;
    }
  }

  private static boolean isStill(Path weights, Optional<CheckpointIdentity> identity) {
    try {
      return CheckpointIdentity.of(weights, Instant.now()).equals(identity);
    } catch (CheckpointException e) {
      return false; // gone
    }
  }

  /** The name of its folder. */
  public String name() {
    return folder.toAbsolutePath().normalize().getFileName().toString();
  }

  /** What it was loaded with. */
  public DecoderOptions options() {
    return options;
  }

  /** Longest text in tokens. */
  public int context() {
    return decoder.context();
  }

  /** Number of token ids. */
  public int vocabulary() {
    return decoder.config().vocabulary().size();
  }

  /** {@code bos_token_id} in config.json: the token at the start of a text. */
  public OptionalInt startToken() {
    int bos = decoder.config().vocabulary().bos();
    return bos < 0 ? OptionalInt.empty() : OptionalInt.of(bos);
  }

  /** Tokens that end a text: {@code eos_token_id} in generation_config.json, or config.json. */
  public List<Integer> endTokens() {
    return decoder.config().vocabulary().ends();
  }

  /**
   * How the model's makers want tokens chosen, as generation_config.json says; {@link
   * Sampling#usual} if it does not.
   */
  public Sampling sampling(long seed) {
    return sampling.withSeed(seed);
  }

  public boolean hasTokenizer() {
    return tokenizer != null;
  }

  /**
   * @throws IllegalStateException if the folder has none
   */
  public Tokenizer tokenizer() {
    if (tokenizer == null) {
      throw new IllegalStateException(folder + " has no " + TOKENIZER);
    }
    return tokenizer;
  }

  /**
   * Token ids of a prompt, with the special tokens that the tokenizer adds. An empty prompt is the
   * start token.
   *
   * @throws IllegalArgumentException for an empty prompt if there is no start token
   * @throws IllegalStateException if the folder has no tokenizer
   */
  public int[] tokenize(String prompt) {
    int[] ids = tokenizer().encode(prompt);
    if (ids.length > 0) {
      return ids;
    }
    return startToken().stream()
        .mapToObj(id -> new int[] {id})
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "the prompt is empty, and " + name() + " has no bos_token_id"));
  }

  /**
   * How the model wants conversations written.
   *
   * @throws IllegalArgumentException if the folder has no chat template
   * @throws dev.sinter.checkpoint.CheckpointException if it is malformed or not supported
   */
  public ChatTemplate chatTemplate() {
    if (chatTemplate == null) {
      chatTemplate =
          ChatTemplate.read(folder)
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          folder
                              + " has no chat template, neither chat_template.jinja nor in"
                              + " tokenizer_config.json: give it a prompt as plain text"));
    }
    return chatTemplate;
  }

  /**
   * Token ids of a conversation, up to where the assistant's next words begin: what the chat
   * template makes of it. The special tokens are those that the template writes.
   *
   * @throws IllegalArgumentException if the folder has no chat template, or it refuses the messages
   * @throws dev.sinter.checkpoint.CheckpointException if the template is malformed or not supported
   * @throws IllegalStateException if the folder has no tokenizer
   */
  public int[] tokenize(List<ChatMessage> messages) {
    return tokenizer().encodePlain(chatTemplate().render(messages, true));
  }

  /**
   * Begins a text.
   *
   * @throws IllegalStateException after close
   */
  public DecoderSession open() {
    return new DecoderSession(this, decoder, decoder.open());
  }

  /** Bytes of all resident parameters: packed weights, embeddings, norms and tables. */
  public long bytes() {
    return decoder.bytes();
  }

  /** Where its packed weights came from, and whether they were kept. */
  public PackedModel packed() {
    return packed;
  }

  /**
   * Bytes of the parameters that every pass reads, and so every decoded token: layers and head, but
   * not the embeddings, of which a token takes a row. With the keys and values before a token, they
   * bound how fast a machine can decode.
   */
  public long passBytes() {
    return decoder.passBytes();
  }

  /** Bytes of keys and values that all sessions have in use. */
  public long cacheBytes() {
    return decoder.cache().bytes();
  }

  /** Names of the linear layers as in the checkpoint. */
  public List<String> layers() {
    return List.copyOf(decoder.linears().keySet());
  }

  /**
   * Which kernels run a layer, and why no others.
   *
   * @param layer one of {@link #layers}
   */
  public String explain(String layer) {
    Map<String, Linear> linears = decoder.linears();
    Linear linear = linears.get(layer);
    if (linear == null) {
      throw new IllegalArgumentException(
          name() + " has no linear layer '" + layer + "', only " + String.join(", ", layers()));
    }
    List<String> together = layers().stream().filter(l -> linears.get(l) == linear).toList();
    String shared = together.size() == 1 ? "" : ", one matmul for " + String.join(", ", together);
    return layer + shared + "\n" + linear.explain();
  }

  /**
   * What runs as sparse weights.
   *
   * @param sparse matmuls that skip zeros, for some numbers of rows at least
   * @param matmuls all of the layers and the head; some are those of several matrices
   * @param dense a layer that was pruned and runs as dense weights; null if none does. {@link
   *     #explain} has the reason
   */
  public record Sparseness(int sparse, int matmuls, String dense) {}

  /** Which of the linear layers run as sparse weights. */
  public Sparseness sparseness() {
    Map<String, Linear> linears = decoder.linears();
    List<Linear> all = linears.values().stream().distinct().toList();
    return new Sparseness(
        (int) all.stream().filter(Linear::isSparse).count(),
        all.size(),
        linears.entrySet().stream()
            .filter(e -> !e.getValue().isSparse() && e.getValue().explain().contains(KEPT_DENSE))
            .map(Map.Entry::getKey)
            .findFirst()
            .orElse(null));
  }

  /**
   * Which kernel runs the attention of a layer, and why no others.
   *
   * @param layer its number
   */
  public String explainAttention(int layer) {
    return decoder.explainAttention(layer);
  }

  /** Waits for running passes, then frees everything. Idempotent. */
  @Override
  public void close() {
    decoder.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
