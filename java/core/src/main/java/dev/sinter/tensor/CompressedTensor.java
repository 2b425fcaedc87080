package dev.sinter.tensor;

/**
 * A weight matrix W[N, K] in canonical, row-major form: what it is, not how a kernel wants it and
 * not which file it came from. Row n holds the K weights of output channel n.
 */
public sealed interface CompressedTensor permits FullTensor, Sparse {
  /** The name of the tensor in its checkpoint. */
  String name();

  /** N, the output channels. */
  int rows();

  /** K, the inputs. */
  int columns();

  /** Bytes of codes, scales and all else that describes the values. */
  long bytes();

  /** The same weights without a word about which are zero: this, unless it is {@link Sparse}. */
  FullTensor full();

  /** Row {@code row} as floats, written to {@code out[0, columns)}. */
  void decodeRow(int row, float[] out);
}
