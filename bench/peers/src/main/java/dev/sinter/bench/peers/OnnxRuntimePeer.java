package dev.sinter.bench.peers;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.sinter.bench.Peer;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * ONNX Runtime's CPU provider, as its users run it: all optimizations, threads that spin. Its
 * threads are those of the process, since a pool for each of many copies of a layer would spin
 * against the others.
 */
public final class OnnxRuntimePeer implements Peer {
  private static OrtEnvironment environment;
  private static int environmentThreads;

  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public List<Variant> layers() {
    return List.of(
        new Variant("f32", null),
        new Variant("w8a8", null),
        new Variant("w4a8", 32),
        new Variant("w4a8", 128));
  }

  @Override
  public List<String> encoders() {
    return List.of("f32", "w8a8");
  }

  @Override
  public List<Variant> decoders() {
    return List.of();
  }

  @Override
  public Matrix matrix(Variant variant, MemorySegment weights, int k, int n) {
    return switch (variant.scheme()) {
      case "f32" -> new FloatMatrix(weights, k, n);
      case "w8a8" -> new Int8Matrix(weights, k, n);
      case "w4a8" -> new Int4Matrix(weights, k, n, variant.group());
      default -> throw new IllegalArgumentException("no layer of " + variant);
    };
  }

  @Override
  public Encoder encoder(String scheme, int threads) {
    return OnnxEncoder.open(scheme, threads);
  }

  @Override
  public Decoder decoder(Variant variant, Path folder, int threads) {
    throw new IllegalArgumentException("no decoder of " + variant);
  }

  /** The environment with this many threads; there can be one in a process. */
  static synchronized OrtEnvironment environment(int threads) {
    if (environment == null) {
      try (OrtEnvironment.ThreadingOptions options = new OrtEnvironment.ThreadingOptions()) {
        options.setGlobalIntraOpNumThreads(threads);
        options.setGlobalInterOpNumThreads(1);
        options.setGlobalSpinControl(true);
        environment =
            OrtEnvironment.getEnvironment(
                OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "sinter-bench", options);
        environmentThreads = threads;
      } catch (OrtException e) {
        throw failure(e);
      }
    }
    if (environmentThreads != threads) {
      throw new IllegalStateException(
          "this process runs ONNX Runtime with " + environmentThreads + " threads, not " + threads);
    }
    return environment;
  }

  static OrtSession session(byte[] model, int threads) {
    OrtEnvironment environment = environment(threads);
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.disablePerSessionThreads();
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      return environment.createSession(model, options);
    } catch (OrtException e) {
      throw failure(e);
    }
  }

  static IllegalStateException failure(OrtException e) {
    return new IllegalStateException("ONNX Runtime: " + e.getMessage(), e);
  }
}
