package dev.sinter.layer;

import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvType;
import dev.sinter.runtime.LargeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Keys and values of all layers of a model for any number of sequences, in pages of {@link
 * KvLayout#PAGE_TOKENS} tokens with a limit on their memory. Memory is taken from the system as it
 * is needed and kept until {@link #close}; pages that a sequence gives back are used again.
 *
 * <p>Thread-safe; a {@link KvSequence} is not.
 */
public final class KvCache implements AutoCloseable {
  /** The first piece of memory that is taken from the system; later ones double what there is. */
  private static final long FIRST_SLAB = 4L << 20;

  private static final long LARGEST_SLAB = 64L << 20;

  private final KvLayout layout;
  private final int limit; // pages
  private final long maxBytes;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> pages = new ArrayList<>();
  private final Set<KvSequence> sequences = new HashSet<>();
  private int[] references = {}; // of each page
  private int[] free = {}; // a stack of pages
  private int freeCount;
  private boolean closed;

  private KvCache(KvLayout layout, long maxBytes) {
    this.layout = layout;
    this.maxBytes = maxBytes;
    limit = (int) Math.min(Integer.MAX_VALUE, maxBytes / layout.pageBytes());
  }

  /**
   * @param layers layers of the model
   * @param kvHeads heads of keys and values in each
   * @param headDim elements of a head
   * @param maxBytes limit on the memory of pages, at least one page
   * @throws IllegalArgumentException if a size is out of range, or the limit below one page
   */
  public static KvCache of(int layers, int kvHeads, int headDim, KvType type, long maxBytes) {
    KvLayout layout = new KvLayout(layers, kvHeads, headDim, type);
    if (maxBytes < layout.pageBytes()) {
      throw new IllegalArgumentException(
          "maxBytes "
              + maxBytes
              + " is less than one page of "
              + KvLayout.PAGE_TOKENS
              + " tokens, "
              + layout.pageBytes()
              + " bytes");
    }
    return new KvCache(layout, maxBytes);
  }

  /** What a page looks like. */
  public KvLayout layout() {
    return layout;
  }

  /** Bytes of the pages that sequences hold; a shared page counts once. */
  public synchronized long bytes() {
    return (pages.size() - freeCount) * layout.pageBytes();
  }

  /** The limit on {@link #bytes}. */
  public long maxBytes() {
    return maxBytes;
  }

  /**
   * A new, empty sequence; it takes pages when it grows.
   *
   * @throws IllegalStateException if the cache is closed
   */
  public synchronized KvSequence open() {
    requireOpen();
    KvSequence sequence = new KvSequence(this);
    sequences.add(sequence);
    return sequence;
  }

  /**
   * Closes all sequences and frees the memory. Waits for native calls that are at work on it; later
   * use of a sequence, and a forward pass over one, is an IllegalStateException. Idempotent.
   */
  @Override
  public void close() {
    List<KvSequence> open;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      open = List.copyOf(sequences);
    }
    open.forEach(KvSequence::close);
    KvSequence.close(arena);
  }

  synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the KV cache is closed");
    }
  }

  /**
   * Gives out pages with one reference each: all of them or none.
   *
   * @throws KvCacheFullException if so many are not left
   */
  synchronized void take(int[] ids, int from, int count) {
    requireOpen();
    int used = pages.size() - freeCount;
    if (count > limit - used) {
      long page = layout.pageBytes();
      throw new KvCacheFullException(count * page, used * page, maxBytes);
    }
    while (freeCount < count) {
      grow();
    }
    for (int i = from; i < from + count; i++) {
      ids[i] = free[--freeCount];
      references[ids[i]] = 1;
    }
  }

  private void grow() {
    long page = layout.pageBytes();
    long slab = Math.clamp(pages.size() * page, FIRST_SLAB, LARGEST_SLAB);
    int count = Math.clamp(slab / page, 1, limit - pages.size());
    MemorySegment memory = LargeMemory.allocate(arena, count * page);
    references = Arrays.copyOf(references, pages.size() + count);
    free = Arrays.copyOf(free, pages.size() + count);
    for (int i = count - 1; i >= 0; i--) { // the first page of the slab ends up on top
      free[freeCount++] = pages.size() + i;
    }
    for (int i = 0; i < count; i++) {
      pages.add(memory.asSlice(i * page, page));
    }
  }

  synchronized MemorySegment page(int id) {
    return pages.get(id);
  }

  synchronized boolean isShared(int id) {
    return references[id] > 1;
  }

  synchronized void share(int[] ids, int count) {
    for (int i = 0; i < count; i++) {
      references[ids[i]]++;
    }
  }

  synchronized void giveBack(int[] ids, int from, int to) {
    for (int i = from; i < to; i++) {
      if (--references[ids[i]] == 0) {
        free[freeCount++] = ids[i];
      }
    }
  }

  synchronized void forget(KvSequence sequence) {
    sequences.remove(sequence);
  }
}
