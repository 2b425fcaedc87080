package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_GEMM_PANEL;

import dev.sinter.tensor.Code;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The scales of integer weights as the matmuls of libsinter read them: [panels][groups][16]. */
final class PanelScales {
  private PanelScales() {}

  /** Whether they can be f16: the kernel knows it, and f16 holds all of them exactly. */
  static boolean fitHalf(Quantized source) {
    if (source.format().code() == Code.INT8) {
      return false;
    }
    for (float value : source.scales()) {
      if (Float.float16ToFloat(Float.floatToFloat16(value)) != value) {
        return false;
      }
    }
    return true;
  }

  static long bytes(Quantized source, PanelRows rows, boolean half) {
    int groups = source.format().groups(source.columns());
    return (half ? 2L : 4L) * SINTER_GEMM_PANEL() * rows.panels() * groups;
  }

  static void write(Quantized source, PanelRows rows, boolean half, MemorySegment out) {
    int groups = source.format().groups(source.columns());
    for (int p = 0; p < rows.panels(); p++) {
      for (int g = 0; g < groups; g++) {
        for (int c = 0; c < rows.columns(p); c++) {
          long index = ((long) p * groups + g) * SINTER_GEMM_PANEL() + c;
          float scale = source.scale(rows.row(p, c), g);
          if (half) {
            out.setAtIndex(ValueLayout.JAVA_SHORT, index, Float.floatToFloat16(scale));
          } else {
            out.setAtIndex(ValueLayout.JAVA_FLOAT, index, scale);
          }
        }
      }
    }
  }
}
