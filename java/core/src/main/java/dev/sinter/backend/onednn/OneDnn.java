package dev.sinter.backend.onednn;

import static dev.sinter.bindings.onednn.dnnl_h.*;

import dev.sinter.bindings.onednn.dnnl_version_t;
import dev.sinter.runtime.NativeException;
import dev.sinter.runtime.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * The loaded oneDNN library: its one CPU engine, status checks, and the few things that have no
 * place in generated bindings. Never asks for a GPU engine: without OpenCL that call deadlocks.
 */
final class OneDnn implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment engine;
  private final MethodHandle ompSetNumThreads;

  private OneDnn(MethodHandle ompSetNumThreads) {
    this.ompSetNumThreads = ompSetNumThreads;
    MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
    check("dnnl_engine_create", dnnl_engine_create(out, dnnl_cpu(), 0));
    engine = out.get(ValueLayout.ADDRESS, 0);
  }

  /** The library cannot be used here; the message says why. */
  static final class Unavailable extends Exception {
    private static final long serialVersionUID = 1L;

    Unavailable(String reason) {
      super(reason);
    }
  }

  /**
   * Loads the library and its CPU engine.
   *
   * @param isaCap highest instruction set to use, or null; one of Sinter's names
   * @throws Unavailable if it is not here, is another version, or cannot keep to the cap
   */
  static OneDnn open(String isaCap) throws Unavailable {
    Path libgomp =
        switch (NativeLibraries.oneDnn()) {
          case NativeLibraries.Unavailable u -> throw new Unavailable(u.reason());
          case NativeLibraries.Loaded l -> l.path().resolveSibling("libgomp.so.1");
        };
    MemorySegment version = dnnl_version().reinterpret(dnnl_version_t.sizeof());
    int major = dnnl_version_t.major(version);
    int minor = dnnl_version_t.minor(version);
    if (major != DNNL_VERSION_MAJOR() || minor != DNNL_VERSION_MINOR()) {
      throw new Unavailable(
          "the library is oneDNN "
              + major
              + "."
              + minor
              + ", the bindings are for "
              + DNNL_VERSION_MAJOR()
              + "."
              + DNNL_VERSION_MINOR());
    }
    capIsa(isaCap);
    return new OneDnn(
        Linker.nativeLinker()
            .downcallHandle(
                SymbolLookup.libraryLookup(libgomp, Arena.global())
                    .findOrThrow("omp_set_num_threads"),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)));
  }

  /** oneDNN takes a cap once a process, before it first looks at the CPU. */
  private static void capIsa(String cap) throws Unavailable {
    if (cap == null) {
      return;
    }
    int isa =
        switch (cap) {
          case "avx2" -> dnnl_cpu_isa_avx2();
          case "avxvnni" -> dnnl_cpu_isa_avx2_vnni();
          case "avx512vnni" -> dnnl_cpu_isa_avx512_core_bf16();
          default -> throw new Unavailable("has no " + cap + " code");
        };
    int status = dnnl_set_max_cpu_isa(isa);
    if (status != dnnl_success() && !effectiveIsa().equals(cap)) {
      throw new Unavailable(
          "uses "
              + effectiveIsa()
              + " in this process since its first call; sinter.isa="
              + cap
              + " must be set before");
    }
  }

  MemorySegment engine() {
    return engine;
  }

  /**
   * Makes oneDNN run single-threaded on the calling thread. Without it every thread that calls gets
   * an OpenMP team of its own, whose spinning members starve each other. A primitive takes over the
   * count of the thread that creates it, and runs with that of the thread that executes it: this
   * comes before both. It costs some nanoseconds and concerns no other copy of OpenMP.
   */
  void useOneThread() {
    try {
      ompSetNumThreads.invokeExact(1);
    } catch (Throwable e) {
      throw new AssertionError("omp_set_num_threads does not throw", e);
    }
  }

  /** Throws unless {@code status} is success. */
  static void check(String operation, int status) {
    if (status != dnnl_success()) {
      throw new NativeException(operation, status, text(status));
    }
  }

  private static String text(int status) {
    if (status == dnnl_out_of_memory()) {
      return "out of memory";
    } else if (status == dnnl_invalid_arguments()) {
      return "invalid arguments";
    } else if (status == dnnl_unimplemented()) {
      return "unimplemented";
    } else {
      return "see dnnl_status_t";
    }
  }

  /** The instruction set oneDNN uses in this process, in Sinter's names. */
  static String effectiveIsa() {
    int isa = dnnl_get_effective_cpu_isa();
    if (isa == dnnl_cpu_isa_avx2()) {
      return "avx2";
    } else if (isa == dnnl_cpu_isa_avx2_vnni() || isa == dnnl_cpu_isa_avx2_vnni_2()) {
      return "avxvnni";
    } else if (isa == dnnl_cpu_isa_avx512_core()) {
      return "avx512";
    } else if (isa == dnnl_cpu_isa_avx512_core_vnni() || isa == dnnl_cpu_isa_avx512_core_bf16()) {
      return "avx512vnni";
    } else {
      return (isa & dnnl_cpu_isa_avx512_core_vnni()) == dnnl_cpu_isa_avx512_core_vnni()
          ? "avx512vnni"
          : "scalar";
    }
  }

  @Override
  public void close() {
    dnnl_engine_destroy(engine);
    arena.close();
  }
}
