// `topk`, `kthvalue` and `searchsorted`: selection without sorting whole rows.

#include <algorithm>
#include <bit>
#include <functional>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "elements.h"
#include "ordering.h"
#include "registry.h"
#include "threads.h"

namespace FL_ISA {
namespace {

// A key above the complement of its index: one number, larger for larger keys and, among
// equal keys, for smaller indices.
template <class U>
using Candidate = std::conditional_t<sizeof(U) == 8, unsigned __int128, uint64_t>;

template <class U>
inline Candidate<U> candidate(U key, int64_t index) {
  constexpr int kShift = sizeof(U) == 8 ? 64 : 32;
  using Index = std::conditional_t<sizeof(U) == 8, uint64_t, uint32_t>;
  return static_cast<Candidate<U>>(key) << kShift |
         static_cast<Index>(~static_cast<Index>(index));
}

template <class U>
inline int64_t index_of(Candidate<U> c) {
  using Index = std::conditional_t<sizeof(U) == 8, uint64_t, uint32_t>;
  return static_cast<int64_t>(static_cast<Index>(~static_cast<Index>(c)));
}

template <class U>
inline U key_of(Candidate<U> c) {
  return static_cast<U>(c >> (sizeof(U) == 8 ? 64 : 32));
}

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

// Bit i tells whether the key of x[i] may be above the bar; keys need not be computed to
// see that most are not.
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
  alignas(64) U keys[kBlock];
  for (int64_t i = 0; i < kBlock; i++) keys[i] = Key<T>::encode(x[i]) ^ flip;
  return above(keys, bar);
}

// Calls hit(key, index) for the elements of a row from `start` on whose key is above the
// bar that the last call returned: blocks without one pass at the speed of vectors.
template <class T, class F>
void scan_above(const T* x, int64_t stride, int64_t start, int64_t n,
                typename Key<T>::U flip, typename Key<T>::U bar, F&& hit) {
  T copy[kBlock] = {};
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
  for (int64_t i = 0; i < k; i++) insert(Key<T>::encode(x[i * stride]) ^ flip, i, i);
  scan_above(x, stride, k, n, flip, key_of<U>(found[k - 1]), [&](U key, int64_t index) {
    insert(key, index, k - 1);
    return key_of<U>(found[k - 1]);
  });
}

// How many candidates beyond k are collected before the worst are dropped.
inline int64_t spare_room(int64_t k) { return std::max<int64_t>(k, 512); }

// Collects candidates and drops all but the k best when there is no more room.
template <class T>
void best_many(const T* x, int64_t stride, int64_t n, int64_t k, typename Key<T>::U flip,
               Candidate<typename Key<T>::U>* found) {
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
    std::nth_element(found, found + (k - 1), found + count, std::greater<>());
    count = k;
    return bar = key_of<U>(found[k - 1]);
  });
  if (count > k) std::nth_element(found, found + (k - 1), found + count, std::greater<>());
}

constexpr int64_t kFew = 24;

template <class T>
struct TopkRows {
  const fl_tensor &in, &values, &indices;
  DimRows from, to, to_index;
  int64_t k;
  bool sorted;
  typename Key<T>::U flip;

  using C = Candidate<typename Key<T>::U>;

  void run(int64_t r, C* found) const {
    const T* x = data_of<const T>(in) + from.begin(r);
    T* value = data_of<T>(values) + to.begin(r);
    int64_t* index = data_of<int64_t>(indices) + to_index.begin(r);
    if (k <= kFew) {
      best_few(x, from.stride(), from.length(), k, flip, found);
    } else {
      best_many(x, from.stride(), from.length(), k, flip, found);
      if (sorted) std::sort(found, found + k, std::greater<>());
    }
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
    const int64_t room = k + spare_room(k);
    auto* space = workspace<typename TopkRows<T>::C>(call, parts * room);
    if (space == nullptr) return no_memory(call);
    parallel_for(parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) {
        for (int64_t r = count * p / parts; r < count * (p + 1) / parts; r++) {
          rows.run(r, space + p * room);
        }
      }
    });
    return FL_OK;
  });
}

// ---- kthvalue --------------------------------------------------------------------

// Scratch memory of one row of n elements.
template <class U>
struct KthSpace {
  Candidate<U>* found;  // n + 1
  U* keys;              // n
};

// The index of the k-th smallest, k from 0: a histogram of the upper bits of the keys finds
// its bin, and only the elements of that bin are looked at closely.
template <class T, class U>
int64_t kth(const T* x, int64_t stride, int64_t n, int64_t k, KthSpace<U> space) {
  constexpr int kBits = 11;
  U* const keys = space.keys;
  U least = ~U{0}, most = 0;
  if (stride == 1) {
    for (int64_t i = 0; i < n; i++) keys[i] = Key<T>::encode(x[i]);
  } else {
    for (int64_t i = 0; i < n; i++) keys[i] = Key<T>::encode(x[i * stride]);
  }
  for (int64_t i = 0; i < n; i++) {
    least = keys[i] < least ? keys[i] : least;
    most = keys[i] > most ? keys[i] : most;
  }
  const int bits = std::bit_width(static_cast<U>(most - least));
  const int shift = std::max(0, bits - kBits);
  uint32_t counts[1 << kBits] = {};
  for (int64_t i = 0; i < n; i++) counts[(keys[i] - least) >> shift]++;
  U bin = 0;
  while (k >= counts[bin]) k -= counts[bin++];
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) {
    // Complemented: the largest candidates are the smallest keys.
    space.found[count] = candidate<U>(static_cast<U>(~keys[i]), i);
    count += (keys[i] - least) >> shift == bin;
  }
  std::nth_element(space.found, space.found + k, space.found + count, std::greater<>());
  return index_of<U>(space.found[k]);
}

fl_status kthvalue(const fl_call* call) {
  if (call->out->numel == 0) return FL_OK;
  const fl_tensor &in = call->in[0], &values = call->out[0], &indices = call->out[1];
  const int64_t dim = call->attr[0].v.i, k = call->attr[1].v.i;
  return for_dtype<kOrdered>(in.dtype, [&]<class T>(Type<T>) -> fl_status {
    const DimRows from(in, dim), to(values, dim), to_index(indices, dim);
    const int64_t n = from.length(), rows = from.count();
    if (n >= int64_t{1} << 32) return FL_UNSUPPORTED;
    const int64_t parts =
        std::min<int64_t>(rows, n * rows < 16384 ? 1 : threads::count());
    using U = typename Key<T>::U;
    auto* found = workspace<Candidate<U>>(call, parts * (n + 1));
    auto* keys = workspace<U>(call, parts * n);
    if (found == nullptr || keys == nullptr) return no_memory(call);
    const auto one = [&](int64_t r, KthSpace<U> space) {
      const T* x = data_of<const T>(in) + from.begin(r);
      const int64_t at = kth<T>(x, from.stride(), n, k - 1, space);
      data_of<T>(values)[to.begin(r)] = x[at * from.stride()];
      data_of<int64_t>(indices)[to_index.begin(r)] = at;
    };
    parallel_for(parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) {
        for (int64_t r = rows * p / parts; r < rows * (p + 1) / parts; r++) {
          one(r, {found + p * (n + 1), keys + p * n});
        }
      }
    });
    return FL_OK;
  });
}

// ---- searchsorted ----------------------------------------------------------------

// How many of n elements come before x: those that `before` tells, n > 0. No branch but
// the loop's, which is the same for all queries.
template <class F>
inline int64_t partition_point(int64_t n, F&& before) {
  int64_t base = 0;
  while (n > 1) {
    const int64_t half = n / 2;
    base += half & -static_cast<int64_t>(before(base + half - 1));
    n -= half;
  }
  return base + before(base);
}

template <class T>
inline int64_t position(const T* sorted, int64_t stride, int64_t n, T query, bool right) {
  const Wide<T> x = widen(query);
  if (n == 0) return 0;
  if (!(x == x)) {  // NaN, the largest
    return right ? n : partition_point(n, [=](int64_t i) {
      const Wide<T> key = widen(sorted[i * stride]);
      return key == key;
    });
  }
  if (right) {
    return partition_point(
        n, [=](int64_t i) { return widen(sorted[i * stride]) <= x; });
  }
  return partition_point(n, [=](int64_t i) { return widen(sorted[i * stride]) < x; });
}

template <class T, class I>
void search_rows(const fl_call* call, bool right) {
  const fl_tensor &sequence = call->in[0], &values = call->in[1], &out = *call->out;
  const bool shared = sequence.ndim == 1;  // one sequence for all values
  const DimRows keys(sequence, -1), queries(values, -1), results(out, -1);
  const bool scalar = (values.flags & FL_HOST_SCALAR) != 0;
  const int64_t n = keys.length(), width = results.length();
  parallel_for(out.numel, 1024, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last;) {
      const int64_t row = i / width, end = std::min(last, (row + 1) * width);
      const T* sorted = data_of<const T>(sequence) + (shared ? 0 : keys.begin(row));
      const T* query = data_of<const T>(values) + (scalar ? 0 : queries.begin(row));
      const int64_t step = scalar ? 0 : queries.stride(), stride = keys.stride();
      I* to = data_of<I>(out) + results.begin(row);
      for (int64_t j = i - row * width; i < end; i++, j++) {
        const int64_t at = position(sorted, stride, n, query[j * step], right);
        to[j * results.stride()] = static_cast<I>(at);
      }
    }
  });
}

fl_status searchsorted(const fl_call* call) {
  if (call->out->numel == 0) return FL_OK;
  const bool right = call->attr[0].v.i != 0;
  if (call->in[0].dtype != call->in[1].dtype) return FL_UNSUPPORTED;
  return for_dtype<kOrdered>(call->in[0].dtype, [&]<class T>(Type<T>) -> fl_status {
    if (call->out->dtype == FL_INT64) {
      search_rows<T, int64_t>(call, right);
    } else if (call->out->dtype == FL_INT32) {
      search_rows<T, int32_t>(call, right);
    } else {
      return FL_UNSUPPORTED;
    }
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(select, {"topk", topk, kOrdered}, {"kthvalue", kthvalue, kOrdered},
          {"searchsorted", searchsorted, kOrdered});

}  // namespace FL_ISA
