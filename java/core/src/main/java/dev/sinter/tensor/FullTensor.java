package dev.sinter.tensor;

/** Weights that are all stored, zeros like others. */
public sealed interface FullTensor extends CompressedTensor permits Dense, Quantized {
  @Override
  default FullTensor full() {
    return this;
  }
}
