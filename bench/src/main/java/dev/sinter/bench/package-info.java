/**
 * Benchmarks: what the machine can do, how near our kernels come, and how peers do on the same data
 * in the same run. See bench/README.md for what is measured and how.
 */
package dev.sinter.bench;
