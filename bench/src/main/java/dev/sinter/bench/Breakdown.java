package dev.sinter.bench;

import java.util.SequencedMap;

/**
 * Where the time of an encoder's pass or of a decoder's step goes.
 *
 * @param kernel of the row it belongs to, and its {@code m}, {@code n} and {@code k}
 * @param threads workers; the times are those of worker 0, which shares every operation and waits
 *     at its end for the others
 * @param ms of each part, see {@link EncoderProfile} and {@link DecoderProfile}
 */
record Breakdown(
    Subject subject,
    String kernel,
    int m,
    Integer n,
    int k,
    int threads,
    SequencedMap<String, Double> ms) {}
