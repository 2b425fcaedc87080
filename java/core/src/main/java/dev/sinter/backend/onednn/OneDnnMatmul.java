package dev.sinter.backend.onednn;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * A matmul on oneDNN: N cut into {@link ColumnTiles}, M into {@link RowBuckets}, one primitive a
 * worker and cut, all created here. A tile is one column tile of one row bucket.
 */
final class OneDnnMatmul implements MatmulKernel {
  private final MatmulSpec spec;
  private final MatmulShape.Type type;
  private final ColumnTiles columns;
  private final int k; // with the zero-point columns
  private final OneDnnWorkers workers;
  private final MatmulPrimitive[][][] primitives; // [worker][last column tile or not][bucket]
  private final Arena arena = Arena.ofShared();
  private final MatmulPrimitive.Operands[] operands; // by column tile
  private final String implementation;
  private final long bytes;

  OneDnnMatmul(
      OneDnnWorkers workers, MatmulSpec spec, CompressedTensor source, float[] biasValues) {
    this.workers = workers;
    this.spec = spec;
    type = type(spec);
    columns = new ColumnTiles(spec.n());
    int extra = source instanceof Quantized q ? ZeroPointColumns.count(q) : 0;
    k = spec.k() + extra;
    primitives = new MatmulPrimitive[workers.count()][][];
    operands = new MatmulPrimitive.Operands[columns.count()];
    long sum = 0;
    try {
      workers.pool().run(this::createPrimitives);
      MemorySegment bias = biasValues == null ? null : floats(biasValues);
      MemorySegment scales = source instanceof Quantized q ? channelScales(q) : null;
      for (int t = 0; t < operands.length; t++) {
        sum += weightsBytes(t);
      }
      MemorySegment weights = LargeMemory.allocate(arena, sum);
      long at = 0;
      for (int t = 0; t < operands.length; t++) {
        operands[t] =
            new MatmulPrimitive.Operands(
                weights.asSlice(at, widest(0, t).weightsBytes()),
                columns(scales, t),
                columns(bias, t));
        at += weightsBytes(t);
      }
      sum += bytes(bias) + bytes(scales);
      workers
          .pool()
          .run(w -> w.forEachTile(columns.count(), (worker, t) -> pack(worker, t, source, extra)));
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    bytes = sum;
    implementation = names();
  }

  /** Packed weights of one column tile, whole cache lines. */
  private long weightsBytes(int tile) {
    long lines = Math.ceilDiv(widest(0, tile).weightsBytes(), ActivationBuffer.ALIGNMENT);
    return lines * ActivationBuffer.ALIGNMENT;
  }

  private static long bytes(MemorySegment s) {
    return s == null ? 0 : s.byteSize();
  }

  /** The values of one column tile. */
  private MemorySegment columns(MemorySegment floats, int tile) {
    return floats == null
        ? null
        : floats.asSlice(4L * columns.start(tile), 4L * columns.width(tile));
  }

  /** What oneDNN computes for a spec; null for types it has no fast code for. */
  static MatmulShape.Type type(MatmulSpec spec) {
    ActivationScheme activations = spec.activations();
    return switch (spec.weights()) {
      case F32 -> activations == ActivationScheme.FLOAT ? MatmulShape.Type.F32 : null;
      case BF16 -> activations == ActivationScheme.BF16 ? MatmulShape.Type.BF16 : null;
      case null ->
          spec.int8() && activations == ActivationScheme.U8_PER_TOKEN
              ? MatmulShape.Type.U8S8
              : null;
      default -> null;
    };
  }

  private void createPrimitives(WorkerPool.Worker worker) {
    int buckets = RowBuckets.SIZES.length;
    MatmulPrimitive[][] mine = new MatmulPrimitive[2][buckets];
    for (int last = 0; last < 2; last++) {
      int n = columns.width(last == 0 ? 0 : columns.count() - 1);
      // All buckets read one packing: the one that the largest likes best.
      MatmulShape shape = shape(RowBuckets.SIZES[buckets - 1], n);
      MatmulPrimitive largest = workers.primitive(worker.index(), shape, null);
      mine[last][buckets - 1] = largest;
      for (int b = 0; b < buckets - 1; b++) {
        mine[last][b] =
            workers.primitive(
                worker.index(), shape.withM(RowBuckets.SIZES[b]), largest.weightsLayout());
      }
    }
    primitives[worker.index()] = mine;
  }

  private MatmulShape shape(int m, int n) {
    return new MatmulShape(type, m, k, n, k, spec.n(), spec.epilogue());
  }

  private void pack(int worker, int tile, CompressedTensor source, int extra) {
    int from = columns.start(tile);
    int to = from + columns.width(tile);
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment rows;
      if (source instanceof Quantized q) {
        rows = scratch.allocate((long) (to - from) * k, ActivationBuffer.ALIGNMENT);
        ZeroPointColumns.copyRows(q, from, to, extra, rows);
      } else {
        MemorySegment data = ((Dense) source).data();
        long rowBytes = spec.weights().bytes() * (long) k;
        rows = data.asSlice(from * rowBytes, (to - from) * rowBytes);
      }
      workers.reorder(
          worker,
          rows,
          MatmulPrimitive.weightsType(type),
          to - from,
          k,
          widest(worker, tile).weightsLayout(),
          operands[tile].weights());
    }
  }

  private MatmulPrimitive widest(int worker, int tile) {
    return primitives[worker][last(tile)][RowBuckets.SIZES.length - 1];
  }

  private int last(int tile) {
    return tile == columns.count() - 1 ? 1 : 0;
  }

  private MemorySegment channelScales(Quantized q) {
    float[] scales = new float[q.rows()];
    for (int n = 0; n < scales.length; n++) {
      scales[n] = q.scale(n);
    }
    return floats(scales);
  }

  private MemorySegment floats(float[] values) {
    MemorySegment s = arena.allocate(4L * values.length, ActivationBuffer.ALIGNMENT);
    MemorySegment.copy(values, 0, s, ValueLayout.JAVA_FLOAT, 0, values.length);
    return s;
  }

  private String names() {
    return Arrays.stream(primitives[0])
        .flatMap(Arrays::stream)
        .map(MatmulPrimitive::implementation)
        .distinct()
        .sorted()
        .collect(Collectors.joining(", "));
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
    return k;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public int tiles(int m) {
    return RowBuckets.pieces(m) * columns.count();
  }

  @Override
  public void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    spec.checkNativeCall(m, x, k, y);
    // Row pieces of one column tile come one after another, so its weights stay in the cache.
    int pieces = RowBuckets.pieces(m);
    int column = tile / pieces;
    int piece = tile % pieces;
    long row = RowBuckets.firstRow(m, piece);
    workers.execute(
        worker,
        primitives[worker][last(column)][RowBuckets.bucket(m, piece)],
        operands[column],
        x.data(),
        row * k * spec.activations().bytes(),
        x.scales(),
        4 * row,
        y,
        4 * (row * spec.n() + columns.start(column)));
  }

  /**
   * The integer accumulators of {@code m} rows, one of the bucket sizes: what the primitives sum up
   * before scales and epilogue. For tests that compare them bit for bit.
   *
   * @param out int32 [m, N]
   */
  void accumulators(int worker, int m, ActivationBuffer x, MemorySegment out) {
    for (int t = 0; t < columns.count(); t++) {
      MatmulShape shape =
          new MatmulShape(
              MatmulShape.Type.U8S8_ACCUMULATORS,
              m,
              k,
              columns.width(t),
              k,
              spec.n(),
              Epilogue.NONE);
      workers.execute(
          worker,
          workers.primitive(worker, shape, widest(worker, t).weightsLayout()),
          operands[t],
          x.data(),
          0,
          null,
          0,
          out,
          4L * columns.start(t));
    }
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
