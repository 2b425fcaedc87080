package dev.sinter.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.MachineLimits;
import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.layout.PackedCache;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeLibraries;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What the machine, the JVM and the backends can do.
 *
 * @param cores what the container may use, as the JVM counts them
 * @param threads workers of an opened runtime
 * @param packed what is kept of decoders
 * @param limits of one thread, and of {@code threads}
 */
record Diagnosis(
    CpuFeatures cpu,
    int cores,
    int threads,
    List<Flag> flags,
    List<Library> libraries,
    List<Answer> answers,
    Packed packed,
    List<MachineLimits> limits) {

  /**
   * Decoders as they were packed.
   *
   * @param folder null if there is to be none
   */
  record Packed(Path folder, PackedCache.Contents contents) {
    static Packed of(SinterOptions options) {
      String setting = options.packedCache();
      if (SinterOptions.NO_PACKED_CACHE.equals(setting)) {
        return new Packed(null, new PackedCache.Contents(0, 0));
      }
      Path folder =
          setting == null
              ? NativeLibraries.cacheDirectory().resolve("packed")
              : Path.of(setting).toAbsolutePath();
      return new Packed(folder, new PackedCache(folder, options.packedCacheBytes()).contents());
    }

    @Override
    public String toString() {
      return folder == null
          ? "off"
          : String.format(
              Locale.ROOT,
              "%s: %d %s, %.1f MB",
              folder,
              contents.models(),
              contents.models() == 1 ? "model" : "models",
              contents.bytes() / 1e6);
    }
  }

  /**
   * A flag the JVM should have.
   *
   * @param lack what does not work without it
   */
  record Flag(String flag, boolean present, String lack) {}

  /**
   * @param path null if there is none, and {@code reason} says why
   */
  record Library(String name, String path, String reason) {}

  // For each figure: a second in all, with the memory that has to be filled before.
  private static final Duration LIMIT_TIME = Duration.ofMillis(30);

  static Diagnosis of(Sinter sinter) {
    return new Diagnosis(
        CpuFeatures.host(),
        Runtime.getRuntime().availableProcessors(),
        sinter.threads(),
        checkFlags(),
        List.of(
            library("sinter", NativeLibraries.sinter()),
            library("oneDNN", NativeLibraries.oneDnn())),
        Answer.all(sinter.backends()),
        Packed.of(sinter.options()),
        IntStream.of(1, sinter.threads())
            .distinct()
            .mapToObj(t -> MachineLimits.measure(t, LIMIT_TIME))
            .toList());
  }

  private static List<Flag> checkFlags() {
    return List.of(
        new Flag(
            "--add-modules jdk.incubator.vector",
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
            "the vector backend does not run"),
        new Flag(
            "--enable-native-access=ALL-UNNAMED",
            Diagnosis.class.getModule().isNativeAccessEnabled(),
            "the JVM warns about native access and will refuse it in a later release"));
  }

  private static Library library(String name, NativeLibraries.LoadedLibrary library) {
    return switch (library) {
      case NativeLibraries.Loaded loaded -> new Library(name, loaded.path().toString(), null);
      case NativeLibraries.Unavailable none -> new Library(name, null, none.reason());
    };
  }

  ObjectNode toJson() {
    ObjectNode json = Json.object().put("version", SinterCommand.Version.current());
    ObjectNode processor = json.putObject("cpu").put("model", cpu.model());
    ArrayNode features = processor.putArray("features");
    cpu.features().forEach(features::add);
    json.put("cores", cores).put("threads", threads);
    json.putObject("jdk")
        .put("version", Runtime.version().toString())
        .put("vendor", System.getProperty("java.vendor"))
        .put("home", System.getProperty("java.home"));
    ArrayNode flagList = json.putArray("jvm_flags");
    flags.forEach(f -> flagList.addObject().put("flag", f.flag()).put("present", f.present()));
    ArrayNode libraryList = json.putArray("libraries");
    for (Library l : libraries) {
      libraryList
          .addObject()
          .put("library", l.name())
          .put("found", l.path() != null)
          .put("path", l.path())
          .put("reason", l.reason());
    }
    ArrayNode backendList = json.putArray("backends");
    for (Answer a : answers) {
      backendList
          .addObject()
          .put("backend", a.backend())
          .put("operation", a.operation())
          .put("supported", a.support().supported())
          .put("isa", a.isa())
          .put("reason", a.support().reason());
    }
    json.putObject("packed_cache")
        .put("folder", packed.folder() == null ? null : packed.folder().toString())
        .put("models", packed.contents().models())
        .put("bytes", packed.contents().bytes());
    LimitsReport.toJson(limits, json.putObject("limits"));
    return json;
  }

  void print(PrintStream out) {
    new TextTable("machine", "")
        .row("CPU", cpu.model())
        .row("features", String.join(" ", cpu.features()))
        .row("cores of the container", cores + " (" + threads + " worker threads)")
        .row("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"))
        .row("JDK", Runtime.version() + ", " + System.getProperty("java.vendor"))
        .row("JDK folder", System.getProperty("java.home"))
        .row("Sinter", SinterCommand.Version.current())
        .row("cache", NativeLibraries.cacheDirectory().toString())
        .row("packed decoders", packed.toString())
        .print(out);
    out.println();
    TextTable flagTable = new TextTable("JVM flag", "given", "");
    for (Flag f : flags) {
      flagTable.row(
          f.flag(),
          f.present() ? "yes" : "no",
          f.present() ? "" : f.lack() + "; add it to the java command");
    }
    flagTable.print(out);
    out.println();
    TextTable libraryTable = new TextTable("library", "found", "where, or why not");
    for (Library l : libraries) {
      boolean found = l.path() != null;
      libraryTable.row(l.name(), found ? "yes" : "no", found ? l.path() : l.reason());
    }
    libraryTable.print(out);
    out.println();
    TextTable table = new TextTable("backend", "operation", "runs", "ISA, or why not");
    for (Answer a : answers) {
      boolean runs = a.support().supported();
      table.row(
          a.backend(), a.operation(), runs ? "yes" : "no", runs ? a.isa() : a.support().reason());
    }
    table.print(out);
    out.println();
    LimitsReport.print(limits, out);
  }
}
