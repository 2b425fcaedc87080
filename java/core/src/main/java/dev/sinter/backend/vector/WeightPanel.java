package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;

/** Decodes codes of weights to floats, see {@link WeightPanelVector}. Thread-safe. */
interface WeightPanel {
  /**
   * Sets {@code out}, f32 [inputs, panel width / 2], to {@code (code - center) * scale}.
   *
   * @param w the codes of half a panel at byte {@code wAt}
   * @param bits of a code, 4 or 8
   * @param inputs a multiple of {@code 16 / bits}, all of one group
   * @param scales f32 [panel width / 2] at byte {@code scalesAt}
   * @param centers int32 likewise
   */
  void decode(
      MemorySegment w,
      long wAt,
      int bits,
      int inputs,
      MemorySegment scales,
      long scalesAt,
      MemorySegment centers,
      long centersAt,
      MemorySegment out,
      long outAt);
}
