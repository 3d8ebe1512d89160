// Rearranging along dimensions: cat, flip, roll, triangles. All are copies of views.
#include <algorithm>

#include "loops.h"
#include "threads.h"

namespace FL_ISA {
namespace {

constexpr int kMaxDims = 64;

char* at(const fl_tensor& t, int64_t elements) {
  return static_cast<char*>(t.data) +
         elements * static_cast<int64_t>(dtype_size(t.dtype));
}

// `count` indices of dimension `dim` from `start` on; `sizes` is room for the new
// sizes.
fl_tensor narrow_view(const fl_tensor& t, int dim, int64_t start, int64_t count,
                      int64_t* sizes) {
  std::copy_n(t.sizes, t.ndim, sizes);
  fl_tensor view = t;
  view.sizes = sizes;
  view.data = at(t, start * t.strides[dim]);
  view.numel = t.sizes[dim] == 0 ? 0 : t.numel / t.sizes[dim] * count;
  sizes[dim] = count;
  return view;
}

fl_status cat(const fl_call* call) {
  const fl_tensor& out = call->out[0];
  const int dim = static_cast<int>(call->attr[0].v.i);
  if (out.ndim > kMaxDims) return FL_UNSUPPORTED;
  int64_t start = 0, sizes[kMaxDims];
  for (int k = 0; k < call->n_in; ++k) {
    const fl_tensor& in = call->in[k];
    if (in.numel == 0) continue;
    const fl_tensor part = narrow_view(out, dim, start, in.sizes[dim], sizes);
    const fl_status status = copy_view(call, part, in);
    if (status != FL_OK) return status;
    start += in.sizes[dim];
  }
  return FL_OK;
}

fl_status flip(const fl_call* call) {
  fl_tensor in = call->in[0];
  if (in.numel == 0) return FL_OK;
  if (in.ndim > kMaxDims) return FL_UNSUPPORTED;
  int64_t strides[kMaxDims];
  std::copy_n(in.strides, in.ndim, strides);
  for (int64_t i = 0; i < call->attr[0].count; ++i) {
    const int64_t d = call->attr[0].v.ints[i];
    in.data = at(in, (in.sizes[d] - 1) * strides[d]);
    strides[d] = -strides[d];
  }
  in.strides = strides;
  return copy_view(call, call->out[0], in);
}

// Rolls the dimensions dims[i..]: the two parts of each change places.
fl_status roll_from(const fl_call* call, int64_t i, const fl_tensor& out,
                    const fl_tensor& in) {
  if (in.numel == 0) return FL_OK;
  if (i == call->attr[0].count) return copy_view(call, out, in);
  const int d = static_cast<int>(call->attr[0].v.ints[i]);
  const int64_t n = in.sizes[d];
  const int64_t shift = (call->attr[1].v.ints[i] % n + n) % n;
  const int64_t parts[2][3] = {{0, shift, n - shift}, {n - shift, 0, shift}};
  for (const auto& [from, to, count] : parts) {
    int64_t in_sizes[kMaxDims], out_sizes[kMaxDims];
    const fl_status status =
        roll_from(call, i + 1, narrow_view(out, d, to, count, out_sizes),
                  narrow_view(in, d, from, count, in_sizes));
    if (status != FL_OK) return status;
  }
  return FL_OK;
}

bool is_contiguous(const fl_tensor& t) {
  int64_t n = 1;
  for (int d = t.ndim - 1; d >= 0; n *= t.sizes[d--]) {
    if (t.sizes[d] != 1 && t.strides[d] != n) return false;
  }
  return true;
}

constexpr int64_t kLine = 64;

// A row of n bytes, rolled by `shift` < n. With `past`, whole lines past the caches.
void roll_row(char* out, const char* in, int64_t n, int64_t shift, bool past) {
  if (!past) {
    std::memcpy(out, in + n - shift, shift);
    std::memcpy(out + shift, in, n - shift);
    return;
  }
  const int64_t seam = shift / kLine * kLine, first = shift - seam;
  stream_copy(out, in + n - shift, seam);
  char line[kLine];
  std::memcpy(line, in + n - first, first);
  std::memcpy(line + first, in, kLine - first);
  stream_copy(out + seam, line, kLine);
  const int64_t rest = n - seam - kLine;
  stream_copy(out + n - rest, in + kLine - first, rest);
}

// Rolls the last dimension of contiguous tensors.
fl_status roll_rows(const fl_call* call) {
  const fl_tensor &out = call->out[0], &in = call->in[0];
  const int64_t count = in.sizes[in.ndim - 1], rows = in.numel / count;
  const int64_t shift = (call->attr[1].v.ints[0] % count + count) % count;
  const auto size = static_cast<int64_t>(dtype_size(out.dtype));
  const int64_t n = count * size;
  const bool past = out.numel * size >= kStreamBytes && n % 64 == 0 &&
                    reinterpret_cast<uintptr_t>(out.data) % 64 == 0;
  parallel_for(rows, std::max<int64_t>(1, 100000 / count), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      roll_row(at(out, r * count), at(in, r * count), n, shift * size, past);
    }
  });
  if (past) stream_fence();
  return FL_OK;
}

fl_status roll(const fl_call* call) {
  const fl_tensor& in = call->in[0];
  if (in.ndim > kMaxDims) return FL_UNSUPPORTED;
  const bool rows = call->attr[0].count == 1 && in.numel != 0 &&
                    call->attr[0].v.ints[0] == in.ndim - 1;
  if (rows && is_contiguous(in) && is_contiguous(call->out[0])) return roll_rows(call);
  return roll_from(call, 0, call->out[0], call->in[0]);
}

// One row of a matrix: the elements [begin, end) of `in`, zeros elsewhere.
void triangle_row(int size, char* out, int64_t out_stride, const char* in,
                  int64_t in_stride, int64_t n, int64_t begin, int64_t end) {
  const auto zero = [&](int64_t from, int64_t to) {
    if (out_stride == size) {
      std::memset(out + from * size, 0, (to - from) * size);
    } else {
      for (int64_t i = from; i < to; ++i) std::memset(out + i * out_stride, 0, size);
    }
  };
  zero(0, begin);
  zero(end, n);
  out += begin * out_stride;
  in += begin * in_stride;
  if (in == out && in_stride == out_stride) return;
  if (out_stride == size) {
    gather_strided(size, out, in, in_stride, end - begin);
  } else {
    for (int64_t i = 0; i < end - begin; ++i) {
      std::memcpy(out + i * out_stride, in + i * in_stride, size);
    }
  }
}

void stream_zeros(char* out, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += kWidth) stream(out + i, Vec<uint8_t>{});
}

// The same of whole lines of n bytes, past the caches; begin and end in bytes too.
void stream_triangle_row(char* out, const char* in, int64_t n, int64_t begin,
                         int64_t end) {
  const auto mixed = [&](int64_t at) {
    char line[kLine] = {};
    const int64_t from = std::max(at, begin), to = std::min(at + kLine, end);
    if (from < to) std::memcpy(line + from - at, in + from, to - from);
    stream_copy(out + at, line, kLine);
  };
  const int64_t first = begin / kLine * kLine;
  const int64_t whole = (begin + kLine - 1) / kLine * kLine;
  int64_t last = std::max(whole, end / kLine * kLine);
  stream_zeros(out, first);
  if (first != whole) mixed(first);
  stream_copy(out + whole, in + whole, last - whole);
  if (end > last) {
    mixed(last);
    last += kLine;
  }
  stream_zeros(out + last, n - last);
}

template <bool kLower>
fl_status triangle(const fl_call* call) {
  const fl_tensor &out = call->out[0], &in = call->in[0];
  if (out.numel == 0) return FL_OK;
  const int row_dim = out.ndim - 2, col_dim = out.ndim - 1;
  const int64_t rows = out.sizes[row_dim], cols = out.sizes[col_dim];
  const int64_t k = std::clamp(call->attr[0].v.i, -rows, cols);
  const int size = static_cast<int>(dtype_size(out.dtype));
  const bool past = out.numel * size >= kStreamBytes && in.data != out.data &&
                    is_contiguous(out) && in.strides[col_dim] == 1 &&
                    cols * size % kLine == 0 &&
                    reinterpret_cast<uintptr_t>(out.data) % kLine == 0;
  parallel_for(
      out.numel / cols, std::max<int64_t>(1, 100000 / cols), [&](int64_t b, int64_t e) {
        for (int64_t r = b; r < e; ++r) {
          int64_t to = 0, from = 0, rest = r;
          for (int d = row_dim; d >= 0; --d) {
            to += rest % out.sizes[d] * out.strides[d];
            from += rest % out.sizes[d] * in.strides[d];
            rest /= out.sizes[d];
          }
          const int64_t edge =
              std::clamp<int64_t>(r % rows + k + (kLower ? 1 : 0), 0, cols);
          const int64_t begin = kLower ? 0 : edge, end = kLower ? edge : cols;
          if (past) {
            stream_triangle_row(at(out, to), at(in, from), cols * size, begin * size,
                                end * size);
          } else {
            triangle_row(size, at(out, to), out.strides[col_dim] * size, at(in, from),
                         in.strides[col_dim] * size, cols, begin, end);
          }
        }
      });
  if (past) stream_fence();
  return FL_OK;
}

}  // namespace

FL_FAMILY(arrange, {"cat", cat, kAll}, {"flip", flip, kAll}, {"roll", roll, kAll},
          {"tril", triangle<true>, kAll}, {"triu", triangle<false>, kAll});

}  // namespace FL_ISA
