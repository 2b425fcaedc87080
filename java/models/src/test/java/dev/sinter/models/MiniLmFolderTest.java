package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointWriter;
import dev.sinter.tensor.RawTensor;
import dev.sinter.tensor.Scheme;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tensors of the jar, written as a Hugging Face folder, give the same vectors bit for bit. */
class MiniLmFolderTest {
  private static final List<String> SENTENCES =
      List.of("Rain", "The harbour was empty when the last ferry left.", "word ".repeat(200));
  private static final String CONFIG =
      """
      {"model_type": "bert", "hidden_act": "gelu", "num_hidden_layers": 6, "hidden_size": 384,
       "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512,
       "vocab_size": 30522, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
       "torch_dtype": "float32", "position_embedding_type": "absolute"}
      """;
  private static final long SHARD_BYTES = 20_000_000;

  @TempDir private static Path folder;
  private static Sinter sinter;

  @BeforeAll
  static void write() throws Exception {
    sinter = Sinter.open(SinterOptions.defaults().withThreads(2));
    ModelFiles jar = TestModels.miniLm();
    try (Checkpoint onnx = jar.openCheckpoint()) {
      List<RawTensor> tensors = onnx.names().stream().map(onnx::tensor).toList();
      Files.createDirectory(folder.resolve("whole"));
      CheckpointWriter.write(
          folder.resolve("whole/model.safetensors"), tensors, Map.of("format", "pt"));
      CheckpointWriter.writeShards(folder.resolve("sharded"), tensors, Map.of(), SHARD_BYTES);
    }
    for (String kind : List.of("whole", "sharded")) {
      Files.writeString(folder.resolve(kind + "/config.json"), CONFIG);
      try (ZipFile zip = new ZipFile(jar.path().toFile());
          InputStream in = zip.getInputStream(zip.getEntry(jar.tokenizer()))) {
        Files.copy(in, folder.resolve(kind + "/tokenizer.json"));
      }
    }
  }

  @AfterAll
  static void close() {
    sinter.close();
  }

  @ParameterizedTest
  @MethodSource("schemes")
  void vectorsAreEqualBitForBit(Scheme scheme) {
    float[][] expected = embed(TestModels.miniLm(), scheme);
    for (String kind : List.of("whole", "sharded")) {
      String path = folder.resolve(kind).toString();
      float[][] actual = embed(ModelCatalog.resolve(path, Progress.none()), scheme);
      for (int i = 0; i < expected.length; i++) {
        assertArrayEquals(bits(expected[i]), bits(actual[i]), kind + " " + SENTENCES.get(i));
      }
    }
  }

  @Test
  void theShardsAreSeveral() throws Exception {
    try (var files = Files.list(folder.resolve("sharded"))) {
      assertEquals(5, files.filter(f -> f.toString().endsWith(".safetensors")).count());
    }
  }

  private static List<Scheme> schemes() {
    return Scheme.DEFAULTS;
  }

  private static float[][] embed(ModelFiles files, Scheme scheme) {
    try (EmbeddingModel model = EmbeddingModel.load(sinter, files, scheme, Progress.none())) {
      return model.embed(SENTENCES);
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
