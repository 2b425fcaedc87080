package dev.sinter.runtime;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Sizes of the caches that the first core sees.
 *
 * @param l2 bytes of the second level
 * @param last bytes of the last level, {@code l2} if there is no third
 * @param sharing how many cores share the last level, at least 1
 */
public record CpuCaches(long l2, long last, int sharing) {
  private static final Path SYSTEM = Path.of("/sys/devices/system/cpu/cpu0/cache");

  // Where the system does not say: a server of the 2020s.
  private static final CpuCaches USUAL = new CpuCaches(1 << 20, 32 << 20, 1);

  /** From {@code /sys}, or usual sizes where that does not tell. Looked up once. Thread-safe. */
  public static CpuCaches host() {
    return Host.CACHES;
  }

  private static final class Host {
    static final CpuCaches CACHES = read(SYSTEM);
  }

  /** From a folder with an {@code index*} for each cache, as Linux has it. */
  static CpuCaches read(Path folder) {
    long l2 = 0;
    long last = 0;
    int sharing = 1;
    try (DirectoryStream<Path> caches = Files.newDirectoryStream(folder, "index*")) {
      for (Path cache : caches) {
        int level = Integer.parseInt(text(cache, "level"));
        long bytes = bytes(text(cache, "size"));
        if (level == 2) {
          l2 = bytes;
        } else if (level == 3) {
          last = bytes;
          sharing = count(text(cache, "shared_cpu_list"));
        }
      }
    } catch (IOException | NumberFormatException e) {
      return USUAL; // no Linux, or a sandbox that hides it
    }
    return l2 == 0 ? USUAL : new CpuCaches(l2, Math.max(l2, last), sharing);
  }

  private static String text(Path cache, String file) throws IOException {
    return Files.readString(cache.resolve(file)).strip();
  }

  /** {@code 32768K}. */
  private static long bytes(String size) {
    long number = Long.parseLong(size.replaceFirst("[KM]$", ""));
    return size.endsWith("M") ? number << 20 : size.endsWith("K") ? number << 10 : number;
  }

  /** {@code 0-3,8-11} is 8. */
  private static int count(String list) {
    int count = 0;
    for (String range : list.split(",")) {
      String[] ends = range.split("-");
      count += Integer.parseInt(ends[ends.length - 1]) - Integer.parseInt(ends[0]) + 1;
    }
    return count;
  }
}
