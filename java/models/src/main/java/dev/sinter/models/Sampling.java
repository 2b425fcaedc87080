package dev.sinter.models;

/**
 * How the next token is chosen from its logits. In this order, as transformers has it: the
 * repetition penalty, the temperature, the k most likely, the most likely that have p together, and
 * those of at least a share of the most likely.
 *
 * @param temperature divides the logits; 0 takes the most likely token, whatever follows
 * @param topK tokens to choose from; 0 for all
 * @param topP the fewest tokens that have this probability together; 1 for all (Holtzman et al.,
 *     The Curious Case of Neural Text Degeneration, 2020)
 * @param minP least probability, as a part of the largest; 0 for none (Nguyen et al., Min-p
 *     Sampling, 2024)
 * @param repetitionPenalty logits of tokens that are there already are divided by it if positive,
 *     else multiplied; 1 for none (Keskar et al., CTRL, 2019)
 * @param seed of the random numbers: the same gives the same text
 */
public record Sampling(
    double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
  /**
   * @throws IllegalArgumentException naming the value that is out of range
   */
  public Sampling {
    check("temperature", temperature, temperature >= 0, "at least 0");
    check("topK", topK, topK >= 0, "at least 0");
    check("topP", topP, topP > 0 && topP <= 1, "above 0 and at most 1");
    check("minP", minP, minP >= 0 && minP <= 1, "0 to 1");
    check("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0, "above 0");
  }

  private static void check(String name, double value, boolean valid, String range) {
    if (!valid || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be " + range + ", got " + value);
    }
  }

  /** The most likely token, always. */
  public static Sampling greedy() {
    return new Sampling(0, 0, 1, 0, 1, 0);
  }

  /** What llama.cpp does unless it is told otherwise. */
  public static Sampling usual(long seed) {
    return new Sampling(0.8, 40, 0.95, 0.05, 1, seed);
  }

  public Sampling withSeed(long other) {
    return new Sampling(temperature, topK, topP, minP, repetitionPenalty, other);
  }
}
