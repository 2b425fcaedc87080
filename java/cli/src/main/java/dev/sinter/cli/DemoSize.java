package dev.sinter.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A size at which throughput is measured.
 *
 * @param batch sentences in a batch
 * @param length tokens of each, the two special ones included; at least 3
 */
record DemoSize(int batch, int length) {
  static final List<DemoSize> ALL =
      List.of(new DemoSize(1, 16), new DemoSize(8, 128), new DemoSize(32, 128));

  /** Batch x length, as JSON and tables name it. */
  String label() {
    return batch + "x" + length;
  }

  /**
   * Sentences of exactly this size: the first and the last token of the given sentences around
   * slices of all that lies between, sentence after sentence, over and over.
   *
   * @param tokenized real sentences, each with a first and a last special token
   */
  List<int[]> batchOf(List<int[]> tokenized) {
    int[] text =
        tokenized.stream().flatMapToInt(ids -> Arrays.stream(ids, 1, ids.length - 1)).toArray();
    if (text.length == 0) {
      throw new IllegalArgumentException("the sentences have no tokens");
    }
    int[] sample = tokenized.getFirst();
    List<int[]> rows = new ArrayList<>();
    int next = 0;
    for (int b = 0; b < batch; b++) {
      int[] row = new int[length];
      row[0] = sample[0];
      for (int i = 1; i < length - 1; i++) {
        row[i] = text[next++ % text.length];
      }
      row[length - 1] = sample[sample.length - 1];
      rows.add(row);
    }
    return rows;
  }
}
