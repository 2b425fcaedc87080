package dev.sinter.bench;

import dev.sinter.SinterOptions;
import dev.sinter.tensor.Scheme;

/**
 * Who is measured.
 *
 * @param scheme {@code f32}, {@code w8a8} and so on
 * @param group weights that share a scale; null for a channel or none
 * @param format of the weights, see {@link Format}
 * @param sparsity share of weights that are zero; null for dense ones, and for several in turn
 * @param backend ours; null for a peer, and for the planner's choice
 * @param peer null for ours
 */
record Subject(
    String scheme, Integer group, String format, Double sparsity, String backend, String peer) {
  /** With dense weights. */
  Subject(String scheme, Integer group, String backend, String peer) {
    this(scheme, group, Format.DENSE, null, backend, peer);
  }

  /**
   * @param backend null for the planner's choice
   */
  static Subject ours(Scheme scheme, String backend) {
    return ours(scheme, Format.DENSE, null, backend);
  }

  static Subject ours(Scheme scheme, String format, Double sparsity, String backend) {
    Integer group = scheme.group() == 0 ? null : scheme.group();
    return new Subject(scheme.kind().id(), group, format, sparsity, backend, null);
  }

  Subject withSparsity(Double other) {
    return new Subject(scheme, group, format, other, backend, peer);
  }

  /** The scheme of ours that this names. */
  Scheme asScheme() {
    return Scheme.of(group == null ? scheme : scheme + ":" + group);
  }

  /** What forces the backend, and leaves it no choice of the form of sparse weights. */
  SinterOptions options(int threads) {
    return new SinterOptions(threads, backend, null).withPlan(SinterOptions.NO_PLAN);
  }

  /** {@code w8a8 on onednn}, {@code w4a8 g128 block16x8 on cpu}. */
  String label() {
    String who = peer != null ? peer : backend != null ? backend : "the planner's choice";
    return scheme
        + (group == null ? "" : " g" + group)
        + (format.equals(Format.DENSE) ? "" : " " + format)
        + " on "
        + who;
  }
}
