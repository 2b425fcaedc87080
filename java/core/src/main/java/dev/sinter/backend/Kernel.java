package dev.sinter.backend;

/**
 * An operation made ready to run: weights packed, scratch allocated, nothing left to decide.
 *
 * <p>Kernels run inside a parallel region of the {@link dev.sinter.runtime.WorkerPool} they were
 * made for: {@code worker} is the index of the calling worker, and no two threads use one index at
 * a time. What a tile covers depends on the shape alone, so results do not depend on the number of
 * threads. No call allocates.
 */
public sealed interface Kernel extends AutoCloseable
    permits MatmulKernel, AttentionKernel, CachedAttentionKernel, NormKernel, QuantizeKernel {
  /** Name of the code that runs, for example {@code brg_matmul:avx512_core_vnni}. */
  String implementation();

  /** Instruction set of that code, for example {@code avx512vnni}; {@code java} if not fixed. */
  String isa();

  /** Frees native handles and packed weights. Not to be called while a worker is in a run. */
  @Override
  default void close() {}
}
