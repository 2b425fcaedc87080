package dev.sinter.models.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names and what they stand for: those of a loop's pass hide those around it, and end with it. */
final class Scope {
  private final Scope around; // null for the outermost
  private final Map<String, Object> values = new HashMap<>();

  Scope(Scope around) {
    this.around = around;
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  Object get(String name) {
    for (Scope s = this; s != null; s = s.around) {
      if (s.values.containsKey(name)) {
        return s.values.get(name);
      }
    }
    return new Undefined(name);
  }
}
