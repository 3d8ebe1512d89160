// Kernels along one dimension see lines: contiguous elements in the type they compute
// in, whatever the strides and the dtype of the operands.
#pragma once

#include <algorithm>
#include <atomic>

#include "loops.h"
#include "scratch.h"
#include "threads.h"

namespace FL_ISA {

// Operands, outputs first. One whose size along the dimension differs from in[0]'s (the
// result of an argmax) is not brought into a line: the kernel gets its address.
class Lines {
 public:
  static constexpr int kMost = 4, kDims = 64, kGroup = 16;

  Lines(const fl_call* call, int dim) : call_(call) {
    const fl_tensor& in = call->in[0];
    n_ops_ = call->n_out + call->n_in;
    n_ = in.ndim == 0 ? 1 : in.sizes[dim];
    for (int k = 0; k < n_ops_; ++k) add(k, tensor(k), dim);
    for (int d = 0; d < in.ndim; ++d) {
      if (d == dim || in.sizes[d] == 1) continue;
      sizes_[ndim_] = in.sizes[d];
      lines_ *= in.sizes[d];
      for (int k = 0; k < n_ops_; ++k)
        strides_[k][ndim_] = tensor(k).strides[d] * size_[k];
      ++ndim_;
    }
    order();
  }

  int64_t length() const { return n_; }
  int64_t count() const { return lines_; }

  // f(p): p[k] is the line of operand k, or its address. `ns` per element.
  template <class F>
  fl_status run(float ns, F&& f) {
    if (lines_ == 0) return FL_OK;
    const int64_t per_line = std::max<int64_t>(1, n_);
    const auto grain =
        std::max<int64_t>(1, static_cast<int64_t>(20000 / ns) / per_line);
    const int64_t inner = ndim_ == 0 ? 1 : sizes_[ndim_ - 1];
    const int64_t width = turned_ ? std::min<int64_t>(kGroup, inner) : 1;
    const int64_t groups = (inner + width - 1) / width;
    std::atomic<bool> failed{false};
    parallel_for(lines_ / inner * groups, std::max<int64_t>(1, grain / width),
                 [&](int64_t b, int64_t e) {
                   for (int64_t i = b; i < e; ++i) {
                     const int64_t at = i % groups * width;
                     const int64_t m = std::min(width, inner - at);
                     if (!group(i / groups * inner + at, m, f)) failed = true;
                   }
                 });
    return failed ? FL_OUT_OF_MEMORY : FL_OK;
  }

 private:
  const fl_tensor& tensor(int k) const {
    return k < call_->n_out ? call_->out[k] : call_->in[k - call_->n_out];
  }

  void add(int k, const fl_tensor& t, int dim) {
    size_[k] = static_cast<int>(dtype_size(t.dtype));
    data_[k] = static_cast<char*>(t.data);
    const int64_t length = t.ndim == 0 ? 1 : t.sizes[dim];
    along_[k] = t.ndim == 0 || length == 1 ? size_[k] : t.strides[dim] * size_[k];
    line_[k] = length == n_ && !(n_ == 1 && k < call_->n_out && call_->n_out > 0 &&
                                 t.dtype != call_->in[0].dtype);
    half_[k] = is_half(t.dtype);
  }

  // Lines that lie side by side come innermost, and are turned together.
  void order() {
    int best = -1;
    for (int k = n_ops_ - 1; k >= 0; --k) {
      if (!line_[k] || along_[k] == size_[k]) continue;
      for (int d = 0; d < ndim_; ++d) {
        if (strides_[k][d] == size_[k] && sizes_[d] > 1) best = d;
      }
    }
    turned_ = best >= 0;
    if (!turned_ || best == ndim_ - 1) return;
    std::swap(sizes_[best], sizes_[ndim_ - 1]);
    for (int k = 0; k < n_ops_; ++k) {
      std::swap(strides_[k][best], strides_[k][ndim_ - 1]);
    }
  }

  bool buffered(int k) const { return line_[k] && (half_[k] || along_[k] != size_[k]); }

  // Lines of `m` neighbours in operand k, to or from the buffer.
  void move(int k, char* p, char* buffer, int64_t m, bool in) const {
    const int64_t lane = half_[k] ? 4 : size_[k];
    const int64_t side = ndim_ == 0 ? 0 : strides_[k][ndim_ - 1];
    if (!half_[k] && m > 1 && side == size_[k]) {
      const int64_t ld = along_[k] / size_[k];
      return in ? transpose(size_[k], buffer, n_, p, ld, m, n_)
                : transpose(size_[k], p, ld, buffer, n_, n_, m);
    }
    for (int64_t i = 0; i < m; ++i, p += side, buffer += n_ * lane) {
      if (!half_[k]) {
        in ? gather_strided(size_[k], buffer, p, along_[k], n_)
           : scatter_strided(size_[k], p, along_[k], buffer, n_);
        continue;
      }
      uint16_t halves[512];
      auto* floats = reinterpret_cast<float*>(buffer);
      for (int64_t j = 0; j < n_; j += 512) {
        const int64_t c = std::min<int64_t>(512, n_ - j);
        if (in) {
          gather_strided(2, halves, p + j * along_[k], along_[k], c);
          widen_row(tensor(k).dtype, floats + j, halves, c);
        } else {
          narrow_row(tensor(k).dtype, halves, floats + j, c);
          scatter_strided(2, p + j * along_[k], along_[k], halves, c);
        }
      }
    }
  }

  template <class F>
  bool group(int64_t line, int64_t m, F& f) const {
    char *p[kMost], *buffer[kMost] = {};
    int64_t side[kMost];
    for (int k = 0; k < n_ops_; ++k) {
      p[k] = data_[k];
      int64_t rest = line;
      for (int d = ndim_ - 1; d >= 0; --d) {
        p[k] += rest % sizes_[d] * strides_[k][d];
        rest /= sizes_[d];
      }
      side[k] = ndim_ == 0 ? 0 : strides_[k][ndim_ - 1];
      if (!buffered(k)) continue;
      const int64_t lane = half_[k] ? 4 : size_[k];
      buffer[k] = scratch::array<char>(static_cast<scratch::Slot>(scratch::kWork + k),
                                       static_cast<size_t>(n_ * m * lane));
      if (buffer[k] == nullptr) return false;
      if (k >= call_->n_out) move(k, p[k], buffer[k], m, true);
    }
    for (int64_t i = 0; i < m; ++i) {
      char* q[kMost];
      for (int k = 0; k < n_ops_; ++k) {
        q[k] = buffer[k] != nullptr ? buffer[k] + i * n_ * (half_[k] ? 4 : size_[k])
                                    : p[k] + i * side[k];
      }
      f(q);
    }
    for (int k = 0; k < call_->n_out; ++k) {
      if (buffer[k] != nullptr) move(k, p[k], buffer[k], m, false);
    }
    return true;
  }

  const fl_call* call_;
  int n_ops_, ndim_ = 0;
  int64_t n_, lines_ = 1, sizes_[kDims], strides_[kMost][kDims], along_[kMost];
  char* data_[kMost];
  int size_[kMost];
  bool line_[kMost], half_[kMost], turned_ = false;
};

}  // namespace FL_ISA
