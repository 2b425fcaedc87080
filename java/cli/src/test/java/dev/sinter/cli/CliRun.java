package dev.sinter.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

/** One run of the command line with captured streams. */
record CliRun(int code, String out, String err) {
  /** The clock of a run moves only when it is read, so every measured pass takes this long. */
  static final long CLOCK_STEP_NANOS = 10_000_000;

  static CliRun of(EncoderHost.Opener opener, byte[] in, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Terminal terminal =
        new Terminal(
            new ByteArrayInputStream(in),
            new PrintStream(out, false, StandardCharsets.UTF_8),
            new PrintStream(err, false, StandardCharsets.UTF_8),
            false,
            false,
            false);
    AtomicLong now = new AtomicLong();
    int code = SinterCommand.execute(terminal, opener, () -> now.getAndAdd(CLOCK_STEP_NANOS), args);
    return new CliRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  static CliRun of(EncoderHost host, String in, String... args) {
    return of(options -> host, in.getBytes(StandardCharsets.UTF_8), args);
  }
}
