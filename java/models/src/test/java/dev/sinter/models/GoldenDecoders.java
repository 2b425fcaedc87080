package dev.sinter.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What transformers computed, as {@code src/test/scripts/make_decoders.py} wrote it. */
final class GoldenDecoders {
  private static final ObjectMapper JSON = new ObjectMapper();

  private GoldenDecoders() {}

  /**
   * A model, a text, and what comes of it.
   *
   * @param model its folder
   * @param changes what its config.json has otherwise
   * @param logits behind each token
   */
  record Case(String name, Path model, ObjectNode changes, int[] ids, float[][] logits) {
    /** A folder with the model as the case has it. */
    Path folder(Path parent) {
      try {
        Path folder = Files.createDirectories(parent.resolve(name));
        ObjectNode config = (ObjectNode) JSON.readTree(model.resolve("config.json").toFile());
        config.setAll(changes);
        JSON.writeValue(folder.resolve("config.json").toFile(), config);
        Path weights = folder.resolve("model.safetensors");
        if (!Files.exists(weights)) {
          Files.copy(model.resolve("model.safetensors"), weights);
        }
        return folder;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** The largest difference to these logits, by the deviation of the right ones. */
    double error(int row, float[] found) {
      double sum = 0;
      double squares = 0;
      double worst = 0;
      for (int i = 0; i < found.length; i++) {
        sum += logits[row][i];
        squares += (double) logits[row][i] * logits[row][i];
        worst = Math.max(worst, Math.abs(found[i] - logits[row][i]));
        if (Float.isNaN(found[i])) {
          return Double.NaN;
        }
      }
      double mean = sum / found.length;
      return worst / Math.sqrt(squares / found.length - mean * mean);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Path folder() {
    try {
      return Path.of(GoldenDecoders.class.getResource("/golden/decoders/cases.json").toURI())
          .getParent();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  static List<Case> cases() {
    try (Checkpoint golden = SafetensorsFile.open(folder().resolve("golden.safetensors"))) {
      List<Case> cases = new ArrayList<>();
      for (JsonNode c : JSON.readTree(folder().resolve("cases.json").toFile())) {
        String name = c.get("name").textValue();
        int[] ids = golden.tensor(name + ".ids").data().toArray(ValueLayout.JAVA_INT);
        float[] all = golden.tensor(name + ".logits").toFloats();
        int vocabulary = all.length / ids.length;
        float[][] logits = new float[ids.length][vocabulary];
        for (int i = 0; i < all.length; i++) {
          logits[i / vocabulary][i % vocabulary] = all[i];
        }
        Path model = folder().resolve(c.get("model").textValue());
        cases.add(new Case(name, model, (ObjectNode) c.get("config"), ids, logits));
      }
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Case of(String name) {
    return cases().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
  }
}
