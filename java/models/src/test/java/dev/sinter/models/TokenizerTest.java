package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.checkpoint.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  private static final int CALLERS = 8;
  private static final int ROUNDS = 200;

  @Test
  void manyCallersGetTheIdsOfThePythonLibrary() throws Exception {
    List<GoldenStates.Sentence> sentences = GoldenStates.miniLm().sentences();
    assertEquals(8, sentences.size());
    try (Tokenizer tokenizer = TestModels.miniLm().openTokenizer(512);
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
      Callable<Void> caller =
          () -> {
            for (int i = 0; i < ROUNDS; i++) {
              GoldenStates.Sentence s = sentences.get(i % sentences.size());
              assertArrayEquals(s.ids(), tokenizer.encode(s.text()), s.text());
            }
            return null;
          };
      List<Future<Void>> results = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        results.add(callers.submit(caller));
      }
      for (Future<Void> result : results) {
        result.get();
      }
    }
  }

  @Test
  void theMaximumIsOursNotTheFiles() {
    // The file itself cuts and pads to 128.
    String text = "word ".repeat(300);
    for (int length : new int[] {3, 127, 128, 129, 301, 302}) {
      try (Tokenizer tokenizer = TestModels.miniLm().openTokenizer(length)) {
        int[] ids = tokenizer.encode(text);
        assertEquals(length, ids.length);
        assertEquals(101, ids[0]);
        assertEquals(102, ids[length - 1]);
      }
    }
    assertThrows(
        IllegalArgumentException.class, () -> TestModels.miniLm().openTokenizer(2), "2 tokens");
  }

  @Test
  void anyStringIsText() {
    try (Tokenizer tokenizer = TestModels.miniLm().openTokenizer(512)) {
      assertArrayEquals(tokenizer.encode("a ? b"), tokenizer.encode("a \ud83d b"));
      // The model's normalizer drops it.
      assertArrayEquals(tokenizer.encode("ab"), tokenizer.encode("a\0b"));
      assertArrayEquals(new int[] {101, 102}, tokenizer.encode(" \n"));
    }
  }

  @Test
  void badFilesAreNamed(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("tokenizer.json");
    assertThrows(CheckpointException.class, () -> Tokenizer.open(file, 512));
    for (String json : List.of("", "{}", "[1", "{\"version\": \"1.0\", \"model\": 7}")) {
      Files.writeString(file, json);
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> Tokenizer.open(file, 512), json);
      assertEquals(file.toString(), e.file());
    }
  }

  @Test
  void theApplicationsSettingsStay() {
    String key = "ai.djl.offline";
    assertNull(System.getProperty(key));
    TestModels.miniLm().openTokenizer(512).close();
    assertNull(System.getProperty(key));
    System.setProperty(key, "false");
    try {
      TestModels.miniLm().openTokenizer(512).close();
      assertEquals("false", System.getProperty(key));
    } finally {
      System.clearProperty(key);
    }
  }

  @Test
  void closingTwiceIsFineAndUseAfterItAnError() {
    Tokenizer tokenizer = TestModels.miniLm().openTokenizer(512);
    tokenizer.close();
    tokenizer.close();
    String message =
        assertThrows(IllegalStateException.class, () -> tokenizer.encode("x")).getMessage();
    assertTrue(message.contains("closed"), message);
  }
}
