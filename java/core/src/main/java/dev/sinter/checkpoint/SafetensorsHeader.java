package dev.sinter.checkpoint;

import dev.sinter.tensor.DType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the header of a safetensors file says, after all of it has been checked: the tensors fill
 * the rest of the file without overlap and without holes, each as large as its type and shape say.
 *
 * @param tensors by name, in the order of the header
 */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** Longest header that is read, as in the library that defines the format. */
  static final int MAX_BYTES = 100_000_000;

  /** The key that is no tensor. */
  static final String METADATA = "__metadata__";

  // As many as PyTorch allows.
  private static final int MAX_RANK = 64;

  /**
   * @param offset of the first byte in the file
   */
  record Entry(TensorInfo info, DType dtype, long offset) {}

  /**
   * Parses and checks a header.
   *
   * @param json the header
   * @param headerOffset where it starts in the file
   * @param dataBytes what follows it
   * @throws CheckpointException for anything that is not as it should be
   */
  static SafetensorsHeader parse(String file, byte[] json, long headerOffset, long dataBytes) {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    long dataOffset = headerOffset + json.length;
    StrictJson.read(
        file,
        json,
        headerOffset,
        (in, key) -> {
          if (key.equals(METADATA)) {
            in.object(name -> metadata.put(name, in.string(METADATA + " " + name)));
          } else {
            in.about(key);
            tensors.put(key, entry(in, key, dataOffset));
            in.about(null);
          }
        });
    requireFilled(file, tensors, dataOffset, dataBytes);
    return new SafetensorsHeader(
        Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata));
  }

  private static Entry entry(StrictJson in, String name, long dataOffset) throws IOException {
    String[] type = new String[1];
    long[][] arrays = new long[2][];
    in.object(
        key -> {
          switch (key) {
            case "dtype" -> type[0] = in.string(key);
            case "shape" -> arrays[0] = in.integers(key, MAX_RANK);
            case "data_offsets" -> arrays[1] = in.integers(key, 2);
            // A later version of the format may say by one that the values mean something else.
            default -> throw in.fail("unknown key \"" + key + "\"");
          }
        });
    long[] shape = arrays[0];
    long[] offsets = arrays[1];
    if (type[0] == null || shape == null || offsets == null) {
      throw in.fail("needs dtype, shape and data_offsets");
    }
    DType dtype = dtype(in, type[0]);
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw in.fail("data_offsets " + Arrays.toString(offsets) + " are no range");
    }
    long bytes = bytes(in, dtype, shape);
    if (bytes != offsets[1] - offsets[0]) {
      throw in.fail(
          dtype
              + " "
              + Arrays.toString(shape)
              + " needs "
              + bytes
              + " bytes, data_offsets span "
              + (offsets[1] - offsets[0]));
    }
    if (offsets[1] > Long.MAX_VALUE - dataOffset) {
      throw in.fail("data_offsets " + Arrays.toString(offsets) + " are past the end of any file");
    }
    return new Entry(
        new TensorInfo(name, dtype.name(), shape, bytes), dtype, dataOffset + offsets[0]);
  }

  private static DType dtype(StrictJson in, String name) {
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(name)) {
        return dtype;
      }
    }
    throw in.fail("data type \"" + name + "\" is not one of " + Arrays.toString(DType.values()));
  }

  private static long bytes(StrictJson in, DType dtype, long[] shape) {
    try {
      long n = dtype.bytes();
      for (long d : shape) {
        n = Math.multiplyExact(n, d);
      }
      return n;
    } catch (ArithmeticException e) {
      throw in.fail("shape " + Arrays.toString(shape) + " has more bytes than can be addressed");
    }
  }

  private static void requireFilled(
      String file, Map<String, Entry> tensors, long dataOffset, long dataBytes) {
    List<Entry> inOrder = new ArrayList<>(tensors.values());
    inOrder.sort(Comparator.comparingLong(Entry::offset).thenComparingLong(e -> e.info().bytes()));
    long at = dataOffset;
    long end = dataOffset + dataBytes;
    for (Entry e : inOrder) {
      String name = e.info().name();
      if (e.offset() < at) {
        throw new CheckpointException(
            file, name, e.offset(), "shares " + (at - e.offset()) + " bytes with another tensor");
      }
      if (e.offset() > at) {
        throw new CheckpointException(
            file, name, at, (e.offset() - at) + " bytes before it belong to no tensor");
      }
      at = e.offset() + e.info().bytes();
      if (at > end) {
        throw new CheckpointException(
            file, name, e.offset(), "runs " + (at - end) + " bytes past the end of the file");
      }
    }
    if (at != end) {
      throw new CheckpointException(
          file, null, at, (end - at) + " bytes at the end belong to no tensor");
    }
  }
}
