package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/**
 * Where the keys and values of one sequence lie: token t in page {@code t / KvLayout.PAGE_TOKENS},
 * at the place that {@link KvLayout} gives it.
 */
public interface KvPages {
  /** Of every page. */
  KvLayout layout();

  /** Pages there are; each has room for {@link KvLayout#PAGE_TOKENS} tokens. */
  int pages();

  /**
   * One page, of {@link KvLayout#pageBytes} bytes.
   *
   * @throws IllegalStateException after the pages were given back
   */
  MemorySegment page(int index);

  /**
   * The addresses of the pages, 8 bytes each, for native code. This segment is alive as long as the
   * pages are: a native call that is given it as an argument keeps them alive until it returns.
   *
   * @throws IllegalStateException after the pages were given back
   */
  MemorySegment table();
}
