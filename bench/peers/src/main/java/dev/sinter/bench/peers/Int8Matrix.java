package dev.sinter.bench.peers;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.bench.Peer;
import dev.sinter.compress.Quantizer;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@code DynamicQuantizeMatMul}: int8 weights with a scale for each output channel, the same codes
 * as ours; activations u8 with one scale for the whole input, where ours have one for each row.
 *
 * <p>On CPUs without VNNI its 16-bit sums of two products saturate, and its makers advise 7-bit
 * weights ({@code reduce_range}): there it gets those, which is as much work.
 */
final class Int8Matrix implements Peer.Matrix {
  private static final int ROUNDINGS_OF_SCALING = 8;

  /** Two products with codes of 255 at most stay below 2^15. */
  private static final int REDUCED_MAX = 64;

  private final int k;
  private final int n;
  private final byte[][] codes; // [n][k]
  private final float[] scales;
  private final byte[] model;
  private final boolean reduced;

  Int8Matrix(MemorySegment weights, int k, int n) {
    this.k = k;
    this.n = n;
    CpuFeatures host = CpuFeatures.host();
    reduced = !host.has("avx512vnni") && !host.has("avxvnni");
    codes = new byte[n][];
    byte[] transposed = new byte[Math.multiplyExact(k, n)];
    try (Arena arena = Arena.ofConfined()) {
      Quantized quantized =
          Quantizer.roundToNearest(
              new Dense("bench", n, k, DType.F32, weights), 8, Granularity.CHANNEL, arena);
      scales = quantized.scales();
      for (int column = 0; column < n; column++) {
        codes[column] = quantized.codes().asSlice((long) column * k, k).toArray(JAVA_BYTE);
        if (reduced) {
          reduce(column, quantized.format().maxCode());
        }
        for (int i = 0; i < k; i++) {
          transposed[i * n + column] = codes[column][i];
        }
      }
    }
    ByteBuffer scaleBytes = ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN);
    scaleBytes.asFloatBuffer().put(scales);
    model =
        new OnnxModel("DynamicQuantizeMatMul", "com.microsoft", k, n)
            .initializer("w", OnnxModel.INT8, transposed, k, n)
            .initializer("w_scale", OnnxModel.FLOAT, scaleBytes.array(), n)
            .bytes();
  }

  private void reduce(int column, int max) {
    for (int i = 0; i < k; i++) {
      codes[column][i] = (byte) Rounding.code(codes[column][i] * (double) REDUCED_MAX / max);
    }
    scales[column] *= (float) max / REDUCED_MAX;
  }

  @Override
  public String implementation() {
    return reduced ? "DynamicQuantizeMatMul, 7-bit weights" : "DynamicQuantizeMatMul";
  }

  @Override
  public long weightBytes() {
    return (long) k * n + 4L * n;
  }

  @Override
  public Peer.Layer open(int threads) {
    return new OnnxLayer(model, threads, k, n, Expectation::new);
  }

  private final class Expectation implements Peer.Expectation {
    private final MemorySegment x;
    private final float scale;
    private final int zeroPoint;

    Expectation(MemorySegment x, int rows) {
      this.x = x;
      float low = 0;
      float high = 0;
      for (long i = 0; i < (long) rows * k; i++) {
        low = Math.min(low, x.getAtIndex(JAVA_FLOAT, i));
        high = Math.max(high, x.getAtIndex(JAVA_FLOAT, i));
      }
      // DynamicQuantizeLinear of the ONNX specification.
      scale = (high - low) / 255;
      zeroPoint = Math.clamp(Rounding.code(-low / scale), 0, 255);
    }

    private double quotient(int row, int i) {
      return x.getAtIndex(JAVA_FLOAT, (long) row * k + i) / scale;
    }

    @Override
    public double value(int row, int column) {
      long sum = 0;
      for (int i = 0; i < k; i++) {
        int code = Math.clamp(Rounding.code(quotient(row, i)) + zeroPoint, 0, 255);
        sum += (long) (code - zeroPoint) * codes[column][i];
      }
      return (double) sum * scale * scales[column];
    }

    @Override
    public double bound(int row, int column) {
      double magnitude = 0;
      double ties = 0;
      for (int i = 0; i < k; i++) {
        int weight = Math.abs(codes[column][i]);
        magnitude += 2 * 255.0 * weight; // a code and the zero point
        ties += Rounding.tied(quotient(row, i)) ? weight : 0;
      }
      double unit = (double) scale * scales[column];
      return Tolerance.dot(ROUNDINGS_OF_SCALING, magnitude * unit) + ties * unit;
    }
  }
}
