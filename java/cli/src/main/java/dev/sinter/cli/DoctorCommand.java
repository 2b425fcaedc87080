package dev.sinter.cli;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what this machine has and what each backend runs on it.",
      "CPU, cores of the container, JDK and JVM flags, native libraries; and for each backend the"
          + " operations it runs here, or why it does not; and what the machine can do at most:"
          + " bandwidths and peaks, measured in about a second."
    },
    footer = {"", "Examples:", "  sinter doctor", "  sinter doctor --isa avx2"})
final class DoctorCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Mixin private EngineOptions engine;

  @Option(names = "--json", description = "Print one line of JSON.")
  private boolean json;

  DoctorCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    SinterOptions options = engine.toSinterOptions();
    Diagnosis diagnosis;
    try (Sinter sinter = Sinter.open(options)) {
      diagnosis = Diagnosis.of(sinter);
    } catch (IllegalArgumentException e) {
      throw engine.wrongUsage(e);
    }
    if (json) {
      terminal.out().println(Json.line(diagnosis.toJson()));
    } else {
      diagnosis.print(terminal.out());
    }
    return ExitCode.OK;
  }
}
