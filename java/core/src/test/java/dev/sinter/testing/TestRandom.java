package dev.sinter.testing;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * Random test data that can be replayed: every failure message ends with {@link #toString}, which
 * names the system property that repeats the run.
 */
public final class TestRandom {
  private static final String PROPERTY = "sinter.test.seed";

  private final long seed;
  private final SplittableRandom random;

  public TestRandom() {
    seed = Long.getLong(PROPERTY, System.nanoTime());
    random = new SplittableRandom(seed);
  }

  /** Uniform in [low, high). */
  public float uniform(float low, float high) {
    return low + (high - low) * (float) random.nextDouble();
  }

  /** Uniform in [low, high). */
  public int integer(int low, int high) {
    return random.nextInt(low, high);
  }

  /** Normal with mean 0 and variance 1. */
  public float normal() {
    return (float) random.nextGaussian();
  }

  /** Any finite float, all exponents alike. */
  public float anyFinite() {
    float value;
    do {
      value = Float.intBitsToFloat(random.nextInt());
    } while (!Float.isFinite(value));
    return value;
  }

  public float[] normals(int length, float deviation) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = normal() * deviation;
    }
    return values;
  }

  /** The numbers from 0 to length - 1, shuffled. */
  public int[] permutation(int length) {
    int[] values = new int[length];
    for (int i = 0; i < length; i++) { // Fisher and Yates
      int j = random.nextInt(i + 1);
      values[i] = values[j];
      values[j] = i;
    }
    return values;
  }

  /** Fills a segment of floats with normal values. */
  public void fill(MemorySegment floats, float deviation) {
    for (long i = 0; i < floats.byteSize() / 4; i++) {
      floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, normal() * deviation);
    }
  }

  @Override
  public String toString() {
    return "[-D" + PROPERTY + "=" + seed + "]";
  }
}
