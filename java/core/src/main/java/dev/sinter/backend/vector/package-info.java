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
 *   <li>No method takes or returns a vector; a test of the architecture looks. A method of ours is
 *       inlined only where the profile has seen the call: one that was reached for the first time
 *       in compiled code is left as a call for good, with vectors on the heap.
 *   <li>A method is small enough to be inlined at once. The Vector API is inlined in any case, but
 *       beyond a limit (NodeCountInliningCutoff), which some twenty loads and stores reach, only
 *       afterwards and in another order, and then vectors may stay on the heap.
 *   <li>A vector that a loop carries is changed in every iteration; one that would be changed on a
 *       condition, as at the end of a group, lies in memory. That alone was not enough for 4-bit
 *       weights: it goes with the limit above.
 *   <li>A method of more than 325 bytecodes is a compilation of its own (FreqInlineSize): all large
 *       loops are.
 *   <li>A loop that loads scalars, to broadcast them, is unrolled as far as they would fill a
 *       vector, 8 or 16 times, and what it loads is then spilled. Its body is therefore small: few
 *       vectors of weights an iteration.
 *   <li>Where vectors of two widths run in one JVM, as in tests, some may stay on the heap.
 * </ul>
 */
package dev.sinter.backend.vector;
