package dev.sinter.models.jinja;

import java.util.Map;

/**
 * The only thing that a template can change.
 *
 * @param attributes mutable
 */
record Namespace(Map<String, Object> attributes) {
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
