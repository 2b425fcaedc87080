package dev.sinter.cli;

import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command line as a whole: its subcommands. */
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
      "  bench [OPTIONS]    Measure kernels and models against what the machine can do.",
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
    return CommandRunner.run(commandLine(terminal, opener, clock), terminal, args);
  }

  static CommandLine commandLine(Terminal terminal, EncoderHost.Opener opener, LongSupplier clock) {
    return new CommandLine(new SinterCommand())
        .addSubcommand(new DemoCommand(terminal, opener, new Stopwatch(clock)))
        .addSubcommand(new EmbedCommand(terminal, opener))
        .addSubcommand(new EvaluateCommand(terminal, opener))
        .addSubcommand(new GenerateCommand(terminal, clock))
        .addSubcommand(new PerplexityCommand(terminal))
        .addSubcommand(new SynthesizeCommand(terminal))
        .addSubcommand(new InspectCommand(terminal))
        .addSubcommand(new DoctorCommand(terminal))
        .addSubcommand(new CalibrateCommand(terminal))
        .addSubcommand(new CommandLine.HelpCommand())
        .setCaseInsensitiveEnumValuesAllowed(true);
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
