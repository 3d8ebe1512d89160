// Stable sorting along one dimension: a merge sort of indices by one thread for each
// line, in workspace.
#include "kernels/lines.h"

namespace simulated {
namespace {

// Of each element: its index, room to merge, and the element itself.
constexpr size_t kScratch = 2 * sizeof(int64_t) + sizeof(Bits128);

// NaN is the largest.
template <class C>
__device__ bool goes_before(C a, C b, bool descending) {
  if (descending) return a > b || (a != a && b == b);
  return a < b || (b != b && a == a);
}

template <class C>
__global__ void sort_kernel(Param<Lines> lines, Param<LineView> in, int64_t* indices,
                            int64_t* spare, bool descending) {
  SIMT_GRID_LOOP(i, lines.shape.numel) {
    const int64_t from = offset_of(lines.shape, in.view, i), n = lines.length;
    int64_t *a = indices + i * n, *b = spare + i * n;
    for (int64_t j = 0; j < n; ++j) a[j] = j;
    for (int64_t width = 1; width < n; width *= 2) {
      for (int64_t start = 0; start < n; start += 2 * width) {
        const int64_t middle = start + width < n ? start + width : n;
        const int64_t end = middle + width < n ? middle + width : n;
        int64_t left = start, right = middle;
        for (int64_t k = start; k < end; ++k) {
          const bool take_right =
              left == middle ||
              (right < end &&
               goes_before(in.view.get<C>(from + a[right] * in.step),
                           in.view.get<C>(from + a[left] * in.step), descending));
          b[k] = take_right ? a[right++] : a[left++];
        }
      }
      int64_t* other = a;
      a = b;
      b = other;
    }
    if (a == indices + i * n) continue;
    for (int64_t j = 0; j < n; ++j) b[j] = a[j];
  }
}

// Takes the elements in order: all are read before one is written, for the output may
// be the input.
template <class U>
__global__ void order_kernel(Param<Lines> lines, Param<LineView> values,
                             Param<LineView> places, Param<LineView> in,
                             const int64_t* indices, U* elements) {
  SIMT_GRID_LOOP(i, lines.shape.numel) {
    const int64_t from = offset_of(lines.shape, in.view, i), n = lines.length;
    const int64_t to = offset_of(lines.shape, values.view, i);
    const int64_t place = offset_of(lines.shape, places.view, i);
    for (int64_t j = 0; j < n; ++j) {
      elements[i * n + j] =
          static_cast<const U*>(in.view.data)[from + indices[i * n + j] * in.step];
    }
    for (int64_t j = 0; j < n; ++j) {
      static_cast<U*>(values.view.data)[to + j * values.step] = elements[i * n + j];
      places.view.put(place + j * places.step, indices[i * n + j]);
    }
  }
}

size_t workspace(const fl_call& call) {
  return static_cast<size_t>(call.in[0].numel) * kScratch;
}

void sort(const Launch& l) {
  const fl_tensor& in = l.in();
  if (in.numel == 0) return;
  const Lines lines = lines_of(in, l.attr(0).v.i);
  auto* elements = static_cast<Bits128*>(l.workspace);
  auto* indices = reinterpret_cast<int64_t*>(elements + in.numel);
  const LineView from = line_view(in, lines);
  for_type<kOrdered>(in.dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((sort_kernel<C>), lines.shape.numel, lines, from, indices,
                indices + in.numel, l.attr(1).v.i != 0);
  });
  for_bits(in.dtype, [&]<class U>(Type<U>) {
    SIMT_LAUNCH((order_kernel<U>), lines.shape.numel, lines, line_view(l.out(0), lines),
                line_view(l.out(1), lines), from, indices,
                reinterpret_cast<U*>(elements));
  });
}

}  // namespace

SIMULATED_FAMILY(sort, {"sort", kOrdered, sort, 0, workspace});

}  // namespace simulated
