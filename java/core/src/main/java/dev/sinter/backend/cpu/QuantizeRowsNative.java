package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * {@code quantize_rows} of libsinter: the formulas of {@link ActivationScheme}, bit for bit; with
 * {@code group_sums} behind it if sums of parts of the rows are wanted. Writes exactly the rows it
 * is asked for. Thread-safe for distinct rows.
 */
final class QuantizeRowsNative implements QuantizeKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  /** The schemes of sinter.h. */
  private enum Codes {
    U8,
    S8,
    S8Z;

    static Codes of(QuantizeSpec spec) {
      if (spec.scheme() == ActivationScheme.S8_PER_TOKEN) {
        return S8;
      }
      return spec.signedCodes() ? S8Z : U8;
    }
  }

  private final QuantizeSpec spec;
  private final int width;
  private final Isa isa;
  private final Codes codes;
  private final String function;
  private final String sumFunction;

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  QuantizeRowsNative(QuantizeSpec spec, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    width = spec.width();
    codes = Codes.of(spec);
    function = "sinter_quantize_rows_" + codes.name().toLowerCase(Locale.ROOT) + "_" + isa.text();
    sumFunction = "sinter_group_sums_" + (isa == Isa.SCALAR ? "scalar" : "avx2");
  }

  @Override
  public String implementation() {
    return spec.sumStep() == 0 ? function : function + ", " + sumFunction;
  }

  @Override
  public String isa() {
    return isa.text();
  }

  /**
   * @throws IllegalArgumentException if x is on the heap or too short, if out is for another scheme
   *     or width, or if it lacks the rows
   */
  @Override
  public void run(MemorySegment x, ActivationBuffer out, int from, int to) {
    Rows.check(spec, x, out, from, to);
    if (from == to) {
      return;
    }
    MemorySegment q = out.data();
    MemorySegment s = out.scales();
    MemorySegment z = out.zeroPoints();
    // Whole segments and the first row go down: slices would be objects on the heap.
    int status =
        switch (isa) {
          case AVX512, AVX512VNNI -> avx512(x, from, to - from, q, out.stride(), s, z, out.sums());
          case AVX2, AVXVNNI -> avx2(x, from, to - from, q, out.stride(), s, z, out.sums());
          case SCALAR -> scalar(x, from, to - from, q, out.stride(), s, z, out.sums());
        };
    check(function, status);
    if (spec.sumStep() != 0) {
      sum(out, from, to - from);
    }
  }

  private void sum(ActivationBuffer out, long first, long rows) {
    MemorySegment q = out.data();
    MemorySegment z = out.zeroPoints();
    long stride = out.stride();
    long step = spec.sumStep();
    MemorySegment sums = out.stepSums();
    int status =
        isa == Isa.SCALAR
            ? sinter_group_sums_scalar(q, first, rows, width, stride, z, 0, step, sums)
            : sinter_group_sums_avx2(q, first, rows, width, stride, z, 0, step, sums);
    check(sumFunction, status);
  }

  private static void check(String function, int status) {
    if (status != SINTER_OK()) {
      throw new NativeException(function, status, sinter_status_text(status).getString(0));
    }
  }

  private int avx512(
      MemorySegment x,
      long first,
      long rows,
      MemorySegment q,
      long stride,
      MemorySegment s,
      MemorySegment z,
      MemorySegment sums) {
    return switch (codes) {
      case U8 -> sinter_quantize_rows_u8_avx512(x, first, rows, width, q, stride, s, z, sums);
      case S8 -> sinter_quantize_rows_s8_avx512(x, first, rows, width, q, stride, s, z, sums);
      case S8Z -> sinter_quantize_rows_s8z_avx512(x, first, rows, width, q, stride, s, z, sums);
    };
  }

  private int avx2(
      MemorySegment x,
      long first,
      long rows,
      MemorySegment q,
      long stride,
      MemorySegment s,
      MemorySegment z,
      MemorySegment sums) {
    return switch (codes) {
      case U8 -> sinter_quantize_rows_u8_avx2(x, first, rows, width, q, stride, s, z, sums);
      case S8 -> sinter_quantize_rows_s8_avx2(x, first, rows, width, q, stride, s, z, sums);
      case S8Z -> sinter_quantize_rows_s8z_avx2(x, first, rows, width, q, stride, s, z, sums);
    };
  }

  private int scalar(
      MemorySegment x,
      long first,
      long rows,
      MemorySegment q,
      long stride,
      MemorySegment s,
      MemorySegment z,
      MemorySegment sums) {
    return switch (codes) {
      case U8 -> sinter_quantize_rows_u8_scalar(x, first, rows, width, q, stride, s, z, sums);
      case S8 -> sinter_quantize_rows_s8_scalar(x, first, rows, width, q, stride, s, z, sums);
      case S8Z -> sinter_quantize_rows_s8z_scalar(x, first, rows, width, q, stride, s, z, sums);
    };
  }
}
