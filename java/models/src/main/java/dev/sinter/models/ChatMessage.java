package dev.sinter.models;

import java.util.Objects;

/**
 * What one side of a conversation says.
 *
 * @param role {@code system}, {@code user}, {@code assistant}, or what else a model's template
 *     knows
 */
public record ChatMessage(String role, String content) {
  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }

  public static ChatMessage system(String content) {
    return new ChatMessage("system", content);
  }

  public static ChatMessage user(String content) {
    return new ChatMessage("user", content);
  }

  public static ChatMessage assistant(String content) {
    return new ChatMessage("assistant", content);
  }
}
