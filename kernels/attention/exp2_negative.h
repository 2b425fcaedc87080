// Powers of two for the weights of a softmax.
#ifndef SINTER_EXP2_NEGATIVE_H
#define SINTER_EXP2_NEGATIVE_H

namespace {

// 2^x for x <= 0: x = n + r, which is exact, and 2^r by a minimax polynomial, relative error below
// 3 * 2^-24. Scores come in these units because e^x would need three multiplications more.
template <class Lanes>
inline typename Lanes::Float exp2_negative(typename Lanes::Float x) {
  const auto smallest = Lanes::broadcast(-126.0f);
  const auto clamped = Lanes::max(smallest, x);  // x itself if it is NaN
  // At 1.5 * 2^23 the unit in the last place is 1: the low bits of the sum are n + 127.
  const auto magic = Lanes::broadcast(0x1.8p23f + 127);
  const auto shifted = Lanes::add(clamped, magic);
  const auto r = Lanes::subtract(clamped, Lanes::subtract(shifted, magic));
  auto p = Lanes::fma(r, Lanes::broadcast(0x1.5bba14p-10f), Lanes::broadcast(0x1.3cea88p-7f));
  p = Lanes::fma(p, r, Lanes::broadcast(0x1.c6b752p-5f));
  p = Lanes::fma(p, r, Lanes::broadcast(0x1.ebf9bcp-3f));
  p = Lanes::fma(p, r, Lanes::broadcast(0x1.62e42ap-1f));
  p = Lanes::fma(p, r, Lanes::broadcast(1.0f));
  // A product, not an addition to the exponent: NaN times anything is NaN.
  return Lanes::unless_less(x, smallest, Lanes::multiply(p, Lanes::exponent_of(shifted)));
}

}  // namespace

#endif
