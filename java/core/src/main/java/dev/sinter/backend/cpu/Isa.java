package dev.sinter.backend.cpu;

import dev.sinter.runtime.CpuFeatures;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The instruction sets that kernels of libsinter are compiled for, each above the one before. */
enum Isa {
  SCALAR,
  AVX2("avx2", "fma", "f16c"),
  AVX512("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq");

  /** What a user may cap by, and the kernels that keep to it. */
  private enum Cap {
    SCALAR(Isa.SCALAR),
    AVX2(Isa.AVX2),
    AVXVNNI(Isa.AVX2, "avxvnni"),
    AVX512VNNI(Isa.AVX512, "avx512vnni");

    private final Isa highest;
    private final List<String> more;

    Cap(Isa highest, String... more) {
      this.highest = highest;
      this.more = List.of(more);
    }
  }

  private final List<String> needs;

  Isa(String... needs) {
    this.needs = List.of(needs);
  }

  /** As in the name of a function: {@code avx512}. */
  String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean runsOn(CpuFeatures host) {
    return host.features().containsAll(needs);
  }

  /**
   * The best that host and cap allow.
   *
   * @param cap {@code scalar}, {@code avx2}, {@code avxvnni}, {@code avx512vnni}, or null for none
   * @throws IllegalArgumentException for another cap, and for one that the host does not reach
   */
  static Isa best(CpuFeatures host, String cap) {
    Isa highest = cap == null ? AVX512 : highest(host, cap);
    for (int i = highest.ordinal(); i > 0; i--) {
      if (values()[i].runsOn(host)) {
        return values()[i];
      }
    }
    return SCALAR;
  }

  private static Isa highest(CpuFeatures host, String name) {
    for (Cap cap : Cap.values()) {
      if (cap.name().toLowerCase(Locale.ROOT).equals(name)) {
        if (!cap.highest.runsOn(host) || !host.features().containsAll(cap.more)) {
          throw new IllegalArgumentException(
              "sinter.isa is " + name + ", which this CPU lacks; it has " + host.features());
        }
        return cap.highest;
      }
    }
    throw new IllegalArgumentException(
        "sinter.isa must be one of "
            + Arrays.toString(Cap.values()).toLowerCase(Locale.ROOT)
            + ", got '"
            + name
            + "'");
  }
}
