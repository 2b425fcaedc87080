package dev.sinter.models;

import java.util.Objects;

/**
 * What a session made of a prompt.
 *
 * @param ids the new tokens, with the one that ended the text
 * @param text theirs, as it continues the prompt, without special tokens; empty without a tokenizer
 * @param promptNanos spent on the prompt
 * @param nanos spent on the tokens behind the first, which came with the prompt
 */
public record Generation(int[] ids, String text, Stop stop, long promptNanos, long nanos) {
  /** Why a text ended. */
  public enum Stop {
    /** The model ended it. */
    END_OF_TEXT,
    /** It has as many tokens as were asked for. */
    MAX_TOKENS,
    /** The context is full. */
    CONTEXT_FULL,
    /** The listener wanted no more. */
    LISTENER
  }

  /** Sees the text while it grows. */
  @FunctionalInterface
  public interface Listener {
    /**
     * @param id the new token
     * @param text what became readable with it; may be empty, and is always whole characters
     * @return false to stop
     */
    boolean token(int id, String text);
  }

  /**
   * How long and how a text is continued.
   *
   * @param maxTokens most new tokens, at least 1
   */
  public record Settings(int maxTokens, Sampling sampling) {
    public Settings {
      Objects.requireNonNull(sampling, "sampling");
      if (maxTokens < 1) {
        throw new IllegalArgumentException("maxTokens must be at least 1, got " + maxTokens);
      }
    }
  }
}
