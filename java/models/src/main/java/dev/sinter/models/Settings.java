package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.checkpoint.CheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Typed reading of a JSON object's members. A member that is null counts as absent, as in the files
 * that transformers writes; one of the wrong type or out of range is refused by name.
 *
 * @param where what messages put before a member's name; empty at the top
 */
record Settings(Path file, JsonNode json, String where) {
  static Settings of(Path file) {
    return new Settings(file, JsonFiles.readObject(file), "");
  }

  boolean has(String key) {
    return json.hasNonNull(key);
  }

  /** The object at a key, which must be there. */
  Settings object(String key) {
    JsonNode value = json.path(key);
    if (!value.isObject()) {
      throw wrong(key, "an object");
    }
    return new Settings(file, value, where + key + ".");
  }

  /** An integer of at least 1. */
  int size(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw wrong(key, "an integer of at least 1");
    }
    return value.intValue();
  }

  int size(String key, int otherwise) {
    return has(key) ? size(key) : otherwise;
  }

  /** A finite number above 0. */
  double positive(String key) {
    JsonNode value = json.path(key);
    if (!value.isNumber() || !(value.doubleValue() > 0) || Double.isInfinite(value.doubleValue())) {
      throw wrong(key, "a number above 0");
    }
    return value.doubleValue();
  }

  double positive(String key, double otherwise) {
    return has(key) ? positive(key) : otherwise;
  }

  /** A finite number. */
  double number(String key, double otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = json.path(key);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw wrong(key, "a number");
    }
    return value.doubleValue();
  }

  boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!json.path(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return json.path(key).booleanValue();
  }

  String text(String key, String otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!json.path(key).isTextual()) {
      throw wrong(key, "a string");
    }
    return json.path(key).textValue();
  }

  /** Token ids: none, one, or a list. */
  List<Integer> ids(String key) {
    List<Integer> ids = new ArrayList<>();
    if (has(key)) {
      JsonNode value = json.path(key);
      for (JsonNode id : value.isArray() ? value : List.of(value)) {
        if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
          throw wrong(key, "a token id or a list of them");
        }
        ids.add(id.intValue());
      }
    }
    return List.copyOf(ids);
  }

  CheckpointException wrong(String key, String expected) {
    JsonNode value = json.path(key);
    return fail(
        file, where + key + " must be " + expected + ", is " + (json.has(key) ? value : "absent"));
  }
}
