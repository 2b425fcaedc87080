package dev.sinter.bench.peers;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.bench.Peer;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** {@code MatMul} with constant f32 weights. */
final class FloatMatrix implements Peer.Matrix {
  private final MemorySegment weights;
  private final int k;
  private final int n;
  private final byte[] model;

  FloatMatrix(MemorySegment weights, int k, int n) {
    this.weights = weights;
    this.k = k;
    this.n = n;
    // MatMul wants [K, N].
    ByteBuffer transposed =
        ByteBuffer.allocate(Math.multiplyExact(4, Math.multiplyExact(k, n)))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < k; row++) {
      for (int column = 0; column < n; column++) {
        transposed.putFloat(weights.getAtIndex(JAVA_FLOAT, (long) column * k + row));
      }
    }
    model =
        new OnnxModel("MatMul", "", k, n)
            .initializer("w", OnnxModel.FLOAT, transposed.array(), k, n)
            .bytes();
  }

  @Override
  public String implementation() {
    return "MatMul";
  }

  @Override
  public long weightBytes() {
    return 4L * k * n;
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

    private double product(int row, int column, int i) {
      return (double) x.getAtIndex(JAVA_FLOAT, (long) row * k + i)
          * weights.getAtIndex(JAVA_FLOAT, (long) column * k + i);
    }

    @Override
    public double value(int row, int column) {
      double sum = 0;
      for (int i = 0; i < k; i++) {
        sum += product(row, column, i);
      }
      return sum;
    }

    @Override
    public double bound(int row, int column) {
      double magnitude = 0;
      for (int i = 0; i < k; i++) {
        magnitude += Math.abs(product(row, column, i));
      }
      return Tolerance.dot(k, magnitude);
    }
  }
}
