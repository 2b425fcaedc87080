package dev.sinter.backend;

import java.util.Objects;

/**
 * What follows a matmul in the same pass over its result: {@code y = activation(x W^T + bias)}, or
 * {@code y += activation(x W^T + bias)}.
 *
 * @param bias a vector of N floats is added
 * @param activation applied after the bias
 * @param residual the result is added to what y holds, as the residual connections of transformers
 *     want it
 */
public record Epilogue(boolean bias, Activation activation, boolean residual) {
  public static final Epilogue NONE = new Epilogue(false, Activation.NONE, false);
  public static final Epilogue BIAS = new Epilogue(true, Activation.NONE, false);

  public Epilogue {
    Objects.requireNonNull(activation, "activation");
  }
}
