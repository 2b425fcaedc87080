package dev.sinter.runtime;

import dev.sinter.runtime.WorkerPool.Region;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The platform thread that is worker 0 of the regions that virtual threads ask for: those only
 * wait, parked, and their carriers stay free. One caller at a time.
 */
final class StandIn {
  private final Thread thread;
  private final Consumer<Region> execute;
  private Thread waiting;
  private volatile Region handed;
  private volatile boolean ended;

  /**
   * @param name of the thread
   * @param execute runs a region with the thread that calls it as worker 0
   */
  StandIn(String name, Consumer<Region> execute) {
    this.execute = execute;
    thread = WorkerPool.daemon(name, this::serve);
  }

  /** Returns when the region has been executed. An interrupt of the caller stays pending. */
  void run(Region region) {
    if (thread.getState() == Thread.State.NEW) {
      thread.start(); // most pools never need it
    }
    boolean interrupted = false;
    waiting = Thread.currentThread();
    handed = region;
    LockSupport.unpark(thread);
    while (handed != null) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    waiting = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve() {
    while (!ended) {
      if (handed == null) {
        LockSupport.park(this);
        Thread.interrupted(); // nobody's business here, and park would return at once
      } else {
        Thread caller = waiting;
        execute.accept(handed);
        handed = null;
        LockSupport.unpark(caller);
      }
    }
  }

  /** Ends the thread once it has nothing to run. */
  void stop() {
    ended = true;
    LockSupport.unpark(thread);
  }

  /** Waits for the end; returns whether the caller was interrupted meanwhile. */
  boolean join() {
    return WorkerPool.join(thread);
  }
}
