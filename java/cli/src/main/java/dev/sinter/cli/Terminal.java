package dev.sinter.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The three standard streams, in UTF-8 whatever the locale, and which of them a person sits at.
 *
 * @param in bytes of standard input
 * @param out results only
 * @param err progress and errors
 */
public record Terminal(
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean inIsTerminal,
    boolean outIsTerminal,
    boolean errIsTerminal) {

  /**
   * The streams of this process. The launcher names the descriptors that are terminals in property
   * {@code sinter.terminals}, since a JVM cannot tell for standard error.
   */
  public static Terminal ofProcess() {
    String terminals = System.getProperty("sinter.terminals", "");
    return new Terminal(
        new FileInputStream(FileDescriptor.in),
        // Written through on every flush only: an embedding is one big line.
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16),
            false,
            StandardCharsets.UTF_8),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        terminals.contains("0"),
        terminals.contains("1"),
        terminals.contains("2"));
  }

  /** Colours only where a person reads all that is printed, and has not asked for none. */
  public boolean ansi() {
    return outIsTerminal && errIsTerminal && System.getenv("NO_COLOR") == null;
  }
}
