// int8 weights, row-major, two of each quad not zero, to the layout that the head of
// int8_2of4_gemm.h draws.
//
// Alignment: none. Over-read: none. Tails: columns past n and k past the last are zero bytes,
// pattern 0. Overflow: the entry bounds k.
#include <cstring>

#include "sinter.h"

namespace {

constexpr int64_t columns = SINTER_GEMM_PANEL;
constexpr int64_t block_bytes = 320;
constexpr int64_t block_quads = 8;

// By the place of the first weight and that of the second.
constexpr uint8_t patterns[3][4] = {{0, 0, 1, 2}, {0, 0, 3, 4}, {0, 0, 0, 5}};

// Packs the quad of a column into its block; false if it has more than two weights.
bool pack_quad(const int8_t *codes, int64_t count, int64_t column, int64_t quad, uint8_t *block) {
  int64_t place[2];
  int found = 0;
  for (int64_t i = 0; i < count; i++) {
    if (codes[i] != 0) {
      if (found == 2) {
        return false;
      }
      place[found++] = i;
    }
  }
  if (found == 0) {
    return true;  // zeros, at places 0 and 1
  }
  uint8_t *const values = block + 64 * (1 + quad / 2) + 4 * column + 2 * (quad % 2);
  int64_t first = place[0];
  if (found == 2) {
    values[0] = static_cast<uint8_t>(codes[first]);
    values[1] = static_cast<uint8_t>(codes[place[1]]);
  } else if (first == 3) {  // behind a zero
    values[1] = static_cast<uint8_t>(codes[3]);
    first = 0;
    place[1] = 3;
  } else {  // before one
    values[0] = static_cast<uint8_t>(codes[first]);
    place[1] = first + 1;
  }
  const int pattern = patterns[first][place[1]];
  block[4 * column + quad / 2] |= static_cast<uint8_t>(pattern << (quad % 2 * 4));
  return true;
}

}  // namespace

namespace sinter {

int32_t int8_2of4_pack_scalar(const sinter_pack_args &a) {
  const int64_t quads = (a.k + 3) / 4;
  const int64_t panel_bytes = (quads + block_quads - 1) / block_quads * block_bytes;
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    uint8_t *const w = a.w + panel * panel_bytes;
    std::memset(w, 0, static_cast<size_t>(panel_bytes));
    for (int64_t c = 0; c < columns; c++) {
      const int64_t n = panel * columns + c;
      int32_t sum = 0;
      if (n < a.n) {
        const int8_t *const codes = a.codes + n * a.stride;
        for (int64_t quad = 0; quad < quads; quad++) {
          const int64_t count = a.k - 4 * quad < 4 ? a.k - 4 * quad : 4;
          if (!pack_quad(codes + 4 * quad, count, c, quad % block_quads,
                         w + quad / block_quads * block_bytes)) {
            return SINTER_INVALID_ARGUMENT;
          }
        }
        for (int64_t k = 0; k < a.k; k++) {
          sum += codes[k];
        }
      }
      if (a.w_sums != nullptr) {
        a.w_sums[n] = sum;
      }
    }
  }
  return SINTER_OK;
}

}  // namespace sinter
