package dev.sinter.backend;

/**
 * How a layer holds its weights: in one form, or sparse ones both as such and as dense ones, each
 * for the numbers of rows that it is faster for. Both are then on one backend.
 *
 * @param few the form for up to {@code most} rows
 * @param most {@link Integer#MAX_VALUE} if there is but one form
 * @param more the form for more rows; null if there is but one form
 */
public record Packing(Planner.Choice few, int most, Planner.Choice more) {
  /** One form for any number of rows. */
  public Packing(Planner.Choice only) {
    this(only, Integer.MAX_VALUE, null);
  }

  /** Whether there are two forms. */
  public boolean isBoth() {
    return more != null;
  }

  /**
   * The dense form of two alone.
   *
   * @param why the sparse one is left out, in words
   */
  public Packing dense(String why) {
    Planner.Choice dense = few.keptDense() == null ? more : few;
    Planner.Choice sparse = few.keptDense() == null ? few : more;
    String text = dense.keptDense() + "; not both (" + sparse.measured() + "): " + why;
    return new Packing(
        new Planner.Choice(dense.spec(), text, null, dense.backend(), dense.others()));
  }
}
