package dev.sinter.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The kernel that a layer's {@code explain()} names first: its matmul.
 *
 * @param backend for example {@code onednn}
 * @param implementation for example {@code brg_matmul:avx512_core_vnni}
 * @param isa for example {@code avx512vnni}
 */
record Explanation(String backend, String implementation, String isa) {
  private static final Pattern CHOICE = Pattern.compile("runs on (\\S+): (.+) \\(([^()]+)\\)");

  static Explanation of(String text) {
    Matcher choice = CHOICE.matcher(text);
    if (!choice.find()) {
      throw new IllegalStateException("no kernel in this explanation:\n" + text);
    }
    return new Explanation(choice.group(1), choice.group(2), choice.group(3));
  }
}
