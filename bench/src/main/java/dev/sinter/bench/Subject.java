package dev.sinter.bench;

/**
 * Who is measured.
 *
 * @param scheme {@code f32}, {@code w8a8} and so on
 * @param group weights that share a scale; null for a channel or none
 * @param backend ours; null for a peer, and for the planner's choice
 * @param peer null for ours
 */
record Subject(String scheme, Integer group, String backend, String peer) {
  /** {@code w8a8 on onednn}, {@code w4a8 g32 on onnxruntime}. */
  String label() {
    String who = peer != null ? peer : backend != null ? backend : "the planner's choice";
    return scheme + (group == null ? "" : " g" + group) + " on " + who;
  }
}
