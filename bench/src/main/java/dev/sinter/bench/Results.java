package dev.sinter.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.cli.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The file through which a fork hands over what it finds, a line of JSON each, so that what was
 * found before a crash is not lost and the parent sees how far it is.
 */
final class Results {
  private static final String ROW = "row";
  private static final String REFUSAL = "refusal";
  private static final String BREAKDOWN = "breakdown";

  private final Path file;

  Results(Path file) {
    this.file = file;
  }

  void add(Measurement row) {
    append(ROW, row);
  }

  void add(Refusal refusal) {
    append(REFUSAL, refusal);
  }

  void add(Breakdown breakdown) {
    append(BREAKDOWN, breakdown);
  }

  private void append(String kind, Object value) {
    ObjectNode line = Json.object();
    line.set(kind, Json.MAPPER.valueToTree(value));
    try {
      Files.writeString(
          file, Json.line(line) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How many rows there are by now, while another process adds some. */
  long rowCount() {
    String start = "{\"" + ROW + "\"";
    try (Stream<String> lines = Files.exists(file) ? Files.lines(file) : Stream.empty()) {
      return lines.filter(line -> line.startsWith(start)).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Measurement> rows() {
    return read(ROW, Measurement.class);
  }

  List<Refusal> refusals() {
    return read(REFUSAL, Refusal.class);
  }

  List<Breakdown> breakdowns() {
    return read(BREAKDOWN, Breakdown.class);
  }

  private <T> List<T> read(String kind, Class<T> type) {
    try {
      List<T> values = new ArrayList<>();
      if (Files.exists(file)) {
        for (String line : Files.readAllLines(file)) {
          JsonNode value = Json.MAPPER.readTree(line).get(kind);
          if (value != null) {
            values.add(Json.MAPPER.treeToValue(value, type));
          }
        }
      }
      return values;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
