package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SyntheticDecoderTest {
  @TempDir private Path scratch;

  private Path write(String name, long seed) {
    Path folder = scratch.resolve(name);
    SyntheticDecoder.write("tiny", 100, seed, folder, Progress.none());
    return folder;
  }

  @Test
  void theSeedDecidesAndTheFilesAreMarked() throws Exception {
    Path one = write("one", 1);
    Path same = write("same", 1);
    Path other = write("other", 2);
    String file = "model-00001-of-00001.safetensors";
    byte[] weights = Files.readAllBytes(one.resolve(file));
    assertArrayEquals(weights, Files.readAllBytes(same.resolve(file)));
    assertNotEquals(
        -1, java.util.Arrays.mismatch(weights, Files.readAllBytes(other.resolve(file))));
    String config = Files.readString(one.resolve("config.json"));
    assertTrue(config.contains("\"sinter_synthetic\" : \"random weights, seed 1"), config);
    try (Checkpoint checkpoint = CheckpointFiles.open(one)) {
      float[] q = checkpoint.tensor("model.layers.1.self_attn.q_proj.weight").toFloats();
      double squares = 0;
      for (float v : q) {
        squares += (double) v * v;
      }
      assertEquals(0.02, Math.sqrt(squares / q.length), 0.002);
      assertEquals(1, checkpoint.tensor("model.norm.weight").toFloats()[7]);
    }
    String header = new String(weights, 0, 4000, StandardCharsets.UTF_8);
    assertTrue(header.contains("sinter_synthetic"), header);
  }

  @Test
  void theTokenizerReadsAndWritesAnyText() {
    Path folder = write("tokens", 1);
    try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
      String text = "Grüße, \t世界 \uD83D\uDE00!\n";
      int[] ids = tokenizer.encode(text);
      assertEquals(text.getBytes(StandardCharsets.UTF_8).length, ids.length);
      assertEquals(text, tokenizer.decode(ids));
      assertEquals(" w300", tokenizer.decode(new int[] {0, 300, 1}));
      assertArrayEquals(ids, tokenizer.encodePlain(text));
    }
  }

  @ParameterizedTest
  @EnumSource(SyntheticShape.class)
  void configsAreThoseOfDecodersThatWeRun(SyntheticShape shape) throws Exception {
    Files.writeString(scratch.resolve("config.json"), shape.config(0).toString());
    DecoderConfig config = DecoderConfigReader.read(scratch);
    assertEquals(shape.vocabulary(), config.vocabulary().size());
    assertEquals(shape.bos(), config.vocabulary().bos());
    long parameters = shape.tensors().stream().mapToLong(t -> t.bytes() / 2).sum();
    // As the real ones have, but for tiny.
    long right =
        switch (shape) {
          case TINY -> parameters;
          case TINYLLAMA -> 1_100_048_384L;
          case QWEN25 -> 494_032_768L;
          case LLAMA32 -> 1_235_814_400L;
        };
    assertEquals(right, parameters);
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    assertThrows(
        IllegalArgumentException.class,
        () -> SyntheticDecoder.write("gpt", 0, 0, scratch.resolve("x"), Progress.none()));
    Files.writeString(scratch.resolve("something"), "");
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> SyntheticDecoder.write("tiny", 0, 0, scratch, Progress.none()))
            .getMessage();
    assertTrue(message.contains("not empty"), message);
  }
}
