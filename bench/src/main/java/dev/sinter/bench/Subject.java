package dev.sinter.bench;

import dev.sinter.tensor.Scheme;

/**
 * Who is measured.
 *
 * @param scheme {@code f32}, {@code w8a8} and so on
 * @param group weights that share a scale; null for a channel or none
 * @param backend ours; null for a peer, and for the planner's choice
 * @param peer null for ours
 */
record Subject(String scheme, Integer group, String backend, String peer) {
  /**
   * @param backend null for the planner's choice
   */
  static Subject ours(Scheme scheme, String backend) {
    return new Subject(
        scheme.kind().id(), scheme.group() == 0 ? null : scheme.group(), backend, null);
  }

  /** The scheme of ours that this names. */
  Scheme asScheme() {
    return Scheme.of(group == null ? scheme : scheme + ":" + group);
  }

  /** {@code w8a8 on onednn}, {@code w4a8 g32 on onnxruntime}. */
  String label() {
    String who = peer != null ? peer : backend != null ? backend : "the planner's choice";
    return scheme + (group == null ? "" : " g" + group) + " on " + who;
  }
}
