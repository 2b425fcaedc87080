package dev.sinter.bench;

import java.util.SequencedMap;

/**
 * Where the time of an encoder's pass goes.
 *
 * @param threads workers; the times are those of worker 0, which shares every operation and waits
 *     at its end for the others
 * @param ms of each part, see {@link EncoderProfile}
 */
record Breakdown(Subject subject, EncoderSize size, int threads, SequencedMap<String, Double> ms) {}
