// What pointwise() knows of a call, and how a row of operands of any layout is brought
// to a row function.
#pragma once

#include <algorithm>

#include "loops.h"

namespace FL_ISA::loop {

constexpr int kMaxDims = 64;
constexpr int kBlock = 512;  // elements of a buffered row

struct Operand {
  char* data;
  int64_t strides[kMaxDims];  // bytes
  int size;                   // bytes of an element in memory
  int dtype;
  bool half;
};

struct Plan {
  RowFn row;
  const void* op;
  int n_ops, n_out, ndim;
  bool stream = false, direct = false, copy = false;
  int64_t sizes[kMaxDims];
  Operand ops[kMaxOperands];

  int64_t inner() const { return sizes[ndim - 1]; }
};

struct Buffers {
  alignas(64) char row[kMaxOperands][kBlock * 16];
};

FL_INLINE void splat_bytes(char* dst, const char* value, int size) {
  for (int i = 0; i < kSplatBytes; i += size) std::memcpy(dst + i, value, size);
}

// Repeats one element over kSplatBytes.
FL_INLINE void fill_splat(char* dst, const char* value, int dtype, bool half) {
  if (half) {
    float x;
    widen_row(dtype, &x, value, 1);
    return splat_bytes(dst, reinterpret_cast<const char*>(&x), 4);
  }
  switch (dtype_size(dtype)) {
    case 1:
      return splat_bytes(dst, value, 1);
    case 2:
      return splat_bytes(dst, value, 2);
    case 4:
      return splat_bytes(dst, value, 4);
    case 8:
      return splat_bytes(dst, value, 8);
    default:
      return splat_bytes(dst, value, 16);
  }
}

// Brings n elements that lie `stride` bytes apart into dst, as a row wants them.
inline void pack(const Operand& a, char* dst, const char* src, int64_t stride,
                 int64_t n) {
  if (!a.half) return gather_strided(a.size, dst, src, stride, n);
  uint16_t halves[kBlock];
  if (stride != 2) {
    gather_strided(2, halves, src, stride, n);
    src = reinterpret_cast<const char*>(halves);
  }
  widen_row(a.dtype, reinterpret_cast<float*>(dst), src, n);
}

inline void unpack(const Operand& a, char* dst, int64_t stride, const char* src,
                   int64_t n, bool stream) {
  if (!a.half) {
    if (stream && stride == a.size) return stream_copy(dst, src, n * a.size);
    return scatter_strided(a.size, dst, stride, src, n);
  }
  uint16_t halves[kBlock];
  const auto* floats = reinterpret_cast<const float*>(src);
  if (stride == 2 && !stream) return narrow_row(a.dtype, dst, floats, n);
  narrow_row(a.dtype, halves, floats, n);
  if (stride == 2) return stream_copy(dst, halves, n * 2);
  scatter_strided(2, dst, stride, halves, n);
}

// A row that is copied, with no buffer in between. False where there is a better way.
inline bool copy_row(const Plan& plan, char* const* p, const int64_t* stride,
                     int64_t n) {
  const int size = plan.ops[0].size;
  if (stride[1] == 0) return false;
  if (stride[0] == size) {
    if (plan.stream && stride[1] == size) {
      stream_copy(p[0], p[1], n * size);
    } else if (stride[1] == -size && size <= 8) {
      reverse_copy(size, p[0], p[1], n, plan.stream);
    } else if (plan.stream) {
      return false;
    } else {
      gather_strided(size, p[0], p[1], stride[1], n);
    }
    return true;
  }
  if (stride[1] != size) return false;
  scatter_strided(size, p[0], stride[0], p[1], n);
  return true;
}

// One row of n elements at `p`, `stride` bytes apart.
inline void run_row(const Plan& plan, char* const* p, const int64_t* stride, int64_t n,
                    Buffers& buffers) {
  if (plan.copy && copy_row(plan, p, stride, n)) return;
  char* q[kMaxOperands];
  int64_t step[kMaxOperands];
  bool buffered[kMaxOperands];
  bool any = false;
  for (int k = 0; k < plan.n_ops; ++k) {
    const Operand& a = plan.ops[k];
    q[k] = p[k];
    step[k] = 1;
    buffered[k] = a.half || stride[k] != a.size;
    if (plan.stream && k == 0 && !buffered[k]) {
      const bool direct =
          plan.direct && reinterpret_cast<uintptr_t>(p[k]) % kWidth == 0;
      if (direct) step[k] = kPast;
      buffered[k] = !direct;
    }
    if (k >= plan.n_out && stride[k] == 0) {
      fill_splat(buffers.row[k], p[k], a.dtype, a.half);
      q[k] = buffers.row[k];
      step[k] = 0;
      buffered[k] = false;
    }
    any |= buffered[k];
  }
  if (!any) return plan.row(q, step, n, plan.op);
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = std::min<int64_t>(kBlock, n - i);
    for (int k = 0; k < plan.n_ops; ++k) {
      if (step[k] == 0) continue;
      q[k] = buffered[k] ? buffers.row[k] : p[k] + i * stride[k];
      if (buffered[k] && k >= plan.n_out) {
        pack(plan.ops[k], q[k], p[k] + i * stride[k], stride[k], m);
      }
    }
    plan.row(q, step, m, plan.op);
    for (int k = 0; k < plan.n_out; ++k) {
      if (!buffered[k]) continue;
      unpack(plan.ops[k], p[k] + i * stride[k], stride[k], q[k], m, plan.stream);
    }
  }
}

// A position in the loop nest, with the address of each operand there.
struct Cursor {
  int64_t index[kMaxDims];
  char* p[kMaxOperands];

  // At element `linear` of the dimensions [0, ndim).
  Cursor(const Plan& plan, int ndim, int64_t linear) {
    for (int k = 0; k < plan.n_ops; ++k) p[k] = plan.ops[k].data;
    for (int d = ndim - 1; d >= 0; --d) {
      index[d] = linear % plan.sizes[d];
      linear /= plan.sizes[d];
      for (int k = 0; k < plan.n_ops; ++k) p[k] += index[d] * plan.ops[k].strides[d];
    }
  }

  // One step in dimension `last`, carrying into the outer ones.
  void next(const Plan& plan, int last) {
    for (int d = last; d >= 0; --d) {
      for (int k = 0; k < plan.n_ops; ++k) p[k] += plan.ops[k].strides[d];
      if (++index[d] < plan.sizes[d] || d == 0) return;
      for (int k = 0; k < plan.n_ops; ++k) {
        p[k] -= plan.ops[k].strides[d] * plan.sizes[d];
      }
      index[d] = 0;
    }
  }
};

// Elements [begin, end) of the nest, a row at a time.
inline void run_rows(const Plan& plan, int64_t begin, int64_t end) {
  Buffers buffers;
  const int last = plan.ndim - 1;
  const int64_t inner = plan.inner();
  int64_t stride[kMaxOperands];
  for (int k = 0; k < plan.n_ops; ++k) stride[k] = plan.ops[k].strides[last];
  Cursor at(plan, last, begin / inner);
  for (int64_t i = begin, offset = begin % inner; i < end; offset = 0) {
    const int64_t n = std::min(inner - offset, end - i);
    char* p[kMaxOperands];
    for (int k = 0; k < plan.n_ops; ++k) p[k] = at.p[k] + offset * stride[k];
    run_row(plan, p, stride, n, buffers);
    i += n;
    if (i < end && last > 0) at.next(plan, last - 1);
  }
}

}  // namespace FL_ISA::loop
