package dev.sinter.tensor;

/** How many weights share one scale. */
public enum Granularity {
  /** The whole matrix. */
  TENSOR,
  /** One output channel, a row of W. */
  CHANNEL,
  /** Some weights of a row, side by side. */
  GROUP
}
