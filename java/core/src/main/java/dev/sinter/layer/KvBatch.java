package dev.sinter.layer;

import dev.sinter.backend.CachedAttentionSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * How the rows of a pass divide into sequences: the new tokens of one sequence after another. It is
 * refilled for each pass; not thread-safe while it is.
 *
 * <p>The work of attention is cut into units: a single new row, as in decoding, has one for each
 * segment of its positions, more rows one for each block of them.
 */
public final class KvBatch {
  private final int maxRows;
  private final KvSequence[] sequences;
  private final int[] starts; // of each sequence; then the rows in all
  private final int[] positions; // of each row
  private int[] unitSequence = new int[16];
  private int[] unitIndex = new int[16]; // among those of its sequence
  private final int[] firstPart; // of each sequence that is cut into segments; else -1
  private int count;
  private int units;
  private int parts;
  private long partBytes; // the largest of those that are bound to this batch
  private MemorySegment partMemory = MemorySegment.NULL;

  /**
   * @param maxRows rows that the buffers of the pass can hold
   */
  public KvBatch(int maxRows) {
    if (maxRows < 1) {
      throw new IllegalArgumentException("maxRows must be at least 1, got " + maxRows);
    }
    this.maxRows = maxRows;
    sequences = new KvSequence[maxRows];
    starts = new int[maxRows + 1];
    positions = new int[maxRows];
    firstPart = new int[maxRows];
  }

  /** Forgets the sequences of the last pass. */
  public void clear() {
    Arrays.fill(sequences, 0, count, null);
    count = 0;
    units = 0;
    parts = 0;
  }

  /** Rows that still fit. */
  public int room() {
    return maxRows - rows();
  }

  /**
   * Appends the new rows of a sequence, and {@linkplain KvSequence#reserve reserves} room for them.
   *
   * @param rows at least 1
   * @throws IllegalArgumentException if the sequence is in the batch already, or the rows do not
   *     fit
   * @throws KvCacheFullException if the cache has no room; the batch is as it was then
   */
  public void add(KvSequence sequence, int rows) {
    if (rows < 1 || rows > room()) {
      throw new IllegalArgumentException(
          "rows must be 1 to " + room() + " after " + rows() + " of " + maxRows + ", got " + rows);
    }
    for (int i = 0; i < count; i++) {
      if (sequences[i] == sequence) {
        throw new IllegalArgumentException("the sequence is in the batch already, number " + i);
      }
    }
    sequence.reserve(rows);
    int past = sequence.length();
    sequences[count] = sequence;
    int start = starts[count];
    for (int i = 0; i < rows; i++) {
      positions[start + i] = past + i;
    }
    starts[count + 1] = start + rows;
    int segments = CachedAttentionSpec.segments(past + rows);
    boolean cut = rows == 1 && segments > 1;
    firstPart[count] = cut ? parts : -1;
    parts += cut ? segments : 0;
    addUnits(cut ? segments : Math.ceilDiv(rows, CachedAttentionSpec.ROWS));
    count++;
    ensureParts();
  }

  private void addUnits(int some) {
    if (units + some > unitSequence.length) {
      int larger = Math.max(units + some, 2 * unitSequence.length);
      unitSequence = Arrays.copyOf(unitSequence, larger);
      unitIndex = Arrays.copyOf(unitIndex, larger);
    }
    for (int i = 0; i < some; i++) {
      unitSequence[units + i] = count;
      unitIndex[units + i] = i;
    }
    units += some;
  }

  /** Number of sequences. */
  public int count() {
    return count;
  }

  /** First row of a sequence. */
  public int start(int sequence) {
    return starts[sequence];
  }

  /** New rows of a sequence. */
  public int length(int sequence) {
    return starts[sequence + 1] - starts[sequence];
  }

  /** Tokens of a sequence before its new rows. */
  public int past(int sequence) {
    return positions[starts[sequence]];
  }

  /** The sequence of that number. */
  public KvSequence sequence(int sequence) {
    return sequences[sequence];
  }

  /** Rows in all. */
  public int rows() {
    return starts[count];
  }

  /** Rows that the buffers of the pass can hold. */
  public int maxRows() {
    return maxRows;
  }

  /** Position of a row in its sequence. */
  public int position(int row) {
    return positions[row];
  }

  /**
   * After a pass: its rows are tokens of the sequences now. The batch is empty then.
   *
   * @throws IllegalStateException if a sequence is closed
   */
  public void advance() {
    for (int i = 0; i < count; i++) {
      sequences[i].append(length(i));
    }
    clear();
  }

  int units() {
    return units;
  }

  int unitSequence(int unit) {
    return unitSequence[unit];
  }

  int unitIndex(int unit) {
    return unitIndex[unit];
  }

  /** Whether the single row of a sequence is cut into segments. */
  boolean isCut(int sequence) {
    return firstPart[sequence] >= 0;
  }

  /** Number of the first part of a sequence that is cut. */
  int firstPart(int sequence) {
    return firstPart[sequence];
  }

  boolean hasParts() {
    return parts > 0;
  }

  /** Memory for all parts of a pass; layers use it in turn. */
  MemorySegment partMemory() {
    return partMemory;
  }

  /** Has {@link #partMemory} hold so many bytes for each part from now on. */
  void needParts(long bytes) {
    partBytes = Math.max(partBytes, bytes);
    ensureParts();
  }

  private void ensureParts() {
    long bytes = parts * partBytes;
    if (bytes > partMemory.byteSize()) {
      partMemory = Arena.ofAuto().allocate(Math.max(bytes, 2 * partMemory.byteSize()), 64);
    }
  }
}
