// What the runtime knows of a kernel: its name and dtypes, and how to run it on the
// worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flambeau/backend.h"

namespace simulated {

class Device;
struct KernelCommand;

// Filled in by the first thread of a kernel that meets an error in the data.
struct Trap {
  enum Code : int32_t { kNone, kIndex, kZeroDivision };
  int32_t code = kNone;
  int64_t index = 0, dim = 0, size = 0;
};

// One call as the worker sees it: the operands' addresses are the device's own.
struct Launch {
  const fl_call& call;
  void* workspace;
  Trap* trap;

  const fl_tensor& out(int i = 0) const { return call.out[i]; }
  const fl_tensor& in(int i = 0) const { return call.in[i]; }
  const fl_attr& attr(int i) const { return call.attr[i]; }
};

struct Kernel {
  const char* name;
  uint32_t dtypes;
  void (*run)(const Launch& launch);
  uint32_t ints = 0;  // bit i: attribute i is a list of ints
  size_t (*workspace)(const fl_call& call) = nullptr;  // bytes of scratch memory
  bool (*accepts)(const fl_call& call) = nullptr;      // nullptr: every call
};

struct Family {
  const Kernel* kernels;
  size_t count;
};

// One line per file of kernels/.
#define SIMULATED_FAMILIES(X) \
  X(copy)                     \
  X(unary)                    \
  X(binary)                   \
  X(compare)                  \
  X(reduce)                   \
  X(scan)                     \
  X(sort)                     \
  X(index)                    \
  X(matmul)                   \
  X(convolution)              \
  X(random)
#define SIMULATED_DECLARE(family) extern const Family family##_family;
SIMULATED_FAMILIES(SIMULATED_DECLARE)
#undef SIMULATED_DECLARE

// At the end of such a file: SIMULATED_FAMILY(unary, {"neg", kNumbers, run}, ...).
#define SIMULATED_FAMILY(name, ...)                         \
  static constexpr Kernel name##_kernels[] = {__VA_ARGS__}; \
  extern const Family name##_family;                        \
  constinit const Family name##_family = {name##_kernels,   \
                                          sizeof(name##_kernels) / sizeof(Kernel)}

const Kernel* find_kernel(std::string_view name);
void run_kernel(const KernelCommand& command, Device& device);  // on the worker
fl_status launch(const fl_call* call);                          // on the host's thread

inline constexpr int kMaxDims = 25;  // as many as fit into a GPU's kernel arguments

}  // namespace simulated
