// What the libraries do for this backend; one file per library implements its part.
#pragma once

#include <cstdint>

#include "gemm.h"

#ifdef USE_MKL
namespace mkl {
void gemm_float(const gemm::Problem& p);
void gemm_double(const gemm::Problem& p);
void gemm_complex64(const gemm::Problem& p);
void gemm_complex128(const gemm::Problem& p);
}  // namespace mkl
#endif

#ifdef USE_MKLDNN
namespace onednn {
// False: the library declined.
bool gemm_float(const gemm::Problem& p);
using gemm::Half;
bool gemm_half(Half type, const gemm::Problem& p);
}  // namespace onednn
#endif
