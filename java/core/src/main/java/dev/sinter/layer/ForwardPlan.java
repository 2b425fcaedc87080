package dev.sinter.layer;

import dev.sinter.runtime.KernelEvent;
import dev.sinter.runtime.WorkerPool;
import java.util.Arrays;
import java.util.List;

/**
 * The operations of a pass, in order. All workers walk the same list, share out the tiles of each
 * operation, and meet at a barrier before the next, so one pass is one parallel region.
 *
 * <p>The buffers that the operations are bound to belong to whoever made the plan; one pass at a
 * time may run on them.
 */
public final class ForwardPlan implements WorkerPool.Region {
  /** One step of a pass, made of tiles that may run in any order and on any worker. */
  public interface Operation extends WorkerPool.Tile {
    /** What it does, as a profile shows it. */
    String name();

    /** Tiles of the current pass; the same for every worker. */
    int tiles();
  }

  private final Operation[] operations;

  public ForwardPlan(List<Operation> operations) {
    this.operations = operations.toArray(Operation[]::new);
  }

  /** Names of the operations, in order. */
  public List<String> names() {
    return Arrays.stream(operations).map(Operation::name).toList();
  }

  @Override
  public void work(WorkerPool.Worker worker) {
    if (worker.index() == 0 && KernelEvent.wanted()) {
      for (Operation operation : operations) {
        KernelEvent event = KernelEvent.start(operation.name(), operation.tiles());
        run(worker, operation);
        event.commit();
      }
    } else {
      for (Operation operation : operations) {
        run(worker, operation);
      }
    }
  }

  /** Where there is nothing to do, the workers need not meet either. */
  private static void run(WorkerPool.Worker worker, Operation operation) {
    int tiles = operation.tiles();
    if (tiles > 0) {
      worker.forEachTile(tiles, operation);
    }
  }
}
