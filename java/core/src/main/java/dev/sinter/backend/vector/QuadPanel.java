package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;

/** Decodes bytes of weights to floats, see {@link QuadPanelVector}. Thread-safe. */
interface QuadPanel {
  /**
   * Sets {@code out}, f32 [count, panel width / 2] at byte 0.
   *
   * @param w signed bytes [count / 4, panel width / 2, 4] at byte {@code wAt}
   * @param count inputs, a multiple of 4
   */
  void decode(MemorySegment w, long wAt, int count, MemorySegment out);
}
