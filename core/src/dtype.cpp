// Promotion, names and conversion of data types on the host.
#include "flambeau/dtype.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace fl {

namespace {

// Order within a category is by size; bfloat16 and float16 meet in float32, uint8 and
// int8 in int16.
constexpr const char* kShortNames[kDtypeCount] = {
    "bool",    "uint8",    "int8",    "int16",   "int32",     "int64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128"};
constexpr const char* kTypeNames[kDtypeCount] = {
    "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
    "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"};

Dtype g_default = Dtype::Float32;

}  // namespace

Dtype promote(Dtype a, Dtype b) {
  if (a == b) return a;
  if (category(a) > category(b)) std::swap(a, b);  // b has the higher category
  if (category(a) < category(b)) {
    if (is_complex(b) && a == Dtype::Float64) return Dtype::Complex128;
    return b;
  }
  if (a > b) std::swap(a, b);
  if (a == Dtype::UInt8) return b == Dtype::Int8 ? Dtype::Int16 : b;
  if (a == Dtype::Float16 && b == Dtype::BFloat16) return Dtype::Float32;
  return b;
}

const char* short_name(Dtype d) { return kShortNames[static_cast<int>(d)]; }
const char* type_name(Dtype d) { return kTypeNames[static_cast<int>(d)]; }

Dtype default_dtype() { return g_default; }
void set_default_dtype(Dtype d) { g_default = d; }

Dtype Scalar::dtype() const {
  switch (kind) {
    case Kind::Bool:
      return Dtype::Bool;
    case Kind::Int:
      return Dtype::Int64;
    case Kind::Float:
      return g_default;
    default:
      return complex_dtype(g_default);
  }
}

namespace {

template <class T>
void put(void* to, T v) {
  std::memcpy(to, &v, sizeof v);
}
template <class T>
T take(const void* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

// Out-of-range doubles have no integer value in C++; saturate instead of undefined.
int64_t int_of(const Scalar& s) {
  if (s.is_integral()) return s.i;
  if (!(s.f >= -0x1p63 && s.f < 0x1p63)) {
    return std::isnan(s.f) || s.f < 0 ? INT64_MIN : INT64_MAX;
  }
  return static_cast<int64_t>(s.f);
}

}  // namespace

void Scalar::store(Dtype d, void* to) const {
  switch (d) {
    case Dtype::Bool:
      return put<uint8_t>(to, to_bool());
    case Dtype::UInt8:
    case Dtype::Int8:
      return put<int8_t>(to, static_cast<int8_t>(int_of(*this)));
    case Dtype::Int16:
      return put<int16_t>(to, static_cast<int16_t>(int_of(*this)));
    case Dtype::Int32:
      return put<int32_t>(to, static_cast<int32_t>(int_of(*this)));
    case Dtype::Int64:
      return put<int64_t>(to, int_of(*this));
    case Dtype::Float16:
      return put(to, float_to_half(static_cast<float>(real())));
    case Dtype::BFloat16:
      return put(to, float_to_bfloat16(static_cast<float>(real())));
    case Dtype::Float32:
      return put(to, static_cast<float>(real()));
    case Dtype::Float64:
      return put(to, real());
    case Dtype::Complex64: {
      put(to, static_cast<float>(real()));
      return put(static_cast<char*>(to) + 4, static_cast<float>(imag()));
    }
    case Dtype::Complex128: {
      put(to, real());
      return put(static_cast<char*>(to) + 8, imag());
    }
  }
}

Scalar Scalar::load(Dtype d, const void* from) {
  switch (d) {
    case Dtype::Bool:
      return Scalar(take<uint8_t>(from) != 0);
    case Dtype::UInt8:
      return Scalar(int64_t{take<uint8_t>(from)});
    case Dtype::Int8:
      return Scalar(int64_t{take<int8_t>(from)});
    case Dtype::Int16:
      return Scalar(int64_t{take<int16_t>(from)});
    case Dtype::Int32:
      return Scalar(int64_t{take<int32_t>(from)});
    case Dtype::Int64:
      return Scalar(take<int64_t>(from));
    case Dtype::Float16:
      return Scalar(double{half_to_float(take<uint16_t>(from))});
    case Dtype::BFloat16:
      return Scalar(double{bfloat16_to_float(take<uint16_t>(from))});
    case Dtype::Float32:
      return Scalar(double{take<float>(from)});
    case Dtype::Float64:
      return Scalar(take<double>(from));
    case Dtype::Complex64:
      return Scalar(std::complex<double>(take<std::complex<float>>(from)));
    case Dtype::Complex128:
      return Scalar(take<std::complex<double>>(from));
  }
  return Scalar();
}

uint16_t float_to_bfloat16(float v) {
  uint32_t u = std::bit_cast<uint32_t>(v);
  if (std::isnan(v)) return 0x7FC0;
  return static_cast<uint16_t>((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
}

float bfloat16_to_float(uint16_t v) {
  return std::bit_cast<float>(static_cast<uint32_t>(v) << 16);
}

uint16_t float_to_half(float v) {
  uint32_t u = std::bit_cast<uint32_t>(v);
  uint32_t sign = (u >> 16) & 0x8000u;
  u &= 0x7FFFFFFFu;
  if (u >= 0x7F800000u) {  // infinity and NaN
    return static_cast<uint16_t>(sign | 0x7C00u | (u > 0x7F800000u ? 0x200u : 0));
  }
  if (u >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);  // overflows
  if (u < 0x38800000u) {  // subnormal: let the float adder do the rounding
    float f = std::bit_cast<float>(u) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(f) - 0x3F000000u));
  }
  u += 0xC8000FFFu + ((u >> 13) & 1);
  return static_cast<uint16_t>(sign | (u >> 13));
}

float half_to_float(uint16_t h) {
  uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  uint32_t rest = h & 0x7FFFu;
  float f;
  if (rest >= 0x7C00u) {
    f = std::bit_cast<float>((rest << 13) | 0x7F800000u);
  } else if (rest >= 0x0400u) {
    f = std::bit_cast<float>((rest << 13) + 0x38000000u);
  } else {  // subnormal
    f = static_cast<float>(rest) * 0x1p-24f;
  }
  return std::bit_cast<float>(std::bit_cast<uint32_t>(f) | sign);
}

}  // namespace fl
