package dev.sinter.cli;

import dev.sinter.models.SyntheticDecoder;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "synthesize",
    mixinStandardHelpOptions = true,
    description = {
      "Writes a decoder with the shapes of a real one and random weights.",
      "For measuring speed and memory without a download: what it says means nothing. Its"
          + " config.json and weights are marked as synthetic."
    },
    footer = {"", "Example:", "  sinter synthesize --arch tinyllama-1.1b OUT"})
final class SynthesizeCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(
      names = "--arch",
      paramLabel = "NAME",
      required = true,
      description =
          "tinyllama-1.1b, qwen2.5-0.5b, llama-3.2-1b, or tiny, which is no real model but quickly"
              + " made.")
  private String arch;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "0",
      description = "Longest text in tokens. Default: that of the real model.")
  private int context;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the weights. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--verbose", description = "Print the stack trace of a failure.")
  private boolean verbose;

  @Spec private CommandSpec command;

  @Parameters(paramLabel = "OUT", description = "A folder; must be empty if it is there.")
  private Path folder;

  SynthesizeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "synthesize " + arch, true)) {
      SyntheticDecoder.write(arch, context, seed, folder, progress);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
    terminal.out().println(folder);
    return ExitCode.OK;
  }
}
