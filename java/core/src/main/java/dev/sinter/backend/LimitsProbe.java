package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/**
 * Code that does nothing but reach one limit of the machine, on the calling thread. The methods
 * return what was done, for a caller that takes the time. Thread-safe.
 */
public interface LimitsProbe {
  /** {@link #read} takes multiples of this many bytes. */
  int BLOCK = 512;

  /** More iterations of {@link #multiply} than this would make sums of f32 inexact. */
  int MAX_ITERATIONS = 1 << 22;

  /** Operand types with a multiply-add of their own: into f32, f32 and int32. */
  enum Type {
    F32,
    BF16,
    INT8
  }

  /** The code that runs, for example {@code sinter_machine_limits_read_avx512}. */
  String reader();

  /** The code that multiplies a type; null if there is none. */
  String multiplier(Type type);

  /**
   * Adds memory up as 64-bit words, wrapping.
   *
   * @param data native, 64-byte aligned, a multiple of {@link #BLOCK} bytes
   * @param repeats how often, 0 or more
   * @return the sum
   * @throws IllegalArgumentException if the data is not like that
   */
  long read(MemorySegment data, long repeats);

  /**
   * Multiplies ones and adds the products up.
   *
   * @param iterations 0 to {@link #MAX_ITERATIONS}; a few nanoseconds each
   * @return operations done, two for a multiplication and its addition
   * @throws IllegalArgumentException if there is no {@link #multiplier} for the type
   */
  long multiply(Type type, long iterations);

  /** For implementations: refuses what {@link #read} does not take. */
  static void checkRead(MemorySegment data, long repeats) {
    if (!data.isNative() || data.address() % 64 != 0 || data.byteSize() % BLOCK != 0) {
      throw new IllegalArgumentException(
          "data must be native, 64-byte aligned and a multiple of "
              + BLOCK
              + " bytes, got "
              + data.byteSize()
              + " bytes at "
              + Long.toHexString(data.address()));
    }
    if (repeats < 0) {
      throw new IllegalArgumentException("repeats must be at least 0, got " + repeats);
    }
  }

  /** For implementations: refuses what {@link #multiply} does not take. */
  default void checkMultiply(Type type, long iterations) {
    if (multiplier(type) == null) {
      throw new IllegalArgumentException("there is no multiply-add for " + type + " here");
    }
    if (iterations < 0 || iterations > MAX_ITERATIONS) {
      throw new IllegalArgumentException(
          "iterations must be 0 to " + MAX_ITERATIONS + ", got " + iterations);
    }
  }
}
