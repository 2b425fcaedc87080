package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.tensor.Scheme;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A folder that transformers wrote, and the same with one thing changed at a time. */
class HfFolderTest {
  private static final String POOLING = "1_Pooling/config.json";
  private static final List<String> FILES =
      List.of(
          "config.json",
          "model.safetensors",
          "tokenizer.json",
          "tokenizer_config.json",
          "modules.json",
          "sentence_bert_config.json",
          POOLING);

  @TempDir private Path folder;

  @BeforeEach
  void copy() throws Exception {
    Files.createDirectory(folder.resolve("1_Pooling"));
    for (String file : FILES) {
      Files.write(folder.resolve(file), resource(file));
    }
  }

  private static byte[] resource(String file) throws Exception {
    try (InputStream in = HfFolderTest.class.getResourceAsStream("/golden/tiny-bert/" + file)) {
      return in.readAllBytes();
    }
  }

  private ModelFiles resolve() {
    return ModelCatalog.resolve(folder.toString(), Progress.none());
  }

  private void replace(String file, String text, String with) throws Exception {
    Path path = folder.resolve(file);
    String before = Files.readString(path);
    assertTrue(before.contains(text), file + " has no " + text);
    Files.writeString(path, before.replace(text, with));
  }

  @Test
  void computesWhatTransformersComputes() throws Exception {
    Path golden = Files.write(folder.resolve("golden.json"), resource("golden.json"));
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(2));
        EmbeddingModel model =
            EmbeddingModel.load(sinter, resolve(), Scheme.F32, Progress.none())) {
      assertEquals(24, model.maxTokens());
      assertEquals(32, model.dimension());
      int sentences = 0;
      for (JsonNode sentence : JsonFiles.read(golden)) {
        String text = sentence.get("text").textValue();
        int[] ids = new int[sentence.get("ids").size()];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = sentence.get("ids").get(i).intValue();
        }
        assertArrayEquals(ids, model.tokenize(text), text);
        float[] actual = model.embed(List.of(text))[0];
        for (int i = 0; i < actual.length; i++) {
          double expected = sentence.get("embedding").get(i).doubleValue();
          assertEquals(expected, actual[i], 2e-5, text + " column " + i);
        }
        sentences++;
      }
      assertEquals(4, sentences);
      String text = model.explain("encoder.layer.1.output.dense");
      assertTrue(text.endsWith("\nvectors: first token, not scaled"), text);
    }
  }

  @Test
  void settingsComeFromTheFiles() throws Exception {
    assertEquals(
        new EncoderSettings(4, 1e-12f, 24, Pooling.CLS, false, false), resolve().settings());
    replace("sentence_bert_config.json", "24", "null");
    assertEquals(40, resolve().settings().maxTokens());
    replace("tokenizer_config.json", "40", "1000000000000000019884624838656");
    assertEquals(Integer.MAX_VALUE, resolve().settings().maxTokens());
    replace(POOLING, "\"pooling_mode_cls_token\": true", "\"pooling_mode_cls_token\": false");
    replace(POOLING, "\"pooling_mode_mean_tokens\": false", "\"pooling_mode_mean_tokens\": true");
    replace("modules.json", "}\n]", "}, {\"type\": \"a.b.Normalize\", \"path\": \"2_Normalize\"}]");
    assertEquals(
        new EncoderSettings(4, 1e-12f, Integer.MAX_VALUE, Pooling.MEAN, false, true),
        resolve().settings());
    Files.writeString(folder.resolve(POOLING), "{\"pooling_mode\": \"cls\"}");
    assertEquals(Pooling.CLS, resolve().settings().pooling());
  }

  @Test
  void withoutSentenceTransformersMeansAreAssumed() throws Exception {
    for (String file : List.of("modules.json", "sentence_bert_config.json", POOLING)) {
      Files.delete(folder.resolve(file));
    }
    EncoderSettings settings = resolve().settings();
    assertEquals(new EncoderSettings(4, 1e-12f, 40, Pooling.MEAN, true, true), settings);
    assertTrue(settings.describePooling().contains("assumed"), settings.describePooling());
    EncoderSettings chosen = resolve().withPooling(Pooling.CLS).settings();
    assertEquals(Pooling.CLS, chosen.pooling());
    assertFalse(chosen.poolingAssumed());
  }

  @Test
  void bothGenerationsOfTheDtype() throws Exception {
    replace("config.json", "\"dtype\"", "\"torch_dtype\"");
    assertEquals(4, resolve().settings().heads());
    replace("config.json", "\"eos_token_id\"", "\"dtype\": \"bfloat16\", \"eos_token_id\"");
    assertEquals(4, resolve().settings().heads());
    replace("config.json", "\"dtype\": \"bfloat16\", ", "\"dtype\": \"float32\", ");
    assertRefused("config.json", "dtype is \"float32\", torch_dtype is \"bfloat16\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "config | 'bert' | 'roberta' | model_type is 'roberta'",
        "config | model_type | model_kind | has no model_type",
        "config | 'gelu' | 'gelu_new' | hidden_act is 'gelu_new'",
        "config | 'is_decoder': false | 'is_decoder': true | is_decoder is true",
        "config | 'use_cache' | 'position_embedding_type' | position_embedding_type is true",
        "config | 'use_cache': true | 'quantization_config': {} | quantization_config ({}) is not",
        "config | 'use_cache': true | 'auto_map': {'a': 1} | auto_map",
        "config | 'use_cache' | 'rotary' | rotary (true) is not known",
        "config | 'bfloat16' | 'float64' | dtype 'float64' is not one of",
        "config | 'hidden_size': 32 | 'hidden_size': 64 | hidden_size is 64, the tensors have 32",
        "config | 'vocab_size': 20 | 'vocab_size': 21 | vocab_size is 21",
        "config | 'intermediate_size': 48 | 'intermediate_size': 49 | intermediate_size is 49",
        "config | 'num_hidden_layers': 2 | 'num_hidden_layers': 3 | num_hidden_layers is 3",
        "config | 'max_position_embeddings': 40 | 'max_position_embeddings': 39 | is 39",
        "config | 'num_attention_heads': 4 | 'num_attention_heads': 4.5 | an integer",
        "config | 'num_attention_heads': 4, | `` | num_attention_heads must be an integer",
        "config | 1e-12 | 0 | layer_norm_eps",
        "config | 1e-12 | 'tiny' | layer_norm_eps",
        "config | { | [ | malformed JSON",
        "config | 'vocab_size': 20 | 'vocab_size': 20, 'vocab_size': 20 | malformed JSON",
        "modules | models.Pooling | models.Dense | [Transformer, Dense]",
        "modules | models.Transformer | models.CLIPModel | [CLIPModel, Pooling]",
        "modules | 'path': '' | 'path': '0_Transformer' | lies in the folder",
        "modules | 1_Pooling | ../1_Pooling | which is no folder beside it",
        "modules | 1_Pooling | 2_Pooling | has no 2_Pooling/config.json",
        "1_Pooling/config | cls_token': true | cls_token': false | pooling_mode is []",
        "1_Pooling/config | mean_tokens': false | mean_tokens': true | pooling_mode is [cls, mean]",
        "1_Pooling/config | max_tokens': false | max_tokens': true | [cls, max]",
        "1_Pooling/config | cls_token': true | lasttoken': true | [lasttoken]",
        "1_Pooling/config | : 32 | : 33 | word_embedding_dimension is 33",
        "sentence_bert_config | 24 | 2 | max_seq_length is 2",
        "tokenizer_config | 'do_lower_case': true | 'do_lower_case': false | is false",
        "tokenizer_config | 'strip_accents': null | 'strip_accents': false | is false",
        "tokenizer_config | 'model_max_length': 40 | 'model_max_length': -1 | model_max_length",
      })
  void whatIsNotSupportedIsRefusedByName(String stem, String text, String with, String reason)
      throws Exception {
    String file = stem + ".json";
    replace(file, text.replace('\'', '"'), with.replace('\'', '"'));
    assertRefused(file, reason.replace('\'', '"'));
  }

  @Test
  void anotherKindOfModelIsNamedBeforeItsSettings() throws Exception {
    Files.writeString(
        folder.resolve("config.json"), "{\"attention_bias\": false, \"model_type\": \"llama\"}");
    assertRefused("config.json", "model_type is \"llama\", only \"bert\" is supported");
  }

  @Test
  void lowercasingThatTheTokenizerDoesNotDo() throws Exception {
    replace("sentence_bert_config.json", "false", "true");
    assertEquals(24, resolve().settings().maxTokens());
    replace("tokenizer.json", "\"lowercase\": true", "\"lowercase\": false");
    replace("tokenizer_config.json", "\"do_lower_case\": true", "\"do_lower_case\": false");
    assertRefused("sentence_bert_config.json", "does not lowercase");
  }

  @Test
  void missingFilesAreNamed() throws Exception {
    for (Map.Entry<String, String> e :
        Map.of("tokenizer.json", "no tokenizer.json", "model.safetensors", "no model.safetensors")
            .entrySet()) {
      Path path = folder.resolve(e.getKey());
      Path aside = Files.move(path, folder.resolve("aside"));
      String message = assertThrows(IllegalArgumentException.class, this::resolve).getMessage();
      assertTrue(message.contains(e.getValue()), message);
      Files.move(aside, path);
    }
    Files.delete(folder.resolve("config.json"));
    String message = assertThrows(IllegalArgumentException.class, this::resolve).getMessage();
    assertTrue(message.contains("without config.json") && message.contains("32"), message);
  }

  private void assertRefused(String file, String reason) {
    CheckpointException e = assertThrows(CheckpointException.class, this::resolve);
    assertEquals(folder.resolve(file).toString(), e.file(), e.getMessage());
    assertTrue(e.reason().contains(reason), e.getMessage());
  }
}
