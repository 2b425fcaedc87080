package dev.sinter.checkpoint;

import dev.sinter.tensor.RawTensor;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a file. The checkpoint owns their memory: tensors must not be used after {@link
 * #close}, where touching their data is an IllegalStateException. Thread-safe, except that closing
 * while another thread reads fails in one of the two.
 */
public interface Checkpoint extends AutoCloseable {
  /** The file, as messages name it. */
  String file();

  /** Names of all tensors, in file order. */
  List<String> names();

  boolean contains(String name);

  /**
   * Type and shape of a tensor, without reading its values.
   *
   * @throws CheckpointException if there is none of this name; the message gives the nearest names
   */
  TensorInfo info(String name);

  /**
   * The tensor of this name, 64-byte aligned off-heap.
   *
   * @throws CheckpointException if there is none (the message gives the nearest names), or if its
   *     type or storage is not supported
   */
  RawTensor tensor(String name);

  /** What else the file says of itself, such as the program that wrote it; may be empty. */
  Map<String, String> metadata();

  @Override
  void close();
}
