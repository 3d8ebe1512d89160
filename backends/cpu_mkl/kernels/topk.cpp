// `topk`: the best of each row, by a register, a short list, a threshold or the k-th
// key, whichever suits k and the length of the row.

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "candidates.h"
#include "elements.h"
#include "ordering.h"
#include "registry.h"
#include "simd.h"
#include "threads.h"

namespace FL_ISA {
namespace {

constexpr int64_t kBlock = 64;

// Bit i tells whether keys[i] is above the bar.
#if defined(__AVX512F__)
inline uint64_t above(const uint32_t* keys, uint32_t bar) {
  const __m512i limit = _mm512_set1_epi32(static_cast<int>(bar));
  uint64_t mask = 0;
  for (int i = 0; i < 4; i++) {
    const __m512i v = _mm512_loadu_si512(keys + 16 * i);
    mask |= static_cast<uint64_t>(_mm512_cmpgt_epu32_mask(v, limit)) << (16 * i);
  }
  return mask;
}

inline uint64_t above(const uint64_t* keys, uint64_t bar) {
  const __m512i limit = _mm512_set1_epi64(static_cast<int64_t>(bar));
  uint64_t mask = 0;
  for (int i = 0; i < 8; i++) {
    const __m512i v = _mm512_loadu_si512(keys + 8 * i);
    mask |= static_cast<uint64_t>(_mm512_cmpgt_epu64_mask(v, limit)) << (8 * i);
  }
  return mask;
}
#else
template <class U>
inline uint64_t above(const U* keys, U bar) {
  U any = 0;
  for (int64_t i = 0; i < kBlock; i++) any |= keys[i] > bar;
  uint64_t mask = 0;
  if (any == 0) return mask;
  for (int64_t i = 0; i < kBlock; i++) mask |= uint64_t{keys[i] > bar} << i;
  return mask;
}
#endif

#if !defined(__AVX512F__)
// Bit i tells whether lane i is negative.
template <class M>
inline unsigned sign_bits(M mask) {
#if defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_ps((__m256)mask));
#elif defined(__SSE2__)
  return static_cast<unsigned>(_mm_movemask_ps((__m128)mask));
#else
  unsigned bits = 0;
  for (int i = 0; i < lanes_of<M>; i++) bits |= unsigned{mask[i] < 0} << i;
  return bits;
#endif
}

// Bit i tells whether the comparison holds for x[i].
template <class F>
inline uint64_t where(const float* x, F&& compare) {
  using V = Vec<float>;
  constexpr int N = lanes_of<V>, kVectors = kBlock / N;
  Mask<V> found[kVectors], any = {};
#pragma GCC unroll 16
  for (int i = 0; i < kVectors; i++) any |= found[i] = compare(load<V>(x + N * i));
  uint64_t mask = 0;
  if (!any_lane(any)) return mask;
#pragma GCC unroll 16
  for (int i = 0; i < kVectors; i++) mask |= uint64_t{sign_bits(found[i])} << (N * i);
  return mask;
}
#endif

// Bit i tells whether the key of x[i] may be above the bar; keys need not be computed
// to see that most are not.
template <class T>
[[gnu::noinline]] uint64_t candidates(const T* x, typename Key<T>::U flip,
                                      typename Key<T>::U bar) {
  using U = typename Key<T>::U;
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {
    const float limit = Key<T>::decode(bar ^ flip);
    const __m512 v = _mm512_set1_ps(limit);
    uint64_t mask = 0;
    // NaN is the largest: above every number, and below none.
    if (flip == 0) {
      for (int i = 0; i < 4; i++) {
        const __m512 some = _mm512_loadu_ps(x + 16 * i);
        mask |= uint64_t{_mm512_cmp_ps_mask(some, v, _CMP_NLE_UQ)} << (16 * i);
      }
      return mask;
    }
    if (limit == limit) {
      for (int i = 0; i < 4; i++) {
        const __m512 some = _mm512_loadu_ps(x + 16 * i);
        mask |= uint64_t{_mm512_cmp_ps_mask(some, v, _CMP_LT_OQ)} << (16 * i);
      }
      return mask;
    }
  }
#endif
#if !defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {
    const float limit = Key<T>::decode(bar ^ flip);
    if (flip == 0) return where(x, [=](auto v) { return ~(v <= limit); });
    if (limit == limit) return where(x, [=](auto v) { return v < limit; });
  }
#endif
  alignas(64) U keys[kBlock];
  for (int64_t i = 0; i < kBlock; i++) keys[i] = Key<T>::encode(x[i]) ^ flip;
  return above(keys, bar);
}

// Calls hit(key, index) for the elements of a row from `start` on whose key is above
// the bar that the last call returned: blocks without one pass at the speed of vectors.
template <class T, class F>
void scan_above(const T* x, int64_t stride, int64_t start, int64_t n,
                typename Key<T>::U flip, typename Key<T>::U bar, F&& hit) {
  T copy[kBlock];
  for (; start < n; start += kBlock) {
    const int64_t m = std::min(kBlock, n - start);
    const T* block = x + start * stride;
    if (stride != 1 || m < kBlock) {
      for (int64_t i = 0; i < m; i++) copy[i] = block[i * stride];
      block = copy;
    }
    uint64_t mask = candidates<T>(block, flip, bar);
    if (m < kBlock) mask &= (uint64_t{1} << m) - 1;
    for (; mask != 0; mask &= mask - 1) {
      const int i = std::countr_zero(mask);
      const auto key = Key<T>::encode(block[i]) ^ flip;
      if (key > bar) bar = hit(static_cast<typename Key<T>::U>(key), start + i);
    }
  }
}

// Note [A bar to begin with]
// Of a row's beginning, each of 16 or 32 lanes takes the largest key it meets: k
// elements reach the k-th largest of these, which is close to the k-th largest of all.
// A scan that begins with the first k elements instead stops at most of those that
// follow.
constexpr int64_t kFew = 24, kLanes = 32;

// The k-th largest of n <= kLanes keys.
template <class U>
[[gnu::noinline]] U kth_of_lanes(const U* keys, int64_t n, int64_t k) {
  U above[kLanes], least = ~U{0};
  for (int64_t i = 0; i < n; i++) above[i] = 0;
  for (int64_t j = 0; j < n; j++) {
    const U key = keys[j];
    for (int64_t i = 0; i < n; i++) above[i] += key > keys[i];
  }
  for (int64_t i = 0; i < n; i++) {
    const bool among = above[i] < static_cast<U>(k);
    least = among && keys[i] < least ? keys[i] : least;
  }
  return least;
}

// The best of n >= kLanes elements by lanes, NaN being no element.
inline void best_of_lanes(const float* x, int64_t n, bool largest, float* best) {
  using V = Vec<float>;
  constexpr int N = lanes_of<V>, kVectors = kLanes / N;
  V most[kVectors];
  for (V& m : most) m = splat<V>(largest ? -INFINITY : INFINITY);
  const auto each = [&](auto better) {
    for (int64_t i = 0; i + kLanes <= n; i += kLanes) {
#pragma GCC unroll 8
      for (int k = 0; k < kVectors; k++) {
        const V v = load<V>(x + i + k * N);
        most[k] = better(v, most[k]) ? v : most[k];
      }
    }
  };
  if (largest) {
    each([](V a, V b) { return a > b; });
  } else {
    each([](V a, V b) { return a < b; });
  }
  for (int k = 0; k < kVectors; k++) store(best + k * N, most[k]);
}

// A key that at least k <= kFew of n >= kLanes elements reach; 0 if none was found.
template <class T>
[[gnu::noinline]] typename Key<T>::U reached_by(const T* x, int64_t n, int64_t k,
                                                typename Key<T>::U flip) {
  using U = typename Key<T>::U;
  alignas(64) U most[kLanes];
  if constexpr (std::is_same_v<T, float>) {
    alignas(64) float best[kLanes];
    best_of_lanes(x, n, flip == 0, best);
    for (int64_t g = 0; g < kLanes; g++) most[g] = Key<T>::encode(best[g]) ^ flip;
  } else {
    for (int64_t g = 0; g < kLanes; g++) most[g] = 0;
    for (int64_t i = 0; i + kLanes <= n; i += kLanes) {
      for (int64_t g = 0; g < kLanes; g++) {
        const U key = Key<T>::encode(x[i + g]) ^ flip;
        most[g] = key > most[g] ? key : most[g];
      }
    }
  }
  int64_t lanes = kLanes;
  if (k <= 8) {
    lanes /= 2;
    for (int64_t g = 0; g < lanes; g++) most[g] = std::max(most[g], most[g + lanes]);
  }
  const U key = kth_of_lanes(most, lanes, k);
  if constexpr (std::is_same_v<T, float>) {
    // The best of a lane of NaNs, which come after every number.
    if (flip != 0 && key == (Key<T>::encode(INFINITY) ^ flip)) return 0;
  }
  return key;
}

// Keeps the k best of a row in descending order.
template <class T>
void best_few(const T* x, int64_t stride, int64_t n, int64_t k, typename Key<T>::U flip,
              Candidate<typename Key<T>::U>* found) {
  using U = typename Key<T>::U;
  const auto insert = [&](U key, int64_t index, int64_t last) {
    const auto c = candidate<U>(key, index);
    int64_t at = last;
    for (; at > 0 && found[at - 1] < c; at--) found[at] = found[at - 1];
    found[at] = c;
  };
  U bar = 0;
  int64_t start = 0;
  if (stride == 1 && n >= 2 * kBlock) {
    const U key = reached_by(x, std::min<int64_t>(n, 4096), k, flip);
    // Those equal to the key must pass. The key below that of 0 is no element's, and -0
    // if it is decoded.
    const bool zero = is_float_type<T> && flip == 0 && key == U{Key<T>::kSign};
    bar = key == 0 ? 0 : key - 1 - zero;
    std::fill_n(found, k, 0);  // below every candidate
  }
  if (bar == 0) {
    for (; start < k; start++) {
      insert(Key<T>::encode(x[start * stride]) ^ flip, start, start);
    }
    bar = key_of<U>(found[k - 1]);
  }
  scan_above(x, stride, start, n, flip, bar, [&](U key, int64_t index) {
    insert(key, index, k - 1);
    return bar = std::max(bar, key_of<U>(found[k - 1]));
  });
}

// How many candidates beyond k are collected before the worst are dropped.
inline int64_t spare_room(int64_t k) { return std::max<int64_t>(k, 512); }

// Collects candidates and drops all but the k best when there is no more room.
template <class T>
void best_many(const T* x, int64_t stride, int64_t n, int64_t k,
               typename Key<T>::U flip, Candidate<typename Key<T>::U>* found) {
  using U = typename Key<T>::U;
  const int64_t room = spare_room(k);
  int64_t count = k;
  for (int64_t i = 0; i < k; i++) {
    found[i] = candidate<U>(Key<T>::encode(x[i * stride]) ^ flip, i);
  }
  U bar = key_of<U>(*std::min_element(found, found + k));
  scan_above(x, stride, k, n, flip, bar, [&](U key, int64_t index) {
    found[count++] = candidate<U>(key, index);
    if (count < k + room) return bar;
    std::nth_element(found, found + (k - 1), found + count, Descending());
    count = k;
    return bar = key_of<U>(found[k - 1]);
  });
  if (count > k) std::nth_element(found, found + (k - 1), found + count, Descending());
}

#if defined(__AVX512F__)
// Keeps the eight best in a register, in descending order: no branch for an insertion.
template <class T>
void best_eight(const T* x, int64_t stride, int64_t n, int64_t k, uint32_t flip,
                uint64_t* found) {
  const __m512i down = _mm512_set_epi64(6, 5, 4, 3, 2, 1, 0, 0);
  const __m512i worst = _mm512_set1_epi64(k - 1);
  __m512i best = _mm512_setzero_si512();  // below every candidate
  const auto insert = [&](uint32_t key, int64_t index) {
    const __m512i c =
        _mm512_set1_epi64(static_cast<int64_t>(candidate<uint32_t>(key, index)));
    const unsigned after = _mm512_cmpgt_epu64_mask(c, best);
    const auto at = static_cast<__mmask8>(after & ~(after << 1));
    best =
        _mm512_mask_permutexvar_epi64(best, static_cast<__mmask8>(after), down, best);
    best = _mm512_mask_mov_epi64(best, at, c);
    const __m512i last = _mm512_maskz_permutexvar_epi64(0xFF, worst, best);
    return static_cast<uint32_t>(static_cast<uint64_t>(last[0]) >> 32);
  };
  uint32_t bar = 0;
  for (int64_t i = 0; i < k; i++) bar = insert(Key<T>::encode(x[i * stride]) ^ flip, i);
  scan_above(x, stride, k, n, flip, bar, insert);
  _mm512_storeu_si512(found, best);
}
#endif

// The k-th largest of n keys: bit by bit, counting by vectors, for short rows; else by
// histograms of 11 bits at a time among those that agree in the bits before.
template <class U>
[[gnu::noinline]] U kth_largest(const U* keys, int64_t n, int64_t k) {
  constexpr int kBits = static_cast<int>(8 * sizeof(U)), kDigit = 11;
  U prefix = 0;
  if (n <= 8192) {
    for (int bit = kBits - 1; bit >= 0; bit--) {
      const U trial = prefix | U{1} << bit;
      U count = 0;
      for (int64_t i = 0; i < n; i++) count += keys[i] >= trial;
      if (static_cast<int64_t>(count) >= k) prefix = trial;
    }
    return prefix;
  }
  for (int done = 0; done < kBits; done += kDigit) {
    const int width = std::min(kDigit, kBits - done), shift = kBits - done - width;
    uint32_t counts[1 << kDigit] = {};
    const U mask = (U{1} << width) - 1;
    for (int64_t i = 0; i < n; i++) {
      const bool same = done == 0 || (keys[i] ^ prefix) >> (kBits - done) == 0;
      counts[(keys[i] >> shift) & mask] += same;
    }
    U digit = mask;
    while (k > counts[digit]) k -= counts[digit--];
    prefix |= digit << shift;
  }
  return prefix;
}

// For k that is no small part of n: finds the k-th key, then all above it and the first
// of those equal to it. In the order of indices.
template <class T>
void best_part(const T* x, int64_t stride, int64_t n, int64_t k,
               typename Key<T>::U flip, Candidate<typename Key<T>::U>* found,
               typename Key<T>::U* keys) {
  using U = typename Key<T>::U;
  if (stride == 1) {
    for (int64_t i = 0; i < n; i++) keys[i] = Key<T>::encode(x[i]) ^ flip;
  } else {
    for (int64_t i = 0; i < n; i++) keys[i] = Key<T>::encode(x[i * stride]) ^ flip;
  }
  const U bar = kth_largest(keys, n, k);
  U above = 0;
  for (int64_t i = 0; i < n; i++) above += keys[i] > bar;
  int64_t equal = k - static_cast<int64_t>(above), count = 0;
  for (int64_t i = 0; i < n && count < k; i++) {
    found[count] = candidate<U>(keys[i], i);
    const int tie = keys[i] == bar && equal > 0;
    equal -= tie;
    count += (keys[i] > bar) | tie;
  }
}

// Candidates in descending order; `spare` holds as many.
template <class C>
void sort_candidates(C* found, C* spare, int64_t k) {
  if constexpr (sizeof(C) == 8) {
    if (k > 256) {
      for (int64_t i = 0; i < k; i++) found[i] = ~found[i];
      const C* sorted = radix_sort(found, spare, k, 32, 32);
      for (int64_t i = 0; i < k; i++) found[i] = ~sorted[i];
      return;
    }
  }
  (void)spare;
  std::sort(found, found + k, Descending());
}

template <class T>
struct TopkRows {
  const fl_tensor &in, &values, &indices;
  DimRows from, to, to_index;
  int64_t k;
  bool sorted;
  typename Key<T>::U flip;

  using U = typename Key<T>::U;
  using C = Candidate<U>;

  // What of a row's selection is by kth_largest, with keys for the whole row.
  bool whole() const {
    const int64_t n = from.length();
    return k > kFew && (n <= 8192 || 16 * k > n);
  }

  // The k best, in descending order when `sorted`; found has room for 2k and
  // spare_room.
  void select(const T* x, C* found, U* keys) const {
    const int64_t n = from.length(), stride = from.stride();
    if (k <= kFew) {
#if defined(__AVX512F__)
      if constexpr (sizeof(U) == 4) {
        if (k <= 8) return best_eight(x, stride, n, k, flip, found);
      }
#endif
      return best_few(x, stride, n, k, flip, found);
    }
    if (whole()) {
      best_part(x, stride, n, k, flip, found, keys);
      if (sorted) sort_candidates(found, found + k, k);
    } else {
      best_many(x, stride, n, k, flip, found);
      if (sorted) std::sort(found, found + k, Descending());
    }
  }

  void run(int64_t r, C* found, U* keys) const {
    const T* x = data_of<const T>(in) + from.begin(r);
    T* value = data_of<T>(values) + to.begin(r);
    int64_t* index = data_of<int64_t>(indices) + to_index.begin(r);
    select(x, found, keys);
    for (int64_t i = 0; i < k; i++) {
      const int64_t at = index_of<typename Key<T>::U>(found[i]);
      value[i * to.stride()] = x[at * from.stride()];
      index[i * to_index.stride()] = at;
    }
  }
};

fl_status topk(const fl_call* call) {
  if (call->out->numel == 0) return FL_OK;
  const fl_attr* attr = call->attr;
  return for_dtype<kOrdered>(call->in[0].dtype, [&]<class T>(Type<T>) -> fl_status {
    const int64_t dim = attr[0].v.i, k = attr[1].v.i;
    const auto flip = attr[2].v.i != 0 ? typename Key<T>::U{0} : Key<T>::kMask;
    const TopkRows<T> rows{call->in[0],
                           call->out[0],
                           call->out[1],
                           DimRows(call->in[0], dim),
                           DimRows(call->out[0], dim),
                           DimRows(call->out[1], dim),
                           k,
                           attr[3].v.i != 0,
                           flip};
    const int64_t n = rows.from.length(), count = rows.from.count();
    if (n >= int64_t{1} << 32) return FL_UNSUPPORTED;
    const int64_t parts =
        std::min<int64_t>(count, n * count < 32768 ? 1 : threads::count());
    const int64_t room = k + spare_room(k), length = rows.whole() ? n : 0;
    auto* space = workspace<typename TopkRows<T>::C>(call, parts * room);
    using U = typename TopkRows<T>::U;
    U* keys = length == 0 ? nullptr : workspace<U>(call, parts * length);
    if (space == nullptr || (keys == nullptr && length != 0)) return no_memory(call);
    parallel_for(parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) {
        for (int64_t r = count * p / parts; r < count * (p + 1) / parts; r++) {
          rows.run(r, space + p * room, keys + p * length);
        }
      }
    });
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(topk, {"topk", topk, kOrdered});

}  // namespace FL_ISA
