package dev.sinter.models.jinja;

import dev.sinter.models.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into text and tokens. The first newline behind a block or comment is dropped
 * ({@code trim_blocks}), and so are the spaces between the start of a line and a block or comment
 * ({@code lstrip_blocks}); a minus at a delimiter drops all white space on that side, a plus none.
 * One newline at the end of a template does not count.
 */
final class Lexer {
  private static final Pattern FLOAT =
      Pattern.compile("\\d[\\d_]*(?:(?:\\.\\d[\\d_]*)?[eE][+-]?\\d[\\d_]*|\\.\\d[\\d_]*)");
  private static final Pattern INTEGER = Pattern.compile("\\d+(?:_\\d+)*");
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%\\}");
  private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");
  private static final List<String> OPERATORS =
      List.of(
          "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int pos;
  private int line = 1;
  private boolean lineStarts = true; // a newline, or nothing at all, is before the text

  Lexer(String source) {
    String lines = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
  }

  List<Token> tokens() {
    while (pos < source.length()) {
      int begin = nextDelimiter();
      if (begin < 0) {
        add(Kind.TEXT, source.substring(pos));
        pos = source.length();
      } else {
        String text = source.substring(pos, begin);
        char kind = source.charAt(begin + 1);
        add(Kind.TEXT, strippedAtEnd(text, signAt(begin + 2), kind != '{'));
        line += newlines(text);
        pos = begin;
        switch (kind) {
          case '#' -> comment();
          case '{' -> inside(Kind.PRINT_BEGIN, Kind.PRINT_END, "}}");
          default -> block();
        }
      }
    }
    tokens.add(new Token(Kind.END, "", line));
    return tokens;
  }

  private int nextDelimiter() {
    for (int at = source.indexOf('{', pos); at >= 0; at = source.indexOf('{', at + 1)) {
      if (at + 1 < source.length() && "{%#".indexOf(source.charAt(at + 1)) >= 0) {
        return at;
      }
    }
    return -1;
  }

  private char signAt(int at) {
    char c = at < source.length() ? source.charAt(at) : ' ';
    return c == '-' || c == '+' ? c : ' ';
  }

  private String strippedAtEnd(String text, char sign, boolean lstrip) {
    if (sign == '-') {
      return PyString.stripEnd(text);
    }
    int lineStart = text.lastIndexOf('\n') + 1;
    boolean blank = lstrip && sign != '+' && (lineStart > 0 || lineStarts);
    return blank && PyString.strip(text.substring(lineStart)).isEmpty()
        ? text.substring(0, lineStart)
        : text;
  }

  private void comment() {
    int end = source.indexOf("#}", pos + 2);
    if (end < 0) {
      throw new JinjaException(line, "a comment does not end");
    }
    String comment = source.substring(pos, end);
    line += newlines(comment);
    char sign = comment.length() > 2 ? source.charAt(end - 1) : ' ';
    pos = end + 2;
    afterDelimiter(sign, true);
  }

  private void block() {
    Matcher raw = RAW.matcher(source).region(pos, source.length());
    if (!raw.lookingAt()) {
      inside(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
      return;
    }
    line += newlines(raw.group());
    pos = raw.end();
    afterDelimiter(raw.group(1).isEmpty() ? ' ' : '-', false);
    Matcher end = END_RAW.matcher(source).region(pos, source.length());
    if (!end.find()) {
      throw new JinjaException(line, "raw does not end");
    }
    String text = source.substring(pos, end.start());
    char sign = end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0);
    add(Kind.TEXT, strippedAtEnd(text, sign, true));
    line += newlines(text) + newlines(end.group());
    pos = end.end();
    afterDelimiter(end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0), true);
  }

  /** Drops what the end of a tag does not leave of the text behind it. */
  private void afterDelimiter(char sign, boolean trim) {
    int from = pos;
    if (sign == '-') {
      while (pos < source.length() && PyString.isSpace(source.charAt(pos))) {
        pos++;
      }
    } else if (sign != '+' && trim && pos < source.length() && source.charAt(pos) == '\n') {
      pos++;
    }
    String dropped = source.substring(from, pos);
    line += newlines(dropped);
    lineStarts = dropped.endsWith("\n");
  }

  private void inside(Kind begin, Kind end, String delimiter) {
    int beginLine = line;
    add(begin, source.substring(pos, pos + 2));
    pos += signAt(pos + 2) == ' ' ? 2 : 3;
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      skipSpace();
      if (pos >= source.length()) {
        throw new JinjaException(beginLine, "'" + delimiter + "' is missing");
      }
      if (open.isEmpty() && ends(end, delimiter)) {
        return;
      }
      token(open);
    }
  }

  private boolean ends(Kind end, String delimiter) {
    boolean block = end == Kind.BLOCK_END;
    char sign = signAt(pos);
    if (sign == '+' && !block) {
      sign = ' ';
    }
    int at = sign == ' ' ? pos : pos + 1;
    if (!source.startsWith(delimiter, at)) {
      return false;
    }
    add(end, delimiter);
    pos = at + 2;
    afterDelimiter(sign, block);
    return true;
  }

  private void skipSpace() {
    while (pos < source.length() && PyString.isSpace(source.charAt(pos))) {
      line += source.charAt(pos) == '\n' ? 1 : 0;
      pos++;
    }
  }

  private void token(Deque<Character> open) {
    char c = source.charAt(pos);
    boolean afterDot = pos > 0 && source.charAt(pos - 1) == '.';
    if (c == '\'' || c == '"') {
      string(c);
    } else if (!(!afterDot && take(FLOAT, Kind.FLOAT))
        && !take(INTEGER, Kind.INTEGER)
        && !take(NAME, Kind.NAME)) {
      operator(open);
    }
  }

  private boolean take(Pattern pattern, Kind kind) {
    Matcher m = pattern.matcher(source).region(pos, source.length());
    if (!m.lookingAt()) {
      return false;
    }
    add(kind, m.group());
    pos = m.end();
    return true;
  }

  private void operator(Deque<Character> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, pos)) {
        char c = operator.charAt(0);
        switch (c) {
          case '(' -> open.push(')');
          case '[' -> open.push(']');
          case '{' -> open.push('}');
          case ')', ']', '}' -> {
            if (open.isEmpty() || open.pop() != c) {
              throw new JinjaException(line, "unexpected '" + c + "'");
            }
          }
          default -> {}
        }
        add(Kind.OPERATOR, operator);
        pos += operator.length();
        return;
      }
    }
    throw new JinjaException(
        line, "unexpected character '" + Character.toString(source.codePointAt(pos)) + "'");
  }

  private void string(char quote) {
    int end = pos + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw new JinjaException(line, "a string does not end");
    }
    String literal = source.substring(pos + 1, end);
    add(Kind.STRING, PyString.unescape(literal, line));
    line += newlines(literal);
    pos = end + 1;
  }

  private void add(Kind kind, String text) {
    if (kind != Kind.TEXT || !text.isEmpty()) {
      tokens.add(new Token(kind, text, line));
    }
  }

  private static int newlines(String text) {
    return (int) text.chars().filter(c -> c == '\n').count();
  }
}
