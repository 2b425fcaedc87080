package dev.sinter.runtime;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed team of named platform threads that runs one parallel region at a time. In a region every
 * worker executes the same code once; inside it they share out tiles and meet at barriers, so that
 * a whole forward pass costs one wake-up.
 *
 * <p>Callers queue first come, first served, and only wait: they lend no thread, so a virtual
 * thread that calls is not pinned. Waiting workers spin for tens of microseconds and then park; an
 * idle pool burns no CPU. Thread-safe. A region that is not itself allocating runs without
 * allocation.
 */
public final class WorkerPool implements AutoCloseable {
  /** What every worker executes once. */
  @FunctionalInterface
  public interface Region {
    void work(Worker worker);
  }

  /** One independent piece of an operation. */
  @FunctionalInterface
  public interface Tile {
    void run(int worker, int tile);
  }

  // Long enough to bridge the serial part between two passes, short enough not to be seen in top.
  private static final long SPIN_NANOS = 50_000;
  private static final int SPINS_PER_CLOCK_READ = 32;

  // Slots a cache line apart, since every worker hammers them.
  private static final int TICKET = 16;
  private static final int ARRIVED = 32;
  private static final int RUNNING = 48;

  /** Unwinds the other workers once one has failed; carries no information. */
  private static final class Abort extends RuntimeException {
    private static final long serialVersionUID = 1L;
    static final Abort INSTANCE = new Abort();

    private Abort() {
      super(null, null, false, false);
    }
  }

  private final ReentrantLock gate = new ReentrantLock(true);
  private final AtomicIntegerArray counters = new AtomicIntegerArray(64);
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final Worker[] workers;

  private Region region;
  private Thread caller;
  private boolean closed;
  private volatile boolean stopping;
  private volatile long epoch;
  private volatile int generation;

  /**
   * Starts the threads {@code name-0}, {@code name-1}, ... as daemons.
   *
   * @param threads at least 1
   */
  public WorkerPool(String name, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    workers = new Worker[threads];
    for (int i = 0; i < threads; i++) {
      workers[i] = new Worker(this, i, name + "-" + i);
    }
    for (Worker worker : workers) {
      worker.thread.start();
    }
  }

  /** Number of workers. */
  public int threads() {
    return workers.length;
  }

  /**
   * Runs {@code region} once on every worker and returns when all have finished.
   *
   * <p>If a worker throws, the others stop at their next tile or barrier and the first exception is
   * thrown here; the pool stays usable.
   *
   * @throws IllegalStateException after {@link #close}, or when called from one of the workers
   */
  public void run(Region region) {
    refuseWorker("run a region inside a region");
    gate.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the worker pool is closed");
      }
      counters.set(TICKET, 0);
      counters.set(ARRIVED, 0);
      counters.set(RUNNING, workers.length);
      failure.set(null);
      this.region = region;
      caller = Thread.currentThread();
      epoch++; // publishes the fields above
      wake();
      awaitWorkers();
      this.region = null;
      caller = null;
      rethrow(failure.get());
    } finally {
      gate.unlock();
    }
  }

  /** Waits for running and queued regions, then ends and joins the threads. Idempotent. */
  @Override
  public void close() {
    refuseWorker("close the pool");
    gate.lock();
    try {
      closed = true;
      stopping = true;
      wake();
    } finally {
      gate.unlock();
    }
    boolean interrupted = false;
    for (Worker worker : workers) {
      while (worker.thread.isAlive()) {
        try {
          worker.thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void refuseWorker(String what) {
    Thread current = Thread.currentThread();
    for (Worker worker : workers) {
      if (worker.thread == current) {
        throw new IllegalStateException("a worker cannot " + what);
      }
    }
  }

  private void awaitWorkers() {
    boolean interrupted = false;
    while (counters.get(RUNNING) > 0) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void wake() {
    for (Worker worker : workers) {
      if (worker.parked) {
        LockSupport.unpark(worker.thread);
      }
    }
  }

  private static void rethrow(Throwable failure) {
    switch (failure) {
      case null -> {}
      case Error e -> throw e;
      case RuntimeException e -> throw e;
      case Throwable t -> throw new IllegalStateException(t);
    }
  }

  /** A member of the team, as a region sees it. */
  public static final class Worker {
    private final WorkerPool pool;
    private final int index;
    private final Thread thread;
    private volatile boolean parked;

    private Worker(WorkerPool pool, int index, String name) {
      this.pool = pool;
      this.index = index;
      thread = new Thread(this::serve, name);
      thread.setDaemon(true);
    }

    /** 0 to the number of workers, exclusive. */
    public int index() {
      return index;
    }

    /**
     * Shares tiles 0 to {@code tiles} out among the workers and returns when all are done. Every
     * worker must call this with the same count.
     */
    public void forEachTile(int tiles, Tile body) {
      for (; ; ) {
        if (pool.failure.get() != null) {
          throw Abort.INSTANCE;
        }
        int tile = pool.counters.getAndIncrement(TICKET);
        if (tile >= tiles) {
          break;
        }
        body.run(index, tile);
      }
      barrier();
    }

    /** Returns when every worker of the region has called it. */
    public void barrier() {
      int current = pool.generation;
      if (pool.counters.incrementAndGet(ARRIVED) == pool.workers.length) {
        pool.counters.set(ARRIVED, 0);
        pool.counters.set(TICKET, 0);
        pool.generation = current + 1;
        pool.wake();
      } else {
        await(() -> pool.generation != current || pool.failure.get() != null, false);
      }
      if (pool.failure.get() != null) {
        throw Abort.INSTANCE;
      }
    }

    private void serve() {
      long seen = 0;
      for (; ; ) {
        long last = seen;
        await(() -> pool.epoch != last || pool.stopping, true);
        if (pool.epoch == last) {
          return; // stopping, and nothing left to run
        }
        seen = last + 1;
        try {
          pool.region.work(this);
        } catch (Abort e) {
          // another worker has failed and said why
        } catch (Throwable t) { // whatever it is belongs to the caller, not to this thread
          pool.failure.compareAndSet(null, t);
          pool.wake();
        }
        Thread waiting = pool.caller;
        if (pool.counters.decrementAndGet(RUNNING) == 0) {
          LockSupport.unpark(waiting);
        }
      }
    }

    @FunctionalInterface
    private interface Condition {
      boolean holds();
    }

    /** Spins, then parks. An idle worker yields while it spins: its caller may need the core. */
    private void await(Condition condition, boolean idle) {
      if (condition.holds()) {
        return;
      }
      long deadline = System.nanoTime() + SPIN_NANOS;
      do {
        for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
          if (condition.holds()) {
            return;
          }
          Thread.onSpinWait();
        }
        if (idle) {
          Thread.yield();
        }
      } while (System.nanoTime() < deadline);
      parked = true;
      while (!condition.holds()) {
        LockSupport.park(pool);
      }
      parked = false;
    }
  }
}
