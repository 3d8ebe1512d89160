// Iteration planning: order, merge and drop dimensions.
#include "flambeau/iter.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace fl {

namespace {

// 1 when dimension `outer` should be inside of `inner`, -1 when the order is right,
// 0 when no operand tells.  Zero strides tell nothing.
int compare(const IterPlan& p, int outer, int inner) {
  for (int k = 0; k < p.n; ++k) {
    int64_t a = std::llabs(p.strides[k][outer]), b = std::llabs(p.strides[k][inner]);
    if (a == 0 || b == 0 || a == b) continue;
    return a < b ? 1 : -1;
  }
  return 0;
}

void swap_dims(IterPlan& p, int i, int j) {
  std::swap(p.sizes[i], p.sizes[j]);
  for (int k = 0; k < p.n; ++k) std::swap(p.strides[k][i], p.strides[k][j]);
}

void copy_dim(IterPlan& p, int to, int from) {
  p.sizes[to] = p.sizes[from];
  for (int k = 0; k < p.n; ++k) p.strides[k][to] = p.strides[k][from];
}

bool mergeable(const IterPlan& p, int outer, int inner) {
  for (int k = 0; k < p.n; ++k) {
    if (p.strides[k][outer] != p.strides[k][inner] * p.sizes[inner]) return false;
  }
  return true;
}

}  // namespace

int64_t IterPlan::numel() const {
  int64_t n = 1;
  for (int d = 0; d < ndim; ++d) n *= sizes[d];
  return n;
}

void IterPlan::plan() {
  int m = 0;
  for (int d = 0; d < ndim; ++d) {  // sizes of one carry no iteration
    if (sizes[d] != 1) copy_dim(*this, m++, d);
  }
  ndim = m;
  for (int i = 1; i < ndim; ++i) {  // insertion sort; ambiguous pairs stay in order
    int at = i;
    for (int j = i - 1; j >= 0; --j) {
      int order = compare(*this, j, at);
      if (order > 0) {
        swap_dims(*this, j, at);
        at = j;
      } else if (order < 0) {
        break;
      }
    }
  }
  m = 0;
  for (int d = 1; d < ndim; ++d) {
    if (mergeable(*this, m, d)) {
      sizes[m] *= sizes[d];
      for (int k = 0; k < n; ++k) strides[k][m] = strides[k][d];
    } else {
      copy_dim(*this, ++m, d);
    }
  }
  if (ndim > 0) {
    ndim = m + 1;
    return;
  }
  ndim = 1;  // a single element
  sizes[0] = 1;
  for (int k = 0; k < n; ++k) strides[k][0] = 1;
}

bool self_overlaps(int ndim, const int64_t* sizes, const int64_t* strides) {
  std::vector<std::pair<int64_t, int64_t>> dims;  // stride, size
  for (int d = 0; d < ndim; ++d) {
    if (sizes[d] == 0) return false;
    if (sizes[d] > 1) dims.emplace_back(std::llabs(strides[d]), sizes[d]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t reach = 0;  // the largest offset that the dimensions so far can make
  for (auto [stride, size] : dims) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

}  // namespace fl
