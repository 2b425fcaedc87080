package dev.sinter.cli;

import dev.sinter.models.Sampling;
import picocli.CommandLine.Option;

/** The options that say how tokens are chosen. */
final class SamplingOptions {
  @Option(
      names = "--greedy",
      description = "Always the most likely token; the same as --temperature 0.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Below 1 the likely become likelier. Default: the model's own, or 0.8.")
  private Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Choose from the K most likely; 0 for all. Default: the model's own, or 40.")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Choose from the fewest that have probability P. Default: the model's own, or 0.95.")
  private Double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description =
          "Leave out what is less likely than P times the likeliest. Default: the model's own, or 0.05.")
  private Double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      description =
          "Above 1: makes tokens less likely that are there already. Default: the model's own, or 1.")
  private Double repetitionPenalty;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description =
          "Of the random numbers: the same gives the same text. Default: another each time.")
  private Long seed;

  /** What was asked for, if anything, is within its range: known before a model is loaded. */
  void check() {
    sampling(Sampling.usual(0));
  }

  /**
   * @param usual for what is not said
   * @throws IllegalArgumentException if a value is out of range
   */
  Sampling sampling(Sampling usual) {
    double penalty = or(repetitionPenalty, usual.repetitionPenalty());
    if (greedy) {
      return new Sampling(0, 0, 1, 0, penalty, 0);
    }
    return new Sampling(
        or(temperature, usual.temperature()),
        topK == null ? usual.topK() : topK,
        or(topP, usual.topP()),
        or(minP, usual.minP()),
        penalty,
        seed == null ? usual.seed() : seed);
  }

  private static double or(Double value, double otherwise) {
    return value == null ? otherwise : value;
  }
}
