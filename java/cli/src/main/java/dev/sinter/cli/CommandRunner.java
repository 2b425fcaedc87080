package dev.sinter.cli;

import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Runs a command line: exit codes, and how every command speaks of failures. */
public final class CommandRunner {
  private static final String USUAL_HINT =
      "--verbose prints the stack trace; 'sinter doctor' shows what this machine has";

  private CommandRunner() {}

  /**
   * Runs one command and flushes all that was printed.
   *
   * @return 0, 1 if the command failed, 2 if it was called wrongly
   */
  public static int run(CommandLine command, Terminal terminal, String... args) {
    int code =
        command
            .setOut(new PrintWriter(terminal.out(), true, terminal.out().charset()))
            .setErr(new PrintWriter(terminal.err(), true, terminal.err().charset()))
            .setColorScheme(
                CommandLine.Help.defaultColorScheme(terminal.ansi() ? Ansi.ON : Ansi.OFF))
            .setParameterExceptionHandler(CommandRunner::explainUsage)
            .setExecutionExceptionHandler(CommandRunner::explainFailure)
            .execute(args);
    terminal.out().flush();
    terminal.err().flush();
    return code;
  }

  private static int explainUsage(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("sinter: " + failure.getMessage());
    UnmatchedArgumentException.printSuggestions(failure, err);
    err.println("hint: " + command.getCommandSpec().qualifiedName() + " --help");
    return CommandLine.ExitCode.USAGE;
  }

  private static int explainFailure(Exception failure, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    err.println("sinter: " + message(failure));
    String hint = failure instanceof CommandFailure f ? f.hint() : USUAL_HINT;
    if (hint != null) {
      err.println("hint: " + hint);
    }
    if (command.getParseResult().hasMatchedOption("--verbose")) {
      failure.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static String message(Throwable failure) {
    return switch (failure) {
      case UncheckedIOException e -> message(e.getCause());
      case NoSuchFileException e -> "no such file: " + e.getFile();
      case AccessDeniedException e -> "not allowed to read or write " + e.getFile();
      case Throwable t when t.getMessage() == null -> t.getClass().getSimpleName();
      case Throwable t -> t.getMessage().lines().findFirst().orElse("").strip();
    };
  }
}
