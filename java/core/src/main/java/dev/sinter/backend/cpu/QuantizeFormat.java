package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.bindings.sinter.sinter_quantize_format;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A {@link QuantizeSpec} as libsinter reads it, and {@code group_sums} for the sums that its
 * quantization does not make. Thread-safe for distinct rows.
 */
final class QuantizeFormat {
  private final QuantizeSpec spec;
  private final MemorySegment segment;
  private final String codes;
  private final long group; // 0: a row
  private final boolean scalar;
  private final String sumFunction;

  /**
   * @param arena holds the native side
   */
  QuantizeFormat(QuantizeSpec spec, Isa isa, Arena arena) {
    this.spec = spec;
    scalar = isa == Isa.SCALAR;
    sumFunction = "sinter_group_sums_" + (scalar ? "scalar" : "avx2");
    int type;
    if (spec.scheme().isAsymmetric()) {
      codes = spec.signedCodes() ? "s8z" : "u8";
      type = spec.signedCodes() ? SINTER_CODES_S8Z() : SINTER_CODES_U8();
    } else {
      codes = "s8";
      type = SINTER_CODES_S8();
    }
    group = spec.groups() == 1 ? 0 : spec.scheme().groupWidth(spec.width());
    segment = sinter_quantize_format.allocate(arena);
    sinter_quantize_format.k(segment, spec.width());
    sinter_quantize_format.group(segment, group);
    if (spec.columnOrder() != null) {
      int[] columns = spec.columnOrder().columns();
      sinter_quantize_format.columns(segment, arena.allocateFrom(ValueLayout.JAVA_INT, columns));
    }
    sinter_quantize_format.codes(segment, type);
  }

  MemorySegment segment() {
    return segment;
  }

  /** What {@code function} is called for, and what is called behind it. */
  String describe(String function) {
    String text = function + " (" + codes + ")";
    return spec.sumStep() == 0 ? text : text + ", " + sumFunction;
  }

  /** Sums parts of rows that are quantized, if the spec wants it. */
  void sum(ActivationBuffer out, long first, long rows) {
    if (spec.sumStep() == 0) {
      return;
    }
    MemorySegment q = out.data();
    MemorySegment z = out.zeroPoints();
    long stride = out.stride();
    long width = spec.width();
    long step = spec.sumStep();
    MemorySegment sums = out.stepSums();
    int status =
        scalar
            ? sinter_group_sums_scalar(q, first, rows, width, stride, z, group, step, sums)
            : sinter_group_sums_avx2(q, first, rows, width, stride, z, group, step, sums);
    Rows.check(sumFunction, status);
  }
}
