package dev.sinter.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The lines of a stream, decoded one by one, so that bytes which are not UTF-8 are refused with
 * their line instead of becoming other sentences.
 */
final class Utf8Lines implements AutoCloseable {
  private static final int END = -1;

  private final String source;
  private final InputStream in;
  private long number;

  /**
   * @param source what to call the stream in an error
   */
  Utf8Lines(String source, InputStream in) {
    this.source = source;
    this.in = new BufferedInputStream(in, 1 << 16);
  }

  /** The next line without its end, LF or CR LF; null at the end of the stream. */
  String next() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int b;
    while ((b = in.read()) != END && b != '\n') {
      line.write(b);
    }
    if (b == END && line.size() == 0) {
      return null;
    }
    number++;
    try {
      ByteBuffer bytes = ByteBuffer.wrap(line.toByteArray());
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    } catch (CharacterCodingException e) {
      throw new CommandFailure(
          source + ", line " + number + ": not UTF-8",
          "convert it first, for example: iconv -f latin1 -t utf-8",
          e);
    }
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
