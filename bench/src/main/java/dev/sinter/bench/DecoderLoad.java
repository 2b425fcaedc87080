package dev.sinter.bench;

import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * What a decoder is measured with.
 *
 * @param folder of {@link DecoderFiles}
 * @param prompt tokens of the prompt
 * @param tokens that are decoded after it
 * @param context tokens that attention is measured with
 */
record DecoderLoad(String folder, int prompt, int tokens, int context) {
  private static final int FIRST_ID = 3; // behind those that begin and end a text

  Path model() {
    return Path.of(folder).resolve(DecoderFiles.MODEL);
  }

  Path check() {
    return Path.of(folder).resolve(DecoderFiles.CHECK);
  }

  /** The rows that ours make, or a peer's. */
  int rows(boolean ours) {
    return ours ? 2 + DecoderSeries.CACHES.size() : 2;
  }

  /** Token ids of any text, the same each time. */
  static int[] ids(int count, int vocabulary) {
    SplittableRandom random = new SplittableRandom(count);
    return random.ints(count, FIRST_ID, vocabulary).toArray();
  }
}
