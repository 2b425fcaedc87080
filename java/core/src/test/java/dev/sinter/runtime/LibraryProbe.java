package dev.sinter.runtime;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;

/** Run in a JVM of its own: prints the cache folder and what became of each library. */
final class LibraryProbe {
  /** Before each line, to tell it from what the JVM prints. */
  static final String PREFIX = "answer: ";

  private LibraryProbe() {}

  /**
   * @param args {@code twice} to load in a second class loader too
   */
  public static void main(String[] args)
      throws ReflectiveOperationException, MalformedURLException {
    print(NativeLibraries.cacheDirectory(), NativeLibraries.sinter(), NativeLibraries.oneDnn());
    if (args.length > 0) {
      List<URL> classPath = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        classPath.add(new File(entry).toURI().toURL());
      }
      // Never closed: the process ends.
      @SuppressWarnings("resource")
      ClassLoader second =
          new URLClassLoader(classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
      Class<?> libraries = second.loadClass(NativeLibraries.class.getName());
      print(libraries.getMethod("sinter").invoke(null), libraries.getMethod("oneDnn").invoke(null));
    }
  }

  private static void print(Object... answers) {
    for (Object answer : answers) {
      System.out.println(PREFIX + answer);
    }
  }
}
