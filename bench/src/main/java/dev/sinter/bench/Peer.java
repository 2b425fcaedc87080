package dev.sinter.bench;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;

/**
 * Another runtime to compare with, found by ServiceLoader on the class path of {@code --peers}. One
 * process uses a peer with one number of threads only.
 */
public interface Peer {
  /** A scheme of a layer; {@code group} is null for scales per channel, or none. */
  record Variant(String scheme, Integer group) {}

  /** A matrix in the peer's format, of which as many layers can be opened as are wanted. */
  interface Matrix {
    /** What runs, for example an operator's name. */
    String implementation();

    /** Bytes of the weights with their scales. */
    long weightBytes();

    Layer open(int threads);
  }

  /** A matrix to multiply by, with memory of its own. Not thread-safe. */
  interface Layer extends AutoCloseable {
    /**
     * Sets input and output of {@link #run}.
     *
     * @param x f32 [m, K], off-heap
     * @param y f32 [m, N], off-heap
     */
    void bind(MemorySegment x, int m, MemorySegment y);

    /** Computes y. */
    void run();

    /** What y must be for the x that is bound. */
    Expectation expectation();

    @Override
    void close();
  }

  /** Results in float64 of the arithmetic that the scheme stands for, and what f32 may be off. */
  interface Expectation {
    double value(int row, int column);

    double bound(int row, int column);
  }

  /** A sentence encoder: token ids to vectors of length 1. */
  interface Encoder extends AutoCloseable {
    String implementation();

    /** Sentences of one length. */
    float[][] embed(List<int[]> tokenIds);

    @Override
    void close();
  }

  /** A decoder that continues prompts. */
  interface Decoder extends AutoCloseable {
    String implementation();

    /** Bytes of weights that each token reads: all but the embeddings. */
    long weightBytes();

    /** How keys and values are kept. */
    String cache();

    /** Bytes of keys and values of a token, in all layers. */
    long tokenBytes();

    /**
     * Takes a prompt, with nothing kept from earlier ones, and continues it greedily.
     *
     * @param token called after each new token
     */
    void write(int[] prompt, int tokens, Runnable token);

    @Override
    void close();
  }

  /** As in the field {@code peer} of a row. */
  String name();

  /** Of layers. */
  List<Variant> layers();

  /** Schemes of the encoder. */
  List<String> encoders();

  /** Schemes of the decoder. */
  List<Variant> decoders();

  /**
   * @param weights f32 [n, k], row-major
   */
  Matrix matrix(Variant variant, MemorySegment weights, int k, int n);

  /** The MiniLM encoder in one of {@link #encoders}. */
  Encoder encoder(String scheme, int threads);

  /**
   * A decoder of the Llama family, checked: what it computes agrees with our reference.
   *
   * @param variant one of {@link #decoders}
   * @param folder of Hugging Face
   */
  Decoder decoder(Variant variant, Path folder, int threads);

  /** Those on the class path. */
  static List<Peer> all() {
    return ServiceLoader.load(Peer.class).stream().map(ServiceLoader.Provider::get).toList();
  }
}
