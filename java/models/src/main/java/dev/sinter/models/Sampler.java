package dev.sinter.models;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Chooses tokens as a {@link Sampling} says, with random numbers of its own. Depends on nothing but
 * the logits, the tokens before and the seed. Keeps its arrays: a choice allocates nothing. Not
 * thread-safe.
 */
final class Sampler {
  private static final int SIGN = Integer.MIN_VALUE;
  private static final long LOW = 0xFFFF_FFFFL;

  private final Sampling settings;
  private final SplittableRandom random;
  private final float[] scores;
  private final long[] keys; // of the candidates, the likeliest last; see key
  private final double[] weights;
  private final boolean[] seen;
  private int candidates;

  Sampler(Sampling settings, int vocabulary) {
    this.settings = settings;
    random = new SplittableRandom(settings.seed());
    scores = new float[vocabulary];
    boolean greedy = settings.temperature() == 0;
    keys = new long[greedy ? 0 : vocabulary];
    weights = new double[keys.length];
    seen = new boolean[settings.repetitionPenalty() == 1 ? 0 : vocabulary];
  }

  /**
   * The next token.
   *
   * @param logits one a token; not changed
   * @param before the tokens so far, the prompt's among them
   * @param count how many of them count
   * @throws IllegalStateException if a logit is NaN
   */
  int next(float[] logits, int[] before, int count) {
    System.arraycopy(logits, 0, scores, 0, scores.length);
    for (int i = 0; i < scores.length; i++) {
      if (Float.isNaN(scores[i])) {
        throw new IllegalStateException("the logit of token " + i + " is NaN");
      }
    }
    penalize(before, count);
    if (settings.temperature() == 0) {
      return argMax(scores);
    }
    distribute();
    double rest = random.nextDouble();
    for (int i = candidates - 1; i > 0; i--) {
      rest -= weights[i];
      if (rest < 0) {
        return token(keys[i]);
      }
    }
    return token(keys[0]); // also where rounding leaves a little over
  }

  /**
   * The probability of every token with these logits, 0 for those that cannot come; what {@link
   * #next} draws from, for a temperature above 0.
   */
  double[] probabilities(float[] logits, int[] before, int count) {
    System.arraycopy(logits, 0, scores, 0, scores.length);
    penalize(before, count);
    distribute();
    double[] all = new double[scores.length];
    for (int i = 0; i < candidates; i++) {
      all[token(keys[i])] = weights[i];
    }
    return all;
  }

  private void penalize(int[] before, int count) {
    if (seen.length == 0) {
      return;
    }
    float penalty = (float) settings.repetitionPenalty();
    for (int i = 0; i < count; i++) {
      int id = before[i];
      if (!seen[id]) {
        seen[id] = true;
        scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty;
      }
    }
    for (int i = 0; i < count; i++) {
      seen[before[i]] = false;
    }
  }

  /** The index of the largest value, the first of several. */
  static int argMax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Puts the candidates into keys, in order, and their probabilities into weights. */
  private void distribute() {
    candidates = 0;
    int most = settings.topK() == 0 ? scores.length : Math.min(settings.topK(), scores.length);
    if (most < scores.length) {
      keepLargest(most);
    } else {
      for (int i = 0; i < scores.length; i++) {
        keys[i] = key(scores[i], i);
      }
      candidates = scores.length;
    }
    Arrays.sort(keys, 0, candidates);
    double largest = scores[token(keys[candidates - 1])] / settings.temperature();
    double sum = 0;
    for (int i = candidates - 1; i >= 0; i--) {
      weights[i] = Math.exp(scores[token(keys[i])] / settings.temperature() - largest);
      sum += weights[i];
    }
    int first = candidates - 1; // of those that stay
    double before = weights[first];
    while (first > 0 && before < settings.topP() * sum) {
      before += weights[--first];
    }
    while (weights[first] < settings.minP()) { // the largest weight is 1
      first++;
    }
    keepFrom(first);
  }

  private void keepFrom(int first) {
    candidates -= first;
    System.arraycopy(keys, first, keys, 0, candidates);
    System.arraycopy(weights, first, weights, 0, candidates);
    double sum = 0;
    for (int i = 0; i < candidates; i++) {
      sum += weights[i];
    }
    for (int i = 0; i < candidates; i++) {
      weights[i] /= sum;
    }
  }

  /** A heap with the smallest first: few of the tokens get past it. */
  private void keepLargest(int most) {
    for (int id = 0; id < scores.length; id++) {
      long key = key(scores[id], id);
      if (candidates < most) {
        int at = candidates++;
        while (at > 0 && keys[(at - 1) / 2] > key) {
          keys[at] = keys[(at - 1) / 2];
          at = (at - 1) / 2;
        }
        keys[at] = key;
      } else if (key > keys[0]) {
        sink(key);
      }
    }
  }

  private void sink(long key) {
    int at = 0;
    for (int child = 1; child < candidates; child = 2 * at + 1) {
      if (child + 1 < candidates && keys[child + 1] < keys[child]) {
        child++;
      }
      if (keys[child] >= key) {
        break;
      }
      keys[at] = keys[child];
      at = child;
    }
    keys[at] = key;
  }

  /** Orders by score, and equal scores by token, the first being the larger. */
  private static long key(float score, int id) {
    int bits = Float.floatToIntBits(score + 0f); // -0 becomes 0
    int ordered = bits < 0 ? ~bits : bits | SIGN;
    return ((long) (ordered ^ SIGN) << Integer.SIZE) | (LOW - id);
  }

  private static int token(long key) {
    return (int) (LOW - (key & LOW));
  }
}
