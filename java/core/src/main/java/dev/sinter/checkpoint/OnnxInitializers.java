package dev.sinter.checkpoint;

import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The initializers of an ONNX model, as they are in the file but for its linear layers.
 *
 * <p>Exporters fold a linear layer's transposed weight into an anonymous constant ({@code
 * onnx::MatMul_787}, [in, out]) and keep the layer's place in the name of the node that uses it.
 * Such a weight is listed as {@code encoder.layer.0.output.dense.weight} and handed out as [out,
 * in]: if it has two dimensions, an anonymous name ({@code onnx::...} or digits), and a MatMul or
 * Gemm named {@code /encoder/layer.0/output/dense/MatMul} as its only consumer. All else keeps its
 * name and its shape. Sparse initializers and the initializers of subgraphs are not listed.
 *
 * <p>The file is read once, to off-heap memory, and then closed. That memory is at most a small
 * multiple of the file's uncompressed size, whatever the file claims. A linear weight is transposed
 * when it is first asked for, and takes its size again.
 */
public final class OnnxInitializers implements Checkpoint {
  // What deflate can at most expand by: 258 bytes from 2 bits.
  private static final long MAX_INFLATION = 1032;

  private final String file;
  private final Arena arena;
  private final Map<String, OnnxTensor> tensors;
  private final Map<String, String> transposedFrom;
  private final Map<String, RawTensor> transposed = new ConcurrentHashMap<>();
  private final Map<String, String> metadata;

  private OnnxInitializers(String file, Arena arena, OnnxGraph graph) {
    this.file = file;
    this.arena = arena;
    Map<String, OnnxTensor> byName = new LinkedHashMap<>();
    for (OnnxTensor t : graph.initializers()) {
      if (byName.put(t.name(), t) != null) {
        throw new CheckpointException(file, t.name(), t.offset(), "two tensors have this name");
      }
    }
    Map<String, OnnxLinear> linears = OnnxLinear.find(graph, byName.keySet());
    Map<String, OnnxTensor> listed = new LinkedHashMap<>();
    Map<String, String> origin = new LinkedHashMap<>();
    byName.forEach(
        (name, t) -> {
          OnnxLinear linear = linears.get(name);
          listed.put(linear == null ? name : linear.name(), t);
          if (linear != null && linear.transposed()) {
            origin.put(linear.name(), name);
          }
        });
    tensors = Collections.unmodifiableMap(listed);
    transposedFrom = origin;
    metadata = Collections.unmodifiableMap(graph.metadata());
  }

  /**
   * Reads an .onnx file.
   *
   * @throws CheckpointException if it is malformed or cannot be read
   */
  public static OnnxInitializers open(Path onnx) {
    String file = onnx.toString();
    try (InputStream in = Files.newInputStream(onnx)) {
      return read(file, in, Files.size(onnx));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Reads an .onnx file inside a jar or zip.
   *
   * @param entry its path in there
   * @throws CheckpointException if there is no such entry, or it is malformed or cannot be read
   */
  public static OnnxInitializers open(Path jar, String entry) {
    String file = jar + "!/" + entry;
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      ZipEntry found = zip.getEntry(entry);
      if (found == null) {
        throw new CheckpointException(
            file, null, CheckpointException.UNKNOWN_OFFSET, "no such entry");
      }
      long compressed = Math.min(found.getCompressedSize(), Files.size(jar));
      if (found.getSize() > compressed * MAX_INFLATION) {
        throw new CheckpointException(
            file,
            null,
            CheckpointException.UNKNOWN_OFFSET,
            "claims to inflate from " + compressed + " to " + found.getSize() + " bytes");
      }
      try (InputStream in = zip.getInputStream(found)) {
        return read(file, in, found.getSize());
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static OnnxInitializers read(String file, InputStream in, long size) {
    Arena arena = Arena.ofShared();
    try {
      OnnxGraph graph = OnnxGraph.read(new ProtoReader(file, in, size), arena);
      return new OnnxInitializers(file, arena, graph);
    } catch (Throwable t) {
      arena.close();
      throw t;
    }
  }

  private static CheckpointException unreadable(String file, IOException e) {
    return new CheckpointException(
        file, null, CheckpointException.UNKNOWN_OFFSET, "cannot be read: " + e, e);
  }

  @Override
  public String file() {
    return file;
  }

  @Override
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  @Override
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo stored = find(name).info();
    long[] shape = stored.shape();
    if (transposedFrom.containsKey(name)) {
      shape = new long[] {shape[1], shape[0]};
    }
    return new TensorInfo(name, stored.type(), shape, stored.bytes());
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  private OnnxTensor find(String name) {
    OnnxTensor t = tensors.get(name);
    if (t == null) {
      throw NearestNames.missing(file, name, tensors.keySet());
    }
    return t;
  }

  @Override
  public RawTensor tensor(String name) {
    OnnxTensor t = find(name);
    if (t.refusal() != null) {
      throw new CheckpointException(file, name, t.offset(), t.refusal());
    }
    if (transposedFrom.containsKey(name)) {
      return transposed.computeIfAbsent(name, n -> transpose(n, t.tensor()));
    }
    RawTensor raw = t.tensor();
    return t.name().equals(name) ? raw : new RawTensor(name, raw.dtype(), raw.shape(), raw.data());
  }

  private RawTensor transpose(String name, RawTensor raw) {
    MemorySegment data = OnnxLinear.transpose(raw, arena);
    return new RawTensor(name, raw.dtype(), new long[] {raw.dim(1), raw.dim(0)}, data);
  }

  /** Frees the memory of all tensors. Idempotent. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
