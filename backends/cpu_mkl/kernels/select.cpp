// `kthvalue` and `searchsorted`: selection without sorting whole rows, and search.

#include <algorithm>
#include <bit>
#include <functional>

#include "candidates.h"
#include "elements.h"
#include "ordering.h"
#include "registry.h"
#include "threads.h"

namespace FL_ISA {
namespace {

// ---- kthvalue --------------------------------------------------------------------

// Scratch memory of one row of n elements.
template <class U>
struct KthSpace {
  Candidate<U>* found;  // n + 1
  U* keys;              // n
};

// The index of the k-th smallest, k from 0: a histogram of the upper bits of the keys
// finds its bin, and only the elements of that bin are looked at closely.
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
  std::nth_element(space.found, space.found + k, space.found + count, Descending());
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
inline int64_t position(const T* sorted, int64_t stride, int64_t n, T query,
                        bool right) {
  const Wide<T> x = widen(query);
  if (n == 0) return 0;
  if (!(x == x)) {  // NaN, the largest
    return right ? n : partition_point(n, [=](int64_t i) {
      const Wide<T> key = widen(sorted[i * stride]);
      return key == key;
    });
  }
  if (right) {
    return partition_point(n,
                           [=](int64_t i) { return widen(sorted[i * stride]) <= x; });
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

FL_FAMILY(select, {"kthvalue", kthvalue, kOrdered},
          {"searchsorted", searchsorted, kOrdered});

}  // namespace FL_ISA
