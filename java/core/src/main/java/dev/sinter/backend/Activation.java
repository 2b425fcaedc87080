package dev.sinter.backend;

/** The element-wise function at the end of a matmul. */
public enum Activation {
  NONE,
  /** {@code x * (1 + erf(x / sqrt(2))) / 2} (Hendrycks and Gimpel, 2016), not its tanh form. */
  GELU_ERF
}
