package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.models.jinja.JinjaException;
import dev.sinter.models.jinja.Template;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a model wants conversations written: the Jinja template of its folder, rendered as {@code
 * apply_chat_template} of transformers does, without tools and documents. A template is a file of
 * somebody else's: it can do nothing but make a text, and only so much of that. Thread-safe.
 */
public final class ChatTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String KEY = "chat_template";

  // Expressions and characters together: real templates take some thousand a message, and a few
  // times the characters of the conversation.
  private static final long WORK = 5_000_000;
  private static final long WORK_PER_CHARACTER = 100;

  private final Path file;
  private final Template template;
  private final Map<String, Object> tokens;
  private final Clock clock;

  private ChatTemplate(Path file, Template template, Map<String, Object> tokens, Clock clock) {
    this.file = file;
    this.template = template;
    this.tokens = tokens;
    this.clock = clock;
  }

  /**
   * Reads {@code chat_template.jinja}, or else what {@code tokenizer_config.json} has under {@code
   * chat_template}: a template, or a list of them, of which the one named "default" counts.
   *
   * @return nothing if neither has one
   * @throws CheckpointException if a file is malformed, or the template's syntax is wrong or not
   *     supported
   */
  public static Optional<ChatTemplate> read(Path folder) {
    return read(folder, Clock.systemDefaultZone());
  }

  /**
   * @param clock for templates that write the date
   */
  static Optional<ChatTemplate> read(Path folder, Clock clock) {
    Path config = folder.resolve(CONFIG);
    Path own = folder.resolve(FILE);
    Path file = Files.exists(own) ? own : config;
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    String source =
        file.equals(own)
            ? JsonFiles.readText(own)
            : inConfig(config, JsonFiles.readObject(config).path(KEY));
    if (source == null) {
      return Optional.empty();
    }
    Map<String, Object> tokens = SpecialTokens.read(folder, source);
    try {
      return Optional.of(new ChatTemplate(file, Template.parse(source), tokens, clock));
    } catch (JinjaException e) {
      throw wrong(file, e);
    }
  }

  private static String inConfig(Path config, JsonNode value) {
    if (value.isArray()) {
      for (JsonNode named : value) {
        if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
          return named.get("template").textValue();
        }
      }
      throw fail(config, KEY + " is a list without a template named default");
    }
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    if (!value.isTextual()) {
      throw fail(config, KEY + " must be a template or a list of them");
    }
    return value.textValue();
  }

  private static CheckpointException wrong(Path file, JinjaException e) {
    return new CheckpointException(
        file.toString(),
        null,
        CheckpointException.UNKNOWN_OFFSET,
        "chat template, " + e.getMessage(),
        e);
  }

  /**
   * The text of a conversation.
   *
   * @param messages at least one
   * @param addGenerationPrompt whether the text ends where the assistant's next words begin
   * @throws IllegalArgumentException if there are no messages, or the template refuses them, with
   *     its reason
   * @throws CheckpointException if the template does what is not supported, or too much
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("no messages: at least one is needed");
    }
    long characters = 0;
    List<Object> conversation = new ArrayList<>(messages.size());
    for (ChatMessage message : messages) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("role", message.role());
      entry.put("content", message.content());
      conversation.add(entry);
      characters += message.content().length();
    }
    Map<String, Object> variables = new HashMap<>(tokens);
    variables.put("messages", conversation);
    variables.put("tools", null);
    variables.put("documents", null);
    variables.put("add_generation_prompt", addGenerationPrompt);
    try {
      return template.render(variables, clock, WORK + WORK_PER_CHARACTER * characters);
    } catch (JinjaException e) {
      if (e.isRaised()) {
        throw new IllegalArgumentException(
            file + ": the chat template refuses this conversation: " + e.getMessage(), e);
      }
      throw wrong(file, e);
    }
  }
}
