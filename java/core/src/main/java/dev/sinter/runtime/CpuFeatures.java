package dev.sinter.runtime;

import dev.sinter.bindings.sinter.sinter_h;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntSupplier;

/**
 * What the CPU offers that kernels ask for, as far as the operating system keeps the registers.
 *
 * @param model as the system names it, {@code unknown} if it does not
 * @param features sorted names out of {@code avx2 fma f16c avx512f avx512bw avx512vl avx512dq
 *     avx512vnni avx512bf16 avxvnni amxint8 amxbf16}
 */
public record CpuFeatures(String model, Set<String> features) {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /** A feature, its bit in libsinter, and its flag in /proc/cpuinfo. */
  private record Feature(String name, IntSupplier bit, String flag) {}

  private static final List<Feature> FEATURES =
      List.of(
          new Feature("avx2", sinter_h::SINTER_CPU_AVX2, "avx2"),
          new Feature("fma", sinter_h::SINTER_CPU_FMA, "fma"),
          new Feature("f16c", sinter_h::SINTER_CPU_F16C, "f16c"),
          new Feature("avx512f", sinter_h::SINTER_CPU_AVX512F, "avx512f"),
          new Feature("avx512bw", sinter_h::SINTER_CPU_AVX512BW, "avx512bw"),
          new Feature("avx512vl", sinter_h::SINTER_CPU_AVX512VL, "avx512vl"),
          new Feature("avx512dq", sinter_h::SINTER_CPU_AVX512DQ, "avx512dq"),
          new Feature("avx512vnni", sinter_h::SINTER_CPU_AVX512VNNI, "avx512_vnni"),
          new Feature("avx512bf16", sinter_h::SINTER_CPU_AVX512BF16, "avx512_bf16"),
          new Feature("avxvnni", sinter_h::SINTER_CPU_AVXVNNI, "avx_vnni"),
          new Feature("amxint8", sinter_h::SINTER_CPU_AMXINT8, "amx_int8"),
          new Feature("amxbf16", sinter_h::SINTER_CPU_AMXBF16, "amx_bf16"));

  public CpuFeatures {
    features = Collections.unmodifiableSortedSet(new TreeSet<>(features));
  }

  /**
   * Those of this machine: from libsinter, or where it is not available from {@code /proc/cpuinfo};
   * none where there is no such file. Looked up once. Thread-safe.
   */
  public static CpuFeatures host() {
    return Host.FEATURES;
  }

  public boolean has(String feature) {
    return features.contains(feature);
  }

  private static final class Host {
    static final CpuFeatures FEATURES = find();

    private static CpuFeatures find() {
      List<String> cpuinfo;
      try {
        cpuinfo = Files.readAllLines(CPUINFO);
      } catch (IOException e) {
        cpuinfo = List.of(); // not Linux, or a sandbox without /proc
      }
      CpuFeatures told = parse(cpuinfo);
      return NativeLibraries.sinter() instanceof NativeLibraries.Loaded
          ? decode(told.model, sinter_h.sinter_cpu_features())
          : told;
    }
  }

  /** From the bits of {@code sinter_cpu_features}. */
  static CpuFeatures decode(String model, long bits) {
    Set<String> found = new TreeSet<>();
    for (Feature feature : FEATURES) {
      if ((bits & feature.bit.getAsInt()) != 0) {
        found.add(feature.name);
      }
    }
    return new CpuFeatures(model, found);
  }

  /** From the lines of {@code /proc/cpuinfo}; the first processor speaks for all. */
  static CpuFeatures parse(List<String> cpuinfo) {
    List<String> flags = List.of(valueOf("flags", cpuinfo, "").split(" "));
    List<String> found = new ArrayList<>();
    for (Feature feature : FEATURES) {
      if (flags.contains(feature.flag)) {
        found.add(feature.name);
      }
    }
    return new CpuFeatures(valueOf("model name", cpuinfo, "unknown"), Set.copyOf(found));
  }

  private static String valueOf(String key, List<String> cpuinfo, String otherwise) {
    for (String line : cpuinfo) {
      int colon = line.indexOf(':');
      if (colon > 0 && line.substring(0, colon).strip().equals(key)) {
        return line.substring(colon + 1).strip();
      }
    }
    return otherwise;
  }
}
