package dev.sinter.models;

import java.util.Arrays;

/**
 * Text of tokens as they come. A token may be a part of a character, and what it looks like may
 * depend on those before it; so a token is decoded together with a few before it, and what is new
 * is given out when it ends in a whole character. Not thread-safe.
 */
final class TokenStream {
  private static final char REPLACEMENT = '\uFFFD';

  /** Tokens before a text that are decoded with it: enough for any character's bytes. */
  private static final int BEFORE = 6;

  private final Tokenizer tokenizer;
  private int[] ids;
  private int count;
  private int given; // ids whose text has been given out
  private int from; // where decoding starts: a few before that

  /**
   * @param before the tokens that the text continues; not part of it
   */
  TokenStream(Tokenizer tokenizer, int[] before) {
    this.tokenizer = tokenizer;
    ids = Arrays.copyOfRange(before, Math.max(0, before.length - BEFORE), before.length);
    count = ids.length;
    given = count;
  }

  /** What has become readable with this token; may be empty. */
  String append(int id) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, 2 * count + BEFORE);
    }
    ids[count++] = id;
    String text = pending();
    if (text.isEmpty() || text.charAt(text.length() - 1) == REPLACEMENT) {
      return "";
    }
    from = given;
    given = count;
    return text;
  }

  /** The rest, with U+FFFD for bytes that made no character. */
  String finish() {
    String text = pending();
    from = given;
    given = count;
    return text;
  }

  private String pending() {
    String before = tokenizer.decode(Arrays.copyOfRange(ids, from, given));
    String all = tokenizer.decode(Arrays.copyOfRange(ids, from, count));
    return all.substring(Math.min(before.length(), all.length()));
  }
}
