package dev.sinter.cli;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
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
      "  clean --packed     Remove the decoders that are kept packed, and nothing else.",
      "",
      "Environment of the launcher:",
      "  JAVA_HOME          JDK to use, if it is 25 or newer",
      "  SINTER_JAVA_OPTS   more flags for the JVM, for example -Xmx2g",
      "",
      "Exit codes: 0 success, 1 failure, 2 wrong usage."
    })
final class SinterCommand implements Callable<Integer> {
  private static final String HELP = "help"; // of any of the others

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
    return CommandRunner.run(commandLine(terminal, opener, clock, args), terminal, args);
  }

  /**
   * The command that is asked for, or if the first argument names none, all: each takes
   * milliseconds to be made.
   */
  private static CommandLine commandLine(
      Terminal terminal, EncoderHost.Opener opener, LongSupplier clock, String... args) {
    Supplier<Object> only =
        args.length == 0 || args[0].equals(HELP)
            ? null
            : commands(terminal, opener, clock).get(args[0]);
    return only == null ? commandLine(terminal, opener, clock) : of(List.of(only));
  }

  static CommandLine commandLine(Terminal terminal, EncoderHost.Opener opener, LongSupplier clock) {
    return of(commands(terminal, opener, clock).values());
  }

  private static CommandLine of(Collection<Supplier<Object>> commands) {
    CommandLine line = new CommandLine(new SinterCommand());
    commands.forEach(c -> line.addSubcommand(c.get()));
    return line.setCaseInsensitiveEnumValuesAllowed(true);
  }

  /** By name, in the order of the help. */
  private static SequencedMap<String, Supplier<Object>> commands(
      Terminal terminal, EncoderHost.Opener opener, LongSupplier clock) {
    SequencedMap<String, Supplier<Object>> commands = new LinkedHashMap<>();
    commands.put("demo", () -> new DemoCommand(terminal, opener, new Stopwatch(clock)));
    commands.put("embed", () -> new EmbedCommand(terminal, opener));
    commands.put("evaluate", () -> new EvaluateCommand(terminal, opener));
    commands.put("generate", () -> new GenerateCommand(terminal, clock));
    commands.put("perplexity", () -> new PerplexityCommand(terminal));
    commands.put("synthesize", () -> new SynthesizeCommand(terminal));
    commands.put("inspect", () -> new InspectCommand(terminal));
    commands.put("doctor", () -> new DoctorCommand(terminal));
    commands.put("calibrate", () -> new CalibrateCommand(terminal));
    commands.put(HELP, CommandLine.HelpCommand::new);
    return commands;
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
