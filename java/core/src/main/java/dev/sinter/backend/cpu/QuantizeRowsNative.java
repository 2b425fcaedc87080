package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import java.lang.foreign.MemorySegment;

/**
 * {@code quantize_rows} of libsinter: the formulas of {@link ActivationScheme}, bit for bit. Writes
 * exactly the rows it is asked for. Thread-safe for distinct rows.
 */
final class QuantizeRowsNative implements QuantizeKernel {
  private final int width;
  private final ActivationScheme scheme;
  private final Isa isa;
  private final boolean signed;
  private final String implementation;

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  QuantizeRowsNative(QuantizeSpec spec, Isa isa) {
    width = spec.width();
    scheme = spec.scheme();
    this.isa = isa;
    signed = scheme == ActivationScheme.S8_PER_TOKEN;
    implementation = "sinter_quantize_rows_" + (signed ? "s8_" : "u8_") + isa.text();
  }

  @Override
  public String implementation() {
    return implementation;
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
    Rows.check(scheme, width, x, out, from, to);
    if (from == to) {
      return;
    }
    int status = call(x, out, from, to - from);
    if (status != SINTER_OK()) {
      throw new NativeException(implementation, status, sinter_status_text(status).getString(0));
    }
  }

  /** Whole segments and the first row go down: slices would be objects on the heap. */
  private int call(MemorySegment x, ActivationBuffer out, long first, long rows) {
    MemorySegment codes = out.data();
    long stride = out.stride();
    MemorySegment scales = out.scales();
    MemorySegment zeros = out.zeroPoints();
    MemorySegment sums = out.sums();
    return switch (isa) {
      case SCALAR ->
          signed
              ? sinter_quantize_rows_s8_scalar(
                  x, first, rows, width, codes, stride, scales, zeros, sums)
              : sinter_quantize_rows_u8_scalar(
                  x, first, rows, width, codes, stride, scales, zeros, sums);
      case AVX2 ->
          signed
              ? sinter_quantize_rows_s8_avx2(
                  x, first, rows, width, codes, stride, scales, zeros, sums)
              : sinter_quantize_rows_u8_avx2(
                  x, first, rows, width, codes, stride, scales, zeros, sums);
      case AVX512 ->
          signed
              ? sinter_quantize_rows_s8_avx512(
                  x, first, rows, width, codes, stride, scales, zeros, sums)
              : sinter_quantize_rows_u8_avx512(
                  x, first, rows, width, codes, stride, scales, zeros, sums);
    };
  }
}
