package dev.sinter.backend.vector;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.sinter.backend.Support;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.constant.ConstantDescs;
import java.lang.invoke.MethodHandles;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Constructor;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;

/**
 * Makes kernels of a given vector width.
 *
 * <p>The compiler turns Vector API calls into instructions only where the species is a constant,
 * and it trusts static final fields alone. A kernel class therefore keeps its species in static
 * final fields that it initializes through {@link #shape}. For the width the JVM prefers, that
 * class is used as it is; for another, a hidden copy of it is defined, whose class data is the
 * width.
 */
final class VectorWidth {
  private record Copy(Class<?> kernel, int bits) {}

  private static final ConcurrentMap<Copy, Class<?>> COPIES = new ConcurrentHashMap<>();

  private VectorWidth() {}

  /** The shape that the calling kernel class, or copy of one, is made for. */
  static VectorShape shape(MethodHandles.Lookup kernel) {
    try {
      Integer bits = MethodHandles.classData(kernel, ConstantDescs.DEFAULT_NAME, Integer.class);
      return VectorShape.forBitSize(bits == null ? preferred() : bits);
    } catch (IllegalAccessException e) {
      throw new AssertionError("a full-power lookup may read its class data", e);
    }
  }

  /** Whether vectors of this many bits, 0 for the preferred, are compiled to instructions here. */
  static Support support(int bits) {
    if (bits > preferred()) {
      return Support.no(bits + "-bit vectors are forced, this JVM has " + preferred() + " bits");
    }
    // Without the instruction, fma falls back to BigDecimal.
    if (!usesFma()) {
      return Support.no("this JVM does not use FMA instructions (UseFMA is false)");
    }
    return Support.yes();
  }

  /** An instance of the kernel class for this width, 0 for the preferred. */
  static <K> K kernel(Class<? extends K> kernel, Class<K> type, int bits, Object... arguments) {
    Class<?> copy =
        bits == 0 || bits == preferred()
            ? kernel
            : COPIES.computeIfAbsent(new Copy(kernel, bits), VectorWidth::define);
    try {
      Constructor<?> constructor = copy.getDeclaredConstructors()[0];
      return type.cast(constructor.newInstance(arguments));
    } catch (ReflectiveOperationException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("cannot make " + kernel.getName(), e);
    }
  }

  private static Class<?> define(Copy copy) {
    String file = copy.kernel.getSimpleName() + ".class";
    try (InputStream in = copy.kernel.getResourceAsStream(file)) {
      return MethodHandles.lookup()
          .defineHiddenClassWithClassData(in.readAllBytes(), copy.bits, true)
          .lookupClass();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    } catch (IllegalAccessException e) {
      throw new AssertionError("the kernels lie in this package", e);
    }
  }

  /** The width that is meant: 0 stands for the preferred. */
  static int bits(int bits) {
    return bits == 0 ? preferred() : bits;
  }

  private static int preferred() {
    return FloatVector.SPECIES_PREFERRED.vectorBitSize();
  }

  private static boolean usesFma() {
    var options = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    return Boolean.parseBoolean(options.getVMOption("UseFMA").getValue());
  }
}
