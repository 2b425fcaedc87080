package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecoderConfigTest {
  private static final String SIZES =
      """
      "hidden_size": 64, "intermediate_size": 90, "num_hidden_layers": 4,
      "num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 128,
      "vocab_size": 100""";

  @TempDir private Path folder;

  private DecoderConfig read(String members) throws IOException {
    Files.writeString(folder.resolve("config.json"), "{" + members + "}");
    return DecoderConfigReader.read(folder);
  }

  private DecoderConfig read(String type, String more) throws IOException {
    return read("\"model_type\": \"" + type + "\", " + SIZES + (more.isEmpty() ? "" : ",") + more);
  }

  private void refused(String expected, String type, String more) {
    String message =
        assertThrows(CheckpointException.class, () -> read(type, more), more).getMessage();
    assertTrue(message.contains(expected), message);
    assertTrue(message.contains("config.json"), message);
  }

  @Test
  void olderAndNewerFilesOfALlamaSayTheSame() throws IOException {
    DecoderConfig old =
        read(
            "llama",
            """
            "torch_dtype": "float16", "rope_theta": 500000.0, "rms_norm_eps": 1e-5,
            "rope_scaling": {"type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
            "bos_token_id": 1, "eos_token_id": [2, 3], "hidden_act": "silu"\
            """);
    DecoderConfig now =
        read(
            "llama",
            """
            "dtype": "float16", "rms_norm_eps": 1e-5, "head_dim": 8, "attention_bias": false,
            "rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
              "rope_theta": 500000.0},
            "bos_token_id": 1, "eos_token_id": [2, 3], "mlp_bias": false, "pad_token_id": null\
            """);
    assertEquals(old, now);
    assertEquals(new RopeScaling.Llama3(8, 1, 4, 64), now.rotary().scaling());
    assertEquals(500_000, now.rotary().theta());
    assertEquals(List.of(0, 0, 0, 0), now.attention().windows());
    assertEquals(List.of(2, 3), now.vocabulary().ends());
    assertEquals(1, now.vocabulary().bos());
    assertEquals(1e-5f, now.norms().epsilon());
  }

  @Test
  void whatIsAbsentIsWhatTransformersTakesItFor() throws IOException {
    DecoderConfig llama = read("llama", "");
    assertEquals(1e-6f, llama.norms().epsilon());
    assertEquals(10_000, llama.rotary().theta());
    assertEquals(new RopeScaling.Default(), llama.rotary().scaling());
    assertEquals(-1, llama.vocabulary().bos());
    assertEquals(List.of(), llama.vocabulary().ends());
    assertEquals(Activation.SILU, llama.mlp().activation());
    assertEquals(Collections.nCopies(4, 4096), read("mistral", "").attention().windows());
    DecoderConfig gemma = read("gemma2", "");
    assertEquals(List.of(4096, 0, 4096, 0), gemma.attention().windows());
    assertEquals(50, gemma.attention().softCap());
    assertEquals(30, gemma.vocabulary().softCap());
    assertEquals(1.0 / 16, gemma.attention().scale());
    assertEquals(256, gemma.attention().headDim());
    assertEquals(Activation.GELU_TANH, gemma.mlp().activation());
    assertTrue(gemma.vocabulary().tied() && gemma.vocabulary().scaled());
    assertTrue(gemma.norms().plusOne() && gemma.norms().behindBlocks());
    DecoderConfig qwen3 = read("qwen3", "");
    assertEquals(128, qwen3.attention().headDim());
    assertTrue(qwen3.attention().headNorms() && !qwen3.attention().inputBias());
  }

  @Test
  void nullMeansNone() throws IOException {
    assertEquals(
        Collections.nCopies(4, 0),
        read("mistral", "\"sliding_window\": null").attention().windows());
    DecoderConfig gemma =
        read("gemma2", "\"attn_logit_softcapping\": null, \"final_logit_softcapping\": null");
    assertEquals(0, gemma.attention().softCap());
    assertEquals(0, gemma.vocabulary().softCap());
    assertEquals(
        new RopeScaling.Default(), read("llama", "\"rope_scaling\": null").rotary().scaling());
  }

  @Test
  void windowsOfQwen() throws IOException {
    String window = "\"sliding_window\": 9, \"max_window_layers\": 3, ";
    assertEquals(
        List.of(0, 0, 0, 0),
        read("qwen2", window + "\"use_sliding_window\": false").attention().windows());
    DecoderConfig used = read("qwen2", window + "\"use_sliding_window\": true");
    assertEquals(List.of(0, 0, 0, 9), used.attention().windows());
    assertTrue(used.attention().inputBias() && !used.attention().outputBias());
    String types =
        "[\"sliding_attention\", \"full_attention\", \"full_attention\", \"sliding_attention\"]";
    assertEquals(
        List.of(9, 0, 0, 9),
        read("qwen3", window + "\"use_sliding_window\": true, \"layer_types\": " + types)
            .attention()
            .windows());
    refused("there is no sliding_window", "qwen3", "\"layer_types\": " + types);
  }

  @Test
  void generationConfigSaysWhereTextsEnd() throws IOException {
    Files.writeString(
        folder.resolve("generation_config.json"), "{\"eos_token_id\": [7, 8], \"top_p\": 0.9}");
    assertEquals(List.of(7, 8), read("llama", "\"eos_token_id\": 2").vocabulary().ends());
  }

  @Test
  void otherModelsAreRefusedByName() {
    for (String type : List.of("\"gpt2\"", "null", "7")) {
      String message =
          assertThrows(
                  CheckpointException.class,
                  () -> read("\"model_type\": " + type + ", \"n_embd\": 7," + SIZES))
              .getMessage();
      assertTrue(message.contains("model_type"), message);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "llama | attention_multiplier (2) is not known | \"attention_multiplier\": 2",
        "llama | sliding_window | \"sliding_window\": 2",
        "llama | quantization_config | \"quantization_config\": {\"bits\": 4}",
        "llama | rope_interleaved is true | \"rope_interleaved\": true",
        "llama | hidden_act must be silu | \"hidden_act\": \"relu\"",
        "llama | dtype must be one of | \"dtype\": \"float8\"",
        "llama | dtype is \"float16\", torch_dtype | \"dtype\": \"float16\", \"torch_dtype\": \"float32\"",
        "llama | head is 7, odd | \"head_dim\": 7",
        "llama | longrope are not supported | \"rope_scaling\": {\"rope_type\": \"longrope\"}",
        "llama | rope_scaling.factor must be | \"rope_scaling\": {\"type\": \"linear\"}",
        "llama | rope_scaling.beta_fast | \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"beta_fast\": 3}",
        "llama | rope_theta is 5.0 | \"rope_theta\": 5, \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 6}",
        "llama | partial_rotary_factor | \"rope_parameters\": {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5}",
        "llama | rope_parameters is | \"rope_parameters\": {\"rope_type\": \"default\"}, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}",
        "llama | original_max_position_embeddings must be max | \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2, \"original_max_position_embeddings\": 64}",
        "gemma2 | use_bidirectional_attention | \"use_bidirectional_attention\": true",
        "gemma2 | hidden_act must be what hidden_activation is | \"hidden_act\": \"gelu\"",
        "qwen2 | layer_types must be a list of 4 | \"layer_types\": [\"full_attention\"]",
        "qwen2 | chunked_attention | \"layer_types\": [\"chunked_attention\", \"full_attention\", \"full_attention\", \"full_attention\"]",
        "llama | rms_norm_eps must be | \"rms_norm_eps\": 0",
        "llama | bos_token_id must be below | \"bos_token_id\": 100"
      })
  void whatIsNotSupportedIsRefusedByName(String type, String expected, String members) {
    refused(expected, type, members);
  }

  @Test
  void sizesMustFit() {
    String message =
        assertThrows(
                CheckpointException.class,
                () ->
                    read(
                        "\"model_type\": \"llama\", "
                            + SIZES.replace("_heads\": 2", "_heads\": 3")))
            .getMessage();
    assertTrue(message.contains("num_key_value_heads must be a divisor"), message);
  }
}
