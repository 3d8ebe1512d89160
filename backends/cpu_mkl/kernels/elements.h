// What the kernels that move, order or invent elements (random, sort, index, select)
// share: conversions of single elements, the choice of a template, errors, workspace.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>

#include "dtypes.h"
#include "flambeau/backend.h"

// The headers of these kernels have a namespace of their own, lest their inline
// functions meet others of the same name at the link.
namespace FL_ISA::inline data_kernels {

template <class T>
inline constexpr bool is_half_type =
    std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;
template <class T>
inline constexpr bool is_float_type =
    is_half_type<T> || std::is_same_v<T, float> || std::is_same_v<T, double>;
template <class T>
inline constexpr bool is_complex_type =
    std::is_same_v<T, complex64> || std::is_same_v<T, complex128>;

// What an element of T is computed in.
template <class T>
using Wide =
    std::conditional_t<is_half_type<T>, float,
                       std::conditional_t<std::is_same_v<T, boolean>, bool, T>>;

template <class T>
inline Wide<T> widen(T x) {
  if constexpr (std::is_same_v<T, float16>) {
    _Float16 h;
    std::memcpy(&h, &x, 2);
    return static_cast<float>(h);
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    const uint32_t u = static_cast<uint32_t>(x.bits) << 16;
    float f;
    std::memcpy(&f, &u, 4);
    return f;
  } else if constexpr (std::is_same_v<T, boolean>) {
    return x.value != 0;
  } else {
    return x;
  }
}

template <class T>
inline T narrow(Wide<T> x) {
  T out;
  if constexpr (std::is_same_v<T, float16>) {
    const auto h = static_cast<_Float16>(x);
    std::memcpy(&out, &h, 2);
  } else if constexpr (std::is_same_v<T, bfloat16>) {
    uint32_t u;
    std::memcpy(&u, &x, 4);
    const uint32_t rounded = (u + 0x7FFF + ((u >> 16) & 1)) >> 16;
    out.bits = static_cast<uint16_t>(x == x ? rounded : 0x7FC0);
  } else if constexpr (std::is_same_v<T, boolean>) {
    out.value = x;
  } else {
    out = x;
  }
  return out;
}

// A number of another type as an element.
template <class T, class X>
inline T element(X x) {
  return narrow<T>(static_cast<Wide<T>>(x));
}

constexpr uint32_t kOrdered = kReal | kBool;

struct Bits128 {
  uint64_t low, high;
};

// Calls f(Type<U>()) for the unsigned type of the dtype's size: for kernels that move
// elements and never compute with them.
template <class F>
fl_status for_bits(int dtype, F&& f) {
  switch (dtype_size(dtype)) {
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

inline fl_status index_error(const fl_call* call, int64_t index, int64_t dim,
                             int64_t size) {
  char text[128];
  std::snprintf(text, sizeof text,
                "index %lld is out of bounds for dimension %lld with size %lld",
                static_cast<long long>(index), static_cast<long long>(dim),
                static_cast<long long>(size));
  return fail(call, text, FL_INDEX_ERROR);
}

// Scratch memory for `count` elements, or nullptr.
template <class T>
T* workspace(const fl_call* call, int64_t count) {
  return static_cast<T*>(
      call->host->workspace(call, static_cast<size_t>(count) * sizeof(T)));
}

inline fl_status no_memory(const fl_call* call) {
  return fail(call, "no memory is left for a kernel's workspace", FL_OUT_OF_MEMORY);
}

template <class T>
T* data_of(const fl_tensor& t) {
  return static_cast<T*>(t.data);
}

inline bool absent(const fl_tensor& t) { return t.ndim < 0; }

inline bool is_dense(const fl_tensor& t) {
  int64_t expected = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    if (t.sizes[d] != 1 && t.strides[d] != expected) return false;
    expected *= t.sizes[d];
  }
  return (t.flags & FL_HOST_SCALAR) == 0;
}

// Where element i, counted in row-major order, lies in a strided tensor.
inline int64_t offset_of(const fl_tensor& t, int64_t i) {
  int64_t offset = 0;
  for (int d = t.ndim - 1; d >= 0; d--) {
    offset += i % t.sizes[d] * t.strides[d];
    i /= t.sizes[d];
  }
  return offset;
}

}  // namespace FL_ISA::inline data_kernels
