package dev.sinter.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The launcher starts the JVM with a standard error that drops the warning about incubator modules,
 * and passes the real one as another file descriptor. From here on the real one is used, by native
 * code too, so that nothing is late, reordered or taken for something else than a terminal.
 */
public final class StandardError {
  private static final int STDERR = 2;

  private StandardError() {}

  /** Puts the descriptor that property {@code sinter.stderr} names in the place of descriptor 2. */
  @SuppressWarnings("restricted") // dup2 of the C library, with two descriptors that are open
  public static void restore() {
    Integer real = Integer.getInteger("sinter.stderr");
    if (real == null || !StandardError.class.getModule().isNativeAccessEnabled()) {
      return;
    }
    Linker linker = Linker.nativeLinker();
    var dup2 = linker.defaultLookup().find("dup2");
    if (dup2.isEmpty()) {
      return;
    }
    MethodHandle handle =
        linker.downcallHandle(
            dup2.get(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    try {
      // A failure leaves the filtered one in place, which works as well.
      int ignored = (int) handle.invokeExact(real.intValue(), STDERR);
    } catch (Throwable t) {
      throw new LinkageError("dup2", t);
    }
  }
}
