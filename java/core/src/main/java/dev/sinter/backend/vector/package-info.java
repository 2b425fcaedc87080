/**
 * Kernels on the Vector API (incubator module {@code jdk.incubator.vector}): the portable fallback.
 *
 * <p>{@link dev.sinter.backend.vector.VectorBackend} can be loaded by a JVM without that module;
 * every other class of the package is reached only after its check.
 *
 * <p>Kernels use the forms of the Vector API that take vectors: an operation with a scalar operand
 * ({@code v.add(1)}), a comparison or a blend leaves its operands on the heap, call after call,
 * when the compiler has seen vectors of several widths pass through its shared code (JDK 25; a test
 * measures allocation after all widths have run).
 */
package dev.sinter.backend.vector;
