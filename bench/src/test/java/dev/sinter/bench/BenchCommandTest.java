package dev.sinter.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.cli.CommandRunner;
import dev.sinter.cli.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class BenchCommandTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... args) {
    Terminal terminal =
        new Terminal(
            InputStream.nullInputStream(),
            new PrintStream(out, false, StandardCharsets.UTF_8),
            new PrintStream(err, false, StandardCharsets.UTF_8),
            false,
            false,
            false);
    return CommandRunner.run(new CommandLine(new BenchCommand(terminal)), terminal, args);
  }

  @Test
  void helpFitsATerminalAndNamesEverySuite() {
    PrintStream console = System.err;
    ByteArrayOutputStream warnings = new ByteArrayOutputStream(); // picocli's, of loose formats
    try {
      System.setErr(new PrintStream(warnings, true, StandardCharsets.UTF_8));
      assertEquals(0, run("--help"));
    } finally {
      System.setErr(console);
    }
    assertEquals("", warnings.toString(StandardCharsets.UTF_8));
    assertEquals("", err.toString(StandardCharsets.UTF_8));
    String help = out.toString(StandardCharsets.UTF_8);
    assertTrue(help.lines().allMatch(l -> l.length() <= 80), help);
    for (Suite suite : Suite.values()) {
      assertTrue(help.contains("\n  " + suite.id()), help);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--suite dance",
        "--threads 0",
        "--threads 1,x",
        "--shapes no-such-file",
        "--suite encoder --shapes pom.xml",
        "--suite decoder --shapes pom.xml",
        "--shapes pom.xml",
        "--frobnicate",
        "surplus"
      })
  void wrongUsageIsTwo(String line) {
    assertEquals(2, run(line.split(" ")), err.toString(StandardCharsets.UTF_8));
    assertTrue(err.toString(StandardCharsets.UTF_8).startsWith("sinter: "));
    assertFalse(err.toString(StandardCharsets.UTF_8).contains("\tat "));
  }

  @Test
  void peersThatAreNotThereAreAFailure() {
    assertEquals(1, run("--peers"));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("./sinter bench --peers"));
  }
}
