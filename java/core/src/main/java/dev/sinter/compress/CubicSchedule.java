package dev.sinter.compress;

/**
 * How sparse weights are to be while they are pruned little by little: fast at first, when much is
 * redundant, slower towards the end, {@code target + (initial - target) (1 - (step - begin) / (end
 * - begin))^3} (Zhu and Gupta, To prune, or not to prune, 2017, equation 1). How often to prune in
 * between is up to the caller.
 *
 * @param initial share of zeros up to step {@code begin}, from 0 to below 1
 * @param target share from step {@code end} on, from {@code initial} to below 1
 * @param begin at least 0
 * @param end above {@code begin}
 */
public record CubicSchedule(double initial, double target, long begin, long end) {
  public CubicSchedule {
    if (!(initial >= 0 && initial <= target && target < 1)) {
      throw new IllegalArgumentException(
          "shares must rise from at least 0 to below 1, got " + initial + " to " + target);
    }
    if (begin < 0 || begin >= end) {
      throw new IllegalArgumentException(
          "steps must rise from at least 0, got " + begin + " to " + end);
    }
  }

  /** The share of zeros at a step, as {@link Pruner} takes it. */
  public double at(long step) {
    if (step <= begin) {
      return initial;
    }
    if (step >= end) {
      return target;
    }
    double left = 1 - (double) (step - begin) / (end - begin);
    return target + (initial - target) * left * left * left;
  }
}
