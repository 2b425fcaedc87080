package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loops of a matmul on f32: outputs lie in the lanes, and a value of x is broadcast to
 * them. A panel is four vectors wide.
 */
final class FloatPanelVector implements FloatPanel {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final long VECTOR = FLOATS.vectorByteSize();
  private static final long PANEL = 4 * VECTOR;

  FloatPanelVector() {}

  @Override
  public void multiply(
      MemorySegment x,
      long xAt,
      long xStride,
      int rows,
      MemorySegment w,
      long wAt,
      long wStride,
      int depth,
      MemorySegment sums,
      boolean add) {
    if (!add) {
      for (long i = 0; i < (rows + 3) / 4 * 4 * PANEL; i += VECTOR) {
        FloatVector.zero(FLOATS).intoMemorySegment(sums, i, ORDER);
      }
    }
    for (int half = 0; half < 2; half++) {
      long at = half * 2 * VECTOR;
      multiplyRows(x, xAt, xStride, rows, w, wAt + half * wStride, depth, sums, at);
    }
  }

  @Override
  public void multiplyHalf(
      MemorySegment x,
      long xAt,
      long xStride,
      int rows,
      MemorySegment w,
      long wAt,
      int depth,
      MemorySegment sums,
      long at,
      boolean add) {
    if (!add) {
      for (long i = 0; i < (rows + 3) / 4 * 4 * PANEL; i += PANEL) {
        FloatVector.zero(FLOATS).intoMemorySegment(sums, at + i, ORDER);
        FloatVector.zero(FLOATS).intoMemorySegment(sums, at + i + VECTOR, ORDER);
      }
    }
    multiplyRows(x, xAt, xStride, rows, w, wAt, depth, sums, at);
  }

  private static void multiplyRows(
      MemorySegment x,
      long xAt,
      long xStride,
      int rows,
      MemorySegment w,
      long wAt,
      int depth,
      MemorySegment sums,
      long at) {
    int last = rows - 1;
    if (rows == 1) {
      multiplyRow(x, xAt, w, wAt, depth, sums, at);
      return;
    }
    for (int r = 0; r < rows; r += 4) {
      long x0 = xAt + r * xStride;
      long x1 = xAt + Math.min(r + 1, last) * xStride;
      long x2 = xAt + Math.min(r + 2, last) * xStride;
      long x3 = xAt + Math.min(r + 3, last) * xStride;
      multiplyFourRows(x, x0, x1, x2, x3, w, wAt, depth, sums, at + r * PANEL);
    }
  }

  private static void multiplyRow(
      MemorySegment x,
      long xAt,
      MemorySegment w,
      long wAt,
      int depth,
      MemorySegment sums,
      long at) {
    FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
    FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, sums, at + VECTOR, ORDER);
    for (int k = 0; k < depth; k++) {
      FloatVector v = FloatVector.broadcast(FLOATS, x.get(JAVA_FLOAT_UNALIGNED, xAt + 4L * k));
      a0 = v.fma(FloatVector.fromMemorySegment(FLOATS, w, wAt + 2 * k * VECTOR, ORDER), a0);
      a1 =
          v.fma(FloatVector.fromMemorySegment(FLOATS, w, wAt + 2 * k * VECTOR + VECTOR, ORDER), a1);
    }
    a0.intoMemorySegment(sums, at, ORDER);
    a1.intoMemorySegment(sums, at + VECTOR, ORDER);
  }

  private static void multiplyFourRows(
      MemorySegment x,
      long x0,
      long x1,
      long x2,
      long x3,
      MemorySegment w,
      long wAt,
      int depth,
      MemorySegment sums,
      long at) {
    FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, sums, at, ORDER);
    FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, sums, at + VECTOR, ORDER);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, sums, at + PANEL, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, sums, at + PANEL + VECTOR, ORDER);
    FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, sums, at + 2 * PANEL, ORDER);
    FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, sums, at + 2 * PANEL + VECTOR, ORDER);
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, sums, at + 3 * PANEL, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, sums, at + 3 * PANEL + VECTOR, ORDER);
    for (int k = 0; k < depth; k++) {
      FloatVector w0 = FloatVector.fromMemorySegment(FLOATS, w, wAt + 2 * k * VECTOR, ORDER);
      FloatVector w1 =
          FloatVector.fromMemorySegment(FLOATS, w, wAt + 2 * k * VECTOR + VECTOR, ORDER);
      FloatVector v0 = FloatVector.broadcast(FLOATS, x.get(JAVA_FLOAT_UNALIGNED, x0 + 4L * k));
      a0 = v0.fma(w0, a0);
      a1 = v0.fma(w1, a1);
      FloatVector v1 = FloatVector.broadcast(FLOATS, x.get(JAVA_FLOAT_UNALIGNED, x1 + 4L * k));
      b0 = v1.fma(w0, b0);
      b1 = v1.fma(w1, b1);
      FloatVector v2 = FloatVector.broadcast(FLOATS, x.get(JAVA_FLOAT_UNALIGNED, x2 + 4L * k));
      c0 = v2.fma(w0, c0);
      c1 = v2.fma(w1, c1);
      FloatVector v3 = FloatVector.broadcast(FLOATS, x.get(JAVA_FLOAT_UNALIGNED, x3 + 4L * k));
      d0 = v3.fma(w0, d0);
      d1 = v3.fma(w1, d1);
    }
    a0.intoMemorySegment(sums, at, ORDER);
    a1.intoMemorySegment(sums, at + VECTOR, ORDER);
    b0.intoMemorySegment(sums, at + PANEL, ORDER);
    b1.intoMemorySegment(sums, at + PANEL + VECTOR, ORDER);
    c0.intoMemorySegment(sums, at + 2 * PANEL, ORDER);
    c1.intoMemorySegment(sums, at + 2 * PANEL + VECTOR, ORDER);
    d0.intoMemorySegment(sums, at + 3 * PANEL, ORDER);
    d1.intoMemorySegment(sums, at + 3 * PANEL + VECTOR, ORDER);
  }
}
