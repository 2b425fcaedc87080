package dev.sinter.bench;

import dev.sinter.cli.CommandRunner;
import dev.sinter.cli.StandardError;
import dev.sinter.cli.Terminal;
import picocli.CommandLine;

/** Where {@code ./sinter bench} starts. */
public final class Main {
  private Main() {}

  /** Exits with 0, with 1 if something failed, or with 2 if it was called wrongly. */
  public static void main(String[] args) {
    StandardError.restore();
    Terminal terminal = Terminal.ofProcess();
    System.exit(CommandRunner.run(new CommandLine(new BenchCommand(terminal)), terminal, args));
  }
}
