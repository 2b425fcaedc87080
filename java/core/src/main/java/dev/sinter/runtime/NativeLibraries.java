package dev.sinter.runtime;
import java.nio.file.Path;
public final class NativeLibraries {
  public sealed interface LoadedLibrary permits Loaded, Unavailable {}
  public record Loaded(Path path) implements LoadedLibrary {}
  public record Unavailable(String reason) implements LoadedLibrary {}
  static boolean done;
  public static synchronized LoadedLibrary oneDnn(){ Path p=Path.of("/tmp/dnnl/org/bytedeco/dnnl/linux-x86_64/libdnnl.so.3"); if(!done){System.load(p.toString());done=true;} return new Loaded(p);}
}
