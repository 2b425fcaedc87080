package dev.sinter.cli;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointFiles;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Lists what is in a model's files.",
      "For every tensor its name, type, shape and bytes; then totals, the file's metadata and, of a"
          + " folder, the main settings of its config.json. No values are printed."
    },
    footer = {
      "",
      "Examples:",
      "  sinter inspect model.safetensors",
      "  sinter inspect my-model-folder --json"
    })
final class InspectCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Parameters(
      paramLabel = "PATH",
      description =
          "A .safetensors, .safetensors.index.json or .onnx file, a .jar with one .onnx, or a"
              + " folder with model.safetensors (or its index) or model.onnx.")
  private Path path;

  @Option(names = "--json", description = "Print one line of JSON.")
  private boolean json;

  @Option(names = "--verbose", description = "Print the stack trace of a failure.")
  private boolean verbose;

  InspectCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    Inspection inspection;
    try (Checkpoint checkpoint = CheckpointFiles.open(path)) {
      inspection = Inspection.of(checkpoint, path);
    }
    if (json) {
      terminal.out().println(Json.line(inspection.toJson()));
    } else {
      inspection.print(terminal.out());
    }
    return ExitCode.OK;
  }
}
