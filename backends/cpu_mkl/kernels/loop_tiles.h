// Operands that are contiguous along another dimension than the result: read, or
// written, by transposed tiles.
#pragma once

#include "loop_rows.h"

namespace FL_ISA::loop {

constexpr int kTile = 64;   // rows and columns of a transposed tile
constexpr int kTall = 512;  // rows of one that is copied past the caches

inline bool is_turned(const Operand& a, int last) {
  return a.strides[last] != a.size && a.strides[last] != 0 &&
         a.strides[last - 1] == a.size;
}

// Brings the dimension along which some operand is contiguous next to the innermost
// one. True when there is such an operand.
inline bool find_turned(Plan& plan) {
  const int last = plan.ndim - 1;
  if (last < 1 || plan.inner() < 8) return false;
  for (int k = 0; k < plan.n_ops; ++k) {
    const Operand& a = plan.ops[k];
    if (a.strides[last] == a.size || a.strides[last] == 0) continue;
    for (int d = 0; d < last; ++d) {
      if (a.strides[d] != a.size || plan.sizes[d] < 8) continue;
      std::swap(plan.sizes[d], plan.sizes[last - 1]);
      for (int j = 0; j < plan.n_ops; ++j) {
        std::swap(plan.ops[j].strides[d], plan.ops[j].strides[last - 1]);
      }
      return true;
    }
  }
  return false;
}

struct Tile {
  alignas(64) char data[kMaxOperands][kTile * kTile * 8];
};

// Whether a tile is but a transposition of one operand to the result.
inline bool only_turns(const Plan& plan) {
  const int last = plan.ndim - 1;
  return plan.copy && plan.ops[0].strides[last] == plan.ops[0].size &&
         is_turned(plan.ops[1], last);
}

// Rows and columns of a tile. Wide elements make smaller ones.
inline int64_t tile_rows(const Plan& plan) {
  if (plan.stream && only_turns(plan)) return kTall;
  for (int k = 0; k < plan.n_ops; ++k) {
    if (plan.ops[k].size > 8) return kTile / 2;
  }
  return kTile;
}
inline int64_t tile_cols(const Plan& plan) {
  const int64_t rows = tile_rows(plan);
  return rows == kTall ? plan.inner() : rows;
}

// Rows of contiguous operands, done with no look at each. False where they are not.
inline bool run_plain_rows(const Plan& plan, char** p, const int64_t* stride,
                           const int64_t* down, int64_t rows, int64_t cols) {
  int64_t step[kMaxOperands];
  for (int k = 0; k < plan.n_ops; ++k) {
    if (plan.ops[k].half || stride[k] != plan.ops[k].size) return false;
    step[k] = 1;
  }
  if (plan.stream) {
    const uintptr_t place = reinterpret_cast<uintptr_t>(p[0]) | down[0];
    if (!plan.direct || place % kWidth != 0) return false;
    step[0] = kPast;
  }
  for (int64_t r = 0; r < rows; ++r) {
    plan.row(p, step, cols, plan.op);
    for (int k = 0; k < plan.n_ops; ++k) p[k] += down[k];
  }
  return true;
}

inline void run_tile(const Plan& plan, char* const* at, int64_t rows, int64_t cols,
                     Buffers& buffers, Tile& tile) {
  const int last = plan.ndim - 1;
  char* p[kMaxOperands];
  int64_t stride[kMaxOperands], down[kMaxOperands];
  const Operand& out = plan.ops[0];
  if (only_turns(plan)) {
    return transpose(out.size, at[0], out.strides[last - 1] / out.size, at[1],
                     plan.ops[1].strides[last] / out.size, rows, cols, plan.stream);
  }
  const int64_t width = tile_cols(plan);
  // What is read as it lies arrives while the rest is turned: processors do not foresee
  // rows so short and so far apart.
  for (int k = plan.n_out; k < plan.n_ops; ++k) {
    const Operand& a = plan.ops[k];
    if (a.strides[last] != a.size) continue;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < cols * a.size; i += 64)
        __builtin_prefetch(at[k] + r * a.strides[last - 1] + i);
  }
  for (int k = 0; k < plan.n_ops; ++k) {
    const Operand& a = plan.ops[k];
    p[k] = at[k];
    stride[k] = a.strides[last];
    down[k] = a.strides[last - 1];
    if (!is_turned(a, last)) continue;
    if (k >= plan.n_out) {
      transpose(a.size, tile.data[k], width, p[k], stride[k] / a.size, rows, cols);
    }
    p[k] = tile.data[k];
    stride[k] = a.size;
    down[k] = width * a.size;
  }
  if (!run_plain_rows(plan, p, stride, down, rows, cols)) {
    for (int64_t r = 0; r < rows; ++r) {
      run_row(plan, p, stride, cols, buffers);
      for (int k = 0; k < plan.n_ops; ++k) p[k] += down[k];
    }
  }
  for (int k = 0; k < plan.n_out; ++k) {
    const Operand& a = plan.ops[k];
    if (!is_turned(a, last)) continue;
    transpose(a.size, at[k], a.strides[last] / a.size, tile.data[k], width, cols, rows);
  }
}

inline void run_tiles(const Plan& plan, int64_t begin, int64_t end) {
  Buffers buffers;
  Tile tile;
  const int last = plan.ndim - 1;
  const int64_t rows = plan.sizes[last - 1], cols = plan.inner();
  const int64_t height = tile_rows(plan), width = tile_cols(plan);
  const int64_t bands = (rows + height - 1) / height;
  for (int64_t b = begin; b < end; ++b) {
    const Cursor at(plan, last - 1, b / bands);
    const int64_t r = b % bands * height;
    for (int64_t c = 0; c < cols; c += width) {
      char* p[kMaxOperands];
      for (int k = 0; k < plan.n_ops; ++k) {
        p[k] =
            at.p[k] + r * plan.ops[k].strides[last - 1] + c * plan.ops[k].strides[last];
      }
      run_tile(plan, p, std::min(height, rows - r), std::min(width, cols - c), buffers,
               tile);
    }
  }
}

}  // namespace FL_ISA::loop
