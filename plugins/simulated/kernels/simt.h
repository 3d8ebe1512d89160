// Runs kernels written for CUDA as loops over blocks and threads, for compilers that
// know no GPU. Under nvcc the same sources are kernels.
//
// The threads of a launch run one after another, each to its end. So a kernel may not
// count on its threads meeting (there is no __syncthreads), and where several write to
// one place they do so one after another; a GPU needs atomics there.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)

// How a kernel takes a struct: by value on a GPU.
template <class T>
using Param = T;

#define SIMT_LAUNCH(kernel, threads, ...) \
  kernel<<<simt_blocks(threads), kSimtBlock>>>(__VA_ARGS__)

#else

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))

template <class T>
using Param = const T&;

namespace simt {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

// Where the running thread is. Every device has a worker, so each host thread its own.
[[gnu::tls_model("initial-exec")]] inline thread_local Dim3 thread, block, block_size,
    grid_size;

// One call of the kernel for each thread of each block.
template <class... Parameters, class... Arguments>
void launch(unsigned blocks, unsigned threads, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
  grid_size.x = blocks;
  block_size.x = threads;
  for (unsigned b = 0; b < blocks; ++b) {
    block.x = b;
    for (unsigned t = 0; t < threads; ++t) {
      thread.x = t;
      kernel(arguments...);
    }
  }
}

}  // namespace simt

#define threadIdx simt::thread
#define blockIdx simt::block
#define blockDim simt::block_size
#define gridDim simt::grid_size

// The kernel in parentheses, how many threads are wanted, then the kernel's arguments.
#define SIMT_LAUNCH(kernel, threads, ...) \
  simt::launch(simt_blocks(threads), simt_block(threads), kernel, __VA_ARGS__)

#endif

inline constexpr int kSimtBlock = 256;
inline constexpr int64_t kSimtMostBlocks = 65535;

inline unsigned simt_blocks(int64_t threads) {
  const int64_t blocks = (threads + kSimtBlock - 1) / kSimtBlock;
  return static_cast<unsigned>(blocks < kSimtMostBlocks ? blocks : kSimtMostBlocks);
}

inline unsigned simt_block(int64_t threads) {
  return static_cast<unsigned>(threads < kSimtBlock ? threads : kSimtBlock);
}

// for each i in [0, n) that belongs to this thread
#define SIMT_GRID_LOOP(i, n)                                                \
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < (n); \
       i += int64_t{blockDim.x} * gridDim.x)
