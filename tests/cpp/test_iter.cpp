// Iteration plans against a loop that knows nothing of order, and overlap of views.
#include <algorithm>
#include <random>
#include <vector>

#include "check.h"
#include "flambeau/iter.h"

using namespace fl;

namespace {

// The offsets of every operand that a nest visits, as a sorted set of tuples.
std::vector<std::vector<int64_t>> visits(const IterPlan& p) {
  std::vector<std::vector<int64_t>> all;
  std::vector<int64_t> index(p.ndim, 0);
  for (int64_t step = 0; step < p.numel(); ++step) {
    std::vector<int64_t> at(p.n, 0);
    for (int k = 0; k < p.n; ++k) {
      for (int d = 0; d < p.ndim; ++d) at[k] += index[d] * p.strides[k][d];
    }
    all.push_back(at);
    for (int d = p.ndim - 1; d >= 0 && ++index[d] == p.sizes[d]; --d) index[d] = 0;
  }
  std::sort(all.begin(), all.end());
  return all;
}

IterPlan make(std::vector<int64_t> sizes, std::vector<std::vector<int64_t>> strides) {
  IterPlan p;
  p.n = static_cast<int>(strides.size());
  p.ndim = static_cast<int>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), p.sizes);
  for (int k = 0; k < p.n; ++k) {
    std::copy(strides[k].begin(), strides[k].end(), p.strides[k]);
  }
  return p;
}

bool overlaps(std::vector<int64_t> sizes, std::vector<int64_t> strides) {
  return self_overlaps(static_cast<int>(sizes.size()), sizes.data(), strides.data());
}

}  // namespace

TEST(contiguous_operands_become_one_dimension) {
  IterPlan p = make({2, 3, 4}, {{12, 4, 1}, {12, 4, 1}});
  p.plan();
  CHECK_EQ(p.ndim, 1);
  CHECK_EQ(p.sizes[0], 24);
  CHECK_EQ(p.strides[1][0], 1);
}

TEST(the_output_moves_fastest_innermost) {
  IterPlan p = make({3, 4}, {{1, 3}, {4, 1}});  // output in Fortran order
  p.plan();
  CHECK_EQ(p.strides[0][p.ndim - 1], 1);
}

TEST(a_single_element_is_one_dimension) {
  for (std::vector<int64_t> sizes : {std::vector<int64_t>{}, {1}, {1, 1, 1}}) {
    IterPlan p = make(sizes, {std::vector<int64_t>(sizes.size(), 7)});
    p.plan();
    CHECK_EQ(p.ndim, 1);
    CHECK_EQ(p.sizes[0], 1);
    CHECK_EQ(p.numel(), 1);
  }
}

TEST(an_empty_one_stays_empty) {
  IterPlan p = make({3, 0, 4}, {{0, 4, 1}});
  p.plan();
  CHECK_EQ(p.numel(), 0);
}

TEST(any_plan_visits_what_the_plain_nest_visits) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    int ndim = static_cast<int>(random() % 5);
    std::vector<int64_t> sizes(ndim);
    for (int64_t& s : sizes) s = 1 + static_cast<int64_t>(random() % 4);
    std::vector<std::vector<int64_t>> strides;
    for (int k = 0; k < 3;
         ++k) {  // a permuted, partly broadcast, partly reversed operand
      std::vector<int> order(ndim);
      for (int d = 0; d < ndim; ++d) order[d] = d;
      std::shuffle(order.begin(), order.end(), random);
      std::vector<int64_t> stride(ndim);
      int64_t step = 1;
      for (int d : order) {
        stride[d] = random() % 4 == 0 && k > 0 ? 0 : step;
        if (k > 0 && random() % 5 == 0) stride[d] = -stride[d];
        step *= sizes[d];
      }
      strides.push_back(stride);
    }
    IterPlan p = make(sizes, strides);
    auto expected = visits(p);
    p.plan();
    CHECK(visits(p) == expected);
  }
}

TEST(overlap) {
  CHECK(!overlaps({2, 3}, {3, 1}));
  CHECK(!overlaps({3, 2}, {1, 3}));
  CHECK(!overlaps({2, 3}, {4, 1}));
  CHECK(!overlaps({}, {}));
  CHECK(!overlaps({0, 5}, {0, 0}));
  CHECK(!overlaps({1, 5}, {0, 1}));
  CHECK(overlaps({2}, {0}));
  CHECK(overlaps({3, 3}, {1, 1}));
  CHECK(overlaps({2, 3}, {2, 1}));
}
