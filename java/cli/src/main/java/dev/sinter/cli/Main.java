package dev.sinter.cli;

import dev.sinter.runtime.NativeLibraries;
import java.util.Set;

/** Where the process starts and the only place that ends it. */
public final class Main {
  private static final Set<String> RUN_MODELS =
      Set.of("generate", "perplexity", "embed", "evaluate");

  private Main() {}

  /** Exits with 0, with 1 if the command failed, or with 2 if it was called wrongly. */
  public static void main(String[] args) {
    StandardError.restore();
    loadLibraries(args);
    int code =
        SinterCommand.execute(Terminal.ofProcess(), SinterHost::open, System::nanoTime, args);
    if (code == 0) {
      StartupArchive.write();
    }
    System.exit(code);
  }

  /**
   * Checks and loads the native libraries while the command line is read, for commands that take
   * them anyway: both take a tenth of a second and more.
   */
  private static void loadLibraries(String[] args) {
    if (args.length > 0 && RUN_MODELS.contains(args[0])) {
      Thread.ofPlatform()
          .daemon()
          .name("sinter-libraries")
          .start(
              () -> {
                NativeLibraries.sinter();
                NativeLibraries.oneDnn();
              });
    }
  }
}
