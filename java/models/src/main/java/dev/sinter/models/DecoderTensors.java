package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.TensorInfo;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.RawTensor;
import java.util.Arrays;
import java.util.Optional;

/** The tensors of a decoder, checked against what config.json says of their shapes. */
final class DecoderTensors {
  static final String EMBEDDINGS = "embed_tokens";
  static final String HEAD = "lm_head";
  private static final String MODEL = "model.";

  private final Checkpoint checkpoint;
  private final String prefix;
  private boolean readMatrices;

  /**
   * @param prefix what stands before the names in the file; empty for a model without a head
   */
  private DecoderTensors(Checkpoint checkpoint, String prefix) {
    this.checkpoint = checkpoint;
    this.prefix = prefix;
  }

  static DecoderTensors of(Checkpoint checkpoint) {
    boolean bare = checkpoint.contains(EMBEDDINGS + ".weight");
    return new DecoderTensors(checkpoint, bare ? "" : MODEL);
  }

  /** Whether the checkpoint has matrices in memory. */
  boolean hasReadMatrices() {
    return readMatrices;
  }

  /** The full name of a module; only the head stands outside of the model. */
  String name(String module) {
    return module.equals(HEAD) ? module : prefix + module;
  }

  /**
   * @param module as {@code layers.0.mlp.up_proj}
   */
  Dense matrix(String module, int rows, int columns) {
    matrixType(module, rows, columns);
    readMatrices = true;
    return Dense.of(checkpoint.tensor(name(module) + ".weight"));
  }

  /** Its type, without its values. */
  DType matrixType(String module, int rows, int columns) {
    TensorInfo info = checkpoint.info(name(module) + ".weight");
    Optional<DType> type =
        Arrays.stream(DType.values())
            .filter(t -> t.isFloating() && t.name().equals(info.type()))
            .findFirst();
    if (type.isEmpty() || !Arrays.equals(info.shape(), new long[] {rows, columns})) {
      RawTensor tensor = checkpoint.tensor(info.name()); // or what is wrong with it
      throw fail(tensor, type.isEmpty() ? "of a floating type" : "[" + rows + ", " + columns + "]");
    }
    return type.get();
  }

  /** The factors of a norm. */
  float[] norm(String module, int width, boolean plusOne) {
    float[] values = vector(name(module) + ".weight", width);
    for (int i = 0; plusOne && i < width; i++) {
      values[i] += 1;
    }
    return values;
  }

  /**
   * @param expected whether config.json says that there is one
   * @return null if there is none
   */
  float[] bias(String module, int rows, boolean expected) {
    String name = name(module) + ".bias";
    if (!expected) {
      if (checkpoint.contains(name)) {
        throw fail(checkpoint.tensor(name), "absent, as config.json has it");
      }
      return null;
    }
    return vector(name, rows);
  }

  private float[] vector(String name, int length) {
    RawTensor tensor = checkpoint.tensor(name);
    if (tensor.rank() != 1 || tensor.elements() != length || !tensor.dtype().isFloating()) {
      throw fail(tensor, "[" + length + "] of a floating type");
    }
    return tensor.toFloats();
  }

  private CheckpointException fail(RawTensor tensor, String expected) {
    return new CheckpointException(
        checkpoint.file(),
        tensor.name(),
        CheckpointException.UNKNOWN_OFFSET,
        "is " + tensor + ", must be " + expected);
  }
}
