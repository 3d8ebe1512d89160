// The one iterator of pointwise kernels. A kernel is a functor on vectors; map_row runs
// it over a row of contiguous or repeated elements; pointwise() makes such rows out of
// whatever layout the operands have. See Note [Rows].
#pragma once

#include <algorithm>

#include "registry.h"
#include "simd.h"

namespace FL_ISA {

// Note [Rows]
// A row function gets, for each operand (outputs first), a pointer and a step of 1
// (contiguous) or 0 (one value, which the caller has repeated over kSplatBytes). The
// step of an output may be kPast: contiguous, aligned, and better written past the
// caches.
// Operands of half precision reach it as float. Everything else is done outside, once
// for all kernels: strided, transposed, broadcast and half-precision operands are
// brought into small buffers that stay in the first-level cache, and results go back
// the same way. So a kernel is compiled once for each type that it computes in, not for
// each layout.
using RowFn = void (*)(char* const* p, const int64_t* step, int64_t n, const void* op);

inline constexpr int kMaxOperands = 6;
inline constexpr int64_t kPast = 2;
inline constexpr int kSplatBytes = 2 * kWidth;

// Rough nanoseconds per element, to decide when threads pay.
inline constexpr float kCheap = 0.15f, kMath = 0.6f, kHeavy = 10.0f;

enum : uint32_t {
  kRaw = 1,     // halves are moved about and not computed with: leave them as they are
  kCopy = 2,    // the row function copies elements unchanged: buffers can be left out
  kDirect = 4,  // the row function knows kPast
};

// A call to change. Of one from an older host there is less than this header knows.
inline fl_call copy_of(const fl_call* call) {
  fl_call copy = {};
  std::memcpy(&copy, call, std::min<size_t>(call->size, sizeof(copy)));
  return copy;
}

fl_status pointwise(const fl_call* call, RowFn row, const void* op, float cost,
                    uint32_t flags = 0);

// The row function that copies elements of this dtype.
RowFn copy_row_of(int dtype);

// ---- rows -------------------------------------------------------------------

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

// How N elements of T are moved between memory and vectors.
template <class T, int N>
struct Mover {
  using V = Vec<T, N>;
  static FL_INLINE V get(const void* p) { return load<V>(p); }
  static FL_INLINE V get(const void* p, int n) { return load_padded<V>(p, n); }
  template <class W>
  static FL_INLINE V cast(W v) {
    if constexpr (std::is_same_v<T, boolean>) {
      return convert<uint8_t>(v & 1);
    } else {
      return convert<T>(v);
    }
  }
  // With `past`, past the caches where that makes whole vectors.
  template <class W>
  static FL_INLINE void put(void* p, W v, bool past) {
    if constexpr (sizeof(V) == kWidth) {
      if (past) return stream(p, cast(v));
    }
    store(p, cast(v));
  }
  template <class W>
  static FL_INLINE void put(void* p, W v, int n) {
    store_some(p, cast(v), n);
  }
};

template <class T, int N>
struct Mover<std::complex<T>, N> {
  using V = CVec<T, N>;
  static FL_INLINE V get(const void* p) { return load_complex<V>(p); }
  static FL_INLINE V get(const void* p, int n) {
    T buffer[2 * N];
    for (int i = 0; i < 2 * N; i += 2) std::memcpy(buffer + i, p, 2 * sizeof(T));
    std::memcpy(buffer, p, n * 2 * sizeof(T));
    return load_complex<V>(buffer);
  }
  static FL_INLINE void put(void* p, V v, bool past) { store_complex(p, v, past); }
  static FL_INLINE void put(void* p, V v, int n) {
    T buffer[2 * N];
    store_complex(buffer, v);
    std::memcpy(p, buffer, n * 2 * sizeof(T));
  }
};

template <class T, class... U>
inline constexpr int widest =
    sizeof(Real<T>) > widest<U...> ? sizeof(Real<T>) : widest<U...>;
template <class T>
inline constexpr int widest<T> = sizeof(Real<T>);

// Runs `Op` over a row: Op takes and gives N lanes of each type at a time.
template <class Op, class Out, class... In>
struct MapRow {
  static constexpr int N = kWidth / widest<Out, In...>;
  // Masks narrower than what they come of are made K at a time, into whole vectors. (Of
  // AVX-512, one instruction narrows a mask.)
#if defined(__AVX512F__)
  static constexpr int K = 1;
#else
  static constexpr int K = std::is_same_v<Out, boolean> ? widest<In...> : 1;
#endif

  static void run(char* const* p, const int64_t* step, int64_t n, const void* op) {
    loop(p, step, n, *static_cast<const Op*>(op),
         std::make_index_sequence<sizeof...(In)>{});
  }

 private:
  template <size_t... I>
  static FL_INLINE void loop(char* const* p, const int64_t* step, int64_t n,
                             const Op& op, std::index_sequence<I...>) {
    char* out = p[0];
    const char* in[] = {p[1 + I]...};
    const int64_t move[] = {step[1 + I] * int64_t{N * sizeof(In)}...};
    const bool past = step[0] == kPast;
    int64_t i = 0;
    if constexpr (K > 1) {
      const std::index_sequence<I...> all;
      for (; i + K * N <= n; i += K * N) {
        const auto bytes = (Vec<uint8_t>)masks<K>(op, in, move, all) & 1;
        past ? stream(out, bytes) : store(out, bytes);
        out += K * N;
        ((in[I] += K * move[I]), ...);
      }
    }
#pragma GCC unroll 2
    for (; i + N <= n; i += N) {
      Mover<Out, N>::put(out, op(Mover<In, N>::get(in[I])...), past);
      out += N * sizeof(Out);
      ((in[I] += move[I]), ...);
    }
    const int rest = static_cast<int>(n - i);
    if (rest != 0) {
      Mover<Out, N>::put(out,
                         op((step[1 + I] != 0 ? Mover<In, N>::get(in[I], rest)
                                              : Mover<In, N>::get(in[I]))...),
                         rest);
    }
  }

  // The masks of the next M vectors, in lanes an M-th as wide.
  template <int M, size_t... I>
  static FL_INLINE auto masks(const Op& op, const char* const* in, const int64_t* move,
                              std::index_sequence<I...> all) {
    if constexpr (M == 1) {
      return op(Mover<In, N>::get(in[I])...);
    } else {
      const char* const next[] = {in[I] + M / 2 * move[I]...};
      return pack_halves(masks<M / 2>(op, in, move, all),
                         masks<M / 2>(op, next, move, all));
    }
  }
};

// pointwise() with the row of Op on these types.
template <class Out, class... In, class Op>
inline fl_status map(const fl_call* call, const Op& op, float cost = kCheap,
                     uint32_t flags = 0) {
  return pointwise(call, &MapRow<Op, Out, In...>::run, &op, cost, flags | kDirect);
}

// Calls make(T{}) for the type T in which the floating-point main operand is computed,
// and maps the functor that it returns over kArity operands of that type.
template <int kArity, class F>
inline fl_status map_floats(const fl_call* call, F&& make, float cost = kMath) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    if constexpr (kArity == 1) return map<T, T>(call, make(T{}), cost);
    if constexpr (kArity == 2) return map<T, T, T>(call, make(T{}), cost);
    if constexpr (kArity == 3) return map<T, T, T, T>(call, make(T{}), cost);
  });
}

// ---- attributes -------------------------------------------------------------
template <class T>
inline T attr_f(const fl_call* call, int i) {
  return static_cast<T>(call->attr[i].v.f);
}

// A complex attribute as a number of type T: the real part, where T is real.
template <class T>
inline T attr_c(const fl_call* call, int i) {
  const double* c = call->attr[i].v.c;
  if constexpr (is_complex<T>) {
    return T(static_cast<Real<T>>(c[0]), static_cast<Real<T>>(c[1]));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<int64_t>(c[0]));
  } else {
    return static_cast<T>(c[0]);
  }
}

// ---- copying, for kernels that move data ------------------------------------

// Copies between views of the same sizes and dtype, whatever their strides.
fl_status copy_view(const fl_call* call, const fl_tensor& dst, const fl_tensor& src);
// With `stream` the result goes past the caches (the caller ends with stream_fence()).
// dst[r][c] = src[c][r] for elements of `size` bytes; leading strides count elements.
void transpose(int size, void* dst, int64_t dst_ld, const void* src, int64_t src_ld,
               int64_t rows, int64_t cols, bool stream = false);
// Copies past the caches where the processor can; the caller ends with stream_fence().
void stream_copy(void* dst, const void* src, int64_t bytes);
void stream_fence();
// Outputs of more bytes than this are better written past the caches.
inline constexpr int64_t kStreamBytes = int64_t{8} << 20;
void gather_strided(int size, void* dst, const void* src, int64_t stride_bytes,
                    int64_t n);
// dst[i] = src[-i], for elements of at most 8 bytes; `stream` as above.
void reverse_copy(int size, void* dst, const void* src, int64_t n, bool stream);
void scatter_strided(int size, void* dst, int64_t stride_bytes, const void* src,
                     int64_t n);
// With `past`, past the caches: dst is aligned.
void widen_row(int dtype, float* dst, const void* src, int64_t n, bool past = false);
void narrow_row(int dtype, void* dst, const float* src, int64_t n, bool past = false);

}  // namespace FL_ISA
