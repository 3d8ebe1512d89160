// Matrix products: one thread for each element of the output.
#include "kernels/dot.h"

namespace simulated {
namespace {

struct Product {
  int64_t b, m, n, k;
  View out, x, y, z;  // z: what is added, with beta
  bool has_z;
};

template <class C, class A>
__global__ void matmul_kernel(Param<Product> p, A alpha, A beta) {
  SIMT_GRID_LOOP(i, p.b * p.m * p.n) {
    const int64_t col = i % p.n, row = i / p.n % p.m, batch = i / (p.n * p.m);
    const Row from = {batch * p.x.strides[0] + row * p.x.strides[1], p.x.strides[2]};
    const Row with = {batch * p.y.strides[0] + col * p.y.strides[2], p.y.strides[1]};
    A sum = dot_rows<C>(p.x, from, p.y, with, p.k);
    sum = Mul{}(alpha, sum);
    if (p.has_z) {
      const int64_t at =
          batch * p.z.strides[0] + row * p.z.strides[1] + col * p.z.strides[2];
      sum = Add{}(sum, Mul{}(beta, A(p.z.get<C>(at))));
    }
    p.out.put(
        batch * p.out.strides[0] + row * p.out.strides[1] + col * p.out.strides[2],
        sum);
  }
}

// A complex attribute as a number.
template <class A>
A number(const fl_attr& attr) {
  if constexpr (is_complex<A>) {
    return A(attr.v.c[0], attr.v.c[1]);
  } else {
    return static_cast<A>(attr.v.c[0]);
  }
}

void matmul(const Launch& l) {
  const fl_tensor &out = l.out(), &a = l.in(0), &b = l.in(1);
  if (out.numel == 0) return;
  Product p;
  p.b = out.sizes[0];
  p.m = out.sizes[1];
  p.n = out.sizes[2];
  p.k = a.sizes[2];
  p.out = view_of(out);
  p.x = view_of(a);
  p.y = view_of(b);
  const fl_attr& beta = l.attr(1);
  p.has_z =
      l.call.n_in > 2 && !is_absent(l.in(2)) && (beta.v.c[0] != 0 || beta.v.c[1] != 0);
  if (p.has_z) p.z = view_of(l.in(2));
  for_type<kNumbers>(out.dtype, [&]<class C>(Type<C>) {
    using A = typename SumOf<C>::type;
    SIMT_LAUNCH((matmul_kernel<C, A>), out.numel, p, number<A>(l.attr(0)),
                number<A>(l.attr(1)));
  });
}

void dot(const Launch& l) {
  const fl_tensor &a = l.in(0), &b = l.in(1);
  Product p;
  p.b = p.m = p.n = 1;
  p.k = a.sizes[0];
  p.out = view_of(l.out());
  p.x = view_of(a);
  p.y = view_of(b);
  p.x.strides[2] = a.strides[0];
  p.y.strides[1] = b.strides[0];
  p.has_z = false;
  for_type<kNumbers>(a.dtype, [&]<class C>(Type<C>) {
    using A = typename SumOf<C>::type;
    SIMT_LAUNCH((matmul_kernel<C, A>), 1, p, A(1), A(0));
  });
}

}  // namespace

SIMULATED_FAMILY(matmul, {"matmul", kNumbers, matmul}, {"dot", kNumbers, dot});

}  // namespace simulated
