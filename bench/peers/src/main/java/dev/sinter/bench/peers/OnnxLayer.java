package dev.sinter.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.sinter.bench.Peer;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.function.BiFunction;

/** A session of an {@link OnnxModel}; reads x and writes y where they lie, without copies. */
final class OnnxLayer implements Peer.Layer {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final int k;
  private final int n;
  private final BiFunction<MemorySegment, Integer, Peer.Expectation> expectation;
  private MemorySegment input;
  private int rows;
  private Map<String, OnnxTensor> inputs = Map.of();
  private Map<String, OnnxTensor> outputs = Map.of();

  /**
   * @param expectation from x and its number of rows
   */
  OnnxLayer(
      byte[] model,
      int threads,
      int k,
      int n,
      BiFunction<MemorySegment, Integer, Peer.Expectation> expectation) {
    environment = OnnxRuntimePeer.environment(threads);
    session = OnnxRuntimePeer.session(model, threads);
    this.k = k;
    this.n = n;
    this.expectation = expectation;
  }

  @Override
  public void bind(MemorySegment x, int m, MemorySegment y) {
    unbind();
    input = x;
    rows = m;
    inputs = Map.of("x", tensor(x, m, k));
    outputs = Map.of("y", tensor(y, m, n));
  }

  private OnnxTensor tensor(MemorySegment values, int m, int columns) {
    FloatBuffer buffer =
        values
            .asSlice(0, 4L * m * columns)
            .asByteBuffer()
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    try {
      return OnnxTensor.createTensor(environment, buffer, new long[] {m, columns});
    } catch (OrtException e) {
      throw OnnxRuntimePeer.failure(e);
    }
  }

  @Override
  public void run() {
    try {
      session.run(inputs, outputs).close(); // y is a tensor that was passed, and stays open
    } catch (OrtException e) {
      throw OnnxRuntimePeer.failure(e);
    }
  }

  @Override
  public Peer.Expectation expectation() {
    return expectation.apply(input, rows);
  }

  private void unbind() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
    inputs = Map.of();
    outputs = Map.of();
  }

  @Override
  public void close() {
    unbind();
    try {
      session.close();
    } catch (OrtException e) {
      throw OnnxRuntimePeer.failure(e);
    }
  }
}
