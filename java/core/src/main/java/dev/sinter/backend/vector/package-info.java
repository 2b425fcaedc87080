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
 *   <li>Inner loops call the Vector API itself and no helper. The compiler inlines the API whatever
 *       a method has grown to, but methods of ours only up to a limit (NodeCountInliningCutoff),
 *       which some twenty loads and stores reach. A method of more than 325 bytecodes is a
 *       compilation of its own (FreqInlineSize): all large loops are.
 *   <li>A loop that loads scalars, to broadcast them, is unrolled as far as they would fill a
 *       vector, 8 or 16 times, and what it loads is then spilled. Its body is therefore small: few
 *       vectors of weights an iteration; or it has a condition that stays, as the end of a group
 *       does, and is not unrolled so far.
 *   <li>Where vectors of two widths run in one JVM, as in tests, some may stay on the heap.
 * </ul>
 */
package dev.sinter.backend.vector;
