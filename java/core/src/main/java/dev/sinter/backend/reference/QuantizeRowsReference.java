package dev.sinter.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * The formulas of {@link ActivationScheme}, step by step in f32. The only reference that is not in
 * float64: the codes are defined by f32 arithmetic. Thread-safe.
 */
final class QuantizeRowsReference implements QuantizeKernel {
  private final QuantizeSpec spec;

  QuantizeRowsReference(QuantizeSpec spec) {
    this.spec = spec;
  }

  @Override
  public String implementation() {
    return "quantize_rows_reference";
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void run(MemorySegment x, ActivationBuffer out, int from, int to) {
    if (!out.fits(spec) || to > out.rows()) {
      throw new IllegalArgumentException(
          "output of "
              + out.rows()
              + " rows of "
              + out.columns()
              + " "
              + out.scheme()
              + ", asked to "
              + spec
              + " to row "
              + to);
    }
    for (int row = from; row < to; row++) {
      if (spec.scheme() == ActivationScheme.BF16) {
        round(x, out, row);
      } else {
        for (int group = 0; group < spec.groups(); group++) {
          quantize(x, out, row, group);
        }
      }
    }
  }

  private void round(MemorySegment x, ActivationBuffer out, int row) {
    for (int k = 0; k < out.stride(); k++) {
      float value = k < spec.width() ? x.getAtIndex(JAVA_FLOAT, (long) row * spec.width() + k) : 0;
      out.data().setAtIndex(JAVA_SHORT, (long) row * out.stride() + k, DType.roundToBf16(value));
    }
  }

  private void quantize(MemorySegment x, ActivationBuffer out, int row, int group) {
    int begin = group * spec.scheme().groupWidth(spec.width());
    int end = Math.min(begin + spec.scheme().groupWidth(spec.width()), spec.width());
    boolean symmetric = !spec.scheme().isAsymmetric();
    boolean finite = true;
    float lo = 0;
    float hi = 0;
    for (int k = begin; k < end; k++) {
      float value = value(x, row, k);
      finite &= Float.isFinite(value);
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
    float scale = symmetric ? Math.max(-lo, hi) / 127 : hi / 255 - lo / 255;
    int zeroPoint = 0;
    if (!finite) {
      scale = Float.NaN;
    } else if (!symmetric && scale != 0) {
      zeroPoint = Math.clamp((int) Math.rint(-lo / scale), 0, 255);
    }
    int offset = spec.signedCodes() ? -128 : 0;
    int sum = 0;
    int stepSum = 0;
    for (int k = begin; k < end; k++) {
      int code = 0;
      if (finite && scale != 0) {
        int rounded = (int) Math.rint(value(x, row, k) / scale);
        code = symmetric ? Math.clamp(rounded, -127, 127) : Math.clamp(rounded + zeroPoint, 0, 255);
      }
      out.data().set(JAVA_BYTE, (long) row * out.stride() + k, (byte) (code + offset));
      sum += code - zeroPoint;
      stepSum += code - zeroPoint;
      if (spec.sumStep() != 0 && ((k + 1) % spec.sumStep() == 0 || k + 1 == spec.width())) {
        long index = (long) row * spec.stepSums() + k / spec.sumStep();
        out.stepSums().setAtIndex(JAVA_INT, index, stepSum);
        stepSum = 0;
      }
    }
    for (int k = spec.width(); end == spec.width() && k < out.stride(); k++) {
      out.data().set(JAVA_BYTE, (long) row * out.stride() + k, (byte) (zeroPoint + offset));
    }
    long index = (long) row * spec.groups() + group;
    out.scales().setAtIndex(JAVA_FLOAT, index, scale);
    out.zeroPoints().setAtIndex(JAVA_INT, index, zeroPoint + offset);
    out.sums().setAtIndex(JAVA_INT, index, sum);
  }

  private float value(MemorySegment x, int row, int k) {
    int column = spec.columnOrder() == null ? k : spec.columnOrder().column(k);
    return x.getAtIndex(JAVA_FLOAT, (long) row * spec.width() + column);
  }
}
