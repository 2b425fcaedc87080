package dev.sinter.cli;

/** Where the process starts and the only place that ends it. */
public final class Main {
  private Main() {}

  /** Exits with 0, with 1 if the command failed, or with 2 if it was called wrongly. */
  public static void main(String[] args) {
    StandardError.restore();
    System.exit(
        SinterCommand.execute(Terminal.ofProcess(), SinterHost::open, System::nanoTime, args));
  }
}
