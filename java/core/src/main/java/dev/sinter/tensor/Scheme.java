package dev.sinter.tensor;

import java.util.List;
import java.util.stream.Collectors;

/**
 * How the weights of a layer are stored together with how its activations are.
 *
 * @param kind all but the size of the groups
 * @param group weights of a row that share a scale, a multiple of 32; 0 for kinds without groups
 */
public record Scheme(Kind kind, int group) {
  /** Families of schemes. */
  public enum Kind {
    /** 32-bit float weights and activations. */
    F32("f32", ActivationScheme.FLOAT),
    /** bfloat16 weights and activations, f32 sums. */
    BF16("bf16", ActivationScheme.BF16),
    /** int8 weights, symmetric per channel; 8-bit activations, quantized per token as they come. */
    W8A8("w8a8", ActivationScheme.U8_PER_TOKEN),
    /** int4 weights, symmetric in groups; activations as in {@link #W8A8}. */
    W4A8("w4a8", ActivationScheme.U8_PER_TOKEN),
    /** Weights as in {@link #W8A8}; f32 activations. */
    W8A16("w8a16", ActivationScheme.FLOAT),
    /** Weights as in {@link #W4A8}; f32 activations. */
    W4A16("w4a16", ActivationScheme.FLOAT),
    /**
     * Weights of -1, 0 and 1 times a scale, in groups; 8-bit activations, symmetric per token as
     * they come (as BitNet b1.58 has them: Ma et al., The Era of 1-bit LLMs, 2024).
     */
    TERNARY("ternary", ActivationScheme.S8_PER_TOKEN),
    /** Weights of -1 and 1 times a scale, in groups; activations as in {@link #TERNARY}. */
    BINARY("binary", ActivationScheme.S8_PER_TOKEN);

    private final String id;
    private final ActivationScheme activations;

    Kind(String id, ActivationScheme activations) {
      this.id = id;
      this.activations = activations;
    }

    /** The name in JSON and in reports, where groups have a field of their own. */
    public String id() {
      return id;
    }
  }

  public static final Scheme F32 = new Scheme(Kind.F32, 0);
  public static final Scheme BF16 = new Scheme(Kind.BF16, 0);
  public static final Scheme W8A8 = new Scheme(Kind.W8A8, 0);

  /** In groups of 128; see {@link #withGroup}. */
  public static final Scheme W4A8 = new Scheme(Kind.W4A8, 128);

  public static final Scheme W8A16 = new Scheme(Kind.W8A16, 0);

  /** In groups of 128; see {@link #withGroup}. */
  public static final Scheme W4A16 = new Scheme(Kind.W4A16, 128);

  /** In groups of 128; see {@link #withGroup}. */
  public static final Scheme TERNARY = new Scheme(Kind.TERNARY, 128);

  /** In groups of 128; see {@link #withGroup}. */
  public static final Scheme BINARY = new Scheme(Kind.BINARY, 128);

  /** Every kind once, with its default group. */
  public static final List<Scheme> DEFAULTS =
      List.of(F32, BF16, W8A8, W4A8, W8A16, W4A16, TERNARY, BINARY);

  private static final String GROUP = ":";

  public Scheme {
    switch (kind) {
      case W4A8, W4A16, TERNARY, BINARY ->
          CodeFormat.inGroups(4, group); // which says what is wrong with it
      case F32, BF16, W8A8, W8A16 -> {
        if (group != 0) {
          throw new IllegalArgumentException(kind.id + " has no groups, got " + group);
        }
      }
    }
  }

  /**
   * The same with groups of another size, which small matrices need to keep their accuracy.
   *
   * @throws IllegalArgumentException if the scheme has none, or for a size that is no multiple of
   *     32
   */
  public Scheme withGroup(int size) {
    return new Scheme(kind, size);
  }

  public ActivationScheme activations() {
    return kind.activations;
  }

  /**
   * How integer weights are coded.
   *
   * @throws IllegalStateException for floating weights
   */
  public CodeFormat codes() {
    return switch (kind) {
      case F32, BF16 -> throw new IllegalStateException(id() + " has floating weights");
      case W8A8, W8A16 -> CodeFormat.perChannel(8);
      case W4A8, W4A16 -> CodeFormat.inGroups(4, group);
      case TERNARY -> CodeFormat.inGroups(Code.TERNARY, group);
      case BINARY -> CodeFormat.inGroups(Code.BINARY, group);
    };
  }

  /** The name on the command line: that of the kind, {@code w4a8:32} for other than its group. */
  public String id() {
    return DEFAULTS.contains(this) ? kind.id : kind.id + GROUP + group;
  }

  /**
   * The scheme of an {@link #id}.
   *
   * @throws IllegalArgumentException if there is none; the message says what there is
   */
  public static Scheme of(String id) {
    String[] parts = id.split(GROUP, 2);
    for (Scheme s : DEFAULTS) {
      if (s.kind.id.equals(parts[0])) {
        return parts.length == 1 ? s : s.withGroup(size(id, parts[1]));
      }
    }
    throw new IllegalArgumentException(
        "unknown scheme '"
            + id
            + "', expected one of "
            + DEFAULTS.stream().map(Scheme::id).collect(Collectors.joining(", ")));
  }

  private static int size(String id, String digits) {
    try {
      return Integer.parseInt(digits);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "scheme '" + id + "': the group size must be a number, got '" + digits + "'", e);
    }
  }

  @Override
  public String toString() {
    return id();
  }
}
