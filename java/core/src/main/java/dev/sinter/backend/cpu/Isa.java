package dev.sinter.backend.cpu;

import dev.sinter.runtime.CpuFeatures;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The instruction sets that kernels of libsinter are compiled for, each above the one before. */
enum Isa {
  SCALAR,
  AVX2("avx2", "fma", "f16c"),
  AVXVNNI("avx2", "fma", "f16c", "avxvnni"),
  AVX512("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq"),
  AVX512VNNI("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512vnni"),
  AVX512BF16("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512bf16");

  /** What a user may cap by. */
  private static final Set<Isa> CAPS = EnumSet.of(SCALAR, AVX2, AVXVNNI, AVX512VNNI);

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
   * All that host and cap allow, the lowest first.
   *
   * @param cap {@code scalar}, {@code avx2}, {@code avxvnni}, {@code avx512vnni}, or null for none
   * @throws IllegalArgumentException for another cap, and for one that the host does not reach
   */
  static EnumSet<Isa> allowed(CpuFeatures host, String cap) {
    Isa highest = cap == null ? AVX512BF16 : highest(host, cap);
    EnumSet<Isa> allowed = EnumSet.range(SCALAR, highest);
    allowed.removeIf(isa -> !isa.runsOn(host));
    return allowed;
  }

  private static Isa highest(CpuFeatures host, String name) {
    for (Isa isa : CAPS) {
      if (isa.text().equals(name)) {
        if (!isa.runsOn(host)) {
          throw new IllegalArgumentException(
              "sinter.isa is " + name + ", which this CPU lacks; it has " + host.features());
        }
        return isa;
      }
    }
    throw new IllegalArgumentException(
        "sinter.isa must be one of "
            + Arrays.toString(CAPS.toArray()).toLowerCase(Locale.ROOT)
            + ", got '"
            + name
            + "'");
  }

  /** The highest of {@code compiled}, which has {@link #SCALAR} at least, that is allowed. */
  static Isa best(Set<Isa> allowed, Set<Isa> compiled) {
    Isa best = SCALAR;
    for (Isa isa : allowed) {
      if (compiled.contains(isa)) {
        best = isa;
      }
    }
    return best;
  }
}
