// Elements of the twelve dtypes: what they are computed in, reading, writing, and
// views.
#pragma once

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/kernel.h"
#include "kernels/simt.h"

namespace simulated {

using Complex64 = std::complex<float>;
using Complex128 = std::complex<double>;

inline constexpr uint32_t kBool = FL_DTYPE_BIT(FL_BOOL);
inline constexpr uint32_t kInts = FL_DTYPE_BIT(FL_UINT8) | FL_DTYPE_BIT(FL_INT8) |
                                  FL_DTYPE_BIT(FL_INT16) | FL_DTYPE_BIT(FL_INT32) |
                                  FL_DTYPE_BIT(FL_INT64);
inline constexpr uint32_t kFloats = FL_DTYPE_BIT(FL_FLOAT16) |
                                    FL_DTYPE_BIT(FL_BFLOAT16) |
                                    FL_DTYPE_BIT(FL_FLOAT32) | FL_DTYPE_BIT(FL_FLOAT64);
inline constexpr uint32_t kComplex =
    FL_DTYPE_BIT(FL_COMPLEX64) | FL_DTYPE_BIT(FL_COMPLEX128);
inline constexpr uint32_t kReal = kInts | kFloats;
inline constexpr uint32_t kNumbers = kReal | kComplex;
inline constexpr uint32_t kInexact = kFloats | kComplex;
inline constexpr uint32_t kOrdered = kReal | kBool;
inline constexpr uint32_t kAll = FL_DTYPES_ALL;

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<std::complex<T>> = true;

template <class T>
struct RealOf {
  using type = T;
};
template <class T>
struct RealOf<std::complex<T>> {
  using type = T;
};
template <class T>
using Real = typename RealOf<T>::type;

// Note [Computing types]
// Kernels are compiled for six types: bool, int64_t, float, double and two complex
// ones. Elements of the other dtypes are widened when they are read and narrowed when
// they are written: integers wrap, halves round. Which dtype lies in memory is looked
// at for each element; that is slow, and keeps one kernel where there would be twelve.
template <class T>
struct Type {
  using type = T;
};

// f(Type<C>()) for the type that a dtype is computed in, when Set has the dtype.
template <uint32_t Set, class F>
void for_type(int dtype, F&& f) {
  if (((Set >> dtype) & 1) == 0) return;
  switch (dtype) {
    case FL_BOOL:
      if constexpr ((Set & kBool) != 0) f(Type<bool>());
      return;
    case FL_FLOAT64:
      if constexpr ((Set & kFloats) != 0) f(Type<double>());
      return;
    case FL_COMPLEX64:
      if constexpr ((Set & kComplex) != 0) f(Type<Complex64>());
      return;
    case FL_COMPLEX128:
      if constexpr ((Set & kComplex) != 0) f(Type<Complex128>());
      return;
    case FL_FLOAT16:
    case FL_BFLOAT16:
    case FL_FLOAT32:
      if constexpr ((Set & kFloats) != 0) f(Type<float>());
      return;
    default:
      if constexpr ((Set & kInts) != 0) f(Type<int64_t>());
      return;
  }
}

__host__ __device__ inline size_t bytes_of(int dtype) {
  constexpr uint8_t sizes[FL_DTYPE_COUNT] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return sizes[dtype];
}

// f(Type<U>()) for the unsigned type of the dtype's size: for kernels that move
// elements.
struct Bits128 {
  uint64_t low, high;
};
template <class F>
void for_bits(int dtype, F&& f) {
  switch (bytes_of(dtype)) {
    case 1:
      return f(Type<uint8_t>());
    case 2:
      return f(Type<uint16_t>());
    case 4:
      return f(Type<uint32_t>());
    case 8:
      return f(Type<uint64_t>());
    default:
      return f(Type<Bits128>());
  }
}

// ---- conversion -------------------------------------------------------------------

__host__ __device__ inline float half_to_float(uint16_t bits) {
  _Float16 h;
  std::memcpy(&h, &bits, 2);
  return static_cast<float>(h);
}

__host__ __device__ inline uint16_t float_to_half(float x) {
  const auto h = static_cast<_Float16>(x);
  uint16_t bits;
  std::memcpy(&bits, &h, 2);
  return bits;
}

__host__ __device__ inline float bfloat_to_float(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float x;
  std::memcpy(&x, &wide, 4);
  return x;
}

// To nearest, ties to even.
__host__ __device__ inline uint16_t float_to_bfloat(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>(x == x ? rounded : 0x7FC0);
}

// As C casts, but: any number that is not zero is true; complex numbers keep their real
// part; floating-point numbers reach small integers by way of int32.
template <class To, class From>
__host__ __device__ inline To cast(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (is_complex<To> && is_complex<From>) {
    return To(static_cast<Real<To>>(x.real()), static_cast<Real<To>>(x.imag()));
  } else if constexpr (is_complex<To>) {
    return To(static_cast<Real<To>>(x), 0);
  } else if constexpr (is_complex<From>) {
    return cast<To>(x.real());
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From> &&
                       sizeof(To) < 4) {
    return static_cast<To>(static_cast<int32_t>(x));
  } else {
    return static_cast<To>(x);
  }
}

template <class C>
__host__ __device__ __forceinline__ C load(const void* data, int dtype, int64_t i) {
#define SIMULATED_LOAD(code, type) \
  case code:                       \
    return cast<C>(static_cast<const type*>(data)[i])
  switch (dtype) {
    SIMULATED_LOAD(FL_FLOAT32, float);
    SIMULATED_LOAD(FL_FLOAT64, double);
    SIMULATED_LOAD(FL_INT64, int64_t);
    SIMULATED_LOAD(FL_INT32, int32_t);
    SIMULATED_LOAD(FL_INT16, int16_t);
    SIMULATED_LOAD(FL_INT8, int8_t);
    SIMULATED_LOAD(FL_UINT8, uint8_t);
    SIMULATED_LOAD(FL_COMPLEX64, Complex64);
    SIMULATED_LOAD(FL_COMPLEX128, Complex128);
    case FL_BOOL:
      return cast<C>(static_cast<const uint8_t*>(data)[i] != 0);
    case FL_FLOAT16:
      return cast<C>(half_to_float(static_cast<const uint16_t*>(data)[i]));
    default:
      return cast<C>(bfloat_to_float(static_cast<const uint16_t*>(data)[i]));
  }
#undef SIMULATED_LOAD
}

template <class C>
__host__ __device__ __forceinline__ void store(void* data, int dtype, int64_t i, C x) {
#define SIMULATED_STORE(code, type)              \
  case code:                                     \
    static_cast<type*>(data)[i] = cast<type>(x); \
    return
  switch (dtype) {
    SIMULATED_STORE(FL_FLOAT32, float);
    SIMULATED_STORE(FL_FLOAT64, double);
    SIMULATED_STORE(FL_INT64, int64_t);
    SIMULATED_STORE(FL_INT32, int32_t);
    SIMULATED_STORE(FL_INT16, int16_t);
    SIMULATED_STORE(FL_INT8, int8_t);
    SIMULATED_STORE(FL_UINT8, uint8_t);
    SIMULATED_STORE(FL_COMPLEX64, Complex64);
    SIMULATED_STORE(FL_COMPLEX128, Complex128);
    case FL_BOOL:
      static_cast<uint8_t*>(data)[i] = cast<bool>(x);
      return;
    case FL_FLOAT16:
      static_cast<uint16_t*>(data)[i] = float_to_half(cast<float>(x));
      return;
    default:
      static_cast<uint16_t*>(data)[i] = float_to_bfloat(cast<float>(x));
      return;
  }
#undef SIMULATED_STORE
}

// ---- views ------------------------------------------------------------------------

// One operand, passed to a kernel by value.
struct View {
  void* data;
  int dtype;
  int64_t strides[kMaxDims];

  template <class C>
  __device__ C get(int64_t offset) const {
    return load<C>(data, dtype, offset);
  }
  template <class C>
  __device__ void put(int64_t offset, C x) const {
    store(data, dtype, offset, x);
  }
};

inline View view_of(const fl_tensor& t) {
  View v;
  v.data = t.data;
  v.dtype = t.dtype;
  if ((t.flags & FL_HOST_SCALAR) != 0) {
    // One value of the host's is repeated, however many dimensions it says it has.
    for (int64_t& stride : v.strides) stride = 0;
  } else {
    for (int d = 0; d < t.ndim; ++d) v.strides[d] = t.strides[d];
  }
  return v;
}

// Sizes to walk through in row-major order.
struct Shape {
  int ndim = 0;
  int64_t numel = 1;
  int64_t sizes[kMaxDims];

  void add(int64_t size) {
    sizes[ndim++] = size;
    numel *= size;
  }
};

inline Shape shape_of(const fl_tensor& t) {
  Shape s;
  for (int d = 0; d < t.ndim; ++d) s.add(t.sizes[d]);
  return s;
}

// The offset of element i of a shape in one view.
__device__ inline int64_t offset_of(const Shape& s, const View& v, int64_t i) {
  if (s.ndim == 1) return i * v.strides[0];
  int64_t offset = 0;
  for (int d = s.ndim - 1; d >= 0; --d) {
    offset += i % s.sizes[d] * v.strides[d];
    i /= s.sizes[d];
  }
  return offset;
}

inline bool is_absent(const fl_tensor& t) { return t.ndim < 0; }

}  // namespace simulated
