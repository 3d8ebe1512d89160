// Tensors in formulas: operators for derivatives and compositions, so that they read as
// they stand in a textbook.
#pragma once

#include <utility>

#include "ops/ops.h"

namespace fl {

inline Tensor operator+(const Tensor& a, const Operand& b) { return ops::add(a, b); }
inline Tensor operator-(const Tensor& a, const Operand& b) { return ops::sub(a, b); }
inline Tensor operator*(const Tensor& a, const Operand& b) { return ops::mul(a, b); }
inline Tensor operator/(const Tensor& a, const Operand& b) { return ops::div(a, b); }
inline Tensor operator+(double a, const Tensor& b) { return ops::add(b, a); }
inline Tensor operator-(double a, const Tensor& b) { return ops::add(ops::neg(b), a); }
inline Tensor operator*(double a, const Tensor& b) { return ops::mul(b, a); }
inline Tensor operator/(double a, const Tensor& b) {
  return a == 1.0 ? ops::reciprocal(b) : ops::mul(ops::reciprocal(b), a);
}
inline Tensor operator-(const Tensor& a) { return ops::neg(a); }

// The conjugate where there is one: gradients of holomorphic functions need it.
inline Tensor cj(const Tensor& t) { return is_complex(t.dtype()) ? ops::conj(t) : t; }
inline Operand cj(const Operand& o) {
  if (o.value.is_tensor() && is_complex(o.value.tensor->dtype)) {
    return Operand::own(ops::conj(Tensor(o.value.tensor)));
  }
  if (o.value.tag != Tag::Complex) return o;
  return Operand(Scalar(std::conj(std::complex<double>(o.value.f, o.value.im))));
}

}  // namespace fl
