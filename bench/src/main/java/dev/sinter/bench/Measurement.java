package dev.sinter.bench;

/**
 * What a fork found out about one row; bench/README.md describes the fields of the same names.
 *
 * @param n null for an encoder
 * @param ms median of a call
 * @param msBest the fastest call
 * @param operations of a call, two for a multiplication and its addition; null if not counted
 * @param bytes that a call must move: weights as the scheme stores them, input and output; null if
 *     not counted
 * @param weights {@code cold} if they are read from memory, {@code warm}, or null for a model
 * @param sentences of a call; null for a layer
 * @param cosine of the embedding of a test sentence to that of the f32 reference; null for a layer
 * @param decoding what a decoder's row has beside; null for others
 */
record Measurement(
    Subject subject,
    String kernel,
    String isa,
    String impl,
    int m,
    Integer n,
    int k,
    int threads,
    double ms,
    double msBest,
    Double operations,
    Double bytes,
    String weights,
    Integer sentences,
    Double cosine,
    Decoding decoding) {

  /** Of a linear layer or an encoder. */
  Measurement(
      Subject subject,
      String kernel,
      String isa,
      String impl,
      int m,
      Integer n,
      int k,
      int threads,
      double ms,
      double msBest,
      Double operations,
      Double bytes,
      String weights,
      Integer sentences,
      Double cosine) {
    this(
        subject,
        kernel,
        isa,
        impl,
        m,
        n,
        k,
        threads,
        ms,
        msBest,
        operations,
        bytes,
        weights,
        sentences,
        cosine,
        null);
  }

  /** A linear layer of f32 input and output. */
  static Measurement linear(
      Subject subject,
      String isa,
      String impl,
      Shape shape,
      int m,
      int threads,
      RowTimer.Times times,
      long weightBytes) {
    double operations = 2.0 * m * shape.n() * shape.k();
    double bytes = weightBytes + 4.0 * m * ((double) shape.n() + shape.k());
    return new Measurement(
        subject,
        "linear",
        isa,
        impl,
        m,
        shape.n(),
        shape.k(),
        threads,
        times.median(),
        times.best(),
        operations,
        bytes,
        shape.cold(m) ? "cold" : "warm",
        null,
        null);
  }

  /** The same row with the times of another measurement of it. */
  Measurement timed(double median, double best) {
    return new Measurement(
        subject,
        kernel,
        isa,
        impl,
        m,
        n,
        k,
        threads,
        median,
        best,
        operations,
        bytes,
        weights,
        sentences,
        cosine,
        decoding);
  }
}
