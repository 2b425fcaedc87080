/**
 * The float64 implementation of every operation, in plain loops. It judges all other backends and
 * is judged by nothing but its own readability and tests of known values.
 */
package dev.sinter.backend.reference;
