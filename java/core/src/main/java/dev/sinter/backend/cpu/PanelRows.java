package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_GATE_COLUMNS;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_GEMM_PANEL;

import dev.sinter.backend.MatmulSpec;

/**
 * Which rows of the weights the columns of the panels are: 16 rows in a panel, or with a gate 8 of
 * the first matrix and the same 8 of the second, so that a panel has all that its results need.
 *
 * @param n columns of the result
 */
record PanelRows(int n, boolean gate) {
  static PanelRows of(MatmulSpec spec) {
    return new PanelRows(spec.n(), spec.epilogue().gate());
  }

  int panels() {
    return Math.ceilDiv(n, gate ? SINTER_GATE_COLUMNS() : SINTER_GEMM_PANEL());
  }

  /** Columns of a panel that are rows of the weights. */
  int columns(int panel) {
    return gate
        ? SINTER_GEMM_PANEL()
        : Math.min(SINTER_GEMM_PANEL(), n - panel * SINTER_GEMM_PANEL());
  }

  /** The row that a column of a panel is; past the last column of the result the last once more. */
  int row(int panel, int column) {
    if (!gate) {
      return panel * SINTER_GEMM_PANEL() + column;
    }
    int half = SINTER_GATE_COLUMNS();
    int of = Math.min(panel * half + column % half, n - 1);
    return column < half ? of : n + of;
  }
}
