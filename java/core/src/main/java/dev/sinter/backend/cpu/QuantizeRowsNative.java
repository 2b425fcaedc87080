package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/**
 * {@code quantize_rows} of libsinter: the formulas of {@link ActivationScheme}, bit for bit; with
 * {@code group_sums} behind it if sums of parts of the rows are wanted. Writes exactly the rows it
 * is asked for. Thread-safe for distinct rows.
 */
final class QuantizeRowsNative implements QuantizeKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  private final QuantizeSpec spec;
  private final Isa isa;
  private final String function;
  private final Arena arena = Arena.ofShared();
  private final QuantizeFormat format;

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  QuantizeRowsNative(QuantizeSpec spec, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    function = "sinter_quantize_rows_" + isa.text();
    format = new QuantizeFormat(spec, isa, arena);
  }

  @Override
  public String implementation() {
    return format.describe(function);
  }

  @Override
  public String isa() {
    return isa.text();
  }

  /**
   * @throws IllegalArgumentException if x is on the heap or too short, if out is for another spec,
   *     or if it lacks the rows
   */
  @Override
  public void run(MemorySegment x, ActivationBuffer out, int from, int to) {
    Rows.check(spec, x, out, from, to);
    if (from == to) {
      return;
    }
    MemorySegment f = format.segment();
    MemorySegment q = out.data();
    MemorySegment s = out.scales();
    MemorySegment z = out.zeroPoints();
    MemorySegment sums = out.sums();
    long n = to - from;
    long stride = out.stride();
    // Whole segments and the first row go down: slices would be objects on the heap.
    int status =
        switch (isa) {
          case AVX512, AVX512VNNI, AVX512BF16 ->
              sinter_quantize_rows_avx512(f, x, from, n, q, stride, s, z, sums);
          case AVX2, AVXVNNI -> sinter_quantize_rows_avx2(f, x, from, n, q, stride, s, z, sums);
          case SCALAR -> sinter_quantize_rows_scalar(f, x, from, n, q, stride, s, z, sums);
        };
    Rows.check(function, status);
    format.sum(out, from, n);
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
