package dev.sinter.layout;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Weights in the order in which a kernel reads them.
 *
 * @param layout names that order, and everything about it that what the weights are for does not
 *     tell; it changes whenever the order does
 * @param data 64-byte aligned, off-heap; belongs to whoever made it
 */
public record PackedWeights(String layout, MemorySegment data) {
  public PackedWeights {
    Objects.requireNonNull(layout, "layout");
    Objects.requireNonNull(data, "data");
  }
}
