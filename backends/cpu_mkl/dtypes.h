// C++ types of the data types, and the switch from the one to the other.
#pragma once

#include <complex>
#include <cstdint>

#include "flambeau/backend.h"

namespace FL_ISA {

// Storage only; arithmetic is done in float.
struct float16 {
  uint16_t bits;
};
struct bfloat16 {
  uint16_t bits;
};
struct boolean {
  uint8_t value;
};
using complex64 = std::complex<float>;
using complex128 = std::complex<double>;

template <int D>
struct StorageOf;
template <class T>
struct DtypeOf;
#define FL_TYPE(code, type)            \
  template <>                          \
  struct StorageOf<code> {             \
    using Type = type;                 \
  };                                   \
  template <>                          \
  struct DtypeOf<type> {               \
    static constexpr int value = code; \
  };
FL_TYPE(FL_BOOL, boolean)
FL_TYPE(FL_UINT8, uint8_t)
FL_TYPE(FL_INT8, int8_t)
FL_TYPE(FL_INT16, int16_t)
FL_TYPE(FL_INT32, int32_t)
FL_TYPE(FL_INT64, int64_t)
FL_TYPE(FL_FLOAT16, float16)
FL_TYPE(FL_BFLOAT16, bfloat16)
FL_TYPE(FL_FLOAT32, float)
FL_TYPE(FL_FLOAT64, double)
FL_TYPE(FL_COMPLEX64, complex64)
FL_TYPE(FL_COMPLEX128, complex128)
#undef FL_TYPE

inline constexpr uint32_t kBool = FL_DTYPE_BIT(FL_BOOL);
inline constexpr uint32_t kInts = FL_DTYPE_BIT(FL_UINT8) | FL_DTYPE_BIT(FL_INT8) |
                                  FL_DTYPE_BIT(FL_INT16) | FL_DTYPE_BIT(FL_INT32) |
                                  FL_DTYPE_BIT(FL_INT64);
inline constexpr uint32_t kHalfs = FL_DTYPE_BIT(FL_FLOAT16) | FL_DTYPE_BIT(FL_BFLOAT16);
inline constexpr uint32_t kSingles =
    FL_DTYPE_BIT(FL_FLOAT32) | FL_DTYPE_BIT(FL_FLOAT64);
inline constexpr uint32_t kFloats = kHalfs | kSingles;
inline constexpr uint32_t kComplex =
    FL_DTYPE_BIT(FL_COMPLEX64) | FL_DTYPE_BIT(FL_COMPLEX128);
inline constexpr uint32_t kReal = kInts | kFloats;
inline constexpr uint32_t kAll = FL_DTYPES_ALL;

template <class T>
struct Type {
  using type = T;
};

// f(Type<T>{}) for the storage type of `dtype`, when the bit of that is in Set.
template <uint32_t Set, class F>
inline fl_status for_dtype(int dtype, F&& f) {
#define FL_CASE(code)                                   \
  case code:                                            \
    if constexpr ((Set & FL_DTYPE_BIT(code)) != 0) {    \
      return f(Type<typename StorageOf<code>::Type>{}); \
    }                                                   \
    break;
  switch (dtype) {
    FL_CASE(FL_FLOAT32)
    FL_CASE(FL_FLOAT64)
    FL_CASE(FL_BOOL)
    FL_CASE(FL_UINT8)
    FL_CASE(FL_INT8)
    FL_CASE(FL_INT16)
    FL_CASE(FL_INT32)
    FL_CASE(FL_INT64)
    FL_CASE(FL_FLOAT16)
    FL_CASE(FL_BFLOAT16)
    FL_CASE(FL_COMPLEX64)
    FL_CASE(FL_COMPLEX128)
    default:
      break;
  }
#undef FL_CASE
  return FL_UNSUPPORTED;
}

inline size_t dtype_size(int dtype) {
  constexpr uint8_t sizes[FL_DTYPE_COUNT] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return sizes[dtype];
}

inline bool is_half(int dtype) { return ((kHalfs >> dtype) & 1) != 0; }

inline fl_status fail(const fl_call* call, const char* message,
                      fl_status status = FL_ERROR) {
  call->host->set_error(message);
  return status;
}

}  // namespace FL_ISA
