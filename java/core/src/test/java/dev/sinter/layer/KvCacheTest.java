package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class KvCacheTest {
  private static final KvLayout LAYOUT = new KvLayout(2, 3, 20, KvType.INT8);
  private static final long PAGE = LAYOUT.pageBytes();

  private static KvCache cache(long pages) {
    return KvCache.of(2, 3, 20, KvType.INT8, pages * PAGE + PAGE / 2);
  }

  @Test
  void layoutCountsWhatItHolds() {
    // keys 32 * 20, values 32 * 24, two times 32 scales: 1664 = 26 * 64 bytes
    assertEquals(1664, LAYOUT.headBytes());
    assertEquals(2 * 3 * 1664, PAGE);
    assertEquals(4 * 1664, LAYOUT.offset(1, 1));
    assertEquals(2 * 4 * 32 * 128, new KvLayout(1, 1, 128, KvType.F32).pageBytes());
    // an odd headDim: pairs of 8 elements, values of 8
    assertEquals(2 * 2 * 32 * 8, new KvLayout(1, 1, 7, KvType.BF16).pageBytes());
    assertEquals(0, KvLayout.pages(0));
    assertEquals(1, KvLayout.pages(32));
    assertEquals(2, KvLayout.pages(33));
  }

  @Test
  void growsByPagesAndGivesThemBack() {
    try (KvCache cache = cache(5)) {
      assertEquals(5 * PAGE + PAGE / 2, cache.maxBytes());
      KvSequence a = cache.open();
      assertEquals(0, cache.bytes());
      a.reserve(1);
      a.append(1);
      assertEquals(PAGE, cache.bytes());
      a.reserve(31);
      assertEquals(PAGE, cache.bytes());
      a.reserve(32);
      assertEquals(2 * PAGE, cache.bytes());
      a.append(32);
      assertEquals(33, a.length());
      a.truncate(32);
      assertEquals(PAGE, cache.bytes());
      a.reserve(4 * 32);
      assertEquals(5 * PAGE, cache.bytes());
      a.close();
      a.close();
      assertEquals(0, cache.bytes());
    }
  }

  @Test
  void addressesAreThoseOfThePages() {
    try (KvCache cache = KvCache.of(2, 3, 20, KvType.INT8, 1L << 30)) {
      KvSequence a = cache.open();
      KvSequence b = cache.open();
      Set<Long> all = new HashSet<>();
      for (int i = 1; i <= 700; i++) { // several slabs, several tables
        a.reserve(32);
        a.append(32);
        b.reserve(32);
        b.append(32);
        for (KvSequence s : List.of(a, b)) {
          MemorySegment page = s.page(i - 1);
          assertEquals(PAGE, page.byteSize());
          assertEquals(0, page.address() % 64);
          assertTrue(all.add(page.address()), "a page was given out twice");
        }
      }
      assertEquals(700, a.pages());
      for (int i = 0; i < 700; i++) {
        assertEquals(a.page(i).address(), a.table().getAtIndex(ADDRESS, i).address());
      }
    }
  }

  @Test
  void refusesWhatExceedsTheLimitAndLosesNothing() {
    try (KvCache cache = cache(3)) {
      KvSequence a = cache.open();
      a.reserve(40);
      a.append(40);
      KvSequence b = cache.open();
      b.reserve(32);
      KvCacheFullException full =
          assertThrows(KvCacheFullException.class, () -> a.reserve(2 * 32 - 8 + 1));
      assertEquals(2 * PAGE, full.needed());
      assertEquals(3 * PAGE, full.used());
      assertEquals(cache.maxBytes(), full.limit());
      assertTrue(
          full.getMessage().contains(2 * PAGE + " bytes needed, " + 3 * PAGE), full::getMessage);
      assertEquals(40, a.length());
      assertEquals(3 * PAGE, cache.bytes());
      a.reserve(24);
      b.close();
      a.reserve(25);
      assertEquals(3 * PAGE, cache.bytes());
    }
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> KvCache.of(2, 3, 20, KvType.INT8, PAGE - 1))
            .getMessage();
    assertTrue(message.contains(String.valueOf(PAGE)), message);
  }

  private static void fill(KvSequence sequence, int token, int value) {
    sequence.writablePage(token).set(JAVA_BYTE, token % KvLayout.PAGE_TOKENS, (byte) value);
  }

  private static int read(KvSequence sequence, int token) {
    MemorySegment page = sequence.page(token / KvLayout.PAGE_TOKENS);
    return page.get(JAVA_BYTE, token % KvLayout.PAGE_TOKENS);
  }

  @Test
  void forksShareUntilOneWrites() {
    try (KvCache cache = cache(5)) {
      KvSequence a = cache.open();
      a.reserve(70);
      for (int i = 0; i < 40; i++) {
        fill(a, i, i);
      }
      a.append(40);
      KvSequence b = a.fork();
      KvSequence c = b.fork();
      assertEquals(40, c.length());
      assertEquals(3 * PAGE, cache.bytes()); // one of them reserved by a
      // What a had reserved before the fork it may not write: the page is shared now.
      assertThrows(IllegalStateException.class, () -> fill(a, 40, 99));
      b.reserve(1);
      assertEquals(4 * PAGE, cache.bytes());
      assertEquals(a.page(0).address(), b.page(0).address());
      assertNotEquals(a.page(1).address(), b.page(1).address());
      fill(b, 40, 77);
      b.append(1);
      a.reserve(1);
      assertEquals(5 * PAGE, cache.bytes());
      fill(a, 40, 66);
      a.append(1);
      // The last one has its page for itself.
      long before = c.page(1).address();
      c.reserve(1);
      assertEquals(before, c.page(1).address());
      fill(c, 40, 55);
      for (KvSequence s : List.of(a, b, c)) {
        for (int i = 0; i < 40; i++) {
          assertEquals(i, read(s, i));
        }
      }
      assertEquals(66, read(a, 40));
      assertEquals(77, read(b, 40));
      assertEquals(55, read(c, 40));
      // A limit refuses the copy as well, and nothing changes.
      KvSequence d = c.fork();
      assertThrows(KvCacheFullException.class, () -> d.reserve(1));
      assertEquals(c.page(1).address(), d.page(1).address());
      a.close();
      d.reserve(1);
      assertNotEquals(c.page(1).address(), d.page(1).address());
      assertEquals(39, read(d, 39));
    }
  }

  @Test
  void truncatingIntoASharedPageCopiesItBeforeItIsRewritten() {
    try (KvCache cache = cache(5)) {
      KvSequence a = cache.open();
      a.reserve(64);
      for (int i = 0; i < 64; i++) {
        fill(a, i, i);
      }
      a.append(64);
      KvSequence b = a.fork();
      assertEquals(2 * PAGE, cache.bytes());
      b.truncate(20);
      assertEquals(2 * PAGE, cache.bytes());
      b.reserve(1);
      fill(b, 20, 111);
      assertEquals(20, read(a, 20));
      assertEquals(111, read(b, 20));
      assertEquals(3 * PAGE, cache.bytes());
      assertThrows(IllegalArgumentException.class, () -> b.truncate(21));
      assertThrows(IllegalArgumentException.class, () -> b.truncate(-1));
    }
  }

  @Test
  void usedAfterCloseIsAnIllegalState() {
    KvCache cache = cache(5);
    KvSequence a = cache.open();
    a.reserve(3);
    KvSequence b = a.fork();
    b.close();
    for (Runnable use :
        List.<Runnable>of(() -> b.reserve(1), () -> b.truncate(0), b::fork, b::table)) {
      String message = assertThrows(IllegalStateException.class, use::run).getMessage();
      assertTrue(message.contains("sequence is closed"), message);
    }
    KvBatch batch = new KvBatch(4);
    batch.add(a, 2);
    cache.close();
    cache.close();
    for (Runnable use :
        List.<Runnable>of(
            () -> a.reserve(1),
            () -> a.page(0),
            a::table,
            a::fork,
            cache::open,
            () -> a.writablePage(0),
            batch::advance)) {
      String message = assertThrows(IllegalStateException.class, use::run).getMessage();
      assertTrue(message.contains("KV cache is closed"), message);
    }
    a.close();
  }

  @Test
  void sequencesOfSeveralThreadsGetPagesOfTheirOwn() throws Exception {
    try (KvCache cache = cache(40);
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<?>> running = new ArrayList<>();
      for (int t = 1; t <= 4; t++) {
        int mark = t;
        running.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < 200; round++) {
                    try (KvSequence s = cache.open()) {
                      s.reserve(150);
                      for (int i = 0; i < 150; i++) {
                        fill(s, i, mark);
                      }
                      s.append(150);
                      try (KvSequence fork = s.fork()) {
                        fork.reserve(32);
                        fill(fork, 150, -mark);
                      }
                      for (int i = 0; i < 150; i++) {
                        assertEquals(mark, read(s, i));
                      }
                    }
                  }
                }));
      }
      for (Future<?> f : running) {
        f.get();
      }
      assertEquals(0, cache.bytes());
    }
  }
}
