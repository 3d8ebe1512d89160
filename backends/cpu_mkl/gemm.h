// Matrix products by a library: which one, if any, is worth calling for a product.
#pragma once

#include <cstdint>

namespace gemm {

// Row-major c[m, n] = alpha * op(a) * op(b) + beta * c, where op transposes when ta or
// tb is set; leading dimensions count elements. Real types use the first of alpha and
// beta.
struct Problem {
  int64_t m, n, k;
  const void* a;
  int64_t lda;
  bool ta;
  const void* b;
  int64_t ldb;
  bool tb;
  void* c;
  int64_t ldc;
  double alpha[2];
  double beta[2];
  // Half precisions only: added per column before the result is rounded.
  const void* bias = nullptr;
  bool relu = false;
};

enum class Half { bfloat16, float16 };

// Each runs on the calling thread alone and says whether it did the product: false
// where no library does it better than the kernels' own.
bool run_float(const Problem& p);
bool run_double(const Problem& p);
bool run_bfloat16(const Problem& p);
bool run_float16(const Problem& p);
bool run_complex64(const Problem& p);
bool run_complex128(const Problem& p);

// Whether run_float (run_bfloat16, run_float16) would do a product of this size.
bool float_is_worth(int64_t m, int64_t n, int64_t k);
bool half_is_worth(Half half, int64_t m, int64_t n, int64_t k);

}  // namespace gemm
