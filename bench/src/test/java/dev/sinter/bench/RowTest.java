package dev.sinter.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.MachineLimits;
import dev.sinter.cli.Json;
import dev.sinter.tensor.Sparsity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowTest {
  private static final MachineLimits LIMITS =
      new MachineLimits(2, 40.0, 400.0, null, 200.0, null, 800.0, 0.1);
  private static final Shape BIG = new Shape(4096, 4096, List.of(1, 32));

  private static Row row(String scheme, int m, double ms) {
    Measurement measured =
        Measurement.linear(
            new Subject(scheme, null, "onednn", null),
            "avx512vnni",
            "brg",
            BIG,
            m,
            2,
            new RowTimer.Times(ms, ms / 2),
            4096 * 4096);
    return new Row("quick", measured, LIMITS);
  }

  @Test
  void comparesTheMedianWithTheLimits() {
    JsonNode json = row("w8a8", 1, 0.5).toJson();
    assertEquals(0.5, json.get("ms").doubleValue());
    assertEquals(0.25, json.get("ms_best").doubleValue());
    assertEquals(2.0 * 4096 * 4096 / 0.5e6, json.get("gops").doubleValue(), 1e-3);
    double bytes = 4096 * 4096 + 4.0 * (4096 + 4096);
    assertEquals(bytes / 0.5e6, json.get("gbs").doubleValue(), 1e-3);
    assertEquals(bytes / 0.5e6 / 40, json.get("frac_dram").doubleValue(), 1e-4);
    assertEquals("int8", json.get("peak").textValue());
    assertEquals(2.0 * 4096 * 4096 / 0.5e6 / 800, json.get("frac_peak").doubleValue(), 1e-4);
    assertEquals("cold", json.get("weights").textValue());
  }

  /** Operations that a sparse kernel leaves out count for its speed, not for the peak. */
  @Test
  void theWorkOfSparseWeightsIsThatOfTheKeptOnes() {
    Measurement dense = row("w8a8", 32, 2).measured();
    Row sparse =
        new Row(
            "sparse",
            new Measurement(
                new Subject("w8a8", null, "block16x4", 0.9, "cpu", null),
                "linear",
                "avx2",
                "b",
                32,
                4096,
                4096,
                2,
                2,
                2,
                dense.operations(),
                1e6,
                "warm",
                null,
                null),
            LIMITS);
    JsonNode json = sparse.toJson();
    assertEquals(0.9, json.get("sparsity").doubleValue());
    assertEquals("block16x4", json.get("format").textValue());
    double all = 2.0 * 32 * 4096 * 4096 / 2e6 / 800;
    assertEquals(all, json.get("frac_peak").doubleValue(), 1e-4);
    assertEquals(all / 10, json.get("frac_peak_executed").doubleValue(), 1e-4);
    JsonNode of = row("w8a8", 32, 2).toJson();
    assertEquals(of.get("frac_peak"), of.get("frac_peak_executed"));
    assertEquals("dense", of.get("format").textValue());
    assertTrue(sparse.doubts().isEmpty());
    assertFalse(row("w8a8", 32, 1).doubts().isEmpty(), "the same speed with dense weights");
  }

  @ParameterizedTest
  @CsvSource({
    "16x4, true, block16x4",
    "2:4, false, 2:4",
    "unstructured, true, bitmask",
    "unstructured, false, csr"
  })
  void aFormatNamesItsStructure(String id, boolean codes, String format) {
    assertEquals(format, Format.of(Sparsity.of(id), codes));
    assertEquals(Sparsity.of(id), Format.sparsity(format));
  }

  @Test
  void whatCannotBeIsKeptAndDoubted() {
    Row fast = row("w8a8", 1, 0.1);
    assertTrue(fast.toJson().get("frac_dram").doubleValue() > 4);
    assertEquals(1, fast.doubts().size());
    assertTrue(row("w8a8", 1, 0.5).doubts().isEmpty());
    assertEquals(1, row("w8a8", 32, 0.5).doubts().size(), "more than the int8 peak");
  }

  @Test
  void whatMakesNoSenseIsNull() {
    JsonNode warm = row("f32", 32, 8).toJson();
    assertTrue(warm.get("frac_dram").isNull());
    assertTrue(row("bf16", 32, 8).toJson().get("frac_peak").isNull(), "its peak is not known");
    assertTrue(warm.get("group").isNull() && warm.get("sparsity").isNull());
    assertFalse(warm.has("sentences_per_s"));
    Measurement model =
        new Measurement(
            new Subject("f32", null, null, "onnxruntime"),
            "encoder",
            null,
            "m.onnx",
            8,
            null,
            128,
            2,
            100,
            90,
            null,
            null,
            null,
            8,
            1.0);
    JsonNode encoder = new Row("encoder", model, LIMITS).toJson();
    for (String field : List.of("n", "gops", "gbs", "frac_dram", "frac_peak", "peak", "backend")) {
      assertTrue(encoder.get(field).isNull(), field);
    }
    assertEquals(80, encoder.get("sentences_per_s").doubleValue());
    assertFalse(Json.line(row("f32", 1, 1).toJson()).contains("NaN"));
  }

  @ParameterizedTest
  @CsvSource({
    "f32,f32",
    "bf16,bf16",
    "w8a8,int8",
    "w4a8,int8",
    "ternary,int8",
    "w4a16,f32",
    "w8a16,f32"
  })
  void everySchemeHasItsPeak(String scheme, String peak) {
    assertEquals(peak, row(scheme, 1, 1).peak());
  }

  @Test
  void theReportHasTheHeaderAndTheRows() throws Exception {
    Subject none = new Subject("bf16", null, "onednn", null);
    Report report =
        new Report(
            List.of(LIMITS),
            "abc",
            List.of(row("w8a8", 1, 0.5)),
            List.of(new Breakdown(none, "encoder", 8, null, 128, 2, parts())),
            List.of(new Refusal(none, "all layers", "why", false)));
    JsonNode json = Json.MAPPER.readTree(Json.line(report.toJson()));
    assertEquals(40, json.at("/dram_gbs/2").doubleValue());
    assertTrue(json.at("/l3_gbs/2").isNull());
    assertEquals("abc", json.get("commit").textValue());
    assertEquals(1, json.get("rows").size());
    assertEquals("why", json.at("/refusals/0/reason").textValue());
    assertEquals(1.5, json.at("/breakdowns/0/ms/linear").doubleValue());
    assertEquals(128, json.at("/breakdowns/0/k").intValue());
  }

  private static SequencedMap<String, Double> parts() {
    SequencedMap<String, Double> parts = new LinkedHashMap<>();
    parts.put("linear", 1.5);
    return parts;
  }

  @Test
  void aDecoderHasTokensASecondAndAShareOfItsStep() {
    Subject subject = new Subject("w4a8", 128, "cpu", null);
    Measurement decode =
        new Measurement(
            subject,
            "decode",
            "avx2",
            "int4_gemm",
            1,
            512,
            2048,
            2,
            25,
            20,
            2e9,
            600e6,
            "cold",
            null,
            null,
            new Decoding("f32", null));
    JsonNode json = new Row("decoder", decode, LIMITS).toJson();
    assertEquals(40, json.get("tokens_per_s").doubleValue());
    assertEquals(24, json.get("gbs").doubleValue());
    assertEquals(0.6, json.get("frac_dram").doubleValue());
    assertEquals(0.1, json.get("frac_peak").doubleValue());
    assertEquals("f32", json.get("cache").textValue());
    assertTrue(json.get("step_share").isNull());
    assertFalse(json.has("sentences_per_s"));
    Measurement attention =
        new Measurement(
            subject,
            "attention",
            "avx2",
            "cached_attention",
            1,
            4096,
            2048,
            2,
            5,
            4,
            null,
            50e6,
            "cold",
            null,
            null,
            new Decoding("int8", 0.2));
    json = new Row("decoder", attention, LIMITS).toJson();
    assertEquals(0.2, json.get("step_share").doubleValue());
    assertEquals(0.25, json.get("frac_dram").doubleValue());
    assertTrue(json.get("tokens_per_s").isNull() && json.get("gops").isNull());
    assertFalse(row("w8a8", 1, 1).toJson().has("cache"));
  }

  @ParameterizedTest
  @CsvSource({
    "embeddings + layer 0 attention norm,norm and quantize",
    "layer 12 qkv,qkv",
    "layer 3 rotation + store,rotation and store",
    "layer 3 head norm + layer 3 rotation + store,rotation and store",
    "layer 3 attention,attention",
    "layer 3 attention.merge,attention",
    "layer 3 attention output quantize,norm and quantize",
    "layer 3 attention output,attention output",
    "layer 3 MLP norm,norm and quantize",
    "layer 3 MLP gate,MLP gate and up",
    "layer 3 MLP output,MLP output",
    "last norm,norm and quantize",
    "head,head",
    "soft cap,rest"
  })
  void anOperationOfADecoderCountsAsAPart(String operation, String part) {
    assertEquals(part, DecoderProfile.part(operation));
  }

  @ParameterizedTest
  @CsvSource({
    "layer 3 qkv,linear",
    "layer 3 attention,attention",
    "layer 3 attention output,linear",
    "layer 3 intermediate,linear",
    "layer 3 attention norm + quantize,norm and quantize",
    "quantize,norm and quantize",
    "pooling,other"
  })
  void anOperationCountsAsAPart(String operation, String part) {
    assertEquals(part, EncoderProfile.part(operation));
  }

  @Test
  void readsTheKernelFromAnExplanation() {
    assertEquals(
        new Explanation("onednn", "brg_matmul:avx512_core (x)", "avx512vnni"),
        Explanation.of("matmul 4x4\n  runs on onednn: brg_matmul:avx512_core (x) (avx512vnni)\n"));
  }
}
