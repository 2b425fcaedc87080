package dev.sinter.bench;

import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparsity;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is measured, and how long it may take. */
enum Suite {
  /** A look: two shapes, a minute. */
  QUICK(
      List.of(Scheme.F32, Scheme.BF16, Scheme.W8A8, Scheme.W4A8, Scheme.W4A8.withGroup(32)),
      List.of(new Shape(4096, 4096, List.of(1, 32)), new Shape(384, 1536, List.of(1, 32))),
      Duration.ofMillis(250),
      Duration.ofSeconds(60)),
  /** Linear layers of common sizes in every scheme, from one token to a long prompt. */
  DENSE(
      Stream.concat(
              Scheme.DEFAULTS.stream(),
              Stream.of(Scheme.W4A8.withGroup(32), Scheme.W4A16.withGroup(32)))
          .toList(),
      List.of(
          new Shape(4096, 4096, List.of(1, 8, 32, 128, 512)),
          new Shape(4096, 11008, List.of(1, 8, 32, 128, 512)),
          new Shape(384, 1536, List.of(1, 8, 32, 128, 512)),
          new Shape(2048, 2048, List.of(1, 8, 32, 128, 512))),
      Duration.ofMillis(1200),
      Duration.ofMinutes(9)),
  /**
   * Sparse weights beside dense ones, in every structure that there are kernels for, or could be.
   */
  SPARSE(
      List.of(Scheme.W8A8, Scheme.W4A8, Scheme.F32),
      List.of(
          new Sparsity.Blocks(16, 4),
          new Sparsity.Blocks(16, 8),
          new Sparsity.Blocks(16, 16),
          new Sparsity.Blocks(32, 32),
          new Sparsity.Blocks(8, 4),
          new Sparsity.Blocks(1, 16),
          new Sparsity.Blocks(8, 1),
          new Sparsity.NofM(2, 4),
          Sparsity.UNSTRUCTURED),
      List.of(0.5, 0.7, 0.8, 0.9, 0.95),
      List.of(new Shape(4096, 4096, List.of(1, 8, 32, 128))),
      Duration.ofMillis(300),
      Duration.ofMinutes(9)),
  /**
   * A whole sentence encoder. Its small matrices want small groups, and it was not trained for
   * ternary or binary weights.
   */
  ENCODER(
      List.of(
          Scheme.F32,
          Scheme.BF16,
          Scheme.W8A8,
          Scheme.W4A8,
          Scheme.W4A8.withGroup(32),
          Scheme.W4A16.withGroup(32)),
      List.of(),
      Duration.ofSeconds(3),
      Duration.ofMinutes(10)),
  /** A whole decoder of 1.1 billion random weights, from the prompt on. */
  DECODER(
      List.of(Scheme.W4A8, Scheme.W8A8, Scheme.BF16),
      List.of(),
      Duration.ofSeconds(10),
      Duration.ofMinutes(10));

  // What kernels skip.
  private static final Sparsity BLOCKS = new Sparsity.Blocks(16, 4);
  private static final Sparsity INT4_BLOCKS = new Sparsity.Blocks(16, 8);

  // What a process takes beside its rows: start, data, packing, warm-up, limits.
  private static final Duration JOB = Duration.ofSeconds(4);
  private static final Duration SHORTEST = Duration.ofMillis(60);

  private final List<Scheme> schemes;
  private final List<Sparsity> structures;
  private final List<Double> sparsities;
  private final List<Shape> shapes;
  private final Duration row;
  private final Duration total;

  Suite(List<Scheme> schemes, List<Shape> shapes, Duration row, Duration total) {
    this(schemes, List.of(), List.of(), shapes, row, total);
  }

  Suite(
      List<Scheme> schemes,
      List<Sparsity> structures,
      List<Double> sparsities,
      List<Shape> shapes,
      Duration row,
      Duration total) {
    this.schemes = schemes;
    this.structures = structures;
    this.sparsities = sparsities;
    this.shapes = shapes;
    this.row = row;
    this.total = total;
  }

  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  List<Scheme> schemes() {
    return schemes;
  }

  /**
   * Of sparse weights, which come besides dense ones; none but for {@link #SPARSE}. Blocks of 16x8
   * are those of int4's kernel, and to others nothing new.
   */
  List<Sparsity> structures(Scheme scheme) {
    return structures.stream()
        .filter(s -> scheme.kind() == Scheme.Kind.W4A8 || !s.equals(INT4_BLOCKS))
        .toList();
  }

  /** Whether kernels take these blocks apart into smaller ones, or put them together. */
  static boolean isVariant(Sparsity structure) {
    return structure instanceof Sparsity.Blocks b && !b.equals(BLOCKS) && !b.equals(INT4_BLOCKS);
  }

  /**
   * Shares of zeros that weights of a structure are measured with: N:M has but one.
   *
   * @param structure null for dense weights, which have none
   */
  List<Double> sparsities(Sparsity structure) {
    return switch (structure) {
      case null -> List.of();
      case Sparsity.NofM p -> List.of(1 - (double) p.n() / p.m());
      default -> sparsities;
    };
  }

  /** Of linear layers; none for {@link #ENCODER} and {@link #DECODER}. */
  List<Shape> shapes() {
    return shapes;
  }

  /**
   * How long a row is measured, warm-up included: less where there are many, so that all have their
   * turn.
   *
   * @param jobs processes to start
   * @param rows of all of them
   */
  Duration row(int jobs, int rows) {
    Duration left = total.minus(JOB.multipliedBy(jobs)).dividedBy(Math.max(1, rows));
    return left.compareTo(SHORTEST) < 0 ? SHORTEST : left.compareTo(row) < 0 ? left : row;
  }

  /** When no further row of ours is begun; peers have as much again. */
  Duration total() {
    return total;
  }
}
