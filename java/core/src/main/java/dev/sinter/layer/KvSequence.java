package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.ADDRESS;

import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvPages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The tokens of one sequence in a {@link KvCache}, made by {@link KvCache#open} or {@link #fork}.
 * Not thread-safe, but for {@link #close} and for what a pass does with it; sequences of one cache
 * may be used from different threads.
 */
public final class KvSequence implements KvPages, AutoCloseable {
  private static final int FIRST_CAPACITY = 8;

  private final KvCache cache;
  private int[] ids = new int[FIRST_CAPACITY];
  private MemorySegment[] segments = new MemorySegment[FIRST_CAPACITY];
  private int count; // pages
  private int length;
  private int writable; // tokens up to here may be written: their pages are there and not shared
  // Of the table alone, so that whoever holds the table keeps the pages: the cache frees these only
  // after the arenas of all sequences.
  private Arena arena = Arena.ofShared();
  private MemorySegment table = arena.allocate(ADDRESS, FIRST_CAPACITY);
  private volatile boolean closed;

  KvSequence(KvCache cache) {
    this.cache = cache;
  }

  /** Tokens present. */
  public int length() {
    return length;
  }

  /**
   * Makes room for more tokens, so that a pass can add them. A page that is shared with a fork is
   * copied if they would be written to it.
   *
   * @param tokens at least 0
   * @throws KvCacheFullException if the cache has no room for all of them; nothing has changed then
   */
  public synchronized void reserve(int tokens) {
    requireOpen();
    if (tokens < 0 || tokens > Integer.MAX_VALUE - KvLayout.PAGE_TOKENS - length) {
      throw new IllegalArgumentException("cannot reserve " + tokens + " tokens after " + length);
    }
    int last = length / KvLayout.PAGE_TOKENS; // the partial page, if it exists
    boolean copy = tokens > 0 && last < count && cache.isShared(ids[last]);
    int more = Math.max(0, KvLayout.pages(length + tokens) - count);
    int needed = more + (copy ? 1 : 0);
    if (needed > 0) {
      grow(count + needed);
      cache.take(ids, count, needed);
      if (copy) {
        replace(last, ids[count + more]);
      }
      for (int i = count; i < count + more; i++) {
        put(i, ids[i]);
      }
      count += more;
    }
    writable = Math.max(writable, length + tokens);
  }

  private void replace(int index, int fresh) {
    MemorySegment.copy(segments[index], 0, cache.page(fresh), 0, cache.layout().pageBytes());
    cache.giveBack(ids, index, index + 1);
    put(index, fresh);
  }

  private void put(int index, int id) {
    ids[index] = id;
    segments[index] = cache.page(id);
    table.setAtIndex(ADDRESS, index, segments[index]);
  }

  private void grow(int capacity) {
    if (capacity <= ids.length) {
      return;
    }
    int larger = Math.max(capacity, 2 * ids.length);
    Arena next = Arena.ofShared();
    MemorySegment copy = next.allocate(ADDRESS, larger);
    MemorySegment.copy(table, 0, copy, 0, 8L * count);
    ids = Arrays.copyOf(ids, larger);
    segments = Arrays.copyOf(segments, larger);
    Arena before = arena;
    table = copy;
    arena = next;
    close(before);
  }

  /**
   * Forgets all tokens from {@code length} on and gives back the pages that only they needed,
   * reserved ones among them.
   *
   * @param length 0 to {@link #length}
   */
  public synchronized void truncate(int length) {
    requireOpen();
    if (length < 0 || length > this.length) {
      throw new IllegalArgumentException("cannot truncate " + this.length + " tokens to " + length);
    }
    int kept = KvLayout.pages(length);
    cache.giveBack(ids, kept, count);
    count = kept;
    this.length = length;
    writable = length;
  }

  /**
   * A second sequence with the same tokens. Both share the pages until one of them writes to the
   * last.
   */
  public synchronized KvSequence fork() {
    requireOpen();
    KvSequence fork = cache.open();
    int shared = KvLayout.pages(length);
    fork.grow(shared);
    cache.share(ids, shared);
    for (int i = 0; i < shared; i++) {
      fork.put(i, ids[i]);
    }
    fork.count = shared;
    fork.length = length;
    fork.writable = length;
    writable = length; // until reserve has looked at the last page again
    return fork;
  }

  /** Gives the pages back. Idempotent; not to be called during a pass over this sequence. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    close(arena);
    cache.giveBack(ids, 0, count);
    cache.forget(this);
  }

  @Override
  public KvLayout layout() {
    return cache.layout();
  }

  @Override
  public int pages() {
    requireOpen();
    return count;
  }

  @Override
  public MemorySegment page(int index) {
    requireOpen();
    return segments[index];
  }

  @Override
  public MemorySegment table() {
    requireOpen();
    return table;
  }

  /** The page of a token that is about to be written. */
  MemorySegment writablePage(int token) {
    requireOpen();
    if (token < length || token >= writable) {
      throw new IllegalStateException(
          "token " + token + " of a sequence of " + length + " is not reserved up to " + writable);
    }
    return segments[token / KvLayout.PAGE_TOKENS];
  }

  /** Tokens that a pass has written are present from now on. */
  synchronized void append(int tokens) {
    requireOpen();
    if (tokens > writable - length) {
      throw new IllegalStateException(
          tokens + " tokens after " + length + " are not reserved up to " + writable);
    }
    length += tokens;
  }

  private void requireOpen() {
    if (closed) {
      cache.requireOpen(); // says that of the cache rather than of the sequence
      throw new IllegalStateException("the KV sequence is closed");
    }
  }

  /** Waits for native calls that hold the arena's memory. */
  static void close(Arena arena) {
    while (arena.scope().isAlive()) {
      try {
        arena.close();
      } catch (IllegalStateException e) {
        Thread.onSpinWait(); // a call is at work, for microseconds
      }
    }
  }
}
