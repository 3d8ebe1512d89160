// Every call into MKL: matrix products. Always on the calling thread: the backend's own
// threads split the work.
#include <mkl.h>

#include "libs.h"

namespace mkl {
namespace {

// MKL's setting is per thread; it is asked for once by each.
void one_thread() {
  static thread_local const int before = mkl_set_num_threads_local(1);
  (void)before;
}

CBLAS_TRANSPOSE op(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

}  // namespace

void gemm_float(const gemm::Problem& p) {
  one_thread();
  cblas_sgemm(CblasRowMajor, op(p.ta), op(p.tb), MKL_INT(p.m), MKL_INT(p.n),
              MKL_INT(p.k), float(p.alpha[0]), static_cast<const float*>(p.a),
              MKL_INT(p.lda), static_cast<const float*>(p.b), MKL_INT(p.ldb),
              float(p.beta[0]), static_cast<float*>(p.c), MKL_INT(p.ldc));
}

void gemm_double(const gemm::Problem& p) {
  one_thread();
  cblas_dgemm(CblasRowMajor, op(p.ta), op(p.tb), MKL_INT(p.m), MKL_INT(p.n),
              MKL_INT(p.k), p.alpha[0], static_cast<const double*>(p.a), MKL_INT(p.lda),
              static_cast<const double*>(p.b), MKL_INT(p.ldb), p.beta[0],
              static_cast<double*>(p.c), MKL_INT(p.ldc));
}

void gemm_complex64(const gemm::Problem& p) {
  one_thread();
  const float alpha[2] = {float(p.alpha[0]), float(p.alpha[1])};
  const float beta[2] = {float(p.beta[0]), float(p.beta[1])};
  cblas_cgemm(CblasRowMajor, op(p.ta), op(p.tb), MKL_INT(p.m), MKL_INT(p.n),
              MKL_INT(p.k), alpha, p.a, MKL_INT(p.lda), p.b, MKL_INT(p.ldb), beta, p.c,
              MKL_INT(p.ldc));
}

void gemm_complex128(const gemm::Problem& p) {
  one_thread();
  cblas_zgemm(CblasRowMajor, op(p.ta), op(p.tb), MKL_INT(p.m), MKL_INT(p.n),
              MKL_INT(p.k), p.alpha, p.a, MKL_INT(p.lda), p.b, MKL_INT(p.ldb), p.beta,
              p.c, MKL_INT(p.ldc));
}

}  // namespace mkl
