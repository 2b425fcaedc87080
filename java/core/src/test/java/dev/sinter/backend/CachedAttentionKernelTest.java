package dev.sinter.backend;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.testing.CachedAttentionCase;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.GuardedPages;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What every cached attention kernel must do; a subclass for each backend names the variants that
 * run here.
 */
public abstract class CachedAttentionKernelTest {
  /** One implementation, for example an instruction set. */
  public interface Variant {
    /** A kernel for a pool of {@code workers}. */
    CachedAttentionKernel make(CachedAttentionSpec spec, int workers);
  }

  /** All that this host runs, by a {@code toString} that failures show; at least one. */
  protected abstract List<Variant> variants();

  /** The types that it runs. */
  protected KvType[] types() {
    return KvType.values();
  }

  private static final int LAYERS = 2;
  private static final int LAYER = 1;

  private final TestRandom random = new TestRandom();

  private static CachedAttentionSpec spec(
      int group, int headDim, float cap, int window, KvType type) {
    float scale = (float) (1 / Math.sqrt(headDim));
    return new CachedAttentionSpec(2 * group, 2, headDim, scale, cap, window, type);
  }

  /**
   * Rows {@code past} to the end of a case, in calls of so many rows or in segments (0); the
   * queries lie from row 3 of their matrix on.
   */
  private static float[] run(
      CachedAttentionKernel kernel,
      CachedAttentionSpec spec,
      CachedAttentionCase data,
      int length,
      int past,
      int rows,
      Object where) {
    try (GuardedMemory memory = new GuardedMemory()) {
      GuardedPages pages = data.pages(memory, LAYERS, LAYER);
      int width = spec.qkvWidth();
      MemorySegment qkv = memory.floats((3 + length - past) * width);
      MemorySegment.copy(
          data.rows(), past * width, qkv, JAVA_FLOAT, 12L * width, (length - past) * width);
      MemorySegment out = memory.floats((3 + length - past) * spec.outWidth());
      for (int kvHead = 0; kvHead < spec.kvHeads(); kvHead++) {
        for (int i = past; i < length; i += Math.max(1, rows)) {
          int row = 3 + i - past;
          if (rows == 0) {
            segments(kernel, spec, qkv, row, i, kvHead, pages, memory, out);
          } else {
            int count = Math.min(rows, length - i);
            kernel.run(1, qkv, row, count, i, kvHead, pages, LAYER, out);
          }
        }
      }
      memory.check(where);
      for (long i = 0; i < 12L * spec.outWidth(); i++) {
        assertEquals(GuardedMemory.PATTERN, out.get(JAVA_BYTE, i));
      }
      return out.asSlice(12L * spec.outWidth()).toArray(JAVA_FLOAT);
    }
  }

  private static void segments(
      CachedAttentionKernel kernel,
      CachedAttentionSpec spec,
      MemorySegment qkv,
      int row,
      int position,
      int kvHead,
      GuardedPages pages,
      GuardedMemory memory,
      MemorySegment out) {
    int first = spec.firstVisible(position) / CachedAttentionSpec.SEGMENT;
    int last = position / CachedAttentionSpec.SEGMENT;
    long stride = kernel.partBytes() + 64;
    MemorySegment parts = memory.allocate(64 + (last - first + 1) * stride - 64, 64);
    for (int segment = last; segment >= first; segment--) { // in any order
      long at = 64 + (segment - first) * stride;
      kernel.runSegment(0, qkv, row, position, kvHead, pages, LAYER, segment, parts, at);
    }
    kernel.merge(1, parts, 64, stride, last - first + 1, kvHead, out, row);
  }

  private void check(Variant variant, CachedAttentionSpec spec, int length, int past) {
    String where = variant + ", " + spec + ", length " + length + " " + random;
    CachedAttentionCase data = CachedAttentionCase.of(spec, length, 1.5f, random);
    try (CachedAttentionKernel kernel = variant.make(spec, 2)) {
      float[] out = run(kernel, spec, data, length, past, CachedAttentionSpec.ROWS, where);
      for (int token = past; token < length; token++) {
        long from = (long) (token - past) * spec.outWidth();
        for (int head = 0; head < spec.heads(); head++) {
          data.assertRow(MemorySegment.ofArray(out), from, token, head, where);
        }
      }
      for (int rows : new int[] {1, 3, 0}) {
        float[] again = run(kernel, spec, data, length, past, rows, where);
        assertArrayEquals(out, again, where + ", " + rows + " rows a call");
      }
    }
  }

  @Test
  void staysWithinTheBoundOfItsRoundings() {
    int cases = 0;
    for (Variant variant : variants()) {
      for (KvType type : types()) {
        for (int headDim : new int[] {1, 7, 8, 20, 32, 64, 80, 128}) {
          for (int length : new int[] {1, 32, 33, 65}) {
            int past = headDim > 32 ? Math.max(0, length - 3) : length / 2;
            check(variant, spec(2, headDim, 0, 0, type), length, past);
            cases++;
          }
        }
        for (int group : new int[] {1, 3, 4, 7, 8}) {
          check(variant, spec(group, 16, 0, 0, type), 45, 30);
        }
      }
    }
    assertEquals(variants().size() * types().length * 8 * 4, cases);
  }

  @Test
  void segmentsOfALongContext() {
    for (Variant variant : variants()) {
      for (KvType type : types()) {
        for (int length : new int[] {255, 256, 257, 300, 777}) {
          check(variant, spec(2, 16, 0, 0, type), length, length - 3);
          check(variant, spec(3, 16, 0, 260, type), length, length - 11);
        }
      }
    }
  }

  @Test
  void windowsAndCaps() {
    for (Variant variant : variants()) {
      for (KvType type : types()) {
        for (int window : new int[] {1, 2, 5, 31, 32, 33, 64, 400}) {
          check(variant, spec(2, 24, 0, window, type), 71, 0);
          check(variant, spec(2, 24, 0, window, type), 515, 500);
        }
        check(variant, spec(4, 24, 50, 0, type), 71, 3);
        check(variant, spec(4, 24, 0.5f, 17, type), 71, 3);
      }
    }
  }

  @Test
  void extremeScores() {
    for (Variant variant : variants()) {
      for (KvType type : types()) {
        CachedAttentionSpec spec = spec(2, 8, 0, 0, type);
        for (float score : new float[] {0, 80, 200}) {
          // One component decides: scores are -score, 0 and score, with ties for the largest.
          CachedAttentionCase data = CachedAttentionCase.of(spec, 300, 0, random);
          for (int token = 0; token < 300; token++) {
            for (int head = 0; head < 4; head++) {
              data.rows()[data.query(token, head) + 5] = random.integer(0, 2) * 2 - 1;
            }
            for (int head = 0; head < 2; head++) {
              float key = random.integer(-1, 2) * score / spec.scale();
              data.rows()[data.key(token, head) + 5] = key;
            }
          }
          String where = variant + ", " + spec + ", scores " + score + " " + random;
          try (CachedAttentionKernel kernel = variant.make(spec, 2)) {
            float[] out = run(kernel, spec, data, 300, 290, 8, where);
            for (int token = 290; token < 300; token++) {
              for (int head = 0; head < 4; head++) {
                long from = (token - 290L) * spec.outWidth();
                data.assertRow(MemorySegment.ofArray(out), from, token, head, where);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void whatIsNotFiniteReachesTheRowsThatSeeItAndNoOther() {
    float[] values = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    for (Variant variant : variants()) {
      for (KvType type : types()) {
        for (float value : values) {
          for (float cap : new float[] {0, 30}) {
            CachedAttentionSpec spec = spec(2, 24, cap, 40, type);
            String where = variant + ", " + spec + ", " + value + " " + random;
            try (CachedAttentionKernel kernel = variant.make(spec, 2)) {
              for (int rows : new int[] {8, 1, 0}) {
                CachedAttentionCase data = CachedAttentionCase.of(spec, 90, 1, random);
                data.rows()[data.query(41, 0) + 23] = value; // head 0 of token 41
                data.rows()[data.key(43, 1) + 11] = value; // heads 2 and 3 of 43 to 82
                float[] out = run(kernel, spec, data, 90, 37, rows, where);
                for (int token = 37; token < 90; token++) {
                  for (int head = 0; head < 4; head++) {
                    boolean bad = head == 0 ? token == 41 : head > 1 && token >= 43 && token < 83;
                    assertNan(bad, out, ((token - 37) * 4 + head) * 24, 24, where + token);
                  }
                }
                data = CachedAttentionCase.of(spec, 90, 1, random);
                data.rows()[data.value(43, 0) + 7] = value; // an element of heads 0 and 1
                out = run(kernel, spec, data, 90, 37, rows, where);
                for (int token = 37; token < 90; token++) {
                  boolean bad = token >= 43 && token < 83;
                  int at = (token - 37) * 96;
                  assertNotFinite(bad, out[at + 7], where + ", token " + token);
                  assertNotFinite(bad, out[at + 24 + 7], where + ", token " + token);
                  // An int8 value has one scale, so all of it is NaN.
                  boolean others = bad && type == KvType.INT8;
                  assertNotFinite(others, out[at + 8], where + ", token " + token);
                  assertNotFinite(false, out[at + 48 + 7], where + ", token " + token);
                }
              }
            }
          }
        }
      }
    }
  }

  private static void assertNan(boolean expected, float[] out, int from, int count, Object where) {
    for (float x : Arrays.copyOfRange(out, from, from + count)) {
      assertEquals(expected, Float.isNaN(x), () -> where + ": " + x);
    }
  }

  private static void assertNotFinite(boolean expected, float x, Object where) {
    assertEquals(expected, !Float.isFinite(x), () -> where + ": " + x);
  }

  @Test
  void refusesWhatTheSpecDoesNotAllow() {
    CachedAttentionSpec spec = new CachedAttentionSpec(4, 2, 8, types()[0]);
    CachedAttentionCase data = CachedAttentionCase.of(spec, 40, 1, random);
    try (CachedAttentionKernel kernel = variants().getLast().make(spec, 1);
        GuardedMemory memory = new GuardedMemory()) {
      GuardedPages pages = data.pages(memory, LAYERS, LAYER);
      MemorySegment qkv = memory.floats(10 * spec.qkvWidth());
      MemorySegment out = memory.floats(10 * spec.outWidth());
      // row, rows, position, kvHead, layer
      int[][] bad = {
        {-1, 1, 0, 0, 0},
        {0, 0, 0, 0, 0},
        {0, 9, 0, 0, 0},
        {0, 1, -1, 0, 0},
        {0, 1, 64, 0, 0},
        {0, 2, 63, 0, 0},
        {0, 1, 0, 2, 0},
        {0, 1, 0, -1, 0},
        {0, 1, 0, 0, 2},
        {0, 1, 0, 0, -1}
      };
      for (int[] b : bad) {
        assertThrows(
            IllegalArgumentException.class,
            () -> kernel.run(0, qkv, b[0], b[1], b[2], b[3], pages, b[4], out),
            Arrays.toString(b));
      }
      CachedAttentionSpec other = new CachedAttentionSpec(4, 2, 16, types()[0]);
      CachedAttentionCase wrong = CachedAttentionCase.of(other, 40, 1, random);
      GuardedPages wrongPages = wrong.pages(memory, LAYERS, LAYER);
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> kernel.run(0, qkv, 0, 1, 0, 0, wrongPages, 0, out))
              .getMessage();
      assertTrue(message.contains("headDim=16"), message);
    }
  }
}
