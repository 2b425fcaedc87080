package dev.sinter.layer;

import java.lang.foreign.MemorySegment;

/** Sees activations between operations: for calibration, comparison and debugging. */
@FunctionalInterface
public interface LayerObserver {
  /**
   * Called inside the pass, by one worker, once a layer.
   *
   * @param layer the layer whose output this is
   * @param values f32 [rows, width], valid during the call
   */
  void observe(String layer, MemorySegment values, int rows, int width);
}
