// `embedding_backward`: sums the rows of a gradient by index and writes every row of
// the result once.

#include <algorithm>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "elements.h"
#include "registry.h"
#include "threads.h"

namespace FL_ISA {
namespace {

// Note [Lists of positions]
// For each row of the result, a list of the positions whose index it is, in ascending
// order: `first` by row, `next` by position, -1 at the end. Each row of the result is
// then written once, by one thread, in a fixed order; rows without positions are zeros
// that bypass the caches, for they are most of a large table.
struct Lists {
  int32_t* first;
  int32_t* next;
};

fl_status build(const fl_call* call, const fl_tensor& index, int64_t rows,
                int64_t padding, Lists lists) {
  const auto* p = data_of<const int64_t>(index);
  std::fill_n(lists.first, rows, -1);
  for (int64_t i = index.numel - 1; i >= 0; i--) {
    const int64_t row = p[i];
    if (static_cast<uint64_t>(row) >= static_cast<uint64_t>(rows)) {
      return index_error(call, row, 0, rows);
    }
    if (row == padding) continue;
    lists.next[i] = lists.first[row];
    lists.first[row] = static_cast<int32_t>(i);
  }
  return FL_OK;
}

void zero(char* out, size_t bytes, bool bypass) {
#if defined(__SSE2__)
  if (bypass && reinterpret_cast<uintptr_t>(out) % 16 == 0 && bytes % 16 == 0) {
    const __m128i none = _mm_setzero_si128();
    for (size_t i = 0; i < bytes; i += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(out + i), none);
    }
    return;
  }
#else
  (void)bypass;
#endif
  std::memset(out, 0, bytes);
}

template <class T>
void sum_row(const T* g, int64_t d, const int32_t* next, int32_t i, T* out,
             Wide<T>* sums) {
  if (next[i] < 0) {
    std::memcpy(out, g + i * d, static_cast<size_t>(d) * sizeof(T));
    return;
  }
  for (int64_t j = 0; j < d; j++) sums[j] = widen(g[i * d + j]);
  for (i = next[i]; i >= 0; i = next[i]) {
    const T* row = g + i * d;
    for (int64_t j = 0; j < d; j++) sums[j] += widen(row[j]);
  }
  for (int64_t j = 0; j < d; j++) out[j] = narrow<T>(sums[j]);
}

template <class T>
void write_rows(const T* g, int64_t d, Lists lists, T* out, int64_t begin, int64_t end,
                Wide<T>* sums, bool bypass) {
  const size_t bytes = static_cast<size_t>(d) * sizeof(T);
  for (int64_t r = begin; r < end;) {
    int64_t empty = r;
    while (empty < end && lists.first[empty] < 0) empty++;
    if (empty > r) {
      zero(reinterpret_cast<char*>(out + r * d), static_cast<size_t>(empty - r) * bytes,
           bypass);
      r = empty;
      continue;
    }
    sum_row(g, d, lists.next, lists.first[r], out + r * d, sums);
    r++;
  }
}

fl_status embedding_backward(const fl_call* call) {
  const fl_tensor &g = call->in[0], &index = call->in[1], &out = call->out[0];
  const int64_t rows = out.sizes[0], d = out.sizes[1], n = index.numel;
  if (out.numel == 0) return FL_OK;
  if (n >= INT32_MAX || !is_dense(out)) return FL_UNSUPPORTED;
  Lists lists;
  lists.first = workspace<int32_t>(call, rows + n);
  if (lists.first == nullptr) return no_memory(call);
  lists.next = lists.first + rows;
  const fl_status built = build(call, index, rows, call->attr[0].v.i, lists);
  if (built != FL_OK) return built;
  constexpr uint32_t kSummed = kFloats | kComplex;
  return for_dtype<kSummed>(out.dtype, [&]<class T>(Type<T>) -> fl_status {
    const bool bypass = out.numel * static_cast<int64_t>(sizeof(T)) > (8 << 20);
    const int64_t parts = std::min<int64_t>(
        rows, out.numel < 65536 ? 1 : 4 * static_cast<int64_t>(threads::count()));
    auto* sums = workspace<Wide<T>>(call, parts * d);
    if (sums == nullptr) return no_memory(call);
    parallel_for(parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) {
        write_rows(data_of<const T>(g), d, lists, data_of<T>(out), rows * p / parts,
                   rows * (p + 1) / parts, sums + p * d, bypass);
      }
#if defined(__SSE2__)
      _mm_sfence();
#endif
    });
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(embedding, {"embedding_backward", embedding_backward, kFloats | kComplex});

}  // namespace FL_ISA
