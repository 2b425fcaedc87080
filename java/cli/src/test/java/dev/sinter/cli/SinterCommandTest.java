package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SinterCommandTest {
  private static CliRun run(String... args) {
    return CliRun.of(new FakeHost(), "", args);
  }

  @Test
  void noCommandPrintsHelp() {
    CliRun run = run();
    assertEquals(0, run.code());
    for (String command :
        List.of("demo", "embed", "evaluate", "inspect", "doctor", "bench", "test", "clean")) {
      assertTrue(run.out().contains("\n  " + command), command + " is not in\n" + run.out());
    }
    assertEquals("", run.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "demo",
        "embed",
        "evaluate",
        "generate",
        "perplexity",
        "synthesize",
        "inspect",
        "doctor"
      })
  void everyCommandHasHelpWithAnExampleThatFitsATerminal(String command) {
    CliRun run = run(command, "--help");
    assertEquals(0, run.code());
    assertTrue(run.out().contains("  sinter " + command), run.out());
    assertTrue(run.out().lines().allMatch(l -> l.length() <= 80), run.out());
    assertFalse(run.out().contains("\u001b"), "colours without a terminal");
  }

  /** picocli reports a text that is no format on the standard error of the process. */
  @Test
  void noHelpHasALooseFormat() {
    PrintStream console = System.err;
    ByteArrayOutputStream warnings = new ByteArrayOutputStream();
    Set<String> commands =
        SinterCommand.commandLine(
                new Terminal(InputStream.nullInputStream(), console, console, false, false, false),
                o -> new FakeHost(),
                System::nanoTime)
            .getSubcommands()
            .keySet();
    assertTrue(commands.contains("calibrate") && commands.size() >= 10, commands.toString());
    try {
      System.setErr(new PrintStream(warnings, true, StandardCharsets.UTF_8));
      for (String command : commands) {
        CliRun run = run(command, "--help");
        assertEquals(0, run.code(), command);
        assertEquals("", run.err(), command);
        assertFalse(run.out().contains("%n") || run.out().contains("${"), run.out());
      }
    } finally {
      System.setErr(console);
    }
    assertEquals("", warnings.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "frobnicate",
        "demo --thread 2",
        "demo --threads two",
        "doctor --threads 0",
        "embed",
        "embed --model m --scheme int3",
        "evaluate --model m --scheme f32",
        "embed --model m --pooling max",
        "inspect",
        "inspect a b",
        "generate --model m",
        "generate --prompt p",
        "generate --model m --prompt p --chat c",
        "generate --model m --prompt p --system s",
        "generate --model m --system s",
        "generate --model m --prompt p --kv int4",
        "generate --model m --prompt p --top-p 0",
        "generate --model m --prompt p --max-tokens 0",
        "perplexity --model m",
        "synthesize --arch tiny",
        "inspect --tensors x",
        "demo surplus"
      })
  void wrongUsageIsTwoWithOneLineAndAHint(String line) {
    CliRun run = run(line.split(" "));
    assertEquals(2, run.code(), run.err());
    assertEquals("", run.out());
    assertTrue(run.err().startsWith("sinter: "), run.err());
    assertTrue(run.err().contains("--help"), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @Test
  void unknownSchemeNamesTheKnownOnes() {
    assertTrue(run("embed", "--model", "m", "--scheme", "int3").err().contains("f32, bf16, w8a8"));
  }

  @Test
  void unknownBackendIsWrongUsage() {
    CliRun run = CliRun.of(SinterHost::open, new byte[0], "demo", "--backend", "no-such-backend");
    assertEquals(2, run.code(), run.err());
    assertTrue(run.err().contains("no-such-backend"), run.err());
  }

  @Test
  void failureIsOneWithOneLineAndAHint() {
    CliRun run = run("embed", "--model", "broken");
    assertEquals(1, run.code());
    assertEquals("", run.out());
    assertTrue(run.err().contains("sinter: layer 3: the file ends early\nhint: "), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }

  @Test
  void verboseAddsTheStackTrace() {
    CliRun run = run("embed", "--model", "broken", "--verbose");
    assertEquals(1, run.code());
    assertTrue(run.err().contains("\tat dev.sinter.cli.FakeHost.load"), run.err());
  }

  @Test
  void missingFileIsNamed() {
    CliRun run = run("embed", "--model", "m", "--input", "no/such/file");
    assertEquals(1, run.code());
    assertTrue(run.err().contains("sinter: no such file: no/such/file"), run.err());
  }
}
