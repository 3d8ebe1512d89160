// Uniform random numbers, integers, coin flips, dropout and permutations, out of
// Philox.

#include <algorithm>
#include <cmath>

#include "elements.h"
#include "random_words.h"
#include "registry.h"

namespace FL_ISA {
namespace {

// ---- uniform ---------------------------------------------------------------------

// The largest T below hi; uniform excludes hi, which rounding may reach.
template <class T>
T value_below(T hi) {
  if constexpr (is_half_type<T>) {
    const uint16_t u = hi.bits;
    const bool zero = (u & 0x7FFF) == 0, negative = (u >> 15) != 0;
    hi.bits = static_cast<uint16_t>(zero ? 0x8001 : negative ? u + 1 : u - 1);
    return hi;
  } else {
    return std::nextafter(hi, -std::numeric_limits<T>::infinity());
  }
}

template <class T>
void uniform_block(T* out, const uint32_t* words, int64_t n, double lo, double hi) {
  using W = Wide<T>;
  const W low = static_cast<W>(lo), range = static_cast<W>(hi - lo);
  const W top = widen(element<T>(hi)), last = widen(value_below(element<T>(hi)));
  for (int64_t i = 0; i < n; i++) {
    const W x = widen(narrow<T>(low + range * unit<W>(words, i)));
    out[i] = narrow<T>(x < top || !(low < top) ? x : last);
  }
}

fl_status uniform(const fl_call* call) {
  const double lo = call->attr[0].v.f, hi = call->attr[1].v.f;
  const Philox philox(call->attr[2].v.i, call->attr[3].v.i);
  return for_dtype<kFloats>(call->out->dtype, [&]<class T>(Type<T>) {
    T* out = data_of<T>(*call->out);
    for_words<words_of<T>>(philox, call->out->numel,
                           [=](int64_t start, int64_t n, const uint32_t* words) {
                             uniform_block(out + start, words, n, lo, hi);
                           });
    return FL_OK;
  });
}

// ---- integers --------------------------------------------------------------------

// w mod n for one n, without a division each time.
class Modulo {
 public:
  explicit Modulo(uint64_t n) : n_(n), inverse_(n > 0 ? ~uint64_t{0} / n : 0) {}
  uint64_t operator()(uint64_t w) const {
    // The quotient is at most one too small.
    const uint64_t q =
        static_cast<uint64_t>((static_cast<unsigned __int128>(w) * inverse_) >> 64);
    const uint64_t r = w - q * n_;
    return n_ == 0 ? w : r >= n_ ? r - n_ : r;
  }

 private:
  uint64_t n_, inverse_;
};

// The same for a small n in doubles: (high·2³² + low) mod n by two steps whose operands
// are exact in 53 bits.  It pays where integers become doubles eight at a time.
#if defined(__AVX512F__)
constexpr uint64_t kSmallRange = uint64_t{1} << 20;
#else
constexpr uint64_t kSmallRange = 0;
#endif

// x mod n but for one n too many or too few.
inline double reduce(double x, double n, double inverse) {
  return x - n * std::floor(x * inverse);
}

void small_modulo(int64_t* out, const uint32_t* words, int64_t count, uint64_t range) {
  const double n = static_cast<double>(range), inverse = 1 / n;
  for (int64_t i = 0; i < count; i++) {
    const double high = reduce(words[2 * i + 1], n, inverse);
    double r = reduce(high * 4294967296.0 + words[2 * i], n, inverse);
    r = r < 0 ? r + n : r;
    out[i] = static_cast<int64_t>(r >= n ? r - n : r);
  }
}

// The same for n below kMediumRange in products of 32-bit halves, a vector of words at
// a time; `count` is rounded up to whole vectors. Of the quotient w·⌊(2⁶⁴−1)/n⌋/2⁶⁴ the
// product of the low halves and two carries are left out: it is at most four too small,
// and the remainder, below 5n, is right in its 32 bits.
constexpr uint64_t kMediumRange = uint64_t{1} << 28;

void medium_modulo(int64_t* out, const uint32_t* words, int64_t count, uint64_t range) {
  using L = PhiloxLanes;
  using V = L::V;
  using Halves = uint32_t __attribute__((vector_size(sizeof(V))));
  const V n = L::set(range), inverse = L::set(~uint64_t{0} / range);
  const V inverse_high = L::high(inverse), low_half = L::set(0xFFFFFFFF);
  const Halves n1 = (Halves)n, n2 = (Halves)L::set(2 * range),
               n4 = (Halves)L::set(4 * range);
  // What is too small wraps around and loses.
  const auto less = [](Halves r, Halves by) { return r - by < r ? r - by : r; };
  for (int64_t i = 0; i < count; i += L::kBlocks) {
    V w;
    std::memcpy(&w, words + 2 * i, sizeof(V));
    const V high = L::high(w);
    const V quotient = L::mul(high, inverse_high) + L::high(L::mul(high, inverse)) +
                       L::high(L::mul(w, inverse_high));
    const auto r = (Halves)(w - L::mul(quotient, n));
    L::store(out + i, (V)less(less(less(r, n4), n2), n1) & low_half);
  }
}

void full_modulo(int64_t* out, const uint32_t* words, int64_t count, uint64_t range) {
  const Modulo modulo(range);
  for (int64_t i = 0; i < count; i++) {
    out[i] = static_cast<int64_t>(modulo(word64(words, i)));
  }
}

fl_status randint(const fl_call* call) {
  const int64_t lo = call->attr[0].v.i;
  const uint64_t range =
      static_cast<uint64_t>(call->attr[1].v.i) - static_cast<uint64_t>(lo);
  const Philox philox(call->attr[2].v.i, call->attr[3].v.i);
  return for_dtype<kOrdered>(call->out->dtype, [&]<class T>(Type<T>) {
    T* out = data_of<T>(*call->out);
    const auto block = [=](int64_t start, int64_t n, const uint32_t* words) {
      int64_t values[kWordsAtOnce / 2];
      if (range > 0 && range <= kSmallRange) {
        small_modulo(values, words, n, range);
      } else if (range > 0 && range < kMediumRange) {
        medium_modulo(values, words, n, range);
      } else {
        full_modulo(values, words, n, range);
      }
      for (int64_t i = 0; i < n; i++) {
        const auto x = static_cast<int64_t>(static_cast<uint64_t>(values[i]) +
                                            static_cast<uint64_t>(lo));
        out[start + i] = element<T>(x);
      }
    };
    for_words<2>(philox, call->out->numel, block);
    return FL_OK;
  });
}

// ---- coins -----------------------------------------------------------------------

// u < p exactly when the integer behind u is below this.
template <int Words>
uint64_t threshold(double p) {
  const double unit = Words == 1 ? 16777216.0 : 9007199254740992.0;
  return p > 0 ? static_cast<uint64_t>(std::ceil(std::min(p, 1.0) * unit)) : 0;
}

// The integer behind u: 24 bits, or 53.
template <int Words>
inline auto integer(const uint32_t* words, int64_t i) {
  if constexpr (Words == 1) {
    return words[i] >> 8;
  } else {
    return word64(words, i) >> 11;
  }
}

template <class T, class P>
void bernoulli_each(const Philox& philox, T* out, const P* p, int64_t n) {
  using U = std::conditional_t<words_of<T> == 2, double, float>;
  for_words<words_of<T>>(philox, n,
                         [=](int64_t start, int64_t count, const uint32_t* w) {
                           for (int64_t i = 0; i < count; i++) {
                             out[start + i] = element<T>(unit<U>(w, i) < p[start + i]);
                           }
                         });
}

template <class T>
void bernoulli_one(const Philox& philox, T* out, double p, int64_t n) {
  constexpr int W = words_of<T>;
  using I = decltype(integer<W>(nullptr, 0));
  const I limit = static_cast<I>(threshold<W>(p));
  const T zero = element<T>(0), one = element<T>(1);
  for_words<W>(philox, n, [=](int64_t start, int64_t count, const uint32_t* words) {
    for (int64_t i = 0; i < count; i++) {
      out[start + i] = integer<W>(words, i) < limit ? one : zero;
    }
  });
}

fl_status bernoulli(const fl_call* call) {
  const Philox philox(call->attr[1].v.i, call->attr[2].v.i);
  const int64_t n = call->out->numel;
  return for_dtype<kOrdered>(call->out->dtype, [&]<class T>(Type<T>) {
    T* out = data_of<T>(*call->out);
    if (call->n_in == 0 || absent(call->in[0])) {
      bernoulli_one(philox, out, call->attr[0].v.f, n);
    } else if (call->in[0].dtype == FL_FLOAT32) {
      bernoulli_each(philox, out, data_of<const float>(call->in[0]), n);
    } else if (call->in[0].dtype == FL_FLOAT64) {
      bernoulli_each(philox, out, data_of<const double>(call->in[0]), n);
    } else {
      return FL_UNSUPPORTED;
    }
    return FL_OK;
  });
}

// ---- dropout ---------------------------------------------------------------------

template <class T>
struct Dropout {
  static constexpr int kWords = words_of<T>;
  using I = decltype(integer<kWords>(nullptr, 0));
  I limit;
  Wide<T> scale;

  Dropout(double p)
      : limit(static_cast<I>(threshold<kWords>(1 - p))),
        scale(static_cast<Wide<T>>(p < 1 ? 1 / (1 - p) : 0)) {}

  // x may be out: each element is read before it is written.
  void run(const T* x, T* out, boolean* mask, int64_t n, const uint32_t* words) const {
    const I end = limit;
    const Wide<T> factor = scale;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) {
      const bool keep = integer<kWords>(words, i) < end;
      out[i] = narrow<T>(keep ? widen(x[i]) * factor : Wide<T>(0));
    }
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) mask[i].value = integer<kWords>(words, i) < end;
  }
};

fl_status dropout(const fl_call* call) {
  const Philox philox(call->attr[1].v.i, call->attr[2].v.i);
  const fl_tensor &x = call->in[0], &y = call->out[0], &m = call->out[1];
  return for_dtype<kFloats>(y.dtype, [&]<class T>(Type<T>) {
    const Dropout<T> kernel(call->attr[0].v.f);
    const T* in = data_of<const T>(x);
    T* out = data_of<T>(y);
    boolean* mask = data_of<boolean>(m);
    if (is_dense(x) && is_dense(y) && is_dense(m)) {
      for_words<words_of<T>>(
          philox, y.numel, [=](int64_t start, int64_t n, const uint32_t* words) {
            kernel.run(in + start, out + start, mask + start, n, words);
          });
      return FL_OK;
    }
    for_words<words_of<T>>(
        philox, y.numel, [&](int64_t start, int64_t n, const uint32_t* words) {
          T inputs[kWordsAtOnce], results[kWordsAtOnce];
          boolean kept[kWordsAtOnce];
          for (int64_t i = 0; i < n; i++) {
            inputs[i] = in[x.flags & FL_HOST_SCALAR ? 0 : offset_of(x, start + i)];
          }
          kernel.run(inputs, results, kept, n, words);
          for (int64_t i = 0; i < n; i++) {
            out[offset_of(y, start + i)] = results[i];
            mask[offset_of(m, start + i)] = kept[i];
          }
        });
    return FL_OK;
  });
}

// ---- permutations ----------------------------------------------------------------

// Fisher–Yates from the front: element i changes places with i + ⌊w·(n−i)/2⁶⁴⌋. The
// partners of a whole buffer are known before they are needed, so they are prefetched.
template <class I>
void shuffle(const Philox& philox, I* a, int64_t n) {
  constexpr int64_t kBlocks = 128;
  uint32_t words[4 * kBlocks];
  I partner[2 * kBlocks];
  for (int64_t i = 0; i < n; i++) a[i] = static_cast<I>(i);
  for (int64_t start = 0; start < n; start += 2 * kBlocks) {
    philox.fill(words, static_cast<uint64_t>(start / 2), kBlocks);
    const int64_t count = std::min(2 * kBlocks, n - start);
    for (int64_t i = 0; i < count; i++) {
      const auto left = static_cast<unsigned __int128>(n - start - i);
      const auto step = static_cast<int64_t>((word64(words, i) * left) >> 64);
      partner[i] = static_cast<I>(start + i + step);
      __builtin_prefetch(a + partner[i], 1);
    }
    for (int64_t i = 0; i < count; i++) std::swap(a[start + i], a[partner[i]]);
  }
}

fl_status randperm(const fl_call* call) {
  const Philox philox(call->attr[0].v.i, call->attr[1].v.i);
  const int64_t n = call->out->numel;
  auto* out = data_of<int64_t>(*call->out);
  // Half the width keeps twice as much in the caches.
  uint32_t* narrow = nullptr;
  if (n > 1024 && n < (int64_t{1} << 32)) narrow = workspace<uint32_t>(call, n);
  if (narrow == nullptr) {
    shuffle(philox, out, n);
    return FL_OK;
  }
  shuffle(philox, narrow, n);
  for (int64_t i = 0; i < n; i++) out[i] = narrow[i];
  return FL_OK;
}

}  // namespace

FL_FAMILY(random, {"uniform", uniform, kFloats}, {"randint", randint, kOrdered},
          {"bernoulli", bernoulli, kOrdered}, {"dropout", dropout, kFloats},
          {"randperm", randperm, FL_DTYPE_BIT(FL_INT64)});

}  // namespace FL_ISA
