// How a kernel file tells the device its names: one constant table per file, and one
// line in FL_FAMILIES below.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flambeau/backend.h"

// One line per file of kernels/ that defines FL_FAMILY(name, ...).
#define FL_FAMILIES(X) \
  X(binary)            \
  X(linear)            \
  X(norm)              \
  X(batch_norm)        \
  X(loss)              \
  X(unary)             \
  X(compare)           \
  X(ternary)           \
  X(activation)        \
  X(conv)              \
  X(random)            \
  X(distributions)     \
  X(sort)              \
  X(select)            \
  X(topk)              \
  X(index)             \
  X(embedding)         \
  X(masked)            \
  X(sequence)          \
  X(copy)              \
  X(arrange)           \
  X(attention)         \
  X(reduce)            \
  X(moments)           \
  X(softmax)           \
  X(scan)              \
  X(argmax)            \
  X(optim)             \
  X(pool)              \
  X(resample)          \
  X(rnn)               \
  X(linalg)            \
  X(fft)

struct KernelEntry {
  const char* name;
  fl_kernel run;
  uint32_t dtypes;  // FL_DTYPE_BITs of the main operand
};

struct Family {
  const KernelEntry* entries;
  size_t count;
};

// FL_FAMILY(unary, {"neg", neg, kNumeric}, ...) inside namespace FL_ISA. The tables are
// constants, so that no code of an instruction set runs before the set is chosen.
#define FL_FAMILY(name, ...)                                     \
  static constexpr KernelEntry name##_entries[] = {__VA_ARGS__}; \
  extern const Family name##_family;                             \
  constinit const Family name##_family = {                       \
      name##_entries, sizeof(name##_entries) / sizeof(KernelEntry)}
