package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TextTableTest {
  private static String print(TextTable table) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    table.print(new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void alignsLeftAndRight() {
    assertEquals(
        """
        name    bytes
        ------  -----
        é😀          1
        longer  12345
        """,
        print(new TextTable("name", ">bytes").row("é😀", "1").row("longer", "12345")));
  }

  @Test
  void leavesNoBlanksAtTheEnd() {
    assertEquals("a  bb\n-  --\nx\n", print(new TextTable("a", "bb").row("x", "")));
  }

  @Test
  void refusesARowOfAnotherWidth() {
    TextTable table = new TextTable("a", "b");
    assertThrows(IllegalArgumentException.class, () -> table.row("x"));
  }

  @Test
  void cutsByCharactersAndShowsIt() {
    assertEquals("short", TextTable.cut("short", 5));
    assertEquals("ab...", TextTable.cut("ab cdefg", 6));
    assertEquals("😀😀...", TextTable.cut("😀😀😀😀😀😀", 5));
  }
}
