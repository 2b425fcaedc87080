package dev.sinter.bench.peers;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.bench.Peer;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@code MatMulNBits} with 4 bits: weights in blocks along K with a scale each, two nibbles a byte,
 * the first one low, zero at 8; accuracy level 4, activations int8 by the same blocks.
 */
final class Int4Matrix implements Peer.Matrix {
  private static final int ZERO = 8;
  private static final int MAX_WEIGHT = 7;
  private static final int MAX_ACTIVATION = 127;
  private static final int ACCURACY_LEVEL_INT8 = 4;
  private static final int ROUNDINGS_OF_SCALING = 8;

  private final int k;
  private final int n;
  private final int block;
  private final int blocks;
  private final byte[] nibbles; // [n][blocks][block / 2]
  private final float[] scales; // [n][blocks]
  private final byte[] model;

  /**
   * @param block a power of two, at least 16
   */
  Int4Matrix(MemorySegment weights, int k, int n, int block) {
    this.k = k;
    this.n = n;
    this.block = block;
    blocks = Math.ceilDiv(k, block);
    nibbles = new byte[Math.multiplyExact(Math.multiplyExact(n, blocks), block / 2)];
    scales = new float[n * blocks];
    for (int column = 0; column < n; column++) {
      for (int b = 0; b < blocks; b++) {
        quantize(weights, column, b);
      }
    }
    ByteBuffer scaleBytes = ByteBuffer.allocate(4 * scales.length).order(ByteOrder.LITTLE_ENDIAN);
    scaleBytes.asFloatBuffer().put(scales);
    model =
        new OnnxModel("MatMulNBits", "com.microsoft", k, n)
            .initializer("w", OnnxModel.UINT8, nibbles, n, blocks, block / 2)
            .initializer("w_scale", OnnxModel.FLOAT, scaleBytes.array(), (long) n * blocks)
            .attribute("K", k)
            .attribute("N", n)
            .attribute("bits", 4)
            .attribute("block_size", block)
            .attribute("accuracy_level", ACCURACY_LEVEL_INT8)
            .bytes();
  }

  private void quantize(MemorySegment weights, int column, int b) {
    int from = b * block;
    int to = Math.min(from + block, k);
    float largest = 0;
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(weights.getAtIndex(JAVA_FLOAT, (long) column * k + i)));
    }
    float scale = largest / MAX_WEIGHT;
    scales[column * blocks + b] = scale;
    for (int i = from; i < from + block; i++) {
      int code = 0;
      if (i < to && scale > 0) {
        code = Rounding.code(weights.getAtIndex(JAVA_FLOAT, (long) column * k + i) / scale);
      }
      int at = (column * blocks + b) * (block / 2) + (i - from) / 2;
      nibbles[at] |= (byte) (code + ZERO << (i % 2 == 0 ? 0 : 4));
    }
  }

  private int weight(int column, int i) {
    int b = nibbles[(column * blocks + i / block) * (block / 2) + i % block / 2];
    return (i % 2 == 0 ? b & 15 : b >> 4 & 15) - ZERO;
  }

  @Override
  public String implementation() {
    return "MatMulNBits bits=4 block=" + block + " accuracy_level=4";
  }

  @Override
  public long weightBytes() {
    return nibbles.length + 4L * scales.length;
  }

  @Override
  public Peer.Layer open(int threads) {
    return new OnnxLayer(model, threads, k, n, (x, rows) -> new Expectation(x));
  }

  private final class Expectation implements Peer.Expectation {
    private final MemorySegment x;

    Expectation(MemorySegment x) {
      this.x = x;
    }

    /** The scale of the activations of a block. */
    private float scale(int row, int b) {
      float largest = 0;
      for (int i = b * block; i < Math.min((b + 1) * block, k); i++) {
        largest = Math.max(largest, Math.abs(x.getAtIndex(JAVA_FLOAT, (long) row * k + i)));
      }
      return largest / MAX_ACTIVATION;
    }

    private double quotient(int row, int i, float scale) {
      return scale == 0 ? 0 : x.getAtIndex(JAVA_FLOAT, (long) row * k + i) / scale;
    }

    @Override
    public double value(int row, int column) {
      double result = 0;
      for (int b = 0; b < blocks; b++) {
        float scale = scale(row, b);
        long sum = 0;
        for (int i = b * block; i < Math.min((b + 1) * block, k); i++) {
          sum += (long) Rounding.code(quotient(row, i, scale)) * weight(column, i);
        }
        result += (double) sum * scale * scales[column * blocks + b];
      }
      return result;
    }

    @Override
    public double bound(int row, int column) {
      double magnitude = 0;
      double ties = 0;
      for (int b = 0; b < blocks; b++) {
        float scale = scale(row, b);
        double unit = (double) scale * scales[column * blocks + b];
        for (int i = b * block; i < Math.min((b + 1) * block, k); i++) {
          double quotient = quotient(row, i, scale);
          // The nibble as it is stored, and the zero that is taken off again.
          magnitude += Math.abs(quotient) * unit * (weight(column, i) + 2 * ZERO);
          ties += Rounding.tied(quotient) ? unit * Math.abs(weight(column, i)) : 0;
        }
      }
      return Tolerance.dot(blocks + ROUNDINGS_OF_SCALING, magnitude) + ties;
    }
  }
}
