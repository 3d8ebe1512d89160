// Every call into oneDNN: matrix products of float32 and of the half precisions. Always
// on the calling thread: the backend's own threads split the work.
#include <oneapi/dnnl/dnnl.hpp>

#include <cstring>
#include <exception>
#include <unordered_map>

#ifdef USE_OPENMP
#include <omp.h>
#endif

#include "libs.h"

namespace onednn {
namespace {

// oneDNN asks OpenMP for its threads; that setting belongs to the calling thread and is
// put back, since others in the process use OpenMP too.
class OneThread {
 public:
#ifdef USE_OPENMP
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }

 private:
  int before_;
#endif
};

struct Key {
  int64_t m, n, k, lda, ldb, ldc;
  int64_t flags;  // type, bias, relu, ta, tb
  bool operator==(const Key&) const = default;
};
struct HashKey {
  size_t operator()(const Key& key) const {
    uint64_t words[7], h = 0;
    static_assert(sizeof(words) == sizeof(Key));
    std::memcpy(words, &key, sizeof(Key));
    for (uint64_t w : words) h = (h ^ w) * 0x9e3779b97f4a7c15u + (h >> 29);
    return size_t(h);
  }
};

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc matrix(int64_t rows, int64_t cols, int64_t ld, bool transposed,
                          dnnl::memory::data_type type) {
  const dnnl::memory::dims strides =
      transposed ? dnnl::memory::dims{1, ld} : dnnl::memory::dims{ld, 1};
  return {{rows, cols}, type, strides};
}

dnnl::matmul make(Half half, const gemm::Problem& p) {
  const auto type = half == Half::bfloat16 ? dnnl::memory::data_type::bf16
                                           : dnnl::memory::data_type::f16;
  dnnl::primitive_attr attr;
  if (p.relu) {
    dnnl::post_ops ops;
    ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
    attr.set_post_ops(ops);
  }
  const auto a = matrix(p.m, p.k, p.lda, p.ta, type);
  const auto b = matrix(p.k, p.n, p.ldb, p.tb, type);
  const auto c = matrix(p.m, p.n, p.ldc, false, type);
  if (p.bias == nullptr) return dnnl::matmul({cpu(), a, b, c, attr});
  return dnnl::matmul({cpu(), a, b, matrix(1, p.n, p.n, false, type), c, attr});
}

// A primitive costs up to a millisecond to make, so each thread keeps those it has
// used.
constexpr size_t kMostPrimitives = 1024;
const dnnl::matmul& primitive(Half half, const gemm::Problem& p) {
  static thread_local std::unordered_map<Key, dnnl::matmul, HashKey> made;
  const Key key = {p.m,
                   p.n,
                   p.k,
                   p.lda,
                   p.ldb,
                   p.ldc,
                   int64_t(half) * 16 + (p.bias ? 8 : 0) + (p.relu ? 4 : 0) +
                       (p.ta ? 2 : 0) + (p.tb ? 1 : 0)};
  const auto found = made.find(key);
  if (found != made.end()) return found->second;
  if (made.size() >= kMostPrimitives) made.clear();
  return made.emplace(key, make(half, p)).first->second;
}

dnnl::memory wrap(const_dnnl_memory_desc_t desc, const void* data) {
  dnnl_memory_t memory = nullptr;
  dnnl::error::wrap_c_api(
      dnnl_memory_create(&memory, desc, cpu().get(), const_cast<void*>(data)),
      "could not create a memory object");
  return dnnl::memory(memory);
}

}  // namespace

bool gemm_float(const gemm::Problem& p) {
  const OneThread scope;
  return dnnl_sgemm(p.ta ? 'T' : 'N', p.tb ? 'T' : 'N', p.m, p.n, p.k,
                    float(p.alpha[0]), static_cast<const float*>(p.a), p.lda,
                    static_cast<const float*>(p.b), p.ldb, float(p.beta[0]),
                    static_cast<float*>(p.c), p.ldc) == dnnl_success;
}

bool gemm_half(Half half, const gemm::Problem& p) {
  if (p.alpha[0] != 1.0 || p.beta[0] != 0.0) return false;
  const OneThread scope;
  try {
    const dnnl::matmul& product = primitive(half, p);
    static thread_local dnnl::stream stream(cpu());
    const_dnnl_primitive_desc_t desc = product.get_primitive_desc();
    const auto md = [&](dnnl_query_t what, int index) {
      return dnnl_primitive_desc_query_md(desc, what, index);
    };
    std::unordered_map<int, dnnl::memory> args = {
        {DNNL_ARG_SRC, wrap(md(dnnl_query_src_md, 0), p.a)},
        {DNNL_ARG_WEIGHTS, wrap(md(dnnl_query_weights_md, 0), p.b)},
        {DNNL_ARG_DST, wrap(md(dnnl_query_dst_md, 0), p.c)}};
    if (p.bias != nullptr)
      args.emplace(DNNL_ARG_BIAS, wrap(md(dnnl_query_weights_md, 1), p.bias));
    product.execute(stream, args);
    stream.wait();
    return true;
  } catch (const std::exception&) {
    return false;  // not for this processor or these strides: our own kernel does it
  }
}

}  // namespace onednn
