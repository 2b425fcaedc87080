package dev.sinter.cli;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say on what a command runs, shared by all of them. */
final class EngineOptions {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Worker threads. Default: all cores the container has.")
  private Integer threads;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description =
          "Force one backend: cpu, onednn, vector or reference. Default: the planner's choice for"
              + " each operation.")
  private String backend;

  @Option(
      names = "--isa",
      paramLabel = "NAME",
      description =
          "Highest instruction set to use: scalar, avx2, avxvnni or avx512vnni. Default: all that"
              + " the CPU has.")
  private String isa;

  @Option(
      names = "--packed-cache",
      paramLabel = "DIR",
      description =
          "The folder that keeps decoders as they were quantized and packed, so that they load"
              + " faster from the second time on; off for none. Default: packed in the cache folder"
              + " (SINTER_CACHE, or ~/.cache/sinter), for models of 128 MiB and more, up to 16 GiB"
              + " in all (SINTER_PACKED_CACHE_BYTES).")
  private String packedCache;

  @Option(names = "--verbose", description = "Print the stack trace of a failure.")
  private boolean verbose;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /**
   * What the command line says, over what properties and environment say.
   *
   * @throws ParameterException if a value is out of range
   */
  SinterOptions toSinterOptions() {
    if (threads != null && threads < 1) {
      throw new ParameterException(
          command.commandLine(), "--threads must be at least 1, got " + threads);
    }
    try {
      SinterOptions options = SinterOptions.defaults();
      options = threads == null ? options : options.withThreads(threads);
      options = backend == null ? options : options.withBackend(backend);
      options = packedCache == null ? options : options.withPackedCache(packedCache);
      return isa == null ? options : options.withIsa(isa);
    } catch (IllegalArgumentException e) {
      throw wrongUsage(e);
    }
  }

  /**
   * Opens the runtime so.
   *
   * @throws ParameterException if a value is out of range, or the host lacks what is asked for
   */
  Sinter open() {
    SinterOptions options = toSinterOptions();
    try {
      return Sinter.open(options);
    } catch (IllegalArgumentException e) {
      throw wrongUsage(e);
    }
  }

  /** An argument that only the runtime could judge, as the usage error that it is. */
  ParameterException wrongUsage(IllegalArgumentException e) {
    return new ParameterException(command.commandLine(), e.getMessage(), e);
  }
}
