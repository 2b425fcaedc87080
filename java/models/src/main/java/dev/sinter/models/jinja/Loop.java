package dev.sinter.models.jinja;

import java.util.List;

/**
 * What {@code loop} is in a loop's body.
 *
 * @param index of the item, from 0
 */
record Loop(List<Object> items, int index, Budget budget) {
  Object attribute(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> 1L; // of recursion, which is not supported
      case "depth0" -> 0L;
      case "previtem" -> index == 0 ? new Undefined("loop.previtem") : items.get(index - 1);
      case "nextitem" -> index == size - 1 ? new Undefined("loop.nextitem") : items.get(index + 1);
      case "cycle" -> (Function) this::cycle;
      default -> throw budget.fail("loop." + name + " is not supported");
    };
  }

  private Object cycle(Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty() || !arguments.named().isEmpty()) {
      throw arguments.fail("needs values to choose from");
    }
    return values.get(index % values.size());
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
