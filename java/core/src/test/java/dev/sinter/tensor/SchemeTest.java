package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchemeTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "f32",
        "bf16",
        "w8a8",
        "w4a8",
        "w4a8:32",
        "w4a8:4096",
        "w8a16",
        "w4a16",
        "w4a16:32",
        "ternary",
        "binary:64"
      })
  void isReadByItsId(String id) {
    assertEquals(id, Scheme.of(id).id());
  }

  @Test
  void groupsAreOf128UnlessAskedForOthers() {
    assertEquals(Scheme.W4A8, Scheme.of("w4a8:128"));
    assertEquals("w4a8", Scheme.of("w4a8:128").id());
    assertEquals(CodeFormat.inGroups(4, 128), Scheme.W4A8.codes());
    assertEquals(CodeFormat.inGroups(4, 64), Scheme.of("w4a8:64").codes());
    assertEquals(CodeFormat.perChannel(8), Scheme.W8A8.codes());
    assertEquals(CodeFormat.inGroups(4, 128), Scheme.of("w4a16").codes());
    assertEquals(CodeFormat.inGroups(4, 32), Scheme.of("w4a16:32").codes());
    assertEquals(CodeFormat.perChannel(8), Scheme.W8A16.codes());
    assertEquals(ActivationScheme.FLOAT, Scheme.W4A16.activations());
    assertEquals(CodeFormat.inGroups(Code.TERNARY, 128), Scheme.TERNARY.codes());
    assertEquals(CodeFormat.inGroups(Code.BINARY, 64), Scheme.of("binary:64").codes());
    assertThrows(IllegalStateException.class, Scheme.F32::codes);
  }

  @ParameterizedTest
  @CsvSource({
    "w4a8:48, multiple of 32",
    "w4a8:0, multiple of 32",
    "w4a8:-32, multiple of 32",
    "w4a8:x, must be a number",
    "w4a8:, must be a number",
    "w8a8:32, no groups",
    "w8a16:32, no groups",
    "w4a16:33, multiple of 32",
    "ternary:48, multiple of 32",
    "binary:0, multiple of 32",
    "w3a8, 'expected one of f32, bf16, w8a8, w4a8, w8a16, w4a16, ternary, binary'"
  })
  void othersAreRefused(String id, String part) {
    String message = assertThrows(IllegalArgumentException.class, () -> Scheme.of(id)).getMessage();
    assertTrue(message.contains(part), message);
  }
}
