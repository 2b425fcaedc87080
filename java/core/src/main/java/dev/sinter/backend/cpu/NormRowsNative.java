package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.bindings.sinter.sinter_norm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;

/**
 * {@code norm_rows} of libsinter, or {@code norm_quantize_rows}, which also makes 8-bit codes in
 * the same pass. A row whose sum of squares leaves the range of f32 becomes NaN. Writes exactly the
 * rows it is asked for. Thread-safe for distinct rows.
 */
final class NormRowsNative implements NormKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  private final NormSpec spec;
  private final Isa isa;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment norm;
  private final QuantizeFormat format; // null without codes
  private final String function;

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param spec its codes, if any, are of 8 bits
   */
  NormRowsNative(NormSpec spec, float[] gamma, float[] beta, Isa isa) {
    spec.check(gamma, beta);
    this.spec = spec;
    this.isa = isa;
    norm = sinter_norm.allocate(arena);
    sinter_norm.k(norm, spec.width());
    sinter_norm.gamma(norm, arena.allocateFrom(ValueLayout.JAVA_FLOAT, gamma));
    sinter_norm.beta(norm, arena.allocateFrom(ValueLayout.JAVA_FLOAT, beta));
    sinter_norm.epsilon(norm, spec.epsilon());
    sinter_norm.kind(
        norm,
        switch (spec.kind()) {
          case LAYER -> SINTER_LAYER_NORM();
          case RMS -> SINTER_RMS_NORM();
        });
    format = spec.codes() == null ? null : new QuantizeFormat(spec.codes(), isa, arena);
    function = (format == null ? "sinter_norm_rows_" : "sinter_norm_quantize_rows_") + isa.text();
  }

  @Override
  public String implementation() {
    return format == null ? function : format.describe(function);
  }

  @Override
  public String isa() {
    return isa.text();
  }

  /**
   * @throws IllegalArgumentException if x or y is on the heap or too short, if out is for another
   *     spec, or if it lacks the rows
   */
  @Override
  public void run(MemorySegment x, MemorySegment y, ActivationBuffer out, int from, int to) {
    if ((out == null) != (format == null)) {
      throw new IllegalArgumentException(
          (out == null ? "no place" : "a place") + " for codes, asked to " + spec);
    }
    if (out == null) {
      Rows.check("x", x, spec.width(), from, to);
    } else {
      Rows.check(spec.codes(), x, out, from, to);
    }
    Rows.check("y", y, spec.width(), from, to);
    if (from == to) {
      return;
    }
    Rows.check(function, out == null ? normalize(x, y, from, to) : quantize(x, y, out, from, to));
    if (out != null) {
      format.sum(out, from, to - from);
    }
  }

  private int normalize(MemorySegment x, MemorySegment y, long from, long to) {
    return switch (isa) {
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_norm_rows_avx512(norm, x, from, to - from, y);
      case AVX2, AVXVNNI -> sinter_norm_rows_avx2(norm, x, from, to - from, y);
      case SCALAR -> sinter_norm_rows_scalar(norm, x, from, to - from, y);
    };
  }

  private int quantize(MemorySegment x, MemorySegment y, ActivationBuffer out, long from, long to) {
    MemorySegment f = format.segment();
    MemorySegment q = out.data();
    MemorySegment s = out.scales();
    MemorySegment z = out.zeroPoints();
    MemorySegment sums = out.sums();
    long n = to - from;
    long stride = out.stride();
    return switch (isa) {
      case AVX512, AVX512VNNI, AVX512BF16 ->
          sinter_norm_quantize_rows_avx512(norm, f, x, from, n, y, q, stride, s, z, sums);
      case AVX2, AVXVNNI ->
          sinter_norm_quantize_rows_avx2(norm, f, x, from, n, y, q, stride, s, z, sums);
      case SCALAR ->
          sinter_norm_quantize_rows_scalar(norm, f, x, from, n, y, q, stride, s, z, sums);
    };
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
