package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvType;
import dev.sinter.testing.Allocation;
import dev.sinter.testing.CachedAttentionCase;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CachedAttentionTest {
  private static final int LAYERS = 3;
  private static final int LAYER = 2;
  private static final int MAX_ROWS = 64;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(2));

  @AfterEach
  void close() {
    sinter.close();
    arena.close();
  }

  /** Attention of one layer, pass by pass; each row is compared with what its case expects. */
  private final class Model implements AutoCloseable {
    final CachedAttentionSpec spec;
    final CachedAttention attention;
    final KvCache cache;
    final KvBatch batch = new KvBatch(MAX_ROWS);
    final MemorySegment qkv;
    final MemorySegment out;
    final ForwardPlan plan;
    final List<CachedAttentionCase> cases = new ArrayList<>();

    Model(Sinter sinter, CachedAttentionSpec spec) {
      this.spec = spec;
      attention = CachedAttention.of(sinter, spec);
      cache = KvCache.of(LAYERS, spec.kvHeads(), spec.headDim(), spec.type(), 64 << 20);
      qkv = arena.allocate(4L * MAX_ROWS * spec.qkvWidth(), 64);
      out = arena.allocate(4L * MAX_ROWS * spec.outWidth(), 64);
      List<ForwardPlan.Operation> operations = new ArrayList<>();
      operations.add(new RowOperation("store", batch::rows, attention.store(LAYER, qkv, batch)));
      operations.addAll(attention.operations("attention", LAYER, qkv, out, batch));
      plan = new ForwardPlan(operations);
    }

    void add(KvSequence sequence, CachedAttentionCase data, int rows) {
      batch.add(sequence, rows);
      int row = batch.start(batch.count() - 1);
      int width = spec.qkvWidth();
      MemorySegment.copy(
          data.rows(), sequence.length() * width, qkv, JAVA_FLOAT, 4L * row * width, rows * width);
      cases.add(data);
    }

    float[] pass(Sinter sinter) {
      sinter.pool().run(plan);
      for (int i = 0; i < batch.count(); i++) {
        for (int j = 0; j < batch.length(i); j++) {
          long from = (long) (batch.start(i) + j) * spec.outWidth();
          for (int head = 0; head < spec.heads(); head++) {
            int token = batch.past(i) + j;
            cases.get(i).assertRow(out, from, token, head, "sequence " + i + " " + random);
          }
        }
      }
      float[] results = out.asSlice(0, 4L * batch.rows() * spec.outWidth()).toArray(JAVA_FLOAT);
      batch.advance();
      cases.clear();
      return results;
    }

    @Override
    public void close() {
      cache.close();
      attention.close();
    }
  }

  @ParameterizedTest
  @EnumSource(KvType.class)
  void severalSequencesForksAndTruncation(KvType type) {
    CachedAttentionSpec spec = new CachedAttentionSpec(6, 2, 20, type);
    CachedAttentionCase a = CachedAttentionCase.of(spec, 330, 1, random);
    CachedAttentionCase b = CachedAttentionCase.of(spec, 330, 1, random);
    CachedAttentionCase c = CachedAttentionCase.of(spec, 330, 1, random);
    try (Model model = new Model(sinter, spec)) {
      KvSequence first = model.cache.open();
      KvSequence second = model.cache.open();
      model.add(first, a, 17);
      model.add(second, b, 30);
      model.pass(sinter);
      for (int i = 0; i < 5; i++) { // across the page's end of one of them
        model.add(second, b, 1);
        model.add(first, a, 3);
        model.pass(sinter);
      }
      for (int i = 0; i < 5; i++) { // past the first segment
        model.add(first, a, 48);
        model.add(second, b, 7);
        model.pass(sinter);
      }
      assertEquals(272, first.length());
      // The fork goes on with other tokens than the first.
      KvSequence fork = first.fork();
      System.arraycopy(a.rows(), 0, c.rows(), 0, 272 * spec.qkvWidth());
      for (int i = 0; i < 3; i++) {
        model.add(first, a, 1);
        model.add(fork, c, 1);
        model.add(second, b, 1);
        model.pass(sinter);
      }
      first.truncate(261);
      CachedAttentionCase d = CachedAttentionCase.of(spec, 330, 1, random);
      System.arraycopy(a.rows(), 0, d.rows(), 0, 261 * spec.qkvWidth());
      model.add(first, d, 12);
      model.add(fork, c, 2);
      model.pass(sinter);
      second.close();
      model.add(first, d, 1);
      model.pass(sinter);
      model.add(fork, c, 1);
      model.pass(sinter);
    }
  }

  @Test
  void resultsDoNotDependOnThreadsNorOnTheCutOfThePass() {
    CachedAttentionSpec spec = new CachedAttentionSpec(4, 2, 16, 0.25f, 20, 300, KvType.INT8);
    CachedAttentionCase a = CachedAttentionCase.of(spec, 600, 1, random);
    float[] expected = null;
    for (int threads : new int[] {1, 2, 3}) {
      for (int rows : new int[] {MAX_ROWS, 1, 13}) {
        try (Sinter other = Sinter.open(SinterOptions.defaults().withThreads(threads));
            Model model = new Model(other, spec)) {
          KvSequence sequence = model.cache.open();
          float[] all = new float[600 * spec.outWidth()];
          while (sequence.length() < 600) {
            int from = sequence.length();
            int some = Math.min(from < 500 ? MAX_ROWS : rows, 600 - from);
            model.add(sequence, a, some);
            float[] found = model.pass(other);
            System.arraycopy(found, 0, all, from * spec.outWidth(), found.length);
          }
          expected = expected == null ? all : expected;
          assertArrayEquals(expected, all, threads + " threads, " + rows + " rows " + random);
        }
      }
    }
  }

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void aPassAllocatesNothing() {
    for (KvType type : KvType.values()) {
      CachedAttentionSpec spec = new CachedAttentionSpec(4, 2, 16, type);
      CachedAttentionCase a = CachedAttentionCase.of(spec, 600, 1, random);
      try (Sinter single = Sinter.open(SinterOptions.defaults().withThreads(1));
          Model model = new Model(single, spec)) {
        KvSequence first = model.cache.open();
        for (int i = 0; i < 5; i++) {
          model.add(first, a, 60);
          single.pool().run(model.plan);
          model.batch.advance();
        }
        model.add(first, a, 1); // cut into segments
        model.add(model.cache.open(), a, 3);
        Allocation.assertNone(
            "a pass over a cache of " + type, () -> single.pool().run(model.plan));
      }
    }
  }

  @Test
  void aPassAfterCloseIsAnIllegalState() {
    CachedAttentionSpec spec = new CachedAttentionSpec(4, 2, 16, KvType.F32);
    CachedAttentionCase a = CachedAttentionCase.of(spec, 40, 1, random);
    for (boolean whole : new boolean[] {true, false}) {
      try (Model model = new Model(sinter, spec)) {
        KvSequence sequence = model.cache.open();
        model.add(sequence, a, 10);
        model.pass(sinter);
        model.add(sequence, a, 10);
        if (whole) {
          model.cache.close();
        } else {
          sequence.close();
        }
        String message =
            assertThrows(IllegalStateException.class, () -> model.pass(sinter)).getMessage();
        assertTrue(message.contains("is closed"), message);
        // The attention alone, without the store before it.
        ForwardPlan attend =
            new ForwardPlan(
                model.attention.operations("attention", LAYER, model.qkv, model.out, model.batch));
        assertThrows(IllegalStateException.class, () -> sinter.pool().run(attend));
      }
    }
  }

  @Test
  void closingTheCacheDuringPassesEndsThemWithAnIllegalState() throws InterruptedException {
    CachedAttentionSpec spec = new CachedAttentionSpec(4, 2, 16, KvType.F32);
    CachedAttentionCase a = CachedAttentionCase.of(spec, 600, 1, random);
    for (int round = 0; round < 20; round++) {
      try (Model model = new Model(sinter, spec)) {
        KvSequence sequence = model.cache.open();
        while (sequence.length() < 550) {
          model.add(sequence, a, 50);
          sinter.pool().run(model.plan);
          model.batch.advance();
        }
        model.add(sequence, a, 20);
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread thread =
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        while (true) {
                          sinter.pool().run(model.plan);
                        }
                      } catch (Throwable t) {
                        end.set(t);
                      }
                    });
        Thread.sleep(random.integer(0, 10));
        model.cache.close();
        thread.join();
        assertEquals(IllegalStateException.class, end.get().getClass(), () -> "" + end.get());
      }
    }
  }

  @Test
  void refusesACacheOfAnotherShape() {
    CachedAttentionSpec spec = new CachedAttentionSpec(4, 2, 16, KvType.F32);
    CachedAttentionCase a = CachedAttentionCase.of(spec, 4, 1, random);
    try (Model model = new Model(sinter, spec);
        KvCache other = KvCache.of(LAYERS, 2, 16, KvType.BF16, 1 << 20)) {
      model.add(other.open(), a, 2);
      String message =
          assertThrows(IllegalArgumentException.class, () -> model.pass(sinter)).getMessage();
      assertTrue(message.contains("BF16"), message);
      assertTrue(message.contains("F32 cache"), message);
    }
    assertThrows(
        IllegalArgumentException.class, () -> new CachedAttentionSpec(4, 3, 16, KvType.F32));
  }
}
