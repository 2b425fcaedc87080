package dev.sinter.cli;

import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line as a whole: its subcommands, its exit codes, and how it speaks of failures. */
@Command(
    name = "sinter",
    mixinStandardHelpOptions = true,
    versionProvider = SinterCommand.Version.class,
    description = "Runs compressed transformer layers from Java.",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "Done by the launcher itself:",
      "  test [MAVEN ARGS]  Run every check (mvn verify).",
      "  clean              Remove everything that was built.",
      "",
      "Environment of the launcher:",
      "  JAVA_HOME          JDK to use, if it is 25 or newer",
      "  SINTER_JAVA_OPTS   more flags for the JVM, for example -Xmx2g",
      "",
      "Exit codes: 0 success, 1 failure, 2 wrong usage."
    })
final class SinterCommand implements Callable<Integer> {
  private static final String USUAL_HINT =
      "--verbose prints the stack trace; 'sinter doctor' shows what this machine has";

  @Spec private CommandSpec spec;

  private SinterCommand() {}

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getOut());
    return CommandLine.ExitCode.OK;
  }

  /**
   * Runs one command and returns the exit code; all that was printed is flushed.
   *
   * @param clock nanoseconds, for what the commands measure
   */
  static int execute(
      Terminal terminal, EncoderHost.Opener opener, LongSupplier clock, String... args) {
    int code = commandLine(terminal, opener, clock).execute(args);
    terminal.out().flush();
    terminal.err().flush();
    return code;
  }

  private static CommandLine commandLine(
      Terminal terminal, EncoderHost.Opener opener, LongSupplier clock) {
    return new CommandLine(new SinterCommand())
        .addSubcommand(new DemoCommand(terminal, opener, new Stopwatch(clock)))
        .addSubcommand(new EmbedCommand(terminal, opener))
        .addSubcommand(new EvaluateCommand(terminal, opener))
        .addSubcommand(new InspectCommand(terminal))
        .addSubcommand(new DoctorCommand(terminal))
        .addSubcommand(new CommandLine.HelpCommand())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(terminal.out(), true))
        .setErr(new PrintWriter(terminal.err(), true))
        .setColorScheme(CommandLine.Help.defaultColorScheme(terminal.ansi() ? Ansi.ON : Ansi.OFF))
        .setParameterExceptionHandler(SinterCommand::explainUsage)
        .setExecutionExceptionHandler(SinterCommand::explainFailure);
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

  /** The version in the manifest of the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"sinter " + current() + ", JDK " + Runtime.version()};
    }

    static String current() {
      String version = SinterCommand.class.getPackage().getImplementationVersion();
      return version == null ? "(not packaged)" : version;
    }
  }
}
