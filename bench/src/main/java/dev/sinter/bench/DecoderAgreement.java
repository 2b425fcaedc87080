package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.DecoderOptions;
import dev.sinter.models.DecoderSession;
import dev.sinter.models.Progress;
import java.nio.file.Path;

/**
 * Whether a decoder's logits are those of the float64 reference with the same scheme: after a
 * prompt, and after a token more. The decoder is that of {@link DecoderFiles#CHECK}, which has the
 * matrices of the one that is measured.
 */
final class DecoderAgreement {
  private static final int PROMPT = 5;

  // Parts of the spread of the logits: chosen, not derived. Where activations are rounded, to codes
  // or to bf16, one that lies between two values may go to either; that moves others over their
  // edges, and in the end all have roundings of their own.
  private static final double BOUND = 0.002;
  private static final double BOUND_BF16 = 0.04;
  private static final double BOUND_CODES = 0.25;

  private DecoderAgreement() {}

  /**
   * @return null if they agree, else what does not
   */
  static String disagreement(Path folder, DecoderOptions options, String backend) {
    return disagreement(
        logits(folder, options, "reference"), logits(folder, options, backend), options);
  }

  static String disagreement(float[][] right, float[][] actual, DecoderOptions options) {
    double bound =
        switch (options.scheme().attention().kind()) {
          case F32, W4A16, W8A16 -> BOUND;
          case BF16 -> BOUND_BF16;
          default -> BOUND_CODES;
        };
    for (int step = 0; step < right.length; step++) {
      double allowed = bound * spread(right[step]);
      for (int id = 0; id < right[step].length; id++) {
        double want = right[step][id];
        double got = actual[step][id];
        if (!(Math.abs(got - want) <= allowed)) {
          return "logit " + id + " is " + got + ", expected " + want + " +- " + allowed;
        }
      }
    }
    return null;
  }

  /** After a prompt, and after a token more. */
  static float[][] logits(Path folder, DecoderOptions options, String backend) {
    int threads = Runtime.getRuntime().availableProcessors();
    try (Sinter sinter = Sinter.open(new SinterOptions(threads, backend, null));
        DecoderModel model = DecoderModel.load(sinter, folder, options, Progress.none());
        DecoderSession session = model.open()) {
      int[] ids = DecoderLoad.ids(PROMPT, model.vocabulary());
      session.prefill(ids);
      float[] prompt = session.logits().clone();
      session.next(ids[0]);
      return new float[][] {prompt, session.logits().clone()};
    }
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
