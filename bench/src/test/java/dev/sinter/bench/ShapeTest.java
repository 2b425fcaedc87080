package dev.sinter.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeTest {
  @TempDir private Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("shapes.txt"), text);
  }

  @Test
  void readsLinesWithComments() throws IOException {
    assertEquals(
        List.of(new Shape(4096, 11008, List.of(1, 32)), new Shape(7, 9, List.of(3))),
        Shape.read(file("# K N M...\n\n4096 11008 1 32\n  7\t9 3 # small\n")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1 2", "1 2 x", "0 2 3", "1 2 0", "1 2 3 -1", "1 2 99999999999"})
  void namesTheLineThatIsWrong(String line) throws IOException {
    Path path = file("4 4 1\n# fine\n" + line + "\n");
    String message =
        assertThrows(IllegalArgumentException.class, () -> Shape.read(path)).getMessage();
    assertTrue(message.contains("shapes.txt, line 3: "), message);
    assertTrue(message.endsWith("'" + line + "'"), message);
  }

  @Test
  void refusesAFileWithoutShapes() throws IOException {
    Path path = file("# none\n");
    assertThrows(IllegalArgumentException.class, () -> Shape.read(path));
  }

  @Test
  void onlyBigLayersOfOneRowAreCold() {
    assertTrue(new Shape(2048, 2048, List.of(1)).cold(1));
    assertFalse(new Shape(2048, 2048, List.of(1)).cold(2));
    assertFalse(new Shape(384, 1536, List.of(1)).cold(1));
  }

  @Test
  void parsesItsLabel() {
    Shape shape = new Shape(384, 1536, List.of(8));
    assertEquals(shape, Shape.of(shape.label(), 8));
  }
}
