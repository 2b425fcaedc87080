package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.TensorInfo;
import dev.sinter.tensor.RawTensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BertConfigTest {
  private static final float EPS = 1e-12f;

  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  @BeforeEach
  void twoLayers() {
    shapes.put("embeddings.word_embeddings.weight", new long[] {11, 6});
    shapes.put("embeddings.position_embeddings.weight", new long[] {5, 6});
    shapes.put("embeddings.token_type_embeddings.weight", new long[] {2, 6});
    for (int i = 0; i < 2; i++) {
      String layer = "encoder.layer." + i + ".";
      for (String name : List.of("self.query", "self.key", "self.value", "output.dense")) {
        shapes.put(layer + "attention." + name + ".weight", new long[] {6, 6});
      }
      shapes.put(layer + "intermediate.dense.weight", new long[] {7, 6});
      shapes.put(layer + "output.dense.weight", new long[] {6, 7});
    }
  }

  @Test
  void sizesComeFromShapes() {
    assertEquals(new BertConfig(2, 6, 3, 7, 5, 11, EPS), BertConfig.infer(checkpoint(), 3, EPS));
  }

  @Test
  void everyContradictionIsNamed() {
    for (String name : List.copyOf(shapes.keySet())) {
      long[] good = shapes.get(name);
      long[][] bad = {{good[0], good[1] + 1}, {0, good[1]}, {good[0]}, {good[0], good[1], 1}};
      for (long[] shape : bad) {
        if (name.equals("embeddings.word_embeddings.weight") && shape == bad[0]) {
          continue; // It defines the hidden size; then all others contradict it.
        }
        shapes.put(name, shape);
        assertEquals(name, refused(3).tensor(), shape.length + " dimensions");
      }
      shapes.put(name, good);
    }
    shapes.put("encoder.layer.1.intermediate.dense.weight", new long[] {8, 6});
    assertEquals("encoder.layer.1.intermediate.dense.weight", refused(3).tensor());
  }

  @Test
  void headsMustDivideTheHiddenSize() {
    for (int heads : new int[] {-1, 0, 4, 5, 7}) {
      assertTrue(refused(heads).reason().contains(heads + " heads"), "heads " + heads);
    }
  }

  @Test
  void missingLayersAreNamed() {
    shapes.keySet().removeIf(name -> name.startsWith("encoder.layer.0."));
    assertTrue(refused(3).reason().contains("encoder.layer.0."), "a gap");
    shapes.keySet().removeIf(name -> name.startsWith("encoder."));
    assertTrue(refused(3).reason().contains("encoder.layer.0."), "none");
  }

  private CheckpointException refused(int heads) {
    return assertThrows(
        CheckpointException.class, () -> BertConfig.infer(checkpoint(), heads, EPS));
  }

  private Checkpoint checkpoint() {
    return new Checkpoint() {
      @Override
      public String file() {
        return "test";
      }

      @Override
      public List<String> names() {
        return List.copyOf(shapes.keySet());
      }

      @Override
      public boolean contains(String name) {
        return shapes.containsKey(name);
      }

      @Override
      public Map<String, String> metadata() {
        return Map.of();
      }

      @Override
      public RawTensor tensor(String name) {
        throw new AssertionError(name + " is read, though its shape is enough");
      }

      @Override
      public TensorInfo info(String name) {
        long[] shape = shapes.get(name);
        if (shape == null) {
          throw new CheckpointException(
              file(), name, CheckpointException.UNKNOWN_OFFSET, "no such tensor");
        }
        long bytes = Float.BYTES;
        for (long d : shape) {
          bytes *= d;
        }
        return new TensorInfo(name, "F32", shape, bytes);
      }

      @Override
      public void close() {}
    };
  }
}
