/**
 * Kernels on the Vector API (incubator module {@code jdk.incubator.vector}): the portable fallback.
 *
 * <p>{@link dev.sinter.backend.vector.VectorBackend} can be loaded by a JVM without that module;
 * every other class of the package is reached only after its check.
 *
 * <p>What keeps vectors in registers, with the C2 compiler of JDK 25; a test measures what is
 * allocated:
 *
 * <ul>
 *   <li>Kernels use the forms of the Vector API that take vectors ({@code v.add(ones)}, not {@code
 *       v.add(1)}) and avoid comparisons.
 *   <li>No vector is handed to a method of more than a few operations, which may be compiled on its
 *       own and then is not inlined.
 *   <li>One compilation inlines some twenty loads and stores of vectors and no more
 *       (NodeCountInliningCutoff), those of its callees included. A method of more than 325
 *       bytecodes is a compilation of its own (FreqInlineSize): all large loops are.
 *   <li>Where vectors of two widths run in one JVM, as in tests, some may stay on the heap.
 * </ul>
 */
package dev.sinter.backend.vector;
