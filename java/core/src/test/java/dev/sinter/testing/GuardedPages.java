package dev.sinter.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;

import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvPages;
import java.lang.foreign.MemorySegment;

/** Pages of a KV cache in {@link GuardedMemory}, each before an inaccessible page of its own. */
public final class GuardedPages implements KvPages {
  private final KvLayout layout;
  private final MemorySegment[] pages;
  private final MemorySegment table;

  /** Room for so many tokens; what is not written yet is NaN or 0 for every type. */
  public GuardedPages(GuardedMemory memory, KvLayout layout, int tokens) {
    this.layout = layout;
    pages = new MemorySegment[KvLayout.pages(tokens)];
    table = memory.allocate(8L * pages.length, 8);
    MemorySegment nan = memory.floats(2 * layout.headDim());
    nan.fill((byte) 0xFF);
    for (int i = 0; i < pages.length; i++) {
      pages[i] = memory.allocate(layout.pageBytes(), 64).fill((byte) 0);
      table.setAtIndex(ADDRESS, i, pages[i]);
      for (int layer = 0; layer < layout.layers(); layer++) {
        for (int head = 0; head < layout.kvHeads(); head++) {
          for (int slot = 0; slot < KvLayout.PAGE_TOKENS; slot++) {
            layout.write(pages[i], layout.offset(layer, head), slot, nan, 0, 4L * layout.headDim());
          }
        }
      }
    }
  }

  /** Stores the keys and values of a token. */
  public void write(int layer, int head, int token, MemorySegment rows, long key, long value) {
    MemorySegment page = pages[token / KvLayout.PAGE_TOKENS];
    int slot = token % KvLayout.PAGE_TOKENS;
    layout.write(page, layout.offset(layer, head), slot, rows, key, value);
  }

  @Override
  public KvLayout layout() {
    return layout;
  }

  @Override
  public int pages() {
    return pages.length;
  }

  @Override
  public MemorySegment page(int index) {
    return pages[index];
  }

  @Override
  public MemorySegment table() {
    return table;
  }
}
