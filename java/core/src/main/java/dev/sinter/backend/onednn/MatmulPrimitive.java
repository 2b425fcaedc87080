package dev.sinter.backend.onednn;

import static dev.sinter.backend.onednn.OneDnn.check;
import static dev.sinter.bindings.onednn.dnnl_h.*;

import dev.sinter.backend.Activation;
import dev.sinter.bindings.onednn.dnnl_exec_arg_t;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * One oneDNN matmul for one shape, with its own memory objects and argument list: used by one
 * worker only, since a primitive that several threads share gives wrong results now and then.
 * Scratchpad memory is the caller's. An execution only exchanges pointers.
 */
final class MatmulPrimitive implements AutoCloseable {
  private final MatmulShape shape;
  private final Handles handles;
  private final MemorySegment descriptor;
  private final String implementation;
  private final MemorySegment weightsLayout;

  // Set by create only, and null where the shape has no use for them.
  private MemorySegment primitive;
  private MemorySegment arguments;
  private int argumentCount;
  private long scratchBytes;
  private MemorySegment source;
  private MemorySegment sourceScales;
  private MemorySegment weights;
  private MemorySegment weightScales;
  private MemorySegment bias;
  private MemorySegment result;
  private MemorySegment scratch;

  private MatmulPrimitive(MatmulShape shape, Handles handles, MemorySegment layout) {
    this.shape = shape;
    this.handles = handles;
    MemorySegment src = handles.strided(sourceType(), shape.m(), shape.k(), shape.sourceStride());
    MemorySegment wei =
        layout != null
            ? layout
            : handles.tagged(
                weightsType(shape.type()), dnnl_format_tag_any(), shape.k(), shape.n());
    MemorySegment dst = resultLayout();
    MemorySegment b = shape.epilogue().bias() ? biasLayout() : MemorySegment.NULL;
    descriptor = handles.matmul(src, wei, b, dst, attributes());
    implementation = handles.implementation(descriptor);
    weightsLayout = dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md(), 0);
  }

  /**
   * Only asks which implementation oneDNN would take: generates no code and cannot be executed.
   *
   * @throws dev.sinter.runtime.NativeException if oneDNN has none
   */
  static String describe(OneDnn dnn, MatmulShape shape) {
    try (Handles handles = new Handles(dnn)) {
      return new MatmulPrimitive(shape, handles, null).implementation;
    }
  }

  /**
   * Creates the primitive; the calling thread must be the one that will execute it.
   *
   * @param layout memory descriptor of the packed weights, or null for the layout that oneDNN likes
   *     best for this shape
   */
  static MatmulPrimitive create(OneDnn dnn, MatmulShape shape, MemorySegment layout) {
    Handles handles = new Handles(dnn);
    try {
      MatmulPrimitive p = new MatmulPrimitive(shape, handles, layout);
      p.primitive = handles.primitive(p.descriptor);
      p.createArguments();
      return p;
    } catch (RuntimeException | Error e) {
      handles.close();
      throw e;
    }
  }

  /** oneDNN's name of the code, for example {@code brg_matmul:avx512_core_vnni}. */
  String implementation() {
    return implementation;
  }

  /** Memory descriptor of the packed weights; lives as long as this primitive. */
  MemorySegment weightsLayout() {
    return weightsLayout;
  }

  /** Bytes of the packed weights. */
  long weightsBytes() {
    return dnnl_memory_desc_get_size(weightsLayout);
  }

  /** Bytes of scratch an execution needs. */
  long scratchBytes() {
    return scratchBytes;
  }

  /**
   * What an execution reads and writes; what the shape has no use for is ignored and may be null.
   *
   * @param weightScales f32 [n]
   * @param bias f32 [n]
   */
  record Operands(MemorySegment weights, MemorySegment weightScales, MemorySegment bias) {}

  /**
   * Runs on the calling thread. Segments come with offsets in bytes, and slices are made next to
   * the calls that take them: where they cross a method that is not inlined, each would be an
   * object on the heap.
   *
   * @param scalesData may be null if the shape has no source scales
   */
  void execute(
      MemorySegment stream,
      MemorySegment scratchData,
      Operands operands,
      MemorySegment sourceData,
      long sourceOffset,
      MemorySegment scalesData,
      long scalesOffset,
      MemorySegment resultData,
      long resultOffset) {
    point(source, sourceData, sourceOffset);
    point(sourceScales, scalesData, scalesOffset);
    point(weights, operands.weights(), 0);
    point(weightScales, operands.weightScales(), 0);
    point(bias, operands.bias(), 0);
    point(result, resultData, resultOffset);
    point(scratch, scratchData, 0);
    check(
        "dnnl_primitive_execute",
        dnnl_primitive_execute(primitive, stream, argumentCount, arguments));
  }

  private static void point(MemorySegment memory, MemorySegment data, long offset) {
    if (memory != null) {
      check("dnnl_memory_set_data_handle", DataHandle.set(memory, data.address() + offset));
    }
  }

  /**
   * {@code dnnl_memory_set_data_handle} with the pointer as a number: a segment of its own for
   * every call would be an object on the heap whenever the compiler does not see through all of it.
   */
  private static final class DataHandle {
    private static final MethodHandle SET =
        Linker.nativeLinker()
            .downcallHandle(
                dnnl_memory_set_data_handle$address(),
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

    static int set(MemorySegment memory, long address) {
      try {
        return (int) SET.invokeExact(memory, address);
      } catch (Throwable e) {
        throw new AssertionError("native code does not throw", e);
      }
    }
  }

  private int sourceType() {
    return switch (shape.type()) {
      case F32 -> dnnl_f32();
      case BF16 -> dnnl_bf16();
      case U8S8, U8S8_ACCUMULATORS -> dnnl_u8();
    };
  }

  /** oneDNN's element type of the weights. */
  static int weightsType(MatmulShape.Type type) {
    return switch (type) {
      case F32 -> dnnl_f32();
      case BF16 -> dnnl_bf16();
      case U8S8, U8S8_ACCUMULATORS -> dnnl_s8();
    };
  }

  private boolean scaled() {
    return shape.type() == MatmulShape.Type.U8S8;
  }

  private MemorySegment resultLayout() {
    int type = shape.type() == MatmulShape.Type.U8S8_ACCUMULATORS ? dnnl_s32() : dnnl_f32();
    return handles.strided(type, shape.m(), shape.n(), shape.resultStride());
  }

  private MemorySegment biasLayout() {
    return handles.tagged(dnnl_f32(), dnnl_ab(), 1, shape.n());
  }

  private MemorySegment attributes() {
    MemorySegment attributes = handles.attributes();
    check(
        "dnnl_primitive_attr_set_scratchpad_mode",
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user()));
    if (scaled()) {
      check(
          "dnnl_primitive_attr_set_scales_mask",
          dnnl_primitive_attr_set_scales_mask(attributes, DNNL_ARG_WEIGHTS(), 1 << 1));
      // One scale a row, as groups of a whole row. The plain mask falls to reference code.
      MemorySegment group = handles.longs(1, shape.k());
      check(
          "dnnl_primitive_attr_set_scales",
          dnnl_primitive_attr_set_scales(attributes, DNNL_ARG_SRC(), 3, 2, group, dnnl_f32()));
    }
    MemorySegment postOps = handles.postOps();
    if (shape.epilogue().activation() == Activation.GELU_ERF) {
      check(
          "dnnl_post_ops_append_eltwise",
          dnnl_post_ops_append_eltwise(postOps, dnnl_eltwise_gelu_erf(), 0, 0));
    }
    if (shape.epilogue().residual()) {
      // A binary addition of another matrix would leave y free, but where only a column tile of it
      // is added oneDNN falls back to reference code.
      check(
          "dnnl_post_ops_append_sum",
          dnnl_post_ops_append_sum(postOps, 1, 0, dnnl_data_type_undef()));
    }
    check(
        "dnnl_primitive_attr_set_post_ops", dnnl_primitive_attr_set_post_ops(attributes, postOps));
    return attributes;
  }

  private void createArguments() {
    arguments = handles.arena().allocate(dnnl_exec_arg_t.layout(), 8);
    source =
        argument(DNNL_ARG_SRC(), dnnl_primitive_desc_query_md(descriptor, dnnl_query_src_md(), 0));
    weights = argument(DNNL_ARG_WEIGHTS(), weightsLayout);
    result = argument(DNNL_ARG_DST(), resultLayout());
    if (shape.epilogue().bias()) {
      bias = argument(DNNL_ARG_BIAS(), biasLayout());
    }
    if (scaled()) {
      int scales = DNNL_ARG_ATTR_SCALES();
      sourceScales =
          argument(scales | DNNL_ARG_SRC(), handles.tagged(dnnl_f32(), dnnl_ab(), shape.m(), 1));
      weightScales =
          argument(scales | DNNL_ARG_WEIGHTS(), handles.tagged(dnnl_f32(), dnnl_a(), shape.n()));
    }
    MemorySegment pad = dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md(), 0);
    scratchBytes = pad.equals(MemorySegment.NULL) ? 0 : dnnl_memory_desc_get_size(pad);
    if (scratchBytes > 0) {
      scratch = argument(DNNL_ARG_SCRATCHPAD(), pad);
    }
  }

  private MemorySegment argument(int index, MemorySegment layout) {
    MemorySegment memory = handles.memory(layout, MemorySegment.NULL);
    MemorySegment entry =
        arguments.asSlice(argumentCount * dnnl_exec_arg_t.sizeof(), dnnl_exec_arg_t.layout());
    dnnl_exec_arg_t.arg(entry, index);
    dnnl_exec_arg_t.memory(entry, memory);
    argumentCount++;
    return memory;
  }

  @Override
  public void close() {
    handles.close();
  }
}
