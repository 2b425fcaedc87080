package dev.sinter.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimingsTest {
  @TempDir private Path folder;

  private static MatmulSpec f32(int k, int n) {
    return new MatmulSpec(k, n, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);
  }

  private static Timings.Layer layer(int k, int n, int m) {
    return new Timings.Layer(Timings.kind(f32(k, n)), k, n, m);
  }

  @Test
  void slowdownsAreGeometricMeansOverRowsOfTheNearestLayer() {
    Timings timings =
        new Timings(
            Map.of(
                layer(512, 512, 1), Map.of("a", 1.0, "b", 2.0),
                layer(512, 512, 32), Map.of("a", 1.0, "b", 8.0),
                layer(4096, 4096, 1), Map.of("a", 3.0, "b", 1.0)));
    Map<String, Double> small = timings.slowdowns(f32(384, 1536), Set.of("a", "b"));
    assertEquals(1, small.get("a"));
    assertEquals(4, small.get("b"), 1e-12);
    Map<String, Double> large = timings.slowdowns(f32(4096, 11008), Set.of("a", "b"));
    assertEquals(3, large.get("a"), 1e-12);
    assertEquals(1, large.get("b"));
  }

  @Test
  void whatWasNotMeasuredHasNone() {
    Timings timings = new Timings(Map.of(layer(512, 512, 1), Map.of("a", 1.0, "b", 2.0)));
    assertEquals(Map.of(), timings.slowdowns(f32(512, 512), Set.of("a", "c")));
    MatmulSpec other =
        new MatmulSpec(
            512, 512, null, CodeFormat.perChannel(8), ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    assertEquals(Map.of(), timings.slowdowns(other, Set.of("a", "b")));
    assertEquals(Map.of(), Timings.none().slowdowns(f32(512, 512), Set.of("a", "b")));
  }

  @Test
  void filesKeepEverything() throws IOException {
    Timings.Layer int4 =
        new Timings.Layer("i4-in-groups-of-128-with-zero-points.u8_per_token", 4096, 11008, 128);
    Timings timings =
        new Timings(
            Map.of(
                layer(512, 512, 1),
                Map.of("cpu", 0.1 + 0.2, "onednn", 1e-9),
                int4,
                Map.of("cpu", 1234567.5),
                new Timings.Layer("f32-2:4.float", 64, 64, 50, 1),
                Map.of("cpu", 0.5, Timings.DENSE, 0.75)));
    Path file = folder.resolve("new/plan.properties");
    timings.write(file, "some CPU");
    assertEquals(timings.millis(), Timings.read(file).millis());
    assertTrue(Files.readString(file).startsWith("#some CPU"));
    timings.write(file, "again");
    try (Stream<Path> left = Files.list(file.getParent())) {
      assertEquals(List.of(file), left.toList());
    }
  }

  @Test
  void malformedFilesAreRefused() throws IOException {
    for (String line :
        List.of(
            "f32.float.4x4.m1=1",
            "f32.float.4x4.m1.cpu=",
            "f32.float.4x4.m1.cpu=NaN",
            "f32.float.4x4.m1.cpu=-1",
            "f32.float.4x4.m1.cpu=0",
            "f32.float.99999999999x4.m1.cpu=1",
            "f32.float.4x4.d.m1.cpu=1",
            "hello",
            "x=\\u12")) {
      Path file = folder.resolve("bad.properties");
      Files.writeString(file, line);
      String message = assertThrows(IOException.class, () -> Timings.read(file), line).getMessage();
      assertTrue(message.contains("bad.properties"), message);
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> new Timings(Map.of(layer(4, 4, 1), Map.of("cpu", Double.POSITIVE_INFINITY))));
  }
}
