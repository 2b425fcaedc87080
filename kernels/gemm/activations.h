// The element-wise functions at the end of a matmul, the same operations in the same order on every
// instruction set, so that results are equal bit for bit. Absolute error below 3e-7 * max(1, |x|);
// NaN gives NaN, and so does -infinity (x * 0).
//
// The coefficients are minimax fits, made for this file, of exp on [-ln 2 / 2, ln 2 / 2] (relative
// error 2e-9 before rounding) and of exp(z * z) * erfc(z) as a polynomial in t = 1 / (1 + z / 2)
// (4e-8; that erfc is smooth in t is Numerical Recipes' observation, after Schonfelder, 1978).
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

// x * (1 + erf(x / sqrt(2))) / 2
template <class Lanes>
inline typename Lanes::Float gelu_erf(typename Lanes::Float x) {
  constexpr float half_root_half = 0.353553391f;
  constexpr float c[] = {-2.6777439643410617e-07f, 0.28209102153778076f, 0.28234291076660156f,
                         0.24322502315044403f,     0.20242595672607422f, -0.02630757912993431f,
                         0.27788251638412476f,     -0.4872041642665863f, 0.2846345007419586f,
                         -0.059089936316013336f};
  const auto zero = Lanes::broadcast(0.0f);
  const auto one = Lanes::broadcast(1.0f);
  const auto magnitude = Lanes::if_less(x, zero, Lanes::subtract(zero, x), x);
  const auto t = Lanes::divide(one, Lanes::fma(magnitude, Lanes::broadcast(half_root_half), one));
  const auto e =
      exp_negative<Lanes>(Lanes::multiply(Lanes::multiply(x, x), Lanes::broadcast(-0.5f)));
  // The normal distribution beyond |x|
  const auto tail =
      Lanes::multiply(Lanes::multiply(polynomial<Lanes>(c, t), e), Lanes::broadcast(0.5f));
  return Lanes::multiply(x, Lanes::if_less(x, zero, tail, Lanes::subtract(one, tail)));
}

template <class Lanes>
inline typename Lanes::Float activate(int32_t activation, typename Lanes::Float x) {
  switch (activation) {
    case SINTER_GELU_ERF:
      return gelu_erf<Lanes>(x);
    case SINTER_GELU_TANH:
      return gelu_tanh<Lanes>(x);
    case SINTER_SILU:
      return silu<Lanes>(x);
    default:
      return x;
  }
}

}  // namespace

#endif
