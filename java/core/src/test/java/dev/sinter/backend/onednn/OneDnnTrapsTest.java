package dev.sinter.backend.onednn;

import static dev.sinter.bindings.onednn.dnnl_h.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.runtime.NativeException;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What oneDNN does to those who do not know it, shown to be so and shown to be caught. */
class OneDnnTrapsTest {
  /** One scale a row, given as a plain mask, is computed by reference code. */
  @Test
  void aPlainMaskOfRowScalesFallsToReferenceCodeAndTheNameShowsIt() throws Exception {
    OneDnn dnn = OneDnn.open(null);
    try (Handles handles = new Handles(dnn)) {
      MemorySegment attributes = handles.attributes();
      assertEquals(
          dnnl_success(), dnnl_primitive_attr_set_scales_mask(attributes, DNNL_ARG_SRC(), 1));
      MemorySegment source = handles.tagged(dnnl_u8(), dnnl_ab(), 64, 384);
      MemorySegment weights = handles.tagged(dnnl_s8(), dnnl_format_tag_any(), 384, 384);
      MemorySegment result = handles.tagged(dnnl_f32(), dnnl_ab(), 64, 384);
      MemorySegment descriptor =
          handles.matmul(source, weights, MemorySegment.NULL, result, attributes);
      String name = handles.implementation(descriptor);
      assertTrue(OneDnnWorkers.isReference(name), name);
    }
    dnn.close();
  }

  @Test
  void ourShapesDoNot() throws Exception {
    OneDnn dnn = OneDnn.open(null);
    for (MatmulShape.Type type : MatmulShape.Type.values()) {
      if (!OneDnnMatmulTest.runs(type)) {
        continue; // and the backend refuses them: OneDnnMatmulTest
      }
      for (int m : RowBuckets.SIZES) {
        MatmulShape shape = new MatmulShape(type, m, 400, 192, 400, 384, Epilogue.NONE);
        String name = MatmulPrimitive.describe(dnn, shape);
        assertTrue(name.startsWith("brg"), shape + ": " + name);
      }
    }
    dnn.close();
  }

  /** Every new shape costs milliseconds of code generation: none may come after loading. */
  @Test
  void noPrimitiveIsCreatedAfterLoading() {
    int k = 96;
    int n = 300;
    try (WorkerPool pool = new WorkerPool("test", 2);
        Arena arena = Arena.ofShared()) {
      OneDnnBackend backend = new OneDnnBackend(pool, null);
      Dense weights = new Dense("w", n, k, DType.F32, arena.allocate(4L * n * k, 64));
      MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE);
      try (MatmulKernel kernel = backend.matmul(spec, weights, null)) {
        int created = backend.workers().primitives();
        assertTrue(created >= 2 * RowBuckets.SIZES.length, "created " + created);
        MemorySegment x = arena.allocate(4L * 300 * k, 64);
        MemorySegment y = arena.allocate(4L * 300 * n, 64);
        for (int m = 1; m <= 300; m++) {
          int rows = m;
          ActivationBuffer in = ActivationBuffer.floats(x, rows, k);
          pool.run(
              w ->
                  w.forEachTile(
                      kernel.tiles(rows), (worker, t) -> kernel.run(worker, t, rows, in, y)));
        }
        assertEquals(created, backend.workers().primitives());
      }
      backend.close();
    }
  }

  @Test
  void aFailedCallSaysWhichAndWhy() {
    NativeException e =
        assertThrows(
            NativeException.class, () -> OneDnn.check("dnnl_matmul", dnnl_invalid_arguments()));
    assertTrue(e.getMessage().contains("dnnl_matmul"), e.getMessage());
    assertTrue(e.getMessage().contains("invalid arguments"), e.getMessage());
  }

  /** oneDNN's int8 code without VNNI saturates; it fixes its ISA once, hence a JVM of its own. */
  @Test
  void withoutVnniInt8IsRefusedAndF32Runs() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            CappedIsa.class.getName());
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    assertTrue(output.contains("f32 true null"), output);
    assertTrue(output.contains("w8a8 false without VNNI"), output);
  }

  /** The main class of that JVM. */
  static final class CappedIsa {
    private CappedIsa() {}

    public static void main(String[] args) {
      try (WorkerPool pool = new WorkerPool("test", 1)) {
        OneDnnBackend backend = new OneDnnBackend(pool, "avx2");
        var f32 = new MatmulSpec(64, 64, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);
        var w8a8 =
            new MatmulSpec(
                64,
                64,
                null,
                CodeFormat.perChannel(8),
                ActivationScheme.U8_PER_TOKEN,
                Epilogue.NONE);
        var a = backend.supports(f32);
        System.out.println("f32 " + a.supported() + " " + a.reason());
        var b = backend.supports(w8a8);
        System.out.println("w8a8 " + b.supported() + " " + b.reason());
        backend.close();
      }
    }
  }
}
