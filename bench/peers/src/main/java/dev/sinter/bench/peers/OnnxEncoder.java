package dev.sinter.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.sinter.bench.Peer;
import dev.sinter.models.ModelCatalog;
import dev.sinter.models.ModelFiles;
import dev.sinter.models.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;

/** MiniLM in ONNX Runtime: the model's own file in f32, or the quantized one of its makers. */
final class OnnxEncoder implements Peer.Encoder {
  private static final String QUANTIZED = "all-minilm-l6-v2-q.onnx";

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final String implementation;

  private OnnxEncoder(byte[] model, String implementation, int threads) {
    environment = OnnxRuntimePeer.environment(threads);
    session = OnnxRuntimePeer.session(model, threads);
    this.implementation = implementation;
  }

  static OnnxEncoder open(String scheme, int threads) {
    try {
      if (scheme.equals("f32")) {
        ModelFiles files = ModelCatalog.resolve("minilm", Progress.none());
        try (ZipFile jar = new ZipFile(files.path().toFile());
            InputStream in = jar.getInputStream(jar.getEntry(files.weights()))) {
          return new OnnxEncoder(in.readAllBytes(), files.weights(), threads);
        }
      }
      try (InputStream in = OnnxEncoder.class.getResourceAsStream("/" + QUANTIZED)) {
        return new OnnxEncoder(in.readAllBytes(), QUANTIZED, threads);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String implementation() {
    return implementation;
  }

  @Override
  public float[][] embed(List<int[]> tokenIds) {
    int length = tokenIds.getFirst().length;
    long[] shape = {tokenIds.size(), length};
    LongBuffer ids = LongBuffer.allocate(tokenIds.size() * length);
    LongBuffer mask = LongBuffer.allocate(ids.capacity());
    LongBuffer types = LongBuffer.allocate(ids.capacity());
    for (int[] sentence : tokenIds) {
      for (int id : sentence) {
        ids.put(id);
        mask.put(1);
      }
    }
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      inputs.put("input_ids", OnnxTensor.createTensor(environment, ids.flip(), shape));
      inputs.put("attention_mask", OnnxTensor.createTensor(environment, mask.flip(), shape));
      inputs.put("token_type_ids", OnnxTensor.createTensor(environment, types, shape));
      inputs.keySet().retainAll(session.getInputNames());
      try (OrtSession.Result result = session.run(inputs)) {
        return pool(((OnnxTensor) result.get(0)).getFloatBuffer(), tokenIds.size(), length);
      }
    } catch (OrtException e) {
      throw OnnxRuntimePeer.failure(e);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  /** The mean of a sentence's hidden states, of length 1. */
  private static float[][] pool(FloatBuffer states, int sentences, int length) {
    int hidden = states.remaining() / sentences / length;
    float[][] vectors = new float[sentences][hidden];
    float[] state = new float[hidden];
    for (float[] vector : vectors) {
      for (int token = 0; token < length; token++) {
        states.get(state);
        for (int i = 0; i < hidden; i++) {
          vector[i] += state[i];
        }
      }
      double square = 0;
      for (float v : vector) {
        square += (double) v * v;
      }
      float factor = (float) (1 / Math.sqrt(square));
      for (int i = 0; i < hidden; i++) {
        vector[i] *= factor;
      }
    }
    return vectors;
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw OnnxRuntimePeer.failure(e);
    }
  }
}
