package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.DecoderOptions;
import dev.sinter.models.DecoderSession;
import dev.sinter.models.Progress;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Whether a decoder's logits are those of the float64 reference with the same scheme: after some
 * prompts, and after a token more. The decoder is that of {@link DecoderFiles#CHECK}, which has the
 * matrices of the one that is measured.
 *
 * <p>Where activations are rounded, to codes or to bf16, one that lies between two values may go to
 * either; that moves others over their edges, and in the end all have roundings of their own. Most
 * prompts have no such activation: of the prompts one must agree as closely as without rounding,
 * and the others within the noise of it.
 */
final class DecoderAgreement {
  private static final int PROMPTS = 4;

  // Positions and attention are in it, and there are few activations to lie between two values.
  private static final int PROMPT = 2;

  // Parts of the spread of the logits: chosen, not derived.
  private static final double BOUND = 0.002;
  private static final double NOISE_BF16 = 0.04;
  private static final double NOISE_CODES = 0.25;

  private DecoderAgreement() {}

  /**
   * @return null if they agree, else what does not
   */
  static String disagreement(Path folder, DecoderOptions options, String backend) {
    return disagreement(
        logits(folder, options, "reference"), logits(folder, options, backend), options);
  }

  /**
   * @param right of each prompt, after it and after a token more
   */
  static String disagreement(float[][][] right, float[][][] actual, DecoderOptions options) {
    double noise =
        switch (options.scheme().attention().scheme().kind()) {
          case F32, W4A16, W8A16 -> BOUND;
          case BF16 -> NOISE_BF16;
          default -> NOISE_CODES;
        };
    double least = Double.POSITIVE_INFINITY;
    for (int prompt = 0; prompt < right.length; prompt++) {
      for (int step = 0; step < right[prompt].length; step++) {
        double error = error(right[prompt][step], actual[prompt][step]);
        if (!(error <= noise)) {
          return "a logit behind prompt " + prompt + " is off by " + error + " of their spread";
        }
        least = Math.min(least, error);
      }
    }
    return least <= BOUND
        ? null
        : "behind every text a logit is off by " + least + " of their spread or more";
  }

  /** The largest difference, in parts of the spread; NaN if there is one. */
  private static double error(float[] right, float[] actual) {
    double most = 0;
    for (int id = 0; id < right.length; id++) {
      most = Math.max(most, Math.abs((double) actual[id] - right[id]));
    }
    return most / spread(right);
  }

  /** Of each prompt, after it and after a token more. */
  static float[][][] logits(Path folder, DecoderOptions options, String backend) {
    int threads = Runtime.getRuntime().availableProcessors();
    float[][][] logits = new float[PROMPTS][][];
    try (Sinter sinter = Sinter.open(new SinterOptions(threads, backend, null));
        DecoderModel model = DecoderModel.load(sinter, folder, options, Progress.none())) {
      int[] ids = DecoderLoad.ids(PROMPTS * PROMPT, model.vocabulary());
      for (int prompt = 0; prompt < PROMPTS; prompt++) {
        int from = prompt * PROMPT;
        try (DecoderSession session = model.open()) {
          session.prefill(Arrays.copyOfRange(ids, from, from + PROMPT));
          float[] first = session.logits().clone();
          session.next(ids[from]);
          logits[prompt] = new float[][] {first, session.logits().clone()};
        }
      }
    }
    return logits;
  }

  /** Their standard deviation. */
  private static double spread(float[] logits) {
    double sum = 0;
    double squares = 0;
    for (float logit : logits) {
      sum += logit;
      squares += (double) logit * logit;
    }
    double mean = sum / logits.length;
    return Math.sqrt(squares / logits.length - mean * mean);
  }
}
