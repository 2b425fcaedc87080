package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvPages;
import dev.sinter.bindings.sinter.sinter_cached_attention_args;
import dev.sinter.runtime.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** {@code cached_attention} of libsinter, with arguments and scratch for each worker. */
final class CachedAttentionNative implements CachedAttentionKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512, Isa.AVX512VNNI);

  private final CachedAttentionSpec spec;
  private final Isa isa;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] arguments; // of each worker
  private final long groupBytes; // of the query heads of one head of keys and values

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  CachedAttentionNative(CachedAttentionSpec spec, int workers, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    groupBytes = 4L * spec.group() * spec.headDim();
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments();
    }
  }

  private MemorySegment arguments() {
    MemorySegment args = sinter_cached_attention_args.allocate(arena);
    long bytes = sinter_cached_attention_scratch(spec.headDim());
    sinter_cached_attention_args.q_stride(args, spec.qkvWidth());
    sinter_cached_attention_args.out_stride(args, spec.outWidth());
    sinter_cached_attention_args.group(args, spec.group());
    sinter_cached_attention_args.head_dim(args, spec.headDim());
    sinter_cached_attention_args.window(args, spec.window());
    sinter_cached_attention_args.scale(args, spec.scale());
    sinter_cached_attention_args.soft_cap(args, spec.softCap());
    sinter_cached_attention_args.kv_type(
        args,
        switch (spec.type()) {
          case F32 -> SINTER_KV_F32();
          case BF16 -> SINTER_KV_BF16();
          case INT8 -> SINTER_KV_INT8();
        });
    sinter_cached_attention_args.scratch(args, arena.allocate(bytes, ActivationBuffer.ALIGNMENT));
    return args;
  }

  @Override
  public String implementation() {
    return "sinter_cached_attention_" + isa.text();
  }

  @Override
  public String isa() {
    return isa.text();
  }

  /**
   * @throws IllegalArgumentException if an argument is not what the spec allows, or qkv or out is
   *     on the heap or too short
   */
  @Override
  public void run(
      int worker,
      MemorySegment qkv,
      int row,
      int rows,
      int position,
      int kvHead,
      KvPages pages,
      int layer,
      MemorySegment out) {
    spec.check(row, rows, position, kvHead, pages, layer);
    MemorySegment args = arguments[worker];
    query(args, qkv, row, rows, position, kvHead, pages, layer);
    result(args, out, row, rows, kvHead);
    // The table keeps the pages alive for as long as the call takes; args holds no address of them.
    MemorySegment table = pages.table();
    check(
        switch (isa) {
          case SCALAR -> sinter_cached_attention_scalar(args, table);
          case AVX2, AVXVNNI -> sinter_cached_attention_avx2(args, table);
          case AVX512 -> sinter_cached_attention_avx512(args, table);
          case AVX512VNNI, AVX512BF16 -> sinter_cached_attention_avx512vnni(args, table);
        });
  }

  @Override
  public long partBytes() {
    return 4 * sinter_cached_attention_part(spec.group(), spec.headDim());
  }

  @Override
  public void runSegment(
      int worker,
      MemorySegment qkv,
      int row,
      int position,
      int kvHead,
      KvPages pages,
      int layer,
      int segment,
      MemorySegment parts,
      long at) {
    spec.check(row, 1, position, kvHead, pages, layer);
    MemorySegment args = arguments[worker];
    query(args, qkv, row, 1, position, kvHead, pages, layer);
    checkMemory("parts", parts, at + partBytes());
    MemorySegment table = pages.table();
    long place = at / 4;
    check(
        switch (isa) {
          case SCALAR -> sinter_cached_attention_segment_scalar(args, table, segment, parts, place);
          case AVX2, AVXVNNI ->
              sinter_cached_attention_segment_avx2(args, table, segment, parts, place);
          case AVX512 -> sinter_cached_attention_segment_avx512(args, table, segment, parts, place);
          case AVX512VNNI, AVX512BF16 ->
              sinter_cached_attention_segment_avx512vnni(args, table, segment, parts, place);
        });
  }

  @Override
  public void merge(
      int worker,
      MemorySegment parts,
      long at,
      long stride,
      int count,
      int kvHead,
      MemorySegment out,
      int row) {
    MemorySegment args = arguments[worker];
    sinter_cached_attention_args.rows(args, 1);
    result(args, out, row, 1, kvHead);
    checkMemory("parts", parts, at + (count - 1) * stride + partBytes());
    long place = at / 4;
    long floats = stride / 4;
    check(
        switch (isa) {
          case SCALAR -> sinter_cached_attention_merge_scalar(args, parts, place, floats, count);
          case AVX2, AVXVNNI ->
              sinter_cached_attention_merge_avx2(args, parts, place, floats, count);
          case AVX512 -> sinter_cached_attention_merge_avx512(args, parts, place, floats, count);
          case AVX512VNNI, AVX512BF16 ->
              sinter_cached_attention_merge_avx512vnni(args, parts, place, floats, count);
        });
  }

  private void query(
      MemorySegment args,
      MemorySegment qkv,
      int row,
      int rows,
      int position,
      int kvHead,
      KvPages pages,
      int layer) {
    checkMemory("qkv", qkv, 4L * (row + rows) * spec.qkvWidth());
    long offset = 4L * row * spec.qkvWidth() + kvHead * groupBytes;
    args.set(JAVA_LONG, sinter_cached_attention_args.q$offset(), qkv.address() + offset);
    sinter_cached_attention_args.rows(args, rows);
    sinter_cached_attention_args.position(args, position);
    sinter_cached_attention_args.page_offset(args, pages.layout().offset(layer, kvHead));
  }

  /** As a number: a slice would be an object on the heap. The caller keeps the memory alive. */
  private void result(MemorySegment args, MemorySegment out, int row, int rows, int kvHead) {
    checkMemory("out", out, 4L * (row + rows) * spec.outWidth());
    long offset = 4L * row * spec.outWidth() + kvHead * groupBytes;
    args.set(JAVA_LONG, sinter_cached_attention_args.out$offset(), out.address() + offset);
  }

  private static void checkMemory(String name, MemorySegment memory, long bytes) {
    if (!memory.isNative() || memory.byteSize() < bytes) {
      throw new IllegalArgumentException(
          name
              + " must be native memory of at least "
              + bytes
              + " bytes, is "
              + (memory.isNative() ? memory.byteSize() + " bytes" : "on the heap"));
    }
  }

  private void check(int status) {
    if (status != SINTER_OK()) {
      throw new NativeException(implementation(), status, sinter_status_text(status).getString(0));
    }
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
