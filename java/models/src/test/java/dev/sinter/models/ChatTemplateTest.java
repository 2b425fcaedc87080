package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.tensor.Scheme;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against what transformers wrote, see {@code src/test/scripts/make_chat_templates.py}. */
class ChatTemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-05T14:07:09Z"), ZoneOffset.UTC);
  private static final String JINJA = "chat_template.jinja";
  private static final String CONFIG = "tokenizer_config.json";

  @TempDir private Path folder;

  private static JsonNode golden() {
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream("/golden/chat.json")) {
      return JSON.readTree(in);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<ChatMessage> messages(JsonNode pairs) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode pair : pairs) {
      messages.add(new ChatMessage(pair.get(0).textValue(), pair.get(1).textValue()));
    }
    return messages;
  }

  private ChatTemplate template(String source) throws IOException {
    Files.writeString(folder.resolve(JINJA), source);
    return ChatTemplate.read(folder, CLOCK).orElseThrow();
  }

  private String render(String source) throws IOException {
    return template(source).render(List.of(ChatMessage.user("u")), false);
  }

  /** The reason why a template cannot be rendered, which must name the file. */
  private String failure(String source) {
    String message = assertThrows(CheckpointException.class, () -> render(source)).getMessage();
    assertTrue(message.contains(folder.resolve(JINJA) + ": chat template, line "), message);
    return message;
  }

  @Test
  void textsAreThoseOfTransformers() throws IOException {
    JsonNode golden = golden();
    Files.writeString(folder.resolve(CONFIG), golden.get("tokens").toString());
    Set<String> raised = new HashSet<>();
    Set<String> rendered = new HashSet<>();
    for (JsonNode c : golden.get("texts")) {
      String name = c.get("template").textValue();
      ChatTemplate template = template(golden.get("templates").get(name).textValue());
      List<ChatMessage> messages =
          messages(golden.get("conversations").get(c.get("conversation").textValue()));
      boolean prompt = c.get("prompt").booleanValue();
      String what = name + ", " + c.get("conversation") + ", " + prompt;
      if (c.has("raised")) {
        String message =
            assertThrows(
                    IllegalArgumentException.class, () -> template.render(messages, prompt), what)
                .getMessage();
        assertTrue(message.endsWith(": " + c.get("raised").textValue()), message);
        raised.add(name);
      } else {
        assertEquals(c.get("text").textValue(), template.render(messages, prompt), what);
        rendered.add(name);
      }
    }
    assertEquals(9, rendered.size());
    assertEquals(Set.of("llama2", "mistral", "gemma2"), raised);
  }

  /** A text that is not Python's would go unseen: an error would not. */
  @Test
  void snippetsAreThoseOfTransformersOrRefused() throws IOException {
    JsonNode golden = golden();
    Files.writeString(folder.resolve(CONFIG), golden.get("tokens").toString());
    List<ChatMessage> messages = messages(golden.get("messages"));
    int refused = 0;
    int same = 0;
    for (JsonNode snippet : golden.get("snippets")) {
      String source = snippet.get("source").textValue();
      if (snippet.get("text").isNull()) {
        RuntimeException e =
            assertThrows(
                RuntimeException.class, () -> template(source).render(messages, false), source);
        assertTrue(
            e instanceof CheckpointException || e instanceof IllegalArgumentException,
            source + ": " + e);
        refused++;
      } else {
        assertEquals(
            snippet.get("text").textValue(), template(source).render(messages, false), source);
        same++;
      }
    }
    assertTrue(refused >= 25 && same >= 65, refused + " refused, " + same + " the same");
  }

  @Test
  void whatIsNotSupportedIsAnErrorWhereItIsReached() throws IOException {
    String[] sources = {
      "{{ 'x' | format(1) }}",
      "{{ 'x' | sort }}",
      "{{ 'x'.zfill(3) }}",
      "{{ 'x' is filter }}",
      "{{ cycler('a') }}",
      "{{ 'x' | safe }}",
      "{{ '%s' % 'a' }}",
      "{{ range(3) }}",
      "{{ [1].append(2) }}",
      "{{ namespace() }}",
      "{{ strftime_now('%Q') }}",
      "{{ {1: 2} }}",
      "{{ 1e300 }}",
      "{{ 9223372036854775807 + 1 }}",
    };
    for (String source : sources) {
      failure(source);
      // Not where it is not: models bring tools along that a chat without tools does not use.
      assertEquals("ok", render("{% if tools %}" + source + "{% endif %}ok"), source);
    }
    for (String tag :
        List.of("include 'a'", "import 'a' as b", "extends 'a'", "call f()", "do 1")) {
      String message = failure("ab\n{% " + tag + " %}");
      assertTrue(message.contains("line 2: the tag"), message);
    }
    assertTrue(failure("{{ 'x' | sort }}").contains("the filter 'sort' is not supported"));
  }

  @Test
  void hostileTemplatesEnd() throws IOException {
    String message = "does too much";
    String[] sources = {
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}"
          + "{{ n.l }}",
      "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}"
          + "{{ n.l | tojson }}",
      "{{ 'x' * 999999999 * 999 }}",
      "{{ 'x' * 9999999999 }}",
      "{{ [1] * 2147483647 }}",
      "{% set s = 'a' * 1000000 %}{% for i in range(99) %}{{ s.replace('a', s) }}{% endfor %}",
      "{% set s = 'a' * 1000000 %}{% for i in range(9999) %}{% if (s + 'b') in s %}{% endif %}"
          + "{% endfor %}",
      "{% set s = 'a' * 1000000 %}{% for i in range(9999) %}{% set x = s[i] %}{% endfor %}",
      "{% set s = 'a' * 1000000 %}{% for i in range(9999) %}{% set x = s | upper %}{% endfor %}",
      "{{ ('a' * 9999999) | tojson(indent=99) | indent(999) | indent(999) }}",
      "{{ [[1]] | tojson(indent='x' * 9999999) }}",
    };
    for (String source : sources) {
      String found = failure(source);
      assertTrue(found.contains(message), source + ": " + found);
    }
    int many = 50_000;
    String[] nested = {
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{{ " + "(".repeat(many) + ")".repeat(many) + " }}",
      "{{ " + "[".repeat(many) + "]".repeat(many) + " }}",
      "{{ " + "not ".repeat(many) + "x }}",
      "{{ " + "-".repeat(many) + "1 }}",
      "{{ 1" + " + 1".repeat(many) + " }}",
      "{{ x" + "|list".repeat(many) + " }}",
      "{% if x %}".repeat(many),
      "{% set n = namespace(l=[1]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}"
          + "{% endfor %}{{ n.l }}",
    };
    for (String source : nested) {
      String found = failure(source);
      assertTrue(found.contains("nested too deeply"), found);
    }
    assertTrue(failure("x".repeat((1 << 20) + 1)).contains("characters"));
  }

  @Test
  void nothingOfJavaIsInReach() throws IOException {
    String[] sources = {
      "{{ messages.getClass() }}",
      "{{ messages[0].content.getClass().forName('java.lang.Runtime') }}",
      "{{ ''.class.forName('java.lang.System') }}",
      "{{ messages.stream() }}",
      "{{ tools.x.y }}",
      "{{ range.call }}",
      "{{ messages.__class__ }}",
      "{{ messages[0]['getClass']() }}",
      "{{ 'a'.concat('b') }}",
      "{{ 'a'.repeat(3) }}",
      "{{ messages[0].keySet() }}",
      "{{ namespace(a=1).attributes() }}",
      "{{ messages[0].content.bytes.x }}",
    };
    for (String source : sources) {
      failure(source);
    }
    assertEquals("", render("{{ ''.class }}{{ messages.size }}{{ messages[0].hashCode }}"));
  }

  @Test
  void theTemplateIsFoundWhereTransformersFindsIt() throws IOException {
    assertTrue(ChatTemplate.read(folder).isEmpty());
    Path config = folder.resolve(CONFIG);
    ObjectNode json = JSON.createObjectNode().put("bos_token", "<b>");
    json.putObject("eos_token").put("content", "<e>").put("lstrip", false);
    json.putNull("pad_token");
    JSON.writeValue(config.toFile(), json);
    assertTrue(ChatTemplate.read(folder).isEmpty());

    String source = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ pad_token }}";
    JSON.writeValue(config.toFile(), json.put("chat_template", source));
    assertEquals("<b>x<e>", found("x"));

    json.remove("chat_template");
    json.putArray("chat_template").addObject().put("name", "rag").put("template", "no");
    JSON.writeValue(config.toFile(), json);
    String message =
        assertThrows(CheckpointException.class, () -> ChatTemplate.read(folder)).getMessage();
    assertTrue(message.contains("named default"), message);
    ((ArrayNode) json.get("chat_template"))
        .addObject()
        .put("name", "default")
        .put("template", source);
    JSON.writeValue(config.toFile(), json);
    assertEquals("<b>y<e>", found("y"));

    Files.writeString(folder.resolve(JINJA), "own: {{ eos_token }}");
    assertEquals("own: <e>", found("z"));

    JSON.writeValue(config.toFile(), json.put("eos_token", 7));
    message = assertThrows(CheckpointException.class, () -> ChatTemplate.read(folder)).getMessage();
    assertTrue(message.contains("eos_token must be a token, is 7"), message);
  }

  /** As transformers 5.18 has them, tried with tokenizers of these classes. */
  @Test
  void tokensAreThoseOfTransformers() throws IOException {
    Files.writeString(
        folder.resolve(JINJA),
        "{{ bos_token }},{{ eos_token }},{{ pad_token }},{{ x_token }},{{ add_bos_token }}");
    assertEquals(",,,,", tokens("{}"));
    assertEquals(",,,,", tokens("{'tokenizer_class': 'PreTrainedTokenizerFast'}"));
    assertEquals("<s>,</s>,,,", tokens("{'tokenizer_class': 'LlamaTokenizerFast'}"));
    assertEquals("<s>,</s>,,,", tokens("{'tokenizer_class': 'LlamaTokenizer'}"));
    assertEquals(
        ",</s>,,X,",
        tokens(
            "{'tokenizer_class': 'LlamaTokenizer', 'bos_token': null,"
                + " 'x_token': {'content': 'X'}, 'add_bos_token': true}"));
    assertEquals(
        ",<|endoftext|>,<|endoftext|>,F,",
        tokens("{'tokenizer_class': 'Qwen2Tokenizer', 'extra_special_tokens': {'x_token': 'F'}}"));
    assertEquals("<bos>,<eos>,<pad>,,", tokens("{'tokenizer_class': 'GemmaTokenizer'}"));

    Path map = folder.resolve("special_tokens_map.json");
    Files.writeString(map, "{\"bos_token\": \"B\", \"eos_token\": {\"content\": \"E\"}}");
    assertEquals("B,E,,,", tokens("{'eos_token': 'other'}"));
    assertEquals(",other,,,", tokens("{'eos_token': 'other', 'added_tokens_decoder': {}}"));
    Files.delete(map);

    String message =
        assertThrows(CheckpointException.class, () -> tokens("{'tokenizer_class': 'OwnTokenizer'}"))
            .getMessage();
    assertTrue(message.contains("uses bos_token") && message.contains("OwnTokenizer"), message);
    assertEquals(
        "1,2,,,",
        tokens(
            "{'tokenizer_class': 'OwnTokenizer', 'bos_token': '1', 'eos_token': '2',"
                + " 'pad_token': null}"));
  }

  private String tokens(String config) throws IOException {
    Files.writeString(folder.resolve(CONFIG), config.replace('\'', '"'));
    return found("x");
  }

  private String found(String text) {
    return ChatTemplate.read(folder).orElseThrow().render(List.of(ChatMessage.user(text)), true);
  }

  @Test
  void datesAreThoseOfTheClock() throws IOException {
    assertEquals(
        "05 Mar 2026|2026-03-05 14:07:09|Thursday, March 5|02:07 PM|064|26|Thu 5%",
        render(
            "{{ strftime_now('%d %b %Y') }}|{{ strftime_now('%F %T') }}|"
                + "{{ strftime_now('%A, %B %-d') }}|{{ strftime_now('%I:%M %p') }}|"
                + "{{ strftime_now('%j') }}|{{ strftime_now('%y') }}|{{ strftime_now('%a %-d%%') }}"));
  }

  @Test
  void noMessagesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> template("x").render(List.of(), true));
  }

  /** The tokenizer would write a start token of its own in front. */
  @Test
  void specialTokensAreThoseOfTheTemplateOnly() throws IOException {
    Path model = folder.resolve("tiny");
    SyntheticDecoder.write("tiny", 60, 1, model, Progress.none());
    ObjectNode tokenizer = (ObjectNode) JSON.readTree(model.resolve("tokenizer.json").toFile());
    JsonNode start = tokenizer.get("added_tokens").get(0);
    String bos = start.get("content").textValue();
    int id = start.get("id").intValue();
    tokenizer.set(
        "post_processor",
        JSON.readTree(
            """
            {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "B", "type_id": 0}},
                        {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
             "special_tokens": {"B": {"id": "B", "ids": [%d], "tokens": ["%s"]}}}"""
                .formatted(id, bos)));
    JSON.writeValue(model.resolve("tokenizer.json").toFile(), tokenizer);
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1));
        DecoderModel decoder =
            DecoderModel.load(sinter, model, DecoderOptions.of(Scheme.F32), Progress.none())) {
      List<ChatMessage> messages = List.of(ChatMessage.user("ab"));
      String message =
          assertThrows(IllegalArgumentException.class, () -> decoder.tokenize(messages))
              .getMessage();
      assertTrue(message.contains("no chat template"), message);

      Files.writeString(
          model.resolve(JINJA),
          bos + "{{ messages[0].content }}{{ '!' if add_generation_prompt }}");
      int[] plain = decoder.tokenizer().encodePlain("ab!");
      int[] ids = decoder.tokenize(messages);
      assertEquals(plain.length + 1, ids.length);
      assertEquals(id, ids[0]);
      assertArrayEquals(decoder.tokenize("ab!"), ids);
    }
  }
}
