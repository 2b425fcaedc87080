// The element-wise functions at the end of a matmul, the same operations in the same order on every
// instruction set, so that results are equal bit for bit. Absolute error below 3e-7 * max(1, |x|);
// NaN gives NaN, and so does -infinity (x * 0).
//
// The coefficients are minimax fits, made for this file, of exp on [-ln 2 / 2, ln 2 / 2] (relative
// error 2e-9 before rounding) and of erf(a / sqrt(2)) / 2, piece by piece (1.2e-7).
#ifndef SINTER_ACTIVATIONS_H
#define SINTER_ACTIVATIONS_H

#include "sinter.h"

namespace {

// c[0] + c[1] * x + ...
template <class Lanes, int n>
inline typename Lanes::Float polynomial(const float (&c)[n], typename Lanes::Float x) {
  auto v = Lanes::broadcast(c[n - 1]);
  for (int i = n - 2; i >= 0; i--) {
    v = Lanes::fma(v, x, Lanes::broadcast(c[i]));
  }
  return v;
}

// e^x for x <= 0; 0 below -86, where the result would near the subnormal numbers. Anything for NaN:
// what is returned gets multiplied by NaN.
template <class Lanes>
inline typename Lanes::Float exp_negative(typename Lanes::Float x) {
  constexpr float lowest = -86.0f;
  constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  constexpr float log2e = 1.44269504f;
  constexpr float ln2_high = 0.693145752f;  // 15 bits: n * ln2_high is exact
  constexpr float ln2_low = 1.42860677e-6f;
  constexpr float c[] = {1.0f,          1.0f,           0.499999911f,  0.166664198f,
                         0.0416682251f, 0.00837481022f, 0.00138368667f};
  const auto v = Lanes::max(Lanes::broadcast(lowest), x);
  const auto shifted = Lanes::fma(v, Lanes::broadcast(log2e), Lanes::broadcast(round));
  const auto n = Lanes::subtract(shifted, Lanes::broadcast(round));
  auto r = Lanes::fma(n, Lanes::broadcast(-ln2_high), v);
  r = Lanes::fma(n, Lanes::broadcast(-ln2_low), r);
  const auto e = Lanes::add_to_exponent(polynomial<Lanes>(c, r), shifted);
  return Lanes::if_less(x, Lanes::broadcast(lowest), Lanes::broadcast(0.0f), e);
}

// x / (1 + e^-of)
template <class Lanes>
inline typename Lanes::Float times_sigmoid(typename Lanes::Float x, typename Lanes::Float of) {
  const auto zero = Lanes::broadcast(0.0f);
  const auto one = Lanes::broadcast(1.0f);
  const auto negative = Lanes::if_less(of, zero, of, Lanes::subtract(zero, of));
  const auto e = exp_negative<Lanes>(negative);
  return Lanes::multiply(x, Lanes::divide(Lanes::if_less(of, zero, e, one), Lanes::add(one, e)));
}

// x / (1 + e^-x)
template <class Lanes>
inline typename Lanes::Float silu(typename Lanes::Float x) {
  return times_sigmoid<Lanes>(x, x);
}

// x * (1 + tanh(u)) / 2 = x / (1 + e^-2u), u = sqrt(2 / pi) * (x + 0.044715 * x^3)
template <class Lanes>
inline typename Lanes::Float gelu_tanh(typename Lanes::Float x) {
  constexpr float c1 = 1.59576912f;
  constexpr float c3 = 0.0713548163f;
  const auto square = Lanes::multiply(x, x);
  const auto twice_u =
      Lanes::multiply(x, Lanes::fma(square, Lanes::broadcast(c3), Lanes::broadcast(c1)));
  return times_sigmoid<Lanes>(x, twice_u);
}

// x * (1 + erf(x / sqrt(2))) / 2 = x / 2 + |x| * g(|x|), g(a) = erf(a / sqrt(2)) / 2 being a table
// of polynomials around the multiples of `width`, and 1 / 2 beyond the last.
template <class Lanes>
inline typename Lanes::Float gelu_erf(typename Lanes::Float x) {
  constexpr float width = 0.359375f;
  constexpr float last = 15 * width;
  constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  alignas(64) static constexpr float c[5][16] = {
      {0.0f, 0.140342712f, 0.263852507f, 0.359511018f, 0.424712002f, 0.463822275f, 0.484467924f,
       0.494058937f, 0.49797985f, 0.499390453f, 0.499837011f, 0.499961436f, 0.499991924f,
       0.49999851f, 0.499999762f, 0.5f},
      {0.398939043f, 0.373992413f, 0.308128089f, 0.223106012f, 0.141971663f, 0.0793963969f,
       0.0390217304f, 0.0168545172f, 0.00639774511f, 0.00213419856f, 0.000625656394f,
       0.000161185264f, 3.64920234e-05f, 7.26018743e-06f, 1.26931241e-06f, 0.0f},
      {0.0f, -0.0672000125f, -0.110731177f, -0.120265901f, -0.102041043f, -0.0713326931f,
       -0.0420708992f, -0.0212005191f, -0.0091972854f, -0.00345170451f, -0.00112436968f,
       -0.000318648905f, -7.87045064e-05f, -1.696459e-05f, -3.19438413e-06f, 0.0f},
      {-0.0660895482f, -0.0540012643f, -0.0248079188f, 0.00584134972f, 0.02498894f, 0.029333489f,
       0.0236909091f, 0.0149964439f, 0.00779428938f, 0.00340142264f, 0.0012622294f, 0.000401470694f,
       0.000110032975f, 2.60846355e-05f, 5.36348261e-06f, 0.0f},
      {0.0f, 0.0159332789f, 0.0227470212f, 0.0183283333f, 0.00796066783f, -0.00128340197f,
       -0.00571754063f, -0.00585271558f, -0.00403663795f, -0.00215692422f, -0.000938408193f,
       -0.000340543018f, -0.000104513871f, -2.7365475e-05f, -6.14964074e-06f, 0.0f}};
  const auto magnitude = Lanes::absolute(x);
  const auto a = Lanes::min(Lanes::broadcast(last), magnitude);
  const auto shifted = Lanes::fma(a, Lanes::broadcast(1 / width), Lanes::broadcast(round));
  const auto n = Lanes::subtract(shifted, Lanes::broadcast(round));
  const auto r = Lanes::fma(n, Lanes::broadcast(-width), a);
  auto g = Lanes::lookup(c[4], shifted);
  for (int i = 3; i >= 0; i--) {
    g = Lanes::fma(g, r, Lanes::lookup(c[i], shifted));
  }
  return Lanes::fma(magnitude, g, Lanes::multiply(x, Lanes::broadcast(0.5f)));
}

template <class Lanes, int activation>
inline typename Lanes::Float activate(typename Lanes::Float x) {
  if constexpr (activation == SINTER_GELU_ERF) {
    return gelu_erf<Lanes>(x);
  } else if constexpr (activation == SINTER_GELU_TANH) {
    return gelu_tanh<Lanes>(x);
  } else if constexpr (activation == SINTER_SILU) {
    return silu<Lanes>(x);
  } else {
    return x;
  }
}

}  // namespace

#endif
