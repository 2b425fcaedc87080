// One column at a time, without vector instructions: what the other variants must equal.
#ifndef SINTER_LANES_SCALAR_H
#define SINTER_LANES_SCALAR_H

#include <cstdint>
#include <cstring>

#include "gemm/exact_fma.h"

namespace {

struct Scalar {
  static constexpr int lanes = 1;
  static constexpr int block_rows = 1;
  struct Int8Tiles {
    static constexpr int rows = 1;
    static constexpr int panels(int) { return 1; }
  };
  using NarrowTiles = Int8Tiles;
  using F32Tiles = Int8Tiles;
  using GateLanes = Scalar;

  using Int = uint32_t;  // wraps
  using Float = float;
  using Bytes = uint32_t;  // the four weights of a column
  using Wide = uint32_t;
  using Quad = uint32_t;
  using WideQuad = uint32_t;
  using Partial = uint32_t;
  static constexpr bool planes_in_place = false;
  static constexpr bool adds_up = true;

  static Bytes load_bytes(const uint8_t *p) {
    uint32_t bytes;
    std::memcpy(&bytes, p, sizeof bytes);
    return bytes;
  }
  static void keep(Bytes &) {}
  static Wide widen(Bytes w) { return w; }
  static WideQuad widen_signed(Bytes w) { return w; }
  static Bytes two_of_four(Bytes values, Bytes patterns, int quad) {
    // Places of the first and of the second weight, in bits.
    static constexpr uint8_t places[6][2] = {{0, 8}, {0, 16}, {0, 24}, {8, 16}, {8, 24}, {16, 24}};
    const uint8_t(&place)[2] = places[patterns >> (4 * quad) & 7];
    const Bytes pair = values >> (quad % 2 * 16);
    return (pair & 0xff) << place[0] | (pair >> 8 & 0xff) << place[1];
  }
  static Bytes codes(Bytes w, int shift, int mask) {
    return (shift < 0 ? w << -shift : w >> shift) & (0x01010101u * static_cast<uint32_t>(mask));
  }
  static Bytes add_bytes(Bytes a, Bytes b) { return a + b; }
  static Int add_quads(Int sum, Bytes v) { return dot(sum, v, 0x01010101); }
  static constexpr bool has_masks = false;
  static constexpr bool shuffles_rows = false;
  static Quad broadcast_quad(const int8_t *p) {
    return load_bytes(reinterpret_cast<const uint8_t *>(p));
  }
  static WideQuad broadcast_wide(const int8_t *p) { return broadcast_quad(p); }
  static Int dot(Int sum, Wide w, WideQuad x) {
    for (int shift = 0; shift < 32; shift += 8) {
      const int32_t product = static_cast<uint8_t>(w >> shift) * static_cast<int8_t>(x >> shift);
      sum += static_cast<uint32_t>(product);
    }
    return sum;
  }
  static Partial begin(Int sum) { return sum; }
  static Partial dot_narrow(Partial sum, Bytes w, Quad x) { return dot(sum, w, x); }
  static Int end(Int, Partial sum) { return sum; }

  static Int broadcast_int(int32_t v) { return static_cast<uint32_t>(v); }
  static Int load_int(const int32_t *p) { return load_bytes(reinterpret_cast<const uint8_t *>(p)); }
  static Int load_widened(const uint8_t *p) { return *p; }
  static Int add_int(Int a, Int b) { return a + b; }
  static Int subtract_int(Int a, Int b) { return a - b; }
  static Int multiply_int(Int a, Int b) { return a * b; }
  static Int multiply_pairs(Int a, Int b) {
    const auto half = [](Int v) { return static_cast<Int>(static_cast<int16_t>(v)); };
    return half(a) * half(b) + half(a >> 16) * half(b >> 16);
  }
  static Int to_high_half(Int v) { return v << 16; }
  static Int low_half(Int v) { return v & 0xffff; }
  static Int high_half(Int v) { return v >> 16; }
  static Float or_bits(Int v, uint32_t bits) { return from_bits(v | bits); }

  static Int load_bf16_pairs(const uint16_t *p) {
    return load_bytes(reinterpret_cast<const uint8_t *>(p));
  }
  static Float first_bf16(Int v) { return from_bits(v << 16); }
  static Float second_bf16(Int v) { return from_bits(v & 0xffff0000u); }

  static Float broadcast(float v) { return v; }
  static Float to_float(Int v) { return static_cast<float>(static_cast<int32_t>(v)); }
  static Float load(const float *p) { return *p; }
  static Float load_half(const uint16_t *p) {
    const uint32_t magnitude = *p & 0x7fffu;
    // A float of the same bits, shifted, is the half times 2^-112, subnormals included; the
    // exponent of infinity and NaN is all ones in both.
    float v = from_bits(magnitude << 13) * 0x1p112f;
    if (magnitude >= 0x7c00) {
      v = from_bits(0x7f800000u | (magnitude << 13) | (magnitude > 0x7c00 ? 0x400000u : 0));
    }
    return from_bits(bits(v) | (*p & 0x8000u) << 16);
  }
  static void store(float *p, Float v) { *p = v; }
  // A vector of one column has no tail; only the template asks for them.
  static Float load_tail(const float *p, int) { return *p; }
  static void store_tail(float *p, Float v, int) { *p = v; }

  static Float add(Float a, Float b) { return a + b; }
  static Float subtract(Float a, Float b) { return a - b; }
  static Float multiply(Float a, Float b) { return a * b; }
  static Float divide(Float a, Float b) { return a / b; }
  static Float gather(const float *p, const uint16_t *at) { return p[*at]; }
  static Float fma(Float a, Float b, Float c) { return exact_fma(a, b, c); }
  static Float min(Float a, Float b) { return a < b ? a : b; }
  static Float max(Float a, Float b) { return a > b ? a : b; }
  static Float absolute(Float v) { return from_bits(bits(v) & 0x7fffffffu); }
  static Float lookup(const float (&table)[16], Float n) { return table[bits(n) & 15]; }
  static Float if_less(Float a, Float b, Float then, Float otherwise) {
    return a < b ? then : otherwise;
  }
  static Float add_to_exponent(Float v, Float n) { return from_bits(bits(v) + (bits(n) << 23)); }

 private:
  static uint32_t bits(float v) {
    uint32_t b;
    std::memcpy(&b, &v, sizeof b);
    return b;
  }
  static float from_bits(uint32_t b) {
    float v;
    std::memcpy(&v, &b, sizeof v);
    return v;
  }
};

}  // namespace

#endif
