package dev.sinter.models.jinja;

import java.util.List;

/** A Python tuple: unlike a list in how it is printed and what it equals. */
record Tuple(List<Object> items) {}
