package dev.sinter.bench;

import java.util.Arrays;

/**
 * Times texts, each a prompt and the tokens that are decoded after it, one after another. What is
 * measured is what a user waits for: the first token comes when the prompt is done.
 *
 * @param nanos time for all of them
 */
record TextTimer(long nanos) {
  /** Writes a text. */
  @FunctionalInterface
  interface Writer {
    /**
     * @param tokens to decode
     * @param token called after each of them
     */
    void write(int[] prompt, int tokens, Runnable token);
  }

  /** Of the prompt, and of each token behind the first, which comes with the prompt. */
  record Times(RowTimer.Times prompt, RowTimer.Times token) {}

  /**
   * Times one text at least.
   *
   * @param tokens at least 1, those that are timed: one more is decoded
   * @throws IllegalStateException if the writer stops before it has one token that can be timed
   */
  Times time(int[] prompt, int tokens, Writer writer) {
    long[] prompts = {};
    long[] steps = {};
    long[] at = new long[tokens + 1];
    int[] count = {0};
    long start = System.nanoTime();
    do {
      count[0] = 0;
      long before = System.nanoTime();
      writer.write(prompt, tokens + 1, () -> at[count[0]++] = System.nanoTime());
      if (count[0] < 2) {
        throw new IllegalStateException("the text ended after " + count[0] + " tokens");
      }
      prompts = Arrays.copyOf(prompts, prompts.length + 1);
      prompts[prompts.length - 1] = at[0] - before;
      int known = steps.length;
      steps = Arrays.copyOf(steps, known + count[0] - 1);
      for (int i = 1; i < count[0]; i++) {
        steps[known + i - 1] = at[i] - at[i - 1];
      }
    } while (System.nanoTime() - start < nanos);
    return new Times(times(prompts), times(steps));
  }

  private static RowTimer.Times times(long[] samples) {
    Arrays.sort(samples);
    int count = samples.length;
    double median = (samples[(count - 1) / 2] + samples[count / 2]) / 2.0;
    return new RowTimer.Times(median / 1e6, samples[0] / 1e6);
  }
}
