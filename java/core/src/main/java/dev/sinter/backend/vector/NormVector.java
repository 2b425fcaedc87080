package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Layer normalization in two passes, mean first, so that the variance is a sum of squares and
 * cannot cancel; RMS normalization is the second of them, with a mean of 0. The last {@code width
 * mod LANES} elements are summed one by one. Sums have an order that the width alone determines, so
 * a row's result depends on nothing but the row. Thread-safe.
 *
 * <p>Row sums and sums of squares must lie in the range of f32.
 */
final class NormVector implements NormKernel {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = FLOATS.length();
  private static final VectorShuffle<Float> SWAP_8 = swap(8);
  private static final VectorShuffle<Float> SWAP_4 = swap(4);
  private static final VectorShuffle<Float> SWAP_2 = swap(2);
  private static final VectorShuffle<Float> SWAP_1 = swap(1);

  private final int width;
  private final boolean centered;
  private final float epsilon;
  private final float[] gamma;
  private final float[] beta;

  NormVector(NormSpec spec, float[] gamma, float[] beta) {
    width = spec.width();
    centered = spec.kind() == NormSpec.Kind.LAYER;
    spec.check(gamma, beta);
    epsilon = spec.epsilon();
    this.gamma = gamma.clone();
    this.beta = beta.clone();
  }

  @Override
  public String implementation() {
    return "NormVector:" + FLOATS.vectorBitSize();
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void run(MemorySegment x, MemorySegment y, ActivationBuffer out, int from, int to) {
    for (int row = from; row < to; row++) {
      long base = 4L * row * width;
      float mean = centered ? sum(x, base) / width : 0;
      float variance = sumOfSquares(x, base, mean) / width;
      normalize(x, y, base, mean, 1 / (float) Math.sqrt(variance + epsilon));
    }
  }

  private float sum(MemorySegment x, long base) {
    int vectorEnd = FLOATS.loopBound(width);
    FloatVector lanes = FloatVector.zero(FLOATS);
    for (int i = 0; i < vectorEnd; i += LANES) {
      lanes = lanes.add(FloatVector.fromMemorySegment(FLOATS, x, base + 4L * i, ORDER));
    }
    // Halves, then quarters and so on: the order of reduceLanes(ADD) is not specified.
    if (LANES >= 16) {
      lanes = lanes.add(lanes.rearrange(SWAP_8));
    }
    if (LANES >= 8) {
      lanes = lanes.add(lanes.rearrange(SWAP_4));
    }
    lanes = lanes.add(lanes.rearrange(SWAP_2));
    float sum = lanes.add(lanes.rearrange(SWAP_1)).lane(0);
    for (int i = vectorEnd; i < width; i++) {
      sum += x.get(JAVA_FLOAT_UNALIGNED, base + 4L * i);
    }
    return sum;
  }

  private float sumOfSquares(MemorySegment x, long base, float mean) {
    int vectorEnd = FLOATS.loopBound(width);
    FloatVector means = FloatVector.broadcast(FLOATS, mean);
    FloatVector lanes = FloatVector.zero(FLOATS);
    for (int i = 0; i < vectorEnd; i += LANES) {
      FloatVector centered =
          FloatVector.fromMemorySegment(FLOATS, x, base + 4L * i, ORDER).sub(means);
      lanes = centered.fma(centered, lanes);
    }
    if (LANES >= 16) {
      lanes = lanes.add(lanes.rearrange(SWAP_8));
    }
    if (LANES >= 8) {
      lanes = lanes.add(lanes.rearrange(SWAP_4));
    }
    lanes = lanes.add(lanes.rearrange(SWAP_2));
    float sum = lanes.add(lanes.rearrange(SWAP_1)).lane(0);
    for (int i = vectorEnd; i < width; i++) {
      float centered = x.get(JAVA_FLOAT_UNALIGNED, base + 4L * i) - mean;
      sum = Math.fma(centered, centered, sum);
    }
    return sum;
  }

  private void normalize(MemorySegment x, MemorySegment y, long base, float mean, float inverse) {
    int vectorEnd = FLOATS.loopBound(width);
    FloatVector means = FloatVector.broadcast(FLOATS, mean);
    FloatVector inverses = FloatVector.broadcast(FLOATS, inverse);
    for (int i = 0; i < vectorEnd; i += LANES) {
      FloatVector.fromMemorySegment(FLOATS, x, base + 4L * i, ORDER)
          .sub(means)
          .mul(inverses)
          .fma(FloatVector.fromArray(FLOATS, gamma, i), FloatVector.fromArray(FLOATS, beta, i))
          .intoMemorySegment(y, base + 4L * i, ORDER);
    }
    for (int i = vectorEnd; i < width; i++) {
      float normal = (x.get(JAVA_FLOAT_UNALIGNED, base + 4L * i) - mean) * inverse;
      y.set(JAVA_FLOAT_UNALIGNED, base + 4L * i, Math.fma(normal, gamma[i], beta[i]));
    }
  }

  private static VectorShuffle<Float> swap(int distance) {
    int[] lanes = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = (i ^ distance) % LANES;
    }
    return VectorShuffle.fromValues(FLOATS, lanes);
  }
}
