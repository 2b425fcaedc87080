package dev.sinter.backend;

/** The element-wise function at the end of a matmul. */
public enum Activation {
  NONE,
  /** {@code x * (1 + erf(x / sqrt(2))) / 2} (Hendrycks and Gimpel, 2016), not its tanh form. */
  GELU_ERF,
  /** {@code x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2}, GELU's tanh form. */
  GELU_TANH,
  /** {@code x / (1 + e^-x)}, also called swish. */
  SILU
}
