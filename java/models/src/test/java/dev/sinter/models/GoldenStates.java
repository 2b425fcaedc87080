package dev.sinter.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Hidden states that ONNX Runtime computed, as {@code src/test/scripts/make_golden.py} wrote them.
 *
 * @param states the embeddings and each layer
 */
record GoldenStates(int states, int hidden, List<Sentence> sentences) {
  /**
   * One sentence.
   *
   * @param rows the positions whose states are kept
   * @param values f32 [states][rows][hidden]
   * @param embedding the mean over all positions, of length 1
   */
  record Sentence(
      String text, int[] ids, int[] rows, int hidden, float[] values, float[] embedding) {
    float state(int state, int row, int column) {
      return values[(state * rows.length + row) * hidden + column];
    }
  }

  static GoldenStates miniLm() {
    try (InputStream json = open("golden.json");
        InputStream bin = open("golden.bin")) {
      JsonNode root = new ObjectMapper().readTree(json);
      ByteBuffer bytes = ByteBuffer.wrap(bin.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
      int hidden = root.get("hidden").intValue();
      int states = root.get("layers").intValue() + 1;
      List<Sentence> sentences = new ArrayList<>();
      for (JsonNode s : root.get("sentences")) {
        int[] rows = ints(s.get("rows"));
        FloatBuffer from = bytes.position(s.get("offset").intValue()).asFloatBuffer();
        float[] values = new float[states * rows.length * hidden];
        float[] embedding = new float[hidden];
        from.get(values).get(embedding);
        sentences.add(
            new Sentence(
                s.get("text").textValue(), ints(s.get("ids")), rows, hidden, values, embedding));
      }
      return new GoldenStates(states, hidden, List.copyOf(sentences));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String file) {
    return GoldenStates.class.getResourceAsStream("/golden/minilm/" + file);
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }
}
