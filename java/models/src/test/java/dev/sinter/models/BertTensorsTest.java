package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.CheckpointWriter;
import dev.sinter.checkpoint.SafetensorsFile;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BertTensorsTest {
  private static final String WORDS = "embeddings.word_embeddings.weight";

  @TempDir private Path folder;

  private static RawTensor tensor(String name, DType dtype, int value) {
    MemorySegment data = Arena.ofAuto().allocate(dtype.bytes(), 64);
    if (dtype.bytes() == 2) {
      data.set(ValueLayout.JAVA_SHORT, 0, (short) value);
    } else if (dtype.bytes() == 4) {
      data.set(ValueLayout.JAVA_INT, 0, value);
    }
    return new RawTensor(name, dtype, new long[] {1}, data);
  }

  private BertTensors open(RawTensor... tensors) {
    Path file = folder.resolve("model.safetensors");
    CheckpointWriter.write(file, List.of(tensors), Map.of());
    return new BertTensors(SafetensorsFile.open(file));
  }

  @Test
  void thePrefixAndOldNamesGo() {
    try (BertTensors bert =
        open(
            tensor("bert." + WORDS, DType.F32, 1),
            tensor("bert.embeddings.LayerNorm.gamma", DType.F32, 2),
            tensor("bert.embeddings.LayerNorm.beta", DType.F32, 3),
            tensor("cls.predictions.bias", DType.F32, 4))) {
      assertEquals(
          Set.of(WORDS, "embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"),
          Set.copyOf(bert.names()));
      assertEquals("embeddings.LayerNorm.bias", bert.info("embeddings.LayerNorm.bias").name());
      RawTensor gamma = bert.tensor("embeddings.LayerNorm.weight");
      assertEquals("embeddings.LayerNorm.weight F32 [1]", gamma.toString());
      assertEquals(2, gamma.data().get(ValueLayout.JAVA_INT, 0));
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> bert.tensor("embeddings.absent"));
      assertEquals("embeddings.absent", e.tensor());
    }
  }

  @Test
  void halvesAreWidenedOthersRefused() {
    try (BertTensors bert =
        open(
            tensor(WORDS, DType.F16, 0x3E00),
            tensor("b", DType.BF16, 0x3FC0),
            tensor("d", DType.F64, 0),
            tensor("i", DType.I64, 0))) {
      for (String name : List.of(WORDS, "b")) {
        RawTensor t = bert.tensor(name);
        assertEquals(DType.F32, t.dtype());
        assertArrayEquals(new float[] {1.5f}, t.toFloats(), name);
      }
      for (String name : List.of("d", "i")) {
        CheckpointException e = assertThrows(CheckpointException.class, () -> bert.tensor(name));
        assertTrue(e.reason().contains("must be F32, F16 or BF16"), e.reason());
        assertEquals(name, e.tensor());
      }
    }
  }

  @Test
  void oneTensorUnderTwoNames() {
    CheckpointException e =
        assertThrows(
            CheckpointException.class,
            () ->
                open(
                    tensor("embeddings.LayerNorm.gamma", DType.F32, 1),
                    tensor("embeddings.LayerNorm.weight", DType.F32, 1)));
    assertTrue(e.reason().contains("second name"), e.reason());
  }
}
