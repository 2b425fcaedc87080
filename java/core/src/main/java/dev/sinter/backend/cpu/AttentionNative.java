package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.runtime.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** {@code attention} of libsinter, with scratch for each worker. */
final class AttentionNative implements AttentionKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  private final AttentionSpec spec;
  private final Isa isa;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] scratch;

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  AttentionNative(AttentionSpec spec, int workers, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    scratch = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      long bytes = sinter_attention_scratch(spec.maxLength(), spec.headDim());
      scratch[i] = arena.allocate(bytes, ActivationBuffer.ALIGNMENT);
    }
  }

  @Override
  public String implementation() {
    return "sinter_attention_" + isa.text();
  }

  @Override
  public String isa() {
    return isa.text();
  }

  /**
   * @throws IllegalArgumentException if length or head are not what the spec allows, or a segment
   *     is on the heap or too short
   */
  @Override
  public void run(
      int worker,
      MemorySegment q,
      MemorySegment k,
      MemorySegment v,
      int stride,
      MemorySegment out,
      int start,
      int length,
      int head) {
    spec.check(stride, start, length, head);
    int width = spec.heads() * spec.headDim();
    check("q", q, start, length, stride, head);
    check("k", k, start, length, stride, head);
    check("v", v, start, length, stride, head);
    check("out", out, start, length, width, head);
    int status = call(q, k, v, stride, out, width, start, length, head, scratch[worker]);
    if (status != SINTER_OK()) {
      throw new NativeException(implementation(), status, sinter_status_text(status).getString(0));
    }
  }

  /** Whole segments and the place in them go down: slices would be objects on the heap. */
  private int call(
      MemorySegment q,
      MemorySegment k,
      MemorySegment v,
      long stride,
      MemorySegment out,
      long width,
      long first,
      long length,
      long head,
      MemorySegment pad) {
    int d = spec.headDim();
    return switch (isa) {
      case SCALAR ->
          sinter_attention_scalar(q, k, v, stride, out, width, first, length, head, d, pad);
      case AVX2, AVXVNNI ->
          sinter_attention_avx2(q, k, v, stride, out, width, first, length, head, d, pad);
      case AVX512, AVX512VNNI, AVX512BF16 ->
          sinter_attention_avx512(q, k, v, stride, out, width, first, length, head, d, pad);
    };
  }

  /** A matrix must reach to the end of the head in the last row of the sequence. */
  private void check(
      String name, MemorySegment matrix, int start, int length, int stride, int head) {
    long bytes = 4 * ((start + length - 1L) * stride + (head + 1L) * spec.headDim());
    if (!matrix.isNative() || matrix.byteSize() < bytes) {
      throw new IllegalArgumentException(
          name
              + " must be native memory of at least "
              + bytes
              + " bytes, is "
              + (matrix.isNative() ? matrix.byteSize() + " bytes" : "on the heap"));
    }
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
