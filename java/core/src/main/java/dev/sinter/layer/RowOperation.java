package dev.sinter.layer;

import java.util.function.IntSupplier;

/**
 * A chain of row-by-row steps: each tile takes a few rows through all of them while they are in the
 * cache, with no barrier in between.
 */
public final class RowOperation implements ForwardPlan.Operation {
  /** Work on rows {@code from} to {@code to}, exclusive, that needs no other row. */
  @FunctionalInterface
  public interface Step {
    void run(int from, int to);
  }

  // Few enough that a single short sentence still occupies several workers.
  private static final int ROWS = 8;

  private final String name;
  private final IntSupplier rows;
  private final Step[] steps;

  /**
   * @param rows rows of the current pass
   */
  public RowOperation(String name, IntSupplier rows, Step... steps) {
    this.name = name;
    this.rows = rows;
    this.steps = steps.clone();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int tiles() {
    return (rows.getAsInt() + ROWS - 1) / ROWS;
  }

  @Override
  public void run(int worker, int tile) {
    int from = tile * ROWS;
    int to = Math.min(from + ROWS, rows.getAsInt());
    for (Step step : steps) {
      step.run(from, to);
    }
  }
}
