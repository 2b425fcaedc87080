package dev.sinter.cli;

import dev.sinter.models.Progress;
import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows on standard error how far a task is: a bar on a terminal, which goes away at the end; else
 * a line when it begins and one every few seconds.
 */
public final class ProgressDisplay implements Progress, AutoCloseable {
  private static final int BAR_COLUMNS = 79;
  private static final int BAR_MESSAGE_COLUMNS = 28;
  private static final long LINE_NANOS = 3_000_000_000L;

  private final String task;
  private final PrintStream err;
  private final ProgressBar bar;
  private long lastLine = System.nanoTime();

  /** Without the time left, for steps that take different times. */
  public ProgressDisplay(Terminal terminal, String task) {
    this(terminal, task, false);
  }

  /**
   * @param timeLeft whether to show how long the rest takes, if every step takes the same time
   */
  public ProgressDisplay(Terminal terminal, String task, boolean timeLeft) {
    this.task = task;
    err = terminal.err();
    if (terminal.errIsTerminal()) {
      ProgressBarBuilder builder =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(-1)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(100)
              .setConsumer(new ConsoleProgressBarConsumer(err, BAR_COLUMNS))
              .clearDisplayOnFinish();
      bar = (timeLeft ? builder : builder.hideEta()).build();
    } else {
      bar = null;
      err.println(task + " ...");
    }
  }

  @Override
  public synchronized void step(String what, long done, long total) {
    if (bar != null) {
      bar.maxHint(total);
      bar.stepTo(done);
      bar.setExtraMessage(TextTable.cut(what, BAR_MESSAGE_COLUMNS));
    } else if (System.nanoTime() - lastLine > LINE_NANOS) {
      err.println(task + ": " + what + ", " + done + (total < 0 ? "" : " of " + total));
      lastLine = System.nanoTime();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
