// `sort`: rows of keys packed with their indices, by ranks (short rows) or by radix.

#include <algorithm>
#include <bit>
#include <utility>

#include "elements.h"
#include "ordering.h"
#include "registry.h"
#include "threads.h"

namespace FL_ISA {
namespace {

constexpr int64_t kShort = 128;

template <class T>
struct SortRow {
  using K = Key<T>;
  using U = typename K::U;
  const T* in;  // contiguous, and no output
  T* values;
  int64_t values_stride;
  int64_t* indices;
  int64_t indices_stride;
  int64_t n;
  U flip;  // K::kMask: descending

  U key(int64_t i) const { return K::encode(in[i]) ^ flip; }
  void put(int64_t at, T value, int64_t index) const {
    values[at * values_stride] = value;
    indices[at * indices_stride] = index;
  }
};

// The place of each element is the number of those before it: n² comparisons, but
// vectors of them, and no branches.
template <class T>
void sort_short(const SortRow<T>& row) {
  using U = typename Key<T>::U;
  U keys[kShort];
  const int64_t n = row.n;
  for (int64_t i = 0; i < n; i++) keys[i] = row.key(i);
  for (int64_t i = 0; i < n; i++) {
    const U key = keys[i];
    U rank = 0;
    for (int64_t j = 0; j < i; j++) rank += keys[j] <= key;
    for (int64_t j = i + 1; j < n; j++) rank += keys[j] < key;
    row.put(static_cast<int64_t>(rank), row.in[i], i);
  }
}

// The keys of a row, cut to what fits in 64 bits above an index.
struct Packing {
  uint64_t least;
  int dropped;  // low bits of the keys that found no room
  int key_bits;
  int index_bits;
  uint64_t mask() const { return (uint64_t{1} << index_bits) - 1; }
};

// The loops below stand in functions of their own, with plain pointers: inlined
// together they are not vectorised.
template <class T>
[[gnu::noinline]] Packing choose_packing(const T* x, int64_t n,
                                         typename Key<T>::U flip) {
  using U = typename Key<T>::U;
  U least = ~U{0}, most = 0;
  for (int64_t i = 0; i < n; i++) {
    const U k = Key<T>::encode(x[i]) ^ flip;
    least = k < least ? k : least;
    most = k > most ? k : most;
  }
  const int key_bits = std::bit_width(static_cast<U>(most - least));
  const int index_bits = std::bit_width(static_cast<uint64_t>(n - 1));
  const int dropped = std::max(0, key_bits + index_bits - 64);
  return {least, dropped, key_bits - dropped, index_bits};
}

template <class T>
[[gnu::noinline]] void pack(const T* x, int64_t n, typename Key<T>::U flip,
                            const Packing packing, uint64_t* __restrict out) {
  for (int64_t i = 0; i < n; i++) {
    const uint64_t key = (Key<T>::encode(x[i]) ^ flip) - packing.least;
    out[i] = (key >> packing.dropped) << packing.index_bits | static_cast<uint64_t>(i);
  }
}

template <class T>
[[gnu::noinline]] void unpack(const uint64_t* sorted, int64_t n,
                              typename Key<T>::U flip, const Packing packing,
                              T* __restrict values, int64_t* __restrict indices) {
  const auto mask = packing.mask();
  for (int64_t i = 0; i < n; i++) {
    const uint64_t p = sorted[i], key = (p >> packing.index_bits) + packing.least;
    values[i] = Key<T>::decode(static_cast<typename Key<T>::U>(key) ^ flip);
    indices[i] = static_cast<int64_t>(p & mask);
  }
}

// Sorts runs whose keys differ in dropped bits only.
template <class T>
void sort_ties(const SortRow<T>& row, const Packing& packing, uint64_t* sorted) {
  const auto before = [&](uint64_t a, uint64_t b) {
    const auto ka = row.key(static_cast<int64_t>(a & packing.mask()));
    const auto kb = row.key(static_cast<int64_t>(b & packing.mask()));
    return ka != kb ? ka < kb : a < b;
  };
  for (int64_t i = 0; i < row.n;) {
    int64_t end = i + 1;
    const uint64_t cut = sorted[i] >> packing.index_bits;
    while (end < row.n && sorted[end] >> packing.index_bits == cut) end++;
    if (end - i > 1) std::sort(sorted + i, sorted + end, before);
    i = end;
  }
}

// Keys that stand for several elements (NaNs, zeros) make one run: those are looked up.
template <class T>
void write_decoded(const SortRow<T>& row, const Packing& packing,
                   const uint64_t* sorted) {
  using K = Key<T>;
  using U = typename K::U;
  const uint64_t mask = packing.mask();
  const auto least = static_cast<U>(packing.least);
  const auto key = [=](uint64_t p) {
    return static_cast<U>(static_cast<U>(p >> packing.index_bits) + least);
  };
  if (row.values_stride == 1 && row.indices_stride == 1) {
    unpack(sorted, row.n, row.flip, packing, row.values, row.indices);
  } else {
    for (int64_t i = 0; i < row.n; i++) {
      row.put(i, K::decode(key(sorted[i]) ^ row.flip),
              static_cast<int64_t>(sorted[i] & mask));
    }
  }
  if constexpr (is_float_type<T>) {
    for (const U shared : {static_cast<U>(K::kAll), static_cast<U>(K::kSign)}) {
      const U wanted = shared ^ row.flip;
      const auto* at = std::lower_bound(sorted, sorted + row.n, wanted,
                                        [&](uint64_t p, U k) { return key(p) < k; });
      for (; at < sorted + row.n && key(*at) == wanted; at++) {
        row.values[(at - sorted) * row.values_stride] = row.in[*at & mask];
      }
    }
  }
}

template <class T>
void sort_long(const SortRow<T>& row, uint64_t* space) {
  const Packing packing = choose_packing(row.in, row.n, row.flip);
  pack(row.in, row.n, row.flip, packing, space);
  uint64_t* sorted =
      radix_sort(space, space + row.n, row.n, packing.index_bits, packing.key_bits);
  if (packing.dropped == 0) return write_decoded(row, packing, sorted);
  sort_ties(row, packing, sorted);
  for (int64_t i = 0; i < row.n; i++) {
    const auto index = static_cast<int64_t>(sorted[i] & packing.mask());
    row.put(i, row.in[index], index);
  }
}

// The scratch memory that one thread needs to sort rows of length n.
struct Scratch {
  int64_t packed, copy, bytes;
  Scratch(int64_t n, int64_t size, bool copies)
      : packed(n <= kShort ? 0 : 16 * n),
        copy(copies ? n * size : 0),
        bytes((packed + copy + 63) / 64 * 64) {}
};

template <class T>
fl_status sort_rows(const fl_call* call) {
  const fl_tensor &in = call->in[0], &values = call->out[0], &indices = call->out[1];
  const int64_t dim = call->attr[0].v.i;
  const DimRows from(in, dim), to(values, dim), to_index(indices, dim);
  const int64_t n = from.length(), rows = from.count();
  if (n >= int64_t{1} << 32) return FL_UNSUPPORTED;
  const Scratch scratch(n, sizeof(T), from.stride() != 1 || in.data == values.data);
  const int64_t parts = std::min<int64_t>(rows, n * rows < 4096 ? 1 : threads::count());
  char* space = workspace<char>(call, parts * scratch.bytes);
  if (space == nullptr && scratch.bytes != 0) return no_memory(call);
  const auto flip = call->attr[1].v.i != 0 ? Key<T>::kMask : 0;
  const auto part = [&](int64_t p) {
    char* const mine = space + p * scratch.bytes;
    T* const copy = reinterpret_cast<T*>(mine + scratch.packed);
    for (int64_t r = rows * p / parts; r < rows * (p + 1) / parts; r++) {
      const T* x = data_of<const T>(in) + from.begin(r);
      if (scratch.copy != 0) {
        for (int64_t i = 0; i < n; i++) copy[i] = x[i * from.stride()];
        x = copy;
      }
      const SortRow<T> row{x,
                           data_of<T>(values) + to.begin(r),
                           to.stride(),
                           data_of<int64_t>(indices) + to_index.begin(r),
                           to_index.stride(),
                           n,
                           flip};
      if (n <= kShort) {
        sort_short(row);
      } else {
        sort_long(row, reinterpret_cast<uint64_t*>(mine));
      }
    }
  };
  parallel_for(parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; p++) part(p);
  });
  return FL_OK;
}

fl_status sort(const fl_call* call) {
  if (call->out->numel == 0) return FL_OK;
  return for_dtype<kOrdered>(call->in[0].dtype,
                             [&]<class T>(Type<T>) { return sort_rows<T>(call); });
}

}  // namespace

FL_FAMILY(sort, {"sort", sort, kOrdered});

}  // namespace FL_ISA
