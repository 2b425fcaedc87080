package dev.sinter.models;

import dev.sinter.layer.ForwardPlan;
import dev.sinter.layer.RowOperation;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * Collects the operations of a pass. Row-by-row steps that follow one another become one operation,
 * so that they cost one barrier and run on rows that are still in the cache.
 */
final class PlanBuilder {
  private final IntSupplier rows;
  private final List<ForwardPlan.Operation> operations = new ArrayList<>();
  private final List<RowOperation.Step> steps = new ArrayList<>();
  private final List<String> names = new ArrayList<>();

  /**
   * @param rows rows of the current pass
   */
  PlanBuilder(IntSupplier rows) {
    this.rows = rows;
  }

  void step(String name, RowOperation.Step step) {
    names.add(name);
    steps.add(step);
  }

  void operation(ForwardPlan.Operation operation) {
    flush();
    operations.add(operation);
  }

  ForwardPlan build() {
    flush();
    return new ForwardPlan(operations);
  }

  private void flush() {
    if (!steps.isEmpty()) {
      String name = String.join(" + ", names);
      operations.add(new RowOperation(name, rows, steps.toArray(RowOperation.Step[]::new)));
      names.clear();
      steps.clear();
    }
  }
}
