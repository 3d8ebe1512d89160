// Data types: their properties, PyTorch's promotion rules, and the host's scalar.
#pragma once

#include <complex>
#include <cstdint>

#include "flambeau/backend.h"

namespace fl {

enum class Dtype : uint8_t {
  Bool = FL_BOOL,
  UInt8 = FL_UINT8,
  Int8 = FL_INT8,
  Int16 = FL_INT16,
  Int32 = FL_INT32,
  Int64 = FL_INT64,
  Float16 = FL_FLOAT16,
  BFloat16 = FL_BFLOAT16,
  Float32 = FL_FLOAT32,
  Float64 = FL_FLOAT64,
  Complex64 = FL_COMPLEX64,
  Complex128 = FL_COMPLEX128,
};
inline constexpr int kDtypeCount = FL_DTYPE_COUNT;

inline constexpr uint8_t kItemSize[kDtypeCount] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};

constexpr int64_t item_size(Dtype d) { return kItemSize[static_cast<int>(d)]; }
constexpr bool is_complex(Dtype d) { return d >= Dtype::Complex64; }
constexpr bool is_floating(Dtype d) {
  return d >= Dtype::Float16 && d <= Dtype::Float64;
}
// Integers, bool not included.
constexpr bool is_integer(Dtype d) { return d >= Dtype::UInt8 && d <= Dtype::Int64; }
constexpr bool is_integral(Dtype d) { return d <= Dtype::Int64; }  // with bool
constexpr bool is_differentiable(Dtype d) { return d >= Dtype::Float16; }

// PyTorch's category order: bool < integer < float < complex.
constexpr int category(Dtype d) {
  return d == Dtype::Bool ? 0 : is_integer(d) ? 1 : is_floating(d) ? 2 : 3;
}
constexpr Dtype real_dtype(Dtype d) {
  return d == Dtype::Complex64    ? Dtype::Float32
         : d == Dtype::Complex128 ? Dtype::Float64
                                  : d;
}
constexpr Dtype complex_dtype(Dtype d) {
  return d == Dtype::Float64 || d == Dtype::Complex128 ? Dtype::Complex128
                                                       : Dtype::Complex64;
}

// The smallest dtype that both can be cast to, as torch.promote_types.
Dtype promote(Dtype a, Dtype b);
// As torch.can_cast: a value of a higher category never goes into a lower one.
constexpr bool can_cast(Dtype from, Dtype to) {
  if (from != Dtype::Bool && to == Dtype::Bool) return false;
  return (category(from) <= category(to)) || category(to) == category(from);
}

const char* short_name(Dtype d);  // "float32"
const char* type_name(Dtype d);   // "Float", as PyTorch's messages name it

// The process-wide default floating dtype: set_default_dtype.
Dtype default_dtype();
void set_default_dtype(Dtype d);

// A number from the host, as Python gives it.
struct Scalar {
  enum class Kind : uint8_t { Bool, Int, Float, Complex };
  Kind kind = Kind::Int;
  union {
    int64_t i;
    double f;
  };
  double im = 0;

  Scalar() : i(0) {}
  Scalar(bool v) : kind(Kind::Bool), i(v) {}
  Scalar(int v) : kind(Kind::Int), i(v) {}
  Scalar(int64_t v) : kind(Kind::Int), i(v) {}
  Scalar(double v) : kind(Kind::Float), f(v) {}
  Scalar(std::complex<double> v) : kind(Kind::Complex), f(v.real()), im(v.imag()) {}

  double real() const { return kind <= Kind::Int ? static_cast<double>(i) : f; }
  double imag() const { return kind == Kind::Complex ? im : 0.0; }
  int64_t to_int() const { return kind <= Kind::Int ? i : static_cast<int64_t>(f); }
  bool to_bool() const { return kind <= Kind::Int ? i != 0 : f != 0 || im != 0; }
  bool is_integral() const { return kind <= Kind::Int; }
  bool equals(double v) const { return real() == v && imag() == 0; }
  // The dtype that a lone Python number has: int64, the default float, ...
  Dtype dtype() const;
  // Writes the value, converted, as one element of dtype d.
  void store(Dtype d, void* to) const;
  // Reads one element of dtype d.
  static Scalar load(Dtype d, const void* from);
};

uint16_t float_to_half(float v);
float half_to_float(uint16_t v);
uint16_t float_to_bfloat16(float v);
float bfloat16_to_float(uint16_t v);

}  // namespace fl
