package dev.sinter.backend.onednn;

import dev.sinter.backend.Epilogue;

/**
 * Everything a matmul primitive is created from; equal shapes share a primitive.
 *
 * @param type element types of source, weights and destination
 * @param m rows, one of the buckets
 * @param k columns of the source that take part
 * @param n columns of the destination tile
 * @param sourceStride elements from source row to source row
 * @param resultStride elements from destination row to destination row
 */
record MatmulShape(
    Type type, int m, int k, int n, int sourceStride, int resultStride, Epilogue epilogue) {
  enum Type {
    /** f32 x f32 -> f32. */
    F32,
    /** bf16 x bf16 -> f32. */
    BF16,
    /** u8 codes with a scale per row x s8 codes with a scale per column -> f32. */
    U8S8,
    /** The integer accumulators of U8S8, before any scale: s32. */
    U8S8_ACCUMULATORS
  }

  MatmulShape withM(int rows) {
    return new MatmulShape(type, rows, k, n, sourceStride, resultStride, epilogue);
  }
}
