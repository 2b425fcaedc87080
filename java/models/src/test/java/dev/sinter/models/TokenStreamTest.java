package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenStreamTest {
  private static final String TEXT =
      "Ein Gru\u00df \u4e16\u754c \uD83D\uDE00\uD83D\uDC4D\uD83C\uDFFD, ok";

  @TempDir private Path scratch;

  /** All pieces put together, each of whole characters. */
  private static String stream(Tokenizer tokenizer, int[] before, int[] ids) {
    TokenStream stream = new TokenStream(tokenizer, before);
    StringBuilder all = new StringBuilder();
    for (int id : ids) {
      String piece = stream.append(id);
      assertTrue(piece.indexOf('\uFFFD') < 0, piece);
      assertTrue(
          piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1)), piece);
      all.append(piece);
    }
    return all.append(stream.finish()).toString();
  }

  @Test
  void charactersComeWhole() {
    SyntheticDecoder.write("tiny", 0, 0, scratch.resolve("m"), Progress.none());
    // Every byte is a token here.
    try (Tokenizer tokenizer = Tokenizer.open(scratch.resolve("m/tokenizer.json"))) {
      int[] ids = tokenizer.encode(TEXT);
      for (int split = 0; split <= ids.length; split++) {
        int[] before = Arrays.copyOf(ids, split);
        String prefix = tokenizer.decode(before);
        if (prefix.indexOf('\uFFFD') < 0) {
          int[] rest = Arrays.copyOfRange(ids, split, ids.length);
          assertEquals(TEXT.substring(prefix.length()), stream(tokenizer, before, rest));
        }
      }
      // A text that ends within a character.
      int[] cut = Arrays.copyOf(tokenizer.encode("a\u4e16"), 3);
      assertEquals("a\uFFFD", stream(tokenizer, new int[0], cut));
      // A byte that never was a part of one comes out with what follows.
      TokenStream stream = new TokenStream(tokenizer, new int[0]);
      assertEquals("", stream.append(cut[1]));
      assertEquals("\uFFFDE", stream.append(ids[0]));
      assertEquals("i", stream.append(ids[1]));
    }
  }

  @Test
  void spacesOfSentencePieceStay() {
    Path json = TestModels.shared("data/stories260K/stories260K-hf/tokenizer.json");
    Assumptions.assumeTrue(Files.exists(json), () -> json + " is not there");
    try (Tokenizer tokenizer = Tokenizer.open(json)) {
      String text = "Once upon a time there was \u4e16 Lily. She";
      int[] ids = tokenizer.encode(text);
      assertEquals(1, ids[0]);
      for (int split : List.of(1, 3, 5, 7)) {
        int[] before = Arrays.copyOf(ids, split);
        String pieces = stream(tokenizer, before, Arrays.copyOfRange(ids, split, ids.length));
        String prefix = tokenizer.decode(before);
        // The very first space stands for nothing.
        assertEquals(text, (prefix + pieces).stripLeading(), "after " + split);
        assertEquals(text.substring(prefix.length()).stripLeading(), pieces.stripLeading());
      }
    }
  }
}
