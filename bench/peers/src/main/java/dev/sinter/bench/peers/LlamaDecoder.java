package dev.sinter.bench.peers;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaIterator;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import dev.sinter.bench.DecoderShape;
import dev.sinter.bench.Peer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A decoder in llama.cpp, its settings as they come: batches of 512 tokens, an f16 KV cache. */
final class LlamaDecoder implements Peer.Decoder {
  // As in "print_info: n_layer          = 22".
  private static final Pattern INFO = Pattern.compile("print_info: (n_\\w+) += (\\d+)\\R");

  // A thread of llama.cpp writes its log.
  private static final long LOG_NANOS = 5_000_000_000L;
  private static final long LOG_POLL_MILLIS = 20;

  private final LlamaGguf gguf;
  private final LlamaModel model;

  private LlamaDecoder(LlamaGguf gguf, LlamaModel model) {
    this.gguf = gguf;
    this.model = model;
  }

  /**
   * @param folder of Hugging Face
   * @param file the same as a GGUF file; written if it is not there
   * @throws IllegalStateException if llama.cpp does not run it, or as something else
   */
  static LlamaDecoder open(Path folder, Path file, int threads) {
    LlamaGguf gguf = new LlamaGguf(folder);
    try {
      if (!Files.exists(file)) {
        gguf.write(file);
      }
      Path log = Files.createTempFile("sinter-llama", ".log");
      ModelParameters parameters =
          new ModelParameters()
              .setModel(file.toString())
              .setThreads(threads)
              .setThreadsBatch(threads)
              .setCtxSize(gguf.shape().context())
              .setGpuLayers(0)
              .setLogFile(log.toString());
      LlamaDecoder decoder = new LlamaDecoder(gguf, load(parameters));
      try {
        decoder.checkShape(log);
      } catch (RuntimeException | IOException e) {
        decoder.close();
        throw e;
      } finally {
        Files.delete(log);
      }
      return decoder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What it throws is not public. */
  private static LlamaModel load(ModelParameters parameters) {
    try {
      return new LlamaModel(parameters);
    } catch (RuntimeException | UnsatisfiedLinkError e) {
      throw new IllegalStateException("llama.cpp: " + e.getMessage(), e);
    }
  }

  /** That llama.cpp says it runs this shape. */
  private void checkShape(Path log) throws IOException {
    DecoderShape shape = gguf.shape();
    Map<String, Integer> right =
        Map.of(
            "n_layer", shape.layers(),
            "n_embd", shape.hidden(),
            "n_ff", shape.width(),
            "n_head", shape.heads(),
            "n_head_kv", shape.kvHeads(),
            "n_rot", shape.headDim(),
            "n_vocab", shape.vocabulary());
    long start = System.nanoTime();
    Map<String, Integer> said = said(log);
    while (!said.keySet().containsAll(right.keySet()) && System.nanoTime() - start < LOG_NANOS) {
      LockSupport.parkNanos(LOG_POLL_MILLIS * 1_000_000);
      said = said(log);
    }
    for (String key : right.keySet()) {
      if (!right.get(key).equals(said.get(key))) {
        throw new IllegalStateException(
            "llama.cpp runs " + key + " = " + said.get(key) + ", not " + right.get(key));
      }
    }
  }

  private static Map<String, Integer> said(Path log) throws IOException {
    // Other lines have bytes that are no text.
    String text = Files.readString(log, StandardCharsets.ISO_8859_1);
    Map<String, Integer> said = new HashMap<>();
    Matcher info = INFO.matcher(text);
    while (info.find()) {
      said.put(info.group(1), Integer.valueOf(info.group(2)));
    }
    return said;
  }

  @Override
  public String implementation() {
    return "Q4_0";
  }

  @Override
  public long weightBytes() {
    return gguf.weightBytes();
  }

  @Override
  public String cache() {
    return "f16";
  }

  @Override
  public long tokenBytes() {
    DecoderShape shape = gguf.shape();
    return 2L * Short.BYTES * shape.layers() * shape.kvHeads() * shape.headDim();
  }

  @Override
  public void write(int[] prompt, int tokens, Runnable token) {
    LlamaIterator outputs = start(prompt, tokens);
    while (outputs.hasNext()) {
      outputs.next();
      if (outputs.hasNext()) { // the last says only that it was the last
        token.run();
      }
    }
  }

  /** What the most likely token behind a prompt reads as. */
  String first(int[] prompt) {
    LlamaIterator outputs = start(prompt, 1);
    StringBuilder text = new StringBuilder();
    while (outputs.hasNext()) {
      text.append(outputs.next().text);
    }
    return text.toString();
  }

  private LlamaIterator start(int[] prompt, int tokens) {
    String text = LlamaGguf.text(prompt);
    if (!Arrays.equals(prompt, model.encode(text))) {
      throw new IllegalStateException("llama.cpp cuts the prompt into other tokens");
    }
    InferenceParameters parameters =
        new InferenceParameters(text)
            .setNPredict(tokens)
            .setTemperature(0)
            .setCachePrompt(false)
            .setIgnoreEos(true);
    return model.generate(parameters).iterator();
  }

  @Override
  public void close() {
    model.close();
  }
}
