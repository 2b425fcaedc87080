package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.TensorInfo;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A checkpoint of a BERT under the names that transformers' {@code BertModel} has, with values in
 * F32. Models with a head on top have {@code bert.} before them, and old ones call the layer norms'
 * parameters gamma and beta. F16 and BF16 are widened, which is exact.
 */
final class BertTensors implements Checkpoint {
  private static final String PREFIX = "bert.";
  private static final String WORDS = "embeddings.word_embeddings.weight";
  private static final long ALIGNMENT = 64;

  private final Checkpoint checkpoint;
  private final Map<String, String> stored = new LinkedHashMap<>(); // by the name it has here
  private final Arena arena = Arena.ofShared();
  private final Map<String, RawTensor> tensors = new ConcurrentHashMap<>();

  /**
   * @param checkpoint closed together with this, also if this fails
   */
  BertTensors(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    String prefix =
        checkpoint.contains(PREFIX + WORDS) && !checkpoint.contains(WORDS) ? PREFIX : "";
    for (String name : checkpoint.names()) {
      if (name.startsWith(prefix)) {
        String plain =
            name.substring(prefix.length())
                .replaceFirst("LayerNorm\\.gamma$", "LayerNorm.weight")
                .replaceFirst("LayerNorm\\.beta$", "LayerNorm.bias");
        if (stored.put(plain, name) != null) {
          close();
          throw fail(name, "is there under a second name, too");
        }
      }
    }
  }

  @Override
  public String file() {
    return checkpoint.file();
  }

  @Override
  public List<String> names() {
    return List.copyOf(stored.keySet());
  }

  @Override
  public boolean contains(String name) {
    return stored.containsKey(name);
  }

  /** Of the tensor as it is stored, but for its name. */
  @Override
  public TensorInfo info(String name) {
    TensorInfo info = checkpoint.info(stored.getOrDefault(name, name));
    return new TensorInfo(name, info.type(), info.shape(), info.bytes());
  }

  @Override
  public RawTensor tensor(String name) {
    RawTensor tensor = checkpoint.tensor(stored.getOrDefault(name, name));
    return switch (tensor.dtype()) {
      case F32 -> new RawTensor(name, DType.F32, tensor.shape(), tensor.data());
      case F16, BF16 -> tensors.computeIfAbsent(name, n -> widened(n, tensor));
      default -> throw fail(name, "is " + tensor.dtype() + ", must be F32, F16 or BF16");
    };
  }

  private RawTensor widened(String name, RawTensor tensor) {
    MemorySegment values = arena.allocate(Float.BYTES * tensor.elements(), ALIGNMENT);
    for (long i = 0; i < tensor.elements(); i++) {
      values.setAtIndex(ValueLayout.JAVA_FLOAT, i, tensor.dtype().readFloat(tensor.data(), i));
    }
    return new RawTensor(name, DType.F32, tensor.shape(), values);
  }

  private CheckpointException fail(String name, String reason) {
    return new CheckpointException(
        checkpoint.file(), name, CheckpointException.UNKNOWN_OFFSET, reason);
  }

  @Override
  public Map<String, String> metadata() {
    return checkpoint.metadata();
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    checkpoint.close();
  }
}
