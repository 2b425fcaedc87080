package dev.sinter.models;

import dev.sinter.layer.KvSequence;
import java.util.Arrays;

/**
 * One text that a {@link DecoderModel} continues, with the keys and values of its tokens. Several
 * sessions of a model may be used at once, each by one thread at a time.
 *
 * <p>Close it before the model; closing it afterwards is harmless, too.
 */
public final class DecoderSession implements AutoCloseable {
  private final DecoderModel model;
  private final Decoder decoder;
  private final KvSequence sequence;
  private final float[] logits;
  private final int[] one = new int[1];
  private boolean hasLogits;
  private boolean closed;

  DecoderSession(DecoderModel model, Decoder decoder, KvSequence sequence) {
    this.model = model;
    this.decoder = decoder;
    this.sequence = sequence;
    logits = new float[decoder.config().vocabulary().size()];
  }

  /** Tokens so far. */
  public int length() {
    return sequence.length();
  }

  /**
   * Appends tokens; the logits are those behind the last.
   *
   * @param ids at least one
   * @throws IllegalArgumentException for unknown ids, none, or more than the context has room for
   * @throws dev.sinter.layer.KvCacheFullException if the cache has no room; some of the tokens may
   *     have been appended, {@link #length} tells
   * @throws IllegalStateException after close
   */
  public void prefill(int[] ids) {
    check(ids);
    hasLogits = false;
    int last = ids.length - 1;
    decoder.forward(
        sequence, ids, 0, ids.length, last, (_, head, wanted) -> head.copyLogits(wanted, logits));
    hasLogits = true;
  }

  /** Appends one token, likewise. */
  public void next(int id) {
    one[0] = id;
    prefill(one);
  }

  /**
   * The logits of the token that comes next, one a token id. The array is the session's own, and
   * filled anew with each call that appends.
   *
   * @throws IllegalStateException if the last token was not passed in here: nothing was yet, or the
   *     text was cut
   */
  public float[] logits() {
    if (!hasLogits) {
      throw new IllegalStateException("no logits: append a token first");
    }
    return logits;
  }

  /**
   * Appends tokens and rates them: the natural logarithm of the probability of each, given all
   * before it.
   *
   * @param ids at least one
   * @return one value a token; NaN for the very first of a text, before which there is nothing
   * @throws IllegalArgumentException as {@link #prefill}
   */
  public double[] score(int[] ids) {
    check(ids);
    double[] scores = new double[ids.length];
    scores[0] = length() == 0 ? Double.NaN : logProbability(logits(), ids[0]);
    hasLogits = false;
    decoder.forward(
        sequence,
        ids,
        0,
        ids.length,
        0,
        (index, head, wanted) -> {
          head.copyLogits(wanted, logits);
          if (index + 1 < ids.length) {
            scores[index + 1] = logProbability(logits, ids[index + 1]);
          }
        });
    hasLogits = true;
    return scores;
  }

  private static double logProbability(float[] logits, int id) {
    float largest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    return logits[id] - largest - Math.log(sum);
  }

  /**
   * Appends a prompt and then tokens of the model's choice. The last of them is not appended: a
   * text can be continued with {@link #next} of it.
   *
   * @param prompt token ids, at least one
   * @param listener told of each new token
   * @throws IllegalArgumentException as {@link #prefill}
   * @throws dev.sinter.layer.KvCacheFullException if the cache has no room
   */
  public Generation generate(
      int[] prompt, Generation.Settings settings, Generation.Listener listener) {
    long start = System.nanoTime();
    prefill(prompt);
    long prompted = System.nanoTime();
    Sampler sampler = new Sampler(settings.sampling(), logits.length);
    TokenStream stream = model.hasTokenizer() ? new TokenStream(model.tokenizer(), prompt) : null;
    StringBuilder text = new StringBuilder();
    int room = (int) Math.min(settings.maxTokens(), 1L + decoder.context() - length());
    int[] all = Arrays.copyOf(prompt, prompt.length + room);
    int count = prompt.length;
    Generation.Stop stop = null;
    while (stop == null) {
      int id = sampler.next(logits, all, count);
      all[count++] = id;
      boolean end = decoder.config().vocabulary().ends().contains(id);
      boolean full = count == all.length;
      String piece = stream == null ? "" : stream.append(id);
      if (stream != null && (end || full)) {
        piece += stream.finish();
      }
      text.append(piece);
      if (!listener.token(id, piece)) {
        stop = Generation.Stop.LISTENER;
      } else if (end) {
        stop = Generation.Stop.END_OF_TEXT;
      } else if (full) {
        stop =
            count - prompt.length == settings.maxTokens()
                ? Generation.Stop.MAX_TOKENS
                : Generation.Stop.CONTEXT_FULL;
      } else {
        next(id);
      }
    }
    return new Generation(
        Arrays.copyOfRange(all, prompt.length, count),
        text.toString(),
        stop,
        prompted - start,
        System.nanoTime() - prompted);
  }

  /**
   * Forgets all tokens from {@code length} on.
   *
   * @param length 0 to {@link #length}
   */
  public void truncate(int length) {
    requireOpen();
    hasLogits &= length == length();
    decoder.exclusively(() -> sequence.truncate(length));
  }

  /** A second session with the same tokens, which shares their memory. */
  public DecoderSession fork() {
    requireOpen();
    DecoderSession[] fork = new DecoderSession[1];
    decoder.exclusively(
        () -> {
          decoder.requireOpen();
          fork[0] = new DecoderSession(model, decoder, sequence.fork());
        });
    System.arraycopy(logits, 0, fork[0].logits, 0, logits.length);
    fork[0].hasLogits = hasLogits;
    return fork[0];
  }

  private void check(int[] ids) {
    requireOpen();
    if (ids.length == 0) {
      throw new IllegalArgumentException("no tokens: at least one is needed");
    }
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= logits.length) {
        throw new IllegalArgumentException(
            "token "
                + i
                + " is "
                + ids[i]
                + ", ids are 0 to "
                + (logits.length - 1)
                + " in this model");
      }
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the session is closed");
    }
  }

  /** Gives the memory of its tokens back. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      decoder.exclusively(sequence::close);
    }
  }
}
