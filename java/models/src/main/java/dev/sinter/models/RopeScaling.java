package dev.sinter.models;

/**
 * How rotary position embeddings (Su et al., RoFormer, 2021) are stretched to longer texts than a
 * model was first trained on. Under the names, and with the results, of Hugging Face's {@code
 * modeling_rope_utils}; computed in double where that computes in float.
 */
sealed interface RopeScaling {
  /**
   * Angles a position for each pair of a head, {@code dimension / 2} of them.
   *
   * @param dimension width of a head, even
   * @param context tokens that a text may have; matters to {@link Dynamic} only
   */
  double[] inverseFrequencies(double theta, int dimension, int context);

  /** What cosine and sine are multiplied by. */
  default double factor() {
    return 1;
  }

  /** {@code theta^(-2 i / dimension)}. */
  private static double[] plain(double theta, int dimension) {
    double[] frequencies = new double[dimension / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(theta, -2.0 * i / dimension);
    }
    return frequencies;
  }

  /** None. */
  record Default() implements RopeScaling {
    @Override
    public double[] inverseFrequencies(double theta, int dimension, int context) {
      return plain(theta, dimension);
    }
  }

  /** Positions divided by a factor (Chen et al., Position Interpolation, 2023). */
  record Linear(double stretch) implements RopeScaling {
    @Override
    public double[] inverseFrequencies(double theta, int dimension, int context) {
      double[] frequencies = plain(theta, dimension);
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] /= stretch;
      }
      return frequencies;
    }
  }

  /**
   * A larger theta where the text is longer than the model's own length ("dynamic NTK"; see Peng et
   * al., YaRN, 2023, section 3.3). transformers goes by the length of the text so far, so that its
   * results depend on how a text is divided into calls; here the context decides, once.
   *
   * @param length tokens that the model was made for; up to them nothing changes
   */
  record Dynamic(double stretch, int length) implements RopeScaling {
    @Override
    public double[] inverseFrequencies(double theta, int dimension, int context) {
      double longer = Math.max(context, length);
      double power = dimension / (dimension - 2.0);
      double growth = stretch * longer / length - (stretch - 1);
      return plain(theta * Math.pow(growth, power), dimension);
    }
  }

  /**
   * Wavelengths above {@code length / lowFactor} are stretched, those below {@code length /
   * highFactor} are not, and those between them in part (Llama 3.1).
   *
   * @param length tokens that the model was made for at first
   */
  record Llama3(double stretch, double lowFactor, double highFactor, int length)
      implements RopeScaling {
    @Override
    public double[] inverseFrequencies(double theta, int dimension, int context) {
      double[] frequencies = plain(theta, dimension);
      for (int i = 0; i < frequencies.length; i++) {
        double f = frequencies[i];
        double turns = length * f / (2 * Math.PI);
        double kept = Math.clamp((turns - lowFactor) / (highFactor - lowFactor), 0, 1);
        frequencies[i] = kept * f + (1 - kept) * f / stretch;
      }
      return frequencies;
    }
  }

  /**
   * Like {@link Llama3}, but divided by the number of a pair instead of its wavelength, and with
   * sharper attention (Peng et al., YaRN, 2023).
   *
   * @param length tokens that the model was made for at first
   * @param factor of cosine and sine
   * @param betaFast turns in {@code length} tokens from which on a pair is not stretched
   * @param betaSlow turns up to which a pair is stretched fully
   * @param truncate whether the bounds are whole pairs
   */
  record Yarn(
      double stretch, int length, double factor, double betaFast, double betaSlow, boolean truncate)
      implements RopeScaling {
    /** The factor of cosine and sine where a file does not say: {@code 0.1 ln(stretch) + 1}. */
    static double attentionFactor(double stretch, double scale) {
      return stretch <= 1 ? 1 : 0.1 * scale * Math.log(stretch) + 1;
    }

    @Override
    public double[] inverseFrequencies(double theta, int dimension, int context) {
      double low = pairWith(betaFast, theta, dimension);
      double high = pairWith(betaSlow, theta, dimension);
      low = Math.max(truncate ? Math.floor(low) : low, 0);
      high = Math.min(truncate ? Math.ceil(high) : high, dimension - 1);
      double width = low == high ? 0.001 : high - low;
      double[] frequencies = plain(theta, dimension);
      for (int i = 0; i < frequencies.length; i++) {
        double stretched = Math.clamp((i - low) / width, 0, 1);
        double f = frequencies[i];
        frequencies[i] = (1 - stretched) * f + stretched * f / stretch;
      }
      return frequencies;
    }

    /** The pair, not whole, that turns this often in {@code length} tokens. */
    private double pairWith(double turns, double theta, int dimension) {
      return dimension * Math.log(length / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
  }
}
