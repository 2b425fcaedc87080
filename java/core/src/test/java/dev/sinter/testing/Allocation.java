package dev.sinter.testing;

import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** What calls allocate on the Java heap. */
public final class Allocation {
  private static final int BATCH = 100;

  /** Batches in a row that must allocate nothing: what is compiled then stays. */
  private static final int QUIET = 20;

  /** More than any compilation takes; whatever allocates after so many is not going to stop. */
  private static final int BATCHES = 5000;

  private Allocation() {}

  /**
   * Fails unless {@code call} stops to allocate for good: interpreted and half compiled code boxes
   * vectors, compiled code must not. The call runs on this thread.
   */
  public static void assertNone(String what, Runnable call) {
    assertOnly(0, what, call);
  }

  /** The same for a call that allocates {@code bytes} each time, what it returns for instance. */
  public static void assertOnly(long bytes, String what, Runnable call) {
    long found = 0;
    int quiet = 0;
    for (int batch = 0; batch < BATCHES && quiet < QUIET; batch++) {
      found = bytes(call);
      quiet = found == BATCH * bytes ? quiet + 1 : 0;
    }
    if (quiet < QUIET) {
      fail(
          what
              + " still allocates after "
              + BATCHES * BATCH
              + " calls, "
              + found
              + " bytes in the last "
              + BATCH
              + ", expected "
              + BATCH * bytes);
    }
  }

  private static long bytes(Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < BATCH; i++) {
      call.run();
    }
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
