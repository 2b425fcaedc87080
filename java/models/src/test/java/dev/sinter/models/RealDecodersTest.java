package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.KvType;
import dev.sinter.tensor.Scheme;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Trained models in the folder of shared test data; skipped, and said so, without it. */
class RealDecodersTest {
  private static final String KJV = "kjv-llama-3.7m";
  private static final String STORIES = "stories260K/stories260K-hf";

  private static Path data(String name) {
    Path path = TestModels.shared("data/" + name);
    Assumptions.assumeTrue(Files.exists(path), () -> path + " is not there");
    return path;
  }

  private static double nats(String model, DecoderOptions options, String text, int windows) {
    try (Sinter sinter = Sinter.open(SinterOptions.defaults());
        DecoderModel decoder = DecoderModel.load(sinter, data(model), options, Progress.none())) {
      String start = text.substring(0, Math.min(text.length(), 1000 * windows));
      return Perplexity.of(decoder, start, 255, Progress.none()).nats();
    }
  }

  @Test
  void greedyTextIsThatOfTransformers() throws Exception {
    Path model = data(STORIES);
    JsonNode golden =
        new ObjectMapper().readTree(GoldenDecoders.folder().resolve("stories260K.json").toFile());
    try (Sinter sinter = Sinter.open(SinterOptions.defaults());
        DecoderModel decoder =
            DecoderModel.load(sinter, model, DecoderOptions.of(Scheme.F32), Progress.none());
        DecoderSession session = decoder.open()) {
      int[] prompt = decoder.tokenize(golden.get("prompt").textValue());
      assertArrayEquals(ints(golden.get("prompt_ids")), prompt);
      int[] ids = ints(golden.get("ids"));
      Generation found =
          session.generate(
              prompt, new Generation.Settings(ids.length, Sampling.greedy()), (_, _) -> true);
      assertArrayEquals(ids, found.ids());
      assertEquals(golden.get("text").textValue(), found.text());
    }
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }

  /** On the first windows of the held-out text; the whole of it is for the command line. */
  @Test
  void schemesCostWhatTheyShould() throws Exception {
    String text = Files.readString(data(KJV).resolve("heldout.txt"));
    double f32 = nats(KJV, DecoderOptions.of(Scheme.F32), text, 6);
    assertTrue(f32 > 2 && f32 < 3.5, "f32: " + f32);
    double bf16 = nats(KJV, DecoderOptions.of(Scheme.BF16), text, 6);
    assertEquals(f32, bf16, 0.01, "bf16");
    double w8a8 = nats(KJV, DecoderOptions.of(Scheme.W8A8), text, 6);
    assertEquals(f32, w8a8, 0.005, "w8a8");
    double w4a16 = nats(KJV, DecoderOptions.of(Scheme.W4A16.withGroup(32)), text, 6);
    assertEquals(f32, w4a16, 0.04, "w4a16:32");
    double w4a8 = nats(KJV, DecoderOptions.of(Scheme.W4A8.withGroup(32)), text, 6);
    assertEquals(w4a16, w4a8, 0.01, "w4a8:32");
    double int8 = nats(KJV, DecoderOptions.of(Scheme.F32).withCache(KvType.INT8), text, 6);
    assertEquals(f32, int8, 0.002, "int8 cache");
    assertTrue(int8 != f32 && w8a8 != f32 && bf16 != f32, "something was quantized");
  }
}
