package dev.sinter.backend;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.sinter.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * What a page of a KV cache looks like: the keys and values of {@link #PAGE_TOKENS} tokens of a
 * sequence, for all layers.
 *
 * <pre>
 * page   [layers][kvHeads] heads, each a multiple of 64 bytes
 * head   keys    F32:        [headDim][PAGE_TOKENS]
 *                BF16, INT8: [ceil(headDim / 2)][PAGE_TOKENS][2]
 *        values  [PAGE_TOKENS][headDim rounded up to 8]
 *        scales  INT8 only: f32 [PAGE_TOKENS] of the keys, then as many of the values
 * </pre>
 *
 * Keys lie with the tokens of a page side by side, so that their products with a query fill the
 * lanes of a vector and nothing is summed across lanes; pairs of 8-bit codes widen to the pairs of
 * 16 bits that integer dot products take. What is padding is 0.
 *
 * @param layers layers of the model
 * @param kvHeads heads of keys and values in each layer
 * @param headDim elements of a head, at most {@link #MAX_HEAD_DIM}
 */
public record KvLayout(int layers, int kvHeads, int headDim, KvType type) {
  /** Tokens of a page. */
  public static final int PAGE_TOKENS = 32;

  /** Of a head. */
  public static final int MAX_HEAD_DIM = 512;

  public KvLayout {
    Objects.requireNonNull(type, "type");
    if (layers < 1 || kvHeads < 1 || headDim < 1 || headDim > MAX_HEAD_DIM) {
      throw new IllegalArgumentException(
          "layers and kvHeads must be at least 1, headDim 1 to "
              + MAX_HEAD_DIM
              + ", got "
              + layers
              + ", "
              + kvHeads
              + ", "
              + headDim);
    }
  }

  /** Bytes of the keys of one head. */
  public long keyBytes() {
    int columns = type == KvType.F32 ? headDim : Math.ceilDiv(headDim, 2) * 2;
    return (long) PAGE_TOKENS * columns * type.bytes();
  }

  /** Elements from the value of one token to that of the next. */
  public int valueStride() {
    return Math.ceilDiv(headDim, 8) * 8;
  }

  /** Bytes of the values of one head. */
  public long valueBytes() {
    return (long) PAGE_TOKENS * valueStride() * type.bytes();
  }

  /** Bytes of one head: keys, values and their scales. */
  public long headBytes() {
    long scales = type == KvType.INT8 ? 2 * 4 * PAGE_TOKENS : 0;
    return Math.ceilDiv(keyBytes() + valueBytes() + scales, 64) * 64;
  }

  /** Bytes of a page. */
  public long pageBytes() {
    return headBytes() * kvHeads * layers;
  }

  /** Pages that hold so many tokens. */
  public static int pages(int tokens) {
    return Math.ceilDiv(tokens, PAGE_TOKENS);
  }

  /** Where a head of a layer begins in a page, in bytes. */
  public long offset(int layer, int kvHead) {
    return headBytes() * ((long) layer * kvHeads + kvHead);
  }

  /**
   * Element of a key.
   *
   * @param head {@link #offset}
   * @param slot token of the page
   */
  public float key(MemorySegment page, long head, int slot, int element) {
    return switch (type) {
      case F32 -> page.get(JAVA_FLOAT, head + keyAt(slot, element));
      case BF16 -> bf16(page.get(JAVA_SHORT, head + keyAt(slot, element)));
      case INT8 ->
          page.get(JAVA_BYTE, head + keyAt(slot, element))
              * page.get(JAVA_FLOAT, keyScale(head, slot));
    };
  }

  /** Element of a value, as {@link #key}. */
  public float value(MemorySegment page, long head, int slot, int element) {
    return switch (type) {
      case F32 -> page.get(JAVA_FLOAT, head + valueAt(slot, element));
      case BF16 -> bf16(page.get(JAVA_SHORT, head + valueAt(slot, element)));
      case INT8 ->
          page.get(JAVA_BYTE, head + valueAt(slot, element))
              * page.get(JAVA_FLOAT, valueScale(head, slot));
    };
  }

  /**
   * All keys of a head as f32 [headDim][PAGE_TOKENS].
   *
   * @param head {@link #offset}
   * @param to gets them from {@code at} on, in bytes
   */
  public void decodeKeys(MemorySegment page, long head, MemorySegment to, long at) {
    int step = type == KvType.F32 ? 1 : 2; // of the tokens of a row
    for (int element = 0; element < headDim; element++) {
      long row = head + keyAt(0, element);
      long target = at + 4L * element * PAGE_TOKENS;
      decode(page, row, step, keyScale(head, 0), to, target, PAGE_TOKENS);
    }
  }

  /** All values of a head as f32 [PAGE_TOKENS][{@link #valueStride}], as {@link #decodeKeys}. */
  public void decodeValues(MemorySegment page, long head, MemorySegment to, long at) {
    for (int slot = 0; slot < PAGE_TOKENS; slot++) {
      long row = head + valueAt(slot, 0);
      long target = at + 4L * slot * valueStride();
      decode(page, row, 1, 0, to, target, headDim);
      if (type == KvType.INT8) {
        float scale = page.get(JAVA_FLOAT, valueScale(head, slot));
        for (int i = 0; i < headDim; i++) {
          to.set(JAVA_FLOAT, target + 4L * i, to.get(JAVA_FLOAT, target + 4L * i) * scale);
        }
      }
    }
  }

  /** Elements {@code step} apart; scales of each of them at that place, or none at 0. */
  private void decode(
      MemorySegment page, long from, int step, long scales, MemorySegment to, long at, int count) {
    switch (type) {
      case F32 -> MemorySegment.copy(page, from, to, at, 4L * count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to.set(JAVA_FLOAT, at + 4L * i, bf16(page.get(JAVA_SHORT, from + 2L * i * step)));
        }
      }
      case INT8 -> {
        for (int i = 0; i < count; i++) {
          float scale = scales == 0 ? 1 : page.get(JAVA_FLOAT, scales + 4L * i);
          to.set(JAVA_FLOAT, at + 4L * i, page.get(JAVA_BYTE, from + (long) i * step) * scale);
        }
      }
    }
  }

  /**
   * Writes key and value of one token.
   *
   * @param head {@link #offset}
   * @param slot token of the page
   * @param rows where the two are, f32
   * @param key where the key begins, in bytes; {@code value} likewise
   */
  public void write(
      MemorySegment page, long head, int slot, MemorySegment rows, long key, long value) {
    switch (type) {
      case F32 -> {
        for (int i = 0; i < headDim; i++) {
          page.set(JAVA_FLOAT, head + keyAt(slot, i), rows.get(JAVA_FLOAT_UNALIGNED, key + 4L * i));
        }
        MemorySegment.copy(rows, value, page, head + valueAt(slot, 0), 4L * headDim);
      }
      case BF16 -> {
        for (int i = 0; i < headDim; i++) {
          page.set(JAVA_SHORT, head + keyAt(slot, i), rounded(rows, key, i));
          page.set(JAVA_SHORT, head + valueAt(slot, i), rounded(rows, value, i));
        }
      }
      case INT8 -> {
        float scale = scale(rows, key);
        page.set(JAVA_FLOAT, keyScale(head, slot), scale);
        for (int i = 0; i < headDim; i++) {
          page.set(JAVA_BYTE, head + keyAt(slot, i), code(rows, key, i, scale));
        }
        scale = scale(rows, value);
        page.set(JAVA_FLOAT, valueScale(head, slot), scale);
        for (int i = 0; i < headDim; i++) {
          page.set(JAVA_BYTE, head + valueAt(slot, i), code(rows, value, i, scale));
        }
      }
    }
  }

  /** From the start of a head. */
  private long keyAt(int slot, int element) {
    return switch (type) {
      case F32 -> 4L * (element * PAGE_TOKENS + slot);
      case BF16 -> 2L * (element / 2 * PAGE_TOKENS * 2 + slot * 2 + element % 2);
      case INT8 -> element / 2 * PAGE_TOKENS * 2 + slot * 2L + element % 2;
    };
  }

  private long valueAt(int slot, int element) {
    return keyBytes() + (long) type.bytes() * (slot * valueStride() + element);
  }

  private long keyScale(long head, int slot) {
    return head + keyBytes() + valueBytes() + 4L * slot;
  }

  private long valueScale(long head, int slot) {
    return keyScale(head, slot) + 4L * PAGE_TOKENS;
  }

  private static float bf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  private static short rounded(MemorySegment rows, long from, int i) {
    return DType.roundToBf16(rows.get(JAVA_FLOAT_UNALIGNED, from + 4L * i));
  }

  private float scale(MemorySegment rows, long from) {
    int most = 0;
    for (int i = 0; i < headDim; i++) {
      float x = rows.get(JAVA_FLOAT_UNALIGNED, from + 4L * i);
      most = Math.max(most, Float.floatToRawIntBits(x) & 0x7fffffff); // magnitudes order as ints do
    }
    return most < 0x7f800000 ? Float.intBitsToFloat(most) / 127 : Float.NaN;
  }

  private static byte code(MemorySegment rows, long from, int i, float scale) {
    if (!(scale > 0)) {
      return 0;
    }
    float x = rows.get(JAVA_FLOAT_UNALIGNED, from + 4L * i) / scale;
    return (byte) Math.clamp((int) Math.rint(x), -127, 127);
  }
}
