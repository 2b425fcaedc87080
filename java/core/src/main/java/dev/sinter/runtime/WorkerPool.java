package dev.sinter.runtime;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed team that runs one parallel region at a time. In a region every worker executes the same
 * code once; inside it they share out tiles and meet at barriers, so that a whole forward pass
 * costs one wake-up.
 *
 * <p>The caller is worker 0, so that a pool as large as the machine never has more threads than
 * cores to run on; the other workers are named platform threads. A virtual thread that calls only
 * waits: a platform thread stands in for it, and its carrier stays free. Callers queue first come,
 * first served. Waiting workers spin for tens of microseconds and then park; an idle pool burns no
 * CPU. Thread-safe. A region that is not itself allocating runs without allocation.
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

    /** Tiles {@code from} to {@code to}, exclusive, for who can do them in one go. */
    default void run(int worker, int from, int to) {
      for (int tile = from; tile < to; tile++) {
        run(worker, tile);
      }
    }
  }

  // Long enough to bridge the serial part between two passes, short enough not to be seen in top.
  private static final long SPIN_NANOS = 50_000;
  private static final int SPINS_PER_CLOCK_READ = 32;

  // Inside a region others are at work on their last tiles, and to be woken up takes long. But
  // where
  // other processes keep the cores busy, the worker that is waited for may have been put on the
  // very
  // core of the one that spins: who spins in vain does so for a shorter time from then on.
  private static final long MOST_PATIENCE_NANOS = 1_000_000;
  private static final long LEAST_PATIENCE_NANOS = 1_000;
  private static final int PATIENCE_LOSS = 8;

  // And lets that worker run, rather than sleep at once: of two that are ready to run on one core,
  // the system soon moves one to an idle core; of two that take turns sleeping, never.
  private static final int YIELDS = 16;

  // Of half of what is left of a share, so that the last ones are few.
  private static final int MOST_AT_ONCE = 8;

  // Slots a cache line apart, since every worker hammers them; the last are how many tiles of the
  // share of each worker have been taken.
  private static final int LINE = 16;
  private static final int ARRIVED = LINE;
  private static final int RUNNING = 2 * LINE;
  private static final int TAKEN = 3 * LINE;

  /** Unwinds the other workers once one has failed; carries no information. */
  private static final class Abort extends RuntimeException {
    private static final long serialVersionUID = 1L;
    static final Abort INSTANCE = new Abort();

    private Abort() {
      super(null, null, false, false);
    }
  }

  private final ReentrantLock gate = new ReentrantLock(true);
  private final AtomicIntegerArray counters;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final Worker[] workers;

  private final StandIn standIn;

  private Region region;
  private Thread caller; // worker 0 of the current region
  private boolean closed;
  private volatile boolean stopping;
  private volatile long epoch;
  private volatile int generation;

  /**
   * Starts the threads {@code name-1}, {@code name-2}, ... as daemons; worker 0 is the caller, or
   * {@code name-0} in place of a virtual one.
   *
   * @param threads workers, at least 1
   */
  public WorkerPool(String name, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    counters = new AtomicIntegerArray(TAKEN + (threads + 1) * LINE);
    workers = new Worker[threads];
    workers[0] = new Worker(this, 0, null);
    for (int i = 1; i < threads; i++) {
      workers[i] = new Worker(this, i, name + "-" + i);
    }
    standIn = new StandIn(name + "-0", this::execute);
    for (int i = 1; i < threads; i++) {
      workers[i].thread.start();
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
   * thrown here; the pool stays usable. An interrupt of the caller stays pending.
   *
   * @throws IllegalStateException after {@link #close}, or when called from inside a region
   */
  public void run(Region region) {
    refuseWorker("run a region inside a region");
    gate.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the worker pool is closed");
      }
      if (Thread.currentThread().isVirtual()) {
        standIn.run(region);
      } else {
        execute(region);
      }
      rethrow(failure.get());
    } finally {
      gate.unlock();
    }
  }

  /** The calling thread becomes worker 0; an exception is left in {@code failure}. */
  private void execute(Region region) {
    forgetTaken();
    counters.set(ARRIVED, 0);
    counters.set(RUNNING, workers.length - 1);
    failure.set(null);
    this.region = region;
    caller = Thread.currentThread();
    epoch++; // publishes the fields above
    wake();
    workers[0].work(region);
    boolean interrupted = workers[0].await(Event.OTHERS_DONE, 0);
    this.region = null;
    caller = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
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
      standIn.stop();
    } finally {
      gate.unlock();
    }
    boolean interrupted = standIn.join();
    for (Worker worker : workers) {
      interrupted |= worker.thread != null && join(worker.thread);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  static boolean join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    return interrupted;
  }

  private void refuseWorker(String what) {
    Thread current = Thread.currentThread();
    boolean inside = caller == current;
    for (Worker worker : workers) {
      inside |= worker.thread == current;
    }
    if (inside) {
      throw new IllegalStateException("a worker cannot " + what);
    }
  }

  private void wake() {
    for (Worker worker : workers) {
      if (worker.parked) {
        LockSupport.unpark(worker.index == 0 ? caller : worker.thread);
      }
    }
  }

  private void forgetTaken() {
    for (int i = 0; i < workers.length; i++) {
      counters.set(TAKEN + i * LINE, 0);
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

  /** What a worker may wait for. */
  private enum Event {
    /** The others have reached the barrier, or one has failed. */
    BARRIER,
    /** A new region, or the end of the pool. */
    REGION,
    /** All workers but the caller have left the region. */
    OTHERS_DONE
  }

  private boolean happened(Event event, long since) {
    return switch (event) {
      case BARRIER -> generation != since || failure.get() != null;
      case REGION -> epoch != since || stopping;
      case OTHERS_DONE -> counters.get(RUNNING) == 0;
    };
  }

  /** A member of the team, as a region sees it. */
  public static final class Worker {
    private final WorkerPool pool;
    private final int index;
    private final Thread thread; // null for worker 0: whoever calls
    private volatile boolean parked;
    private long patience = MOST_PATIENCE_NANOS; // of waits inside a region

    private Worker(WorkerPool pool, int index, String name) {
      this.pool = pool;
      this.index = index;
      thread = name == null ? null : daemon(name, this::serve);
    }

    /** 0 to the number of workers, exclusive. */
    public int index() {
      return index;
    }

    /**
     * Shares tiles 0 to {@code tiles} out among the workers and returns when all are done. Every
     * worker must call this with the same count.
     *
     * <p>A worker takes its own share in order, several neighbours at a time, and then what is left
     * of the others': their data is one stream from memory, which is slow to start anew.
     */
    public void forEachTile(int tiles, Tile body) {
      int threads = pool.workers.length;
      for (int i = 0; i < threads; i++) {
        int owner = (index + i) % threads;
        int begin = shareBegin(owner, tiles);
        int count = shareBegin(owner + 1, tiles) - begin;
        AtomicIntegerArray counters = pool.counters;
        int slot = TAKEN + owner * LINE;
        for (int taken = counters.get(slot); taken < count; taken = counters.get(slot)) {
          int some = Math.clamp((count - taken) / 2, 1, MOST_AT_ONCE);
          if (!counters.compareAndSet(slot, taken, taken + some)) {
            continue;
          }
          if (pool.failure.get() != null) {
            throw Abort.INSTANCE;
          }
          body.run(index, begin + taken, begin + taken + some);
        }
      }
      barrier();
    }

    private int shareBegin(int owner, int tiles) {
      return (int) ((long) tiles * owner / pool.workers.length);
    }

    /** Returns when every worker of the region has called it. */
    public void barrier() {
      int current = pool.generation;
      if (pool.counters.incrementAndGet(ARRIVED) == pool.workers.length) {
        pool.counters.set(ARRIVED, 0);
        pool.forgetTaken();
        pool.generation = current + 1;
        pool.wake();
      } else if (await(Event.BARRIER, current)) {
        thread().interrupt();
      }
      if (pool.failure.get() != null) {
        throw Abort.INSTANCE;
      }
    }

    private Thread thread() {
      return index == 0 ? pool.caller : thread;
    }

    private void serve() {
      long seen = 0;
      for (; ; ) {
        await(Event.REGION, seen);
        if (pool.epoch == seen) {
          return; // stopping, and nothing left to run
        }
        seen++;
        work(pool.region);
        if (pool.counters.decrementAndGet(RUNNING) == 0 && pool.workers[0].parked) {
          LockSupport.unpark(pool.caller);
        }
      }
    }

    private void work(Region region) {
      try {
        region.work(this);
      } catch (Abort e) {
        // another worker has failed and said why
      } catch (Throwable t) { // whatever it is belongs to the caller, not to this thread
        pool.failure.compareAndSet(null, t);
        pool.wake();
      }
    }

    /**
     * Spins, yields, then parks. An idle worker yields while it spins: its caller may need the
     * core.
     *
     * @return whether the thread was interrupted meanwhile; its flag is clear then
     */
    private boolean await(Event event, long since) {
      if (pool.happened(event, since)) {
        return false;
      }
      boolean idle = event == Event.REGION;
      long deadline = System.nanoTime() + (idle ? SPIN_NANOS : patience);
      do {
        for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
          if (pool.happened(event, since)) {
            patience = idle ? patience : MOST_PATIENCE_NANOS;
            return false;
          }
          Thread.onSpinWait();
        }
        if (idle) {
          Thread.yield();
        }
      } while (System.nanoTime() < deadline);
      if (!idle) {
        patience = Math.max(LEAST_PATIENCE_NANOS, patience / PATIENCE_LOSS);
        for (int i = 0; i < YIELDS; i++) {
          Thread.yield();
          if (pool.happened(event, since)) {
            return false;
          }
        }
      }
      boolean interrupted = false;
      parked = true;
      while (!pool.happened(event, since)) {
        LockSupport.park(pool);
        interrupted |= Thread.interrupted(); // or park would return at once from now on
      }
      parked = false;
      return interrupted;
    }
  }

  static Thread daemon(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }
}
