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
 *   <li>No method takes or returns a vector; a test of the architecture looks. The compiler inlines
 *       the Vector API whatever happens, but a method of ours only where its profile has seen the
 *       call: one that was reached for the first time in compiled code, or whose caller was
 *       compiled half way through its first loop, is left as a call for good, with vectors on the
 *       heap.
 *   <li>A vector that a loop carries is changed in every iteration. One that is changed on a
 *       condition is now and then kept on the heap: such a value lies in memory of ours instead.
 *   <li>A method of more than 325 bytecodes is a compilation of its own (FreqInlineSize): all large
 *       loops are.
 *   <li>A loop that loads scalars, to broadcast them, is unrolled as far as they would fill a
 *       vector, 8 or 16 times, and what it loads is then spilled. Its body is therefore small: few
 *       vectors of weights an iteration; or it has a condition that stays, as the end of a group
 *       does, and is not unrolled so far.
 *   <li>Where vectors of two widths run in one JVM, as in tests, some may stay on the heap.
 * </ul>
 */
package dev.sinter.backend.vector;
