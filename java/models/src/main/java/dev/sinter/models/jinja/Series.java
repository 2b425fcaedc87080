package dev.sinter.models.jinja;

import java.util.List;

/**
 * What Python iterates over without it being a list: an iterator, which can be gone through once
 * and is always true, or the view of a map's keys, values or items.
 */
final class Series {
  private final boolean view;
  private List<Object> items;

  private Series(boolean view, List<Object> items) {
    this.view = view;
    this.items = items;
  }

  static Series iterator(List<Object> items) {
    return new Series(false, items);
  }

  static Series view(List<Object> items) {
    return new Series(true, items);
  }

  boolean isView() {
    return view;
  }

  boolean truth() {
    return !view || !items.isEmpty();
  }

  /** All that are left; an iterator then has none. */
  List<Object> take() {
    List<Object> all = items;
    if (!view) {
      items = List.of();
    }
    return all;
  }
}
