package dev.sinter.backend.onednn;

import static dev.sinter.backend.onednn.OneDnn.check;
import static dev.sinter.bindings.onednn.dnnl_h.*;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Makes oneDNN handles and destroys them all, last made first, when it is closed. */
final class Handles implements AutoCloseable {
  private final OneDnn dnn;
  private final Arena arena = Arena.ofShared();
  private final List<Runnable> destroy = new ArrayList<>();

  Handles(OneDnn dnn) {
    this.dnn = dnn;
  }

  /** Memory for argument lists and dimensions, freed with the handles. */
  Arena arena() {
    return arena;
  }

  /** A matrix whose rows are {@code stride} elements apart. */
  MemorySegment strided(int type, long rows, long columns, long stride) {
    MemorySegment dims = longs(rows, columns);
    MemorySegment strides = longs(stride, 1);
    return make(
        "dnnl_memory_desc_create_with_strides",
        out -> dnnl_memory_desc_create_with_strides(out, 2, dims, type, strides),
        md -> dnnl_memory_desc_destroy(md));
  }

  /** An f32 matrix as CSR, its indices and row pointers being int32. */
  MemorySegment csr(long rows, long columns, long nonZeros) {
    MemorySegment dims = longs(rows, columns);
    int ints = dnnl_s32();
    return make(
        "dnnl_memory_desc_create_with_csr_encoding",
        out ->
            dnnl_memory_desc_create_with_csr_encoding(
                out, 2, dims, dnnl_f32(), nonZeros, ints, ints),
        md -> dnnl_memory_desc_destroy(md));
  }

  /** A memory object for values, indices and row pointers, which are set later. */
  MemorySegment csrMemory(MemorySegment layout) {
    MemorySegment none = arena.allocate(ValueLayout.ADDRESS, 3);
    return make(
        "dnnl_memory_create_v2",
        out -> dnnl_memory_create_v2(out, layout, dnn.engine(), 3, none),
        memory -> dnnl_memory_destroy(memory));
  }

  /** A tensor in one of oneDNN's named formats. */
  MemorySegment tagged(int type, int tag, long... dims) {
    MemorySegment sizes = longs(dims);
    return make(
        "dnnl_memory_desc_create_with_tag",
        out -> dnnl_memory_desc_create_with_tag(out, dims.length, sizes, type, tag),
        md -> dnnl_memory_desc_destroy(md));
  }

  /** A memory object; {@code data} may be NULL and set later. */
  MemorySegment memory(MemorySegment layout, MemorySegment data) {
    return make(
        "dnnl_memory_create",
        out -> dnnl_memory_create(out, layout, dnn.engine(), data),
        memory -> dnnl_memory_destroy(memory));
  }

  MemorySegment attributes() {
    return make(
        "dnnl_primitive_attr_create",
        out -> dnnl_primitive_attr_create(out),
        attributes -> dnnl_primitive_attr_destroy(attributes));
  }

  MemorySegment postOps() {
    return make(
        "dnnl_post_ops_create",
        out -> dnnl_post_ops_create(out),
        postOps -> dnnl_post_ops_destroy(postOps));
  }

  MemorySegment matmul(
      MemorySegment source,
      MemorySegment weights,
      MemorySegment bias,
      MemorySegment result,
      MemorySegment attributes) {
    return make(
        "dnnl_matmul_primitive_desc_create",
        out ->
            dnnl_matmul_primitive_desc_create(
                out, dnn.engine(), source, weights, bias, result, attributes),
        descriptor -> dnnl_primitive_desc_destroy(descriptor));
  }

  MemorySegment reorder(MemorySegment from, MemorySegment to) {
    return make(
        "dnnl_reorder_primitive_desc_create",
        out ->
            dnnl_reorder_primitive_desc_create(
                out, from, dnn.engine(), to, dnn.engine(), MemorySegment.NULL),
        descriptor -> dnnl_primitive_desc_destroy(descriptor));
  }

  MemorySegment primitive(MemorySegment descriptor) {
    return make(
        "dnnl_primitive_create",
        out -> dnnl_primitive_create(out, descriptor),
        primitive -> dnnl_primitive_destroy(primitive));
  }

  MemorySegment stream() {
    return make(
        "dnnl_stream_create",
        out -> dnnl_stream_create(out, dnn.engine(), dnnl_stream_default_flags()),
        stream -> dnnl_stream_destroy(stream));
  }

  /** oneDNN's name of the code behind a primitive descriptor. */
  String implementation(MemorySegment descriptor) {
    MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
    check(
        "dnnl_primitive_desc_query",
        dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str(), 0, out));
    return out.get(ValueLayout.ADDRESS, 0).reinterpret(256).getString(0);
  }

  MemorySegment longs(long... values) {
    return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
  }

  private MemorySegment make(
      String operation,
      ToIntFunction<MemorySegment> create,
      ToIntFunction<MemorySegment> destroyer) {
    MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
    check(operation, create.applyAsInt(out));
    MemorySegment handle = out.get(ValueLayout.ADDRESS, 0);
    destroy.add(() -> destroyer.applyAsInt(handle));
    return handle;
  }

  @Override
  public void close() {
    destroy.reversed().forEach(Runnable::run);
    destroy.clear();
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
