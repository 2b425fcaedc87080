package dev.sinter.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What an encoder is given at once.
 *
 * @param batch sentences
 * @param tokens of each, special tokens included
 */
record EncoderSize(int batch, int tokens) {
  static final List<EncoderSize> ALL =
      List.of(new EncoderSize(1, 16), new EncoderSize(8, 128), new EncoderSize(32, 128));

  /** {@code 8x128}. */
  String label() {
    return batch + "x" + tokens;
  }

  /**
   * Sentences of exactly this size.
   *
   * @param text ids of a text that is at least as long, between a first and a last special one;
   *     each sentence begins elsewhere in it
   */
  List<int[]> batchOf(int[] text) {
    int words = text.length - 2;
    List<int[]> sentences = new ArrayList<>();
    for (int s = 0; s < batch; s++) {
      int[] ids = new int[tokens];
      ids[0] = text[0];
      for (int i = 1; i < tokens - 1; i++) {
        ids[i] = text[1 + (s * 7 + i) % words];
      }
      ids[tokens - 1] = text[text.length - 1];
      sentences.add(ids);
    }
    return sentences;
  }
}
