package dev.sinter.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.ObjLongConsumer;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** The {@code sinter.Kernel} events of passes, recorded by JFR. */
final class KernelEvents {
  private static final String EVENT = "sinter.Kernel";

  private KernelEvents() {}

  /**
   * @param passes runs while events are recorded
   * @param into gets the operation and nanoseconds of each
   */
  static void record(Runnable passes, ObjLongConsumer<String> into) {
    try (Recording recording = new Recording()) {
      recording.enable(EVENT).withoutThreshold();
      recording.start();
      passes.run();
      recording.stop();
      Path file = Files.createTempFile("sinter-kernels", ".jfr");
      try {
        recording.dump(file);
        for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
          if (event.getEventType().getName().equals(EVENT)) {
            into.accept(event.getString("operation"), event.getDuration().toNanos());
          }
        }
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
