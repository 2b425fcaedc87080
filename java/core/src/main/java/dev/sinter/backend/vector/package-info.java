/**
 * Kernels on the Vector API (incubator module {@code jdk.incubator.vector}): the portable fallback.
 *
 * <p>{@link dev.sinter.backend.vector.VectorBackend} can be loaded by a JVM without that module;
 * every other class of the package is reached only after its check.
 *
 * <p>To keep vectors in registers, kernels use the forms of the Vector API that take vectors
 * ({@code v.add(ones)}, not {@code v.add(1)}) and avoid comparisons; no vector is handed to a
 * method of more than a few operations, which may be compiled on its own and then is not inlined;
 * and a loop with the code around it stays below some twenty loads and stores, beyond which the
 * compiler (JDK 25, NodeCountInliningCutoff) inlines no further. A test measures what is allocated.
 * Where vectors of two widths run in one JVM, as in tests, the compiler may leave some on the heap.
 */
package dev.sinter.backend.vector;
