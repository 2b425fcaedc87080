package dev.sinter.backend;

import java.util.Objects;

/**
 * What follows a matmul in the same pass over its result: {@code y = activation(x W^T + bias)},
 * {@code y += activation(x W^T + bias)}, or with a gate {@code y = activation(x W1^T + bias1) * (x
 * W3^T + bias3)}, of two matrices of N rows each (Shazeer, "GLU Variants Improve Transformer",
 * 2020: SwiGLU with {@link Activation#SILU}, GeGLU with GELU, the bilinear form without).
 *
 * @param bias a vector of floats is added, one a row of the weights
 * @param activation applied after the bias
 * @param residual the result is added to what y holds, as the residual connections of transformers
 *     want it; not with a gate
 * @param gate the weights are W1 on top of W3, and the bias alike
 */
public record Epilogue(boolean bias, Activation activation, boolean residual, boolean gate) {
  public static final Epilogue NONE = new Epilogue(false, Activation.NONE, false);
  public static final Epilogue BIAS = new Epilogue(true, Activation.NONE, false);

  public Epilogue {
    Objects.requireNonNull(activation, "activation");
    if (gate && residual) {
      throw new IllegalArgumentException("a gate has no residual");
    }
  }

  /** Without a gate. */
  public Epilogue(boolean bias, Activation activation, boolean residual) {
    this(bias, activation, residual, false);
  }

  /** With a gate. */
  public static Epilogue gate(boolean bias, Activation activation) {
    return new Epilogue(bias, activation, false, true);
  }
}
