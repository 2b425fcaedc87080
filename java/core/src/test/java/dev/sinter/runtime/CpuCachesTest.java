package dev.sinter.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpuCachesTest {
  @TempDir private Path folder;

  private void cache(int index, String level, String size, String cores) throws IOException {
    Path cache = Files.createDirectory(folder.resolve("index" + index));
    Files.writeString(cache.resolve("level"), level + "\n");
    Files.writeString(cache.resolve("size"), size + "\n");
    Files.writeString(cache.resolve("shared_cpu_list"), cores + "\n");
  }

  @Test
  void readsWhatLinuxSays() throws IOException {
    cache(0, "1", "32K", "0");
    cache(2, "2", "2048K", "0,8");
    cache(3, "3", "96M", "0-7,16-23");
    assertEquals(new CpuCaches(2 << 20, 96 << 20, 16), CpuCaches.read(folder));
  }

  @Test
  void theSecondLevelMayBeTheLast() throws IOException {
    cache(0, "2", "512K", "0-3");
    assertEquals(new CpuCaches(512 << 10, 512 << 10, 1), CpuCaches.read(folder));
  }

  @Test
  void isPlausibleWhereNothingIsSaid() throws IOException {
    cache(0, "2", "much", "0");
    for (CpuCaches caches :
        new CpuCaches[] {
          CpuCaches.read(folder), CpuCaches.read(folder.resolve("none")), CpuCaches.host()
        }) {
      assertTrue(caches.l2() > 0 && caches.last() >= caches.l2(), caches.toString());
      assertTrue(caches.sharing() >= 1, caches.toString());
    }
  }
}
