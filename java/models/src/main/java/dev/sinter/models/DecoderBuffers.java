package dev.sinter.models;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.layer.KvBatch;
import dev.sinter.layer.Linear;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * The buffers of a pass, f32 [rows, width] each, shared by all layers.
 *
 * @param hidden the hidden states
 * @param normed what norms make of them; also results on their way to being added
 * @param qkv queries, keys and values
 * @param context what attention makes of them
 * @param gate inside of the MLP
 * @param up likewise, where the gate is a layer of its own; else null
 * @param codes room for the codes of any layer's input: hands out the same memory each time
 */
record DecoderBuffers(
    MemorySegment hidden,
    MemorySegment normed,
    MemorySegment qkv,
    MemorySegment context,
    MemorySegment gate,
    MemorySegment up,
    SegmentAllocator codes,
    KvBatch batch) {

  /** Room for what {@code linear} makes of x, or x itself. */
  ActivationBuffer input(Linear linear, MemorySegment x) {
    int rows = batch.maxRows();
    return linear.inputCodes() == null
        ? ActivationBuffer.floats(x, rows, linear.spec().k())
        : linear.codes(codes, rows);
  }
}
