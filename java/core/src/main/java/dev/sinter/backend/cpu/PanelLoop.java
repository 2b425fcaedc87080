package dev.sinter.backend.cpu;

import dev.sinter.runtime.WorkerPool;
import java.lang.foreign.MemorySegment;

/** Who packs the panels of a matrix: the calling thread, or all workers. */
interface PanelLoop {
  /** Enough panels that a worker's scratch memory pays, few enough that all workers have some. */
  int STEP = 8;

  /** Packs some panels. */
  @FunctionalInterface
  interface Body {
    void run(int from, int to);
  }

  /** Has every panel packed once. */
  void run(int panels, Body body);

  /** The calling thread. */
  PanelLoop ALONE = (panels, body) -> body.run(0, panels);

  /**
   * @param pool null for the calling thread alone
   * @param source which is packed; memory of one thread is left to it
   */
  static PanelLoop of(WorkerPool pool, MemorySegment source) {
    if (pool == null || pool.threads() == 1 || !source.isAccessibleBy(new Thread())) {
      return ALONE;
    }
    return (panels, body) ->
        pool.run(
            worker ->
                worker.forEachTile(
                    Math.ceilDiv(panels, STEP),
                    (_, i) -> body.run(i * STEP, Math.min(panels, (i + 1) * STEP))));
  }
}
