package dev.sinter.models;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * How well a model predicts a text. The text is tokenized once, without special tokens. Each window
 * is the model's start token and the next W tokens, which are all predicted; windows lie side by
 * side, and a last shorter one counts. Without a start token, the first token of a window is
 * context only.
 *
 * @param tokens predicted
 * @param nats a token, on average
 */
public record Perplexity(long tokens, double nats) {
  private static final int USUAL_CONTEXT = 512;

  /** The exponential of the average. */
  public double perplexity() {
    return Math.exp(nats);
  }

  /** The window where none is asked for: the context, at most 512, less the start token. */
  public static int usualWindow(DecoderModel model) {
    return Math.min(model.context(), USUAL_CONTEXT) - 1;
  }

  /**
   * @param window W, at least 1 and below the model's context
   * @throws IllegalArgumentException for another window, or a text with nothing to predict
   */
  public static Perplexity of(DecoderModel model, String text, int window, Progress progress) {
    if (window < 1 || window >= model.context()) {
      throw new IllegalArgumentException(
          "the window must be 1 to " + (model.context() - 1) + " tokens, got " + window);
    }
    OptionalInt start = model.startToken();
    int[] ids = model.tokenizer().encodePlain(text);
    double sum = 0;
    long tokens = 0;
    try (DecoderSession session = model.open()) {
      for (int from = 0; from < ids.length; from += window) {
        progress.step("tokens", from, ids.length);
        int[] targets = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + window));
        session.truncate(0);
        double[] scores = session.score(withStart(start, targets));
        for (int i = 1; i < scores.length; i++) { // the first is context only
          sum -= scores[i];
          tokens++;
        }
      }
      progress.step("tokens", ids.length, ids.length);
    }
    if (tokens == 0) {
      throw new IllegalArgumentException("the text has no token to predict");
    }
    return new Perplexity(tokens, sum / tokens);
  }

  private static int[] withStart(OptionalInt start, int[] targets) {
    if (start.isEmpty()) {
      return targets;
    }
    int[] all = new int[targets.length + 1];
    all[0] = start.getAsInt();
    System.arraycopy(targets, 0, all, 1, targets.length);
    return all;
  }
}
