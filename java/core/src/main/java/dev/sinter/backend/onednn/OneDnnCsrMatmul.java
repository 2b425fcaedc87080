package dev.sinter.backend.onednn;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.Mask;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * f32 weights as CSR on oneDNN, whatever their structure: N cut into {@link ColumnTiles}, M into
 * pieces of 8, 16 and 32 rows, filled up with zeros, as oneDNN takes twice as long for a single row
 * as for eight. Inputs are transposed for each tile, and results back, which is work for each call
 * and input: this is for few weights.
 */
final class OneDnnCsrMatmul implements MatmulKernel {
  /** Rows of the pieces. */
  static final int[] PIECES = {8, 16, 32};

  private static final int MOST_ROWS = 32;

  /** Memory that a worker transposes in. */
  private record Turned(MemorySegment x, MemorySegment y) {}

  private final OneDnnWorkers workers;
  private final MatmulSpec spec;
  private final ColumnTiles columns;
  private final CsrPrimitive.Rows[] rows; // by column tile
  private final CsrPrimitive[][][] primitives; // [worker][last column tile or not][piece]
  private final Turned[] turned;
  private final float[] bias;
  private final Arena arena = Arena.ofShared();
  private final String implementation;
  private final long bytes;

  OneDnnCsrMatmul(OneDnnWorkers workers, MatmulSpec spec, Sparse source, float[] bias) {
    this.workers = workers;
    this.spec = spec;
    this.bias = bias == null ? null : bias.clone();
    columns = new ColumnTiles(spec.n());
    rows = new CsrPrimitive.Rows[columns.count()];
    primitives = new CsrPrimitive[workers.count()][2][PIECES.length];
    turned = new Turned[workers.count()];
    try {
      // All tiles have room for the most that one has, so that they can share primitives.
      long room = 1;
      for (int t = 0; t < rows.length; t++) {
        room = Math.max(room, nonZeros(source.mask(), t));
      }
      bytes = pack(source, room);
      for (int w = 0; w < turned.length; w++) {
        turned[w] =
            new Turned(
                arena.allocate(4L * MOST_ROWS * spec.k(), ActivationBuffer.ALIGNMENT),
                arena.allocate(4L * MOST_ROWS * columns.width(0), ActivationBuffer.ALIGNMENT));
      }
      long places = room;
      workers.pool().run(worker -> createPrimitives(worker, places));
      implementation = primitives[0][0][0].implementation() + " (CSR)";
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private long nonZeros(Mask mask, int tile) {
    long count = 0;
    for (int n = columns.start(tile); n < columns.start(tile) + columns.width(tile); n++) {
      count += mask.count(n);
    }
    return count;
  }

  /** Returns the bytes of all. */
  private long pack(Sparse source, long room) {
    long pointers = 4L * (columns.width(0) + 1);
    long each = lines(4 * room) * 2 + lines(pointers);
    MemorySegment all = LargeMemory.allocate(arena, each * rows.length);
    SegmentAllocator parts = SegmentAllocator.slicingAllocator(all);
    float[] row = new float[spec.k()];
    for (int t = 0; t < rows.length; t++) {
      rows[t] =
          new CsrPrimitive.Rows(
              parts.allocate(lines(4 * room), ActivationBuffer.ALIGNMENT),
              parts.allocate(lines(4 * room), ActivationBuffer.ALIGNMENT),
              parts.allocate(lines(pointers), ActivationBuffer.ALIGNMENT));
      int count = 0;
      for (int i = 0; i < columns.width(t); i++) {
        source.decodeRow(columns.start(t) + i, row);
        for (int k = 0; k < row.length; k++) {
          if (row[k] != 0) {
            rows[t].values().setAtIndex(ValueLayout.JAVA_FLOAT, count, row[k]);
            rows[t].indices().setAtIndex(ValueLayout.JAVA_INT, count++, k);
          }
        }
        rows[t].pointers().setAtIndex(ValueLayout.JAVA_INT, i + 1, count);
      }
    }
    return each * rows.length + (bias == null ? 0 : 4L * bias.length);
  }

  private static long lines(long bytes) {
    return Math.ceilDiv(bytes, ActivationBuffer.ALIGNMENT) * ActivationBuffer.ALIGNMENT;
  }

  private void createPrimitives(WorkerPool.Worker worker, long room) {
    for (int last = 0; last < 2; last++) {
      int n = columns.width(last == 0 ? 0 : columns.count() - 1);
      for (int piece = 0; piece < PIECES.length; piece++) {
        primitives[worker.index()][last][piece] =
            workers.csrPrimitive(n, spec.k(), room, PIECES[piece]);
      }
    }
  }

  @Override
  public String implementation() {
    return implementation;
  }

  @Override
  public String isa() {
    return OneDnn.effectiveIsa();
  }

  @Override
  public int codeColumns() {
    return spec.k();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public int tiles(int m) {
    return columns.count() * Math.ceilDiv(m, MOST_ROWS);
  }

  @Override
  public void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    spec.checkNativeCall(m, x, spec.k(), y);
    int pieces = Math.ceilDiv(m, MOST_ROWS);
    int column = tile / pieces;
    int first = tile % pieces * MOST_ROWS;
    int count = Math.min(MOST_ROWS, m - first);
    int piece = count <= PIECES[0] ? 0 : count <= PIECES[1] ? 1 : 2;
    Turned memory = turned[worker];
    turnInputs(x.data(), first, count, PIECES[piece], memory.x());
    int last = column == columns.count() - 1 ? 1 : 0;
    workers.execute(worker, primitives[worker][last][piece], rows[column], memory.x(), memory.y());
    writeResults(memory.y(), PIECES[piece], column, first, count, y);
  }

  private void turnInputs(MemorySegment x, int first, int count, int width, MemorySegment out) {
    for (int r = 0; r < width; r++) {
      long row = (long) (first + Math.min(r, count - 1)) * spec.k();
      for (int k = 0; k < spec.k(); k++) {
        float v = r < count ? x.getAtIndex(ValueLayout.JAVA_FLOAT, row + k) : 0;
        out.setAtIndex(ValueLayout.JAVA_FLOAT, (long) k * width + r, v);
      }
    }
  }

  private void writeResults(
      MemorySegment sums, int width, int column, int first, int count, MemorySegment y) {
    boolean residual = spec.epilogue().residual();
    for (int r = 0; r < count; r++) {
      long row = (long) (first + r) * spec.n();
      for (int i = 0; i < columns.width(column); i++) {
        int n = columns.start(column) + i;
        float v = sums.getAtIndex(ValueLayout.JAVA_FLOAT, (long) i * width + r);
        v = bias == null ? v : v + bias[n];
        v = residual ? v + y.getAtIndex(ValueLayout.JAVA_FLOAT, row + n) : v;
        y.setAtIndex(ValueLayout.JAVA_FLOAT, row + n, v);
      }
    }
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      for (CsrPrimitive[][] ofWorker : primitives) {
        for (CsrPrimitive[] ofTile : ofWorker) {
          for (CsrPrimitive primitive : ofTile) {
            if (primitive != null) {
              primitive.close();
            }
          }
        }
      }
      arena.close();
    }
  }
}
