// Reductions: one thread for each element of the output.
#include "kernels/dot.h"

namespace simulated {
namespace {

struct Sum {
  template <class C>
  using Acc = typename SumOf<C>::type;
  template <class C>
  __device__ static Acc<C> first() {
    return Acc<C>(0);
  }
  template <class A>
  __device__ static A next(A total, A x) {
    return Add{}(total, x);
  }
  template <class A>
  __device__ static A join(A a, A b) {
    return Add{}(a, b);
  }
};

struct Product : Sum {
  template <class C>
  __device__ static Acc<C> first() {
    return Acc<C>(1);
  }
  template <class A>
  __device__ static A next(A total, A x) {
    return Mul{}(total, x);
  }
  template <class A>
  __device__ static A join(A a, A b) {
    return next(a, b);
  }
};

struct Largest {
  template <class C>
  using Acc = C;
  template <class C>
  __device__ static C first() {
    if constexpr (std::is_floating_point_v<C>)
      return -std::numeric_limits<C>::infinity();
    return std::numeric_limits<C>::lowest();
  }
  template <class A>
  __device__ static A next(A best, A x) {
    return Maximum{}(best, x);
  }
  template <class A>
  __device__ static A join(A a, A b) {
    return next(a, b);
  }
};

struct Smallest : Largest {
  template <class C>
  __device__ static C first() {
    if constexpr (std::is_floating_point_v<C>)
      return std::numeric_limits<C>::infinity();
    return std::numeric_limits<C>::max();
  }
  template <class A>
  __device__ static A next(A best, A x) {
    return Minimum{}(best, x);
  }
  template <class A>
  __device__ static A join(A a, A b) {
    return next(a, b);
  }
};

struct AnyTrue {
  template <class C>
  using Acc = bool;
  template <class C>
  __device__ static bool first() {
    return false;
  }
  __device__ static bool next(bool found, bool x) { return found || x; }
  __device__ static bool join(bool a, bool b) { return a || b; }
};

struct AllTrue : AnyTrue {
  template <class C>
  __device__ static bool first() {
    return true;
  }
  __device__ static bool next(bool found, bool x) { return found && x; }
  __device__ static bool join(bool a, bool b) { return a && b; }
};

struct CountTrue {
  template <class C>
  using Acc = int64_t;
  template <class C>
  __device__ static int64_t first() {
    return 0;
  }
  __device__ static int64_t next(int64_t n, bool x) { return n + x; }
  __device__ static int64_t join(int64_t a, int64_t b) { return a + b; }
};

// The dimensions that stay and those that go, with the operands' strides along each.
struct Plan {
  Shape kept, gone;
  View out, in;  // along those that stay
  View row;      // the input along those that go
};

// Folds elements [from, to) of those that go.
template <class C, class Op>
__device__ auto fold(const Plan& p, int64_t start, int64_t from, int64_t to) {
  using Acc = typename Op::template Acc<C>;
  Acc acc = Op::template first<C>();
  for (int64_t j = from; j < to; ++j) {
    const int64_t at = start + offset_of(p.gone, p.row, j);
    if constexpr (std::is_base_of_v<AnyTrue, Op> || std::is_same_v<Op, CountTrue>) {
      acc = Op::next(acc, cast<bool>(p.in.get<C>(at)));
    } else {
      acc = Op::next(acc, cast<Acc>(p.in.get<C>(at)));
    }
  }
  return acc;
}

// Partial results of so many elements keep rounding errors small.
constexpr int64_t kPart = 256;

template <class C, class Op>
__global__ void reduce_kernel(Param<Plan> p) {
  using Acc = typename Op::template Acc<C>;
  SIMT_GRID_LOOP(i, p.kept.numel) {
    const int64_t start = offset_of(p.kept, p.in, i), n = p.gone.numel;
    Acc acc = fold<C, Op>(p, start, 0, n < kPart ? n : kPart);
    for (int64_t j = kPart; j < n; j += kPart) {
      acc = Op::join(acc, fold<C, Op>(p, start, j, n < j + kPart ? n : j + kPart));
    }
    p.out.put(offset_of(p.kept, p.out, i), acc);
  }
}

// A dimension goes when the output has stride 0 there, or no dimensions at all.
Plan plan_of(const Launch& l) {
  const fl_tensor &out = l.out(), &in = l.in();
  Plan p;
  p.out = view_of(out);
  p.in = view_of(in);
  p.row = p.in;
  for (int d = 0; d < in.ndim; ++d) {
    if (out.ndim != in.ndim || out.strides[d] == 0) {
      p.row.strides[p.gone.ndim] = in.strides[d];
      p.gone.add(in.sizes[d]);
    } else {
      p.in.strides[p.kept.ndim] = in.strides[d];
      p.out.strides[p.kept.ndim] = out.strides[d];
      p.kept.add(in.sizes[d]);
    }
  }
  return p;
}

template <class Op, uint32_t Set>
void reduce(const Launch& l) {
  const Plan plan = plan_of(l);
  for_type<Set>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((reduce_kernel<C, Op>), plan.kept.numel, plan);
  });
}

}  // namespace

SIMULATED_FAMILY(reduce, {"sum", kAll, reduce<Sum, kAll>},
                 {"prod", kAll, reduce<Product, kAll>},
                 {"amax", kOrdered, reduce<Largest, kOrdered>},
                 {"amin", kOrdered, reduce<Smallest, kOrdered>},
                 {"any", kAll, reduce<AnyTrue, kAll>},
                 {"all", kAll, reduce<AllTrue, kAll>},
                 {"count_nonzero", kAll, reduce<CountTrue, kAll>});

}  // namespace simulated
