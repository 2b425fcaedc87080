package dev.sinter.backend;

/**
 * An operation a backend may be asked for: everything a planner needs to choose a kernel, and
 * nothing that changes from call to call. Two equal specs get the same kernel.
 */
public sealed interface OpSpec
    permits MatmulSpec, AttentionSpec, CachedAttentionSpec, NormSpec, QuantizeSpec {
  /** The family, one word, as {@code explain()} prints it. */
  String operation();
}
