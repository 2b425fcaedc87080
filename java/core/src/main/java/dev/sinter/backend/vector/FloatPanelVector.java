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
      int depth,
      MemorySegment sums,
      boolean add) {
    if (!add) {
      for (long i = 0; i < (rows + 3) / 4 * 4 * PANEL; i += VECTOR) {
        FloatVector.zero(FLOATS).intoMemorySegment(sums, i, ORDER);
      }
    }
    if (rows == 1) {
      multiplyRow(x, xAt, w, wAt, depth, sums);
      return;
    }
    int last = rows - 1;
    for (int r = 0; r < rows; r += 4) {
      long x0 = xAt + r * xStride;
      long x1 = xAt + Math.min(r + 1, last) * xStride;
      long x2 = xAt + Math.min(r + 2, last) * xStride;
      long x3 = xAt + Math.min(r + 3, last) * xStride;
      multiplyFourRows(x, x0, x1, x2, x3, w, wAt, depth, sums, r * PANEL);
      long half = 2 * VECTOR;
      multiplyFourRows(x, x0, x1, x2, x3, w, wAt + half, depth, sums, r * PANEL + half);
    }
  }

  private static void multiplyRow(
      MemorySegment x, long xAt, MemorySegment w, long wAt, int depth, MemorySegment sums) {
    FloatVector a = load(sums, 0);
    FloatVector b = load(sums, VECTOR);
    FloatVector c = load(sums, 2 * VECTOR);
    FloatVector d = load(sums, 3 * VECTOR);
    int k = 0;
    for (; k < depth - 1; k += 2) {
      long at = wAt + k * PANEL;
      FloatVector u = broadcast(x, xAt + 4L * k);
      a = u.fma(load(w, at), a);
      b = u.fma(load(w, at + VECTOR), b);
      c = u.fma(load(w, at + 2 * VECTOR), c);
      d = u.fma(load(w, at + 3 * VECTOR), d);
      FloatVector v = broadcast(x, xAt + 4L * k + 4);
      a = v.fma(load(w, at + PANEL), a);
      b = v.fma(load(w, at + PANEL + VECTOR), b);
      c = v.fma(load(w, at + PANEL + 2 * VECTOR), c);
      d = v.fma(load(w, at + PANEL + 3 * VECTOR), d);
    }
    if (k < depth) {
      long at = wAt + k * PANEL;
      FloatVector v = broadcast(x, xAt + 4L * k);
      a = v.fma(load(w, at), a);
      b = v.fma(load(w, at + VECTOR), b);
      c = v.fma(load(w, at + 2 * VECTOR), c);
      d = v.fma(load(w, at + 3 * VECTOR), d);
    }
    a.intoMemorySegment(sums, 0, ORDER);
    b.intoMemorySegment(sums, VECTOR, ORDER);
    c.intoMemorySegment(sums, 2 * VECTOR, ORDER);
    d.intoMemorySegment(sums, 3 * VECTOR, ORDER);
  }

  /** Half a panel: a body twice as large is more than the compiler inlines into. */
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
    FloatVector a0 = load(sums, at);
    FloatVector a1 = load(sums, at + VECTOR);
    FloatVector b0 = load(sums, at + PANEL);
    FloatVector b1 = load(sums, at + PANEL + VECTOR);
    FloatVector c0 = load(sums, at + 2 * PANEL);
    FloatVector c1 = load(sums, at + 2 * PANEL + VECTOR);
    FloatVector d0 = load(sums, at + 3 * PANEL);
    FloatVector d1 = load(sums, at + 3 * PANEL + VECTOR);
    for (int k = 0; k < depth; k++) {
      FloatVector w0 = load(w, wAt + k * PANEL);
      FloatVector w1 = load(w, wAt + k * PANEL + VECTOR);
      FloatVector v0 = broadcast(x, x0 + 4L * k);
      a0 = v0.fma(w0, a0);
      a1 = v0.fma(w1, a1);
      FloatVector v1 = broadcast(x, x1 + 4L * k);
      b0 = v1.fma(w0, b0);
      b1 = v1.fma(w1, b1);
      FloatVector v2 = broadcast(x, x2 + 4L * k);
      c0 = v2.fma(w0, c0);
      c1 = v2.fma(w1, c1);
      FloatVector v3 = broadcast(x, x3 + 4L * k);
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

  private static FloatVector load(MemorySegment s, long offset) {
    return FloatVector.fromMemorySegment(FLOATS, s, offset, ORDER);
  }

  private static FloatVector broadcast(MemorySegment s, long offset) {
    return FloatVector.broadcast(FLOATS, s.get(JAVA_FLOAT_UNALIGNED, offset));
  }
}
