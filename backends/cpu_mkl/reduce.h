// The engine of reductions: brings any layout and any reduced dimensions into rows to
// fold or columns to fold side by side. See Note [Reductions].
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "complex.h"
#include "loops.h"
#include "threads.h"

namespace FL_ISA {

// Note [Reductions]
// An operation has a State, and folds into it a row of contiguous elements, or into
// many states side by side the columns of a matrix; states of parts are merged. Sums of
// float are kept in many vector lanes over a few thousand elements and then added up in
// double: as accurate as pairwise summation, at the speed of memory. The parts do not
// depend on the number of threads, so neither does the result.
//
//   struct Op {
//     using In = ...;  using State = ...;
//     State init() const;
//     void row(State&, const In* x, int64_t n) const;
//     void columns(State*, const In* x, int64_t ld, int64_t rows, int64_t cols) const;
//     void merge(State& into, const State& part) const;
//     void write(const State&, char* const* out) const;
//   };

inline constexpr int kReduceDims = 64;
inline constexpr int kFoldBlock = 4096;  // elements summed in lanes
inline constexpr int kPart = 1 << 16;    // elements of a part with a state of its own
inline constexpr int kColumns = 512;     // columns folded side by side
inline constexpr int kColumnRows = 64;   // rows folded before states are touched
inline constexpr int kGatherRows = 16;   // the same, out of a buffer

// One group of dimensions, strides in bytes, outermost first.
struct Dims {
  int n = 0;
  int64_t size[kReduceDims];
  int64_t in[kReduceDims];
  int64_t out[2][kReduceDims];

  int64_t count() const {
    int64_t c = 1;
    for (int d = 0; d < n; ++d) c *= size[d];
    return c;
  }

  void add(int64_t s, int64_t i, int64_t o0, int64_t o1) {
    int at = n++;
    for (; at > 0 && std::abs(in[at - 1]) < std::abs(i); --at) move(at - 1, at);
    size[at] = s;
    in[at] = i;
    out[0][at] = o0;
    out[1][at] = o1;
  }

  // Makes one dimension of neighbours that lie one after the other.
  void coalesce() {
    int m = 0;
    for (int d = 0; d < n; ++d) {
      const bool joins = m > 0 && in[m - 1] == in[d] * size[d] &&
                         out[0][m - 1] == out[0][d] * size[d] &&
                         out[1][m - 1] == out[1][d] * size[d];
      if (joins) {
        const int64_t total = size[m - 1] * size[d];
        move(d, m - 1);
        size[m - 1] = total;
      } else {
        move(d, m++);
      }
    }
    n = m;
  }

  int64_t in_offset(int64_t linear, int dims) const {
    int64_t offset = 0;
    for (int d = dims - 1; d >= 0; --d) {
      offset += linear % size[d] * in[d];
      linear /= size[d];
    }
    return offset;
  }

  // f(offset in the input, in the outputs) for elements [begin, end): one division to
  // find the first, none from there on.
  template <class F>
  void each(int64_t begin, int64_t end, F&& f) const {
    int64_t at[kReduceDims], i = in_offset(begin, n), o0 = out_offset(0, begin),
                             o1 = out_offset(1, begin);
    for (int64_t d = n - 1, rest = begin; d >= 0; rest /= size[d--])
      at[d] = rest % size[d];
    while (begin < end) {
      f(i, o0, o1);
      if (++begin == end) return;
      for (int d = n - 1; d >= 0; --d) {
        const bool wraps = ++at[d] == size[d];
        const int64_t steps = wraps ? 1 - size[d] : 1;
        i += steps * in[d];
        o0 += steps * out[0][d];
        o1 += steps * out[1][d];
        if (!wraps) break;
        at[d] = 0;
      }
    }
  }

  int64_t out_offset(int which, int64_t linear) const {
    int64_t offset = 0;
    for (int d = n - 1; d >= 0; --d) {
      offset += linear % size[d] * out[which][d];
      linear /= size[d];
    }
    return offset;
  }

 private:
  void move(int from, int to) {
    size[to] = size[from];
    in[to] = in[from];
    out[0][to] = out[0][from];
    out[1][to] = out[1][from];
  }
};

struct Geometry {
  Dims kept, reduced;
  const char* in;
  char* out[2];
  int dtype, size;
  bool half;
};

inline Geometry make_geometry(const fl_call* call) {
  const fl_tensor &in = call->in[0], &out = call->out[0];
  const fl_tensor& second = call->out[call->n_out - 1];
  Geometry g;
  g.in = static_cast<const char*>(in.data);
  g.out[0] = static_cast<char*>(out.data);
  g.out[1] = static_cast<char*>(second.data);
  g.dtype = in.dtype;
  g.size = static_cast<int>(dtype_size(in.dtype));
  g.half = is_half(in.dtype);
  const auto out_size = static_cast<int64_t>(dtype_size(out.dtype));
  for (int d = 0; d < out.ndim; ++d) {
    if (out.sizes[d] == 1) continue;
    Dims& group = out.strides[d] == 0 ? g.reduced : g.kept;
    group.add(out.sizes[d], in.strides[d] * g.size, out.strides[d] * out_size,
              second.strides[d] * out_size);
  }
  g.kept.coalesce();
  g.reduced.coalesce();
  return g;
}

template <class Op>
class Reducer {
  using In = typename Op::In;
  using State = typename Op::State;

 public:
  // `cast`, if any, converts n elements as they are stored to what Op takes.
  using Cast = void (*)(In* dst, const void* src, int64_t n);

  Reducer(const fl_call* call, const Op& op, Cast cast = nullptr)
      : g_(make_geometry(call)), op_(op), cast_(cast) {}

  void run() {
    const int64_t kept = g_.kept.count(), reduced = g_.reduced.count();
    if (kept == 0) return;
    if (reduced == 0) return write_all(kept, op_.init());
    if (by_columns(reduced)) return run_columns(kept, reduced);
    if (reduced <= kPart || kept >= 64) return run_rows(kept, reduced);
    for (int64_t k = 0; k < kept; ++k) run_parts(k, reduced);
  }

 private:
  bool by_columns(int64_t reduced) const {
    const Dims &k = g_.kept, &r = g_.reduced;
    if (k.n == 0 || reduced == 1) return false;
    if (r.n == 0) return true;
    const int64_t kept_stride = std::abs(k.in[k.n - 1]);
    const int64_t inner = r.size[r.n - 1];
    const bool short_rows = inner < 16 && k.size[k.n - 1] > inner;
    return kept_stride < std::abs(r.in[r.n - 1]) || short_rows;
  }

  int64_t grain(int64_t elements) const {
    return std::max<int64_t>(1,
                             int64_t(20000 / Op::kNs) / std::max<int64_t>(1, elements));
  }

  void write(int64_t k, const State& s) const {
    write_at(g_.kept.out_offset(0, k), g_.kept.out_offset(1, k), s);
  }
  void write_at(int64_t o0, int64_t o1, const State& s) const {
    char* out[2] = {g_.out[0] + o0, g_.out[1] + o1};
    op_.write(s, out);
  }

  void write_all(int64_t kept, const State& s) const {
    for (int64_t k = 0; k < kept; ++k) write(k, s);
  }

  // Elements [begin, end) of the reduced dimensions, from `base` on, into s.
  void fold(State& s, const char* base, int64_t begin, int64_t end) const {
    const Dims& r = g_.reduced;
    const int64_t inner = r.n == 0 ? 1 : r.size[r.n - 1];
    const int64_t stride = r.n == 0 ? g_.size : r.in[r.n - 1];
    if (r.n <= 1) return fold_strided(s, base + begin * stride, stride, end - begin);
    while (begin < end) {
      const int64_t offset = begin % inner;
      const int64_t n = std::min(inner - offset, end - begin);
      const char* p = base + offset * stride;
      p += r.in_offset(begin / inner, r.n - 1);
      fold_strided(s, p, stride, n);
      begin += n;
    }
  }

  void fold_strided(State& s, const char* p, int64_t stride, int64_t n) const {
    if (direct() && stride == g_.size) {
      return op_.row(s, reinterpret_cast<const In*>(p), n);
    }
    alignas(64) In buffer[kColumns];
    for (int64_t i = 0; i < n; i += kColumns) {
      const int64_t m = std::min<int64_t>(kColumns, n - i);
      pack(buffer, p + i * stride, stride, m);
      op_.row(s, buffer, m);
    }
  }

  bool direct() const { return !g_.half && cast_ == nullptr; }

  void pack(In* dst, const char* p, int64_t stride, int64_t n) const {
    if (cast_ != nullptr) {
      alignas(64) char raw[kColumns * 16];
      if (stride == g_.size) return cast_(dst, p, n);
      gather_strided(g_.size, raw, p, stride, n);
      return cast_(dst, raw, n);
    }
    if (!g_.half) return gather_strided(g_.size, dst, p, stride, n);
    if constexpr (std::is_same_v<In, float>) {
      uint16_t halves[kColumns];
      gather_strided(2, halves, p, stride, n);
      widen_row(g_.dtype, dst, halves, n);
    }
  }

  void run_rows(int64_t kept, int64_t reduced) const {
    parallel_for(kept, grain(reduced), [&](int64_t b, int64_t e) {
      g_.kept.each(b, e, [&](int64_t in, int64_t o0, int64_t o1) {
        State s = op_.init();
        fold(s, g_.in + in, 0, reduced);
        write_at(o0, o1, s);
      });
    });
  }

  void run_parts(int64_t k, int64_t reduced) const {
    const char* base = g_.in + g_.kept.in_offset(k, g_.kept.n);
    const int64_t parts = (reduced + kPart - 1) / kPart;
    // Not a vector: its code would be shared between the instruction sets.
    const auto states = std::make_unique<State[]>(static_cast<size_t>(parts));
    std::fill_n(states.get(), parts, op_.init());
    parallel_for(parts, grain(kPart), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        State s = op_.init();
        fold(s, base, i * kPart, std::min<int64_t>((i + 1) * kPart, reduced));
        states[i] = s;
      }
    });
    State s = states[0];
    for (int64_t i = 1; i < parts; ++i) op_.merge(s, states[i]);
    write(k, s);
  }

  // ---- columns --------------------------------------------------------------
  void run_columns(int64_t kept, int64_t reduced) const {
    const Dims& k = g_.kept;
    const int64_t inner = k.size[k.n - 1];
    const int64_t share = (inner + threads::count() - 1) / threads::count();
    const int64_t width = std::clamp<int64_t>((share + 63) / 64 * 64, 64, kColumns);
    const int64_t blocks = (inner + width - 1) / width;
    parallel_for(kept / inner * blocks, grain(reduced * std::min(inner, width)),
                 [&](int64_t b, int64_t e) {
                   for (int64_t i = b; i < e; ++i) {
                     const int64_t c = i % blocks * width;
                     fold_columns(i / blocks, c, std::min(width, inner - c), reduced);
                   }
                 });
  }

  void fold_columns(int64_t outer, int64_t c, int64_t cols, int64_t reduced) const {
    const Dims &k = g_.kept, &r = g_.reduced;
    const int64_t inner = k.size[k.n - 1], step = k.in[k.n - 1];
    State states[kColumns];
    for (int64_t j = 0; j < cols; ++j) states[j] = op_.init();
    const char* base = g_.in + k.in_offset(outer, k.n - 1) + c * step;
    const int64_t rows = r.size[r.n - 1], ld = r.in[r.n - 1];
    const bool whole = direct() && step == g_.size && ld % g_.size == 0;
    const int most = whole ? kColumnRows : kGatherRows;
    alignas(64) In buffer[kGatherRows * kColumns];
    for (int64_t i = 0; i < reduced;) {
      const int64_t at = i % rows, n = std::min<int64_t>(most, rows - at);
      const char* p = base + r.in_offset(i / rows, r.n - 1) + at * ld;
      if (whole) {
        op_.columns(states, reinterpret_cast<const In*>(p), ld / g_.size, n, cols);
      } else {
        for (int64_t j = 0; j < n; ++j)
          pack(buffer + j * kColumns, p + j * ld, step, cols);
        op_.columns(states, buffer, kColumns, n, cols);
      }
      i += n;
    }
    for (int64_t j = 0; j < cols; ++j) write(outer * inner + c + j, states[j]);
  }

  Geometry g_;
  Op op_;
  Cast cast_;
};

// Which lanes are among the first n.
template <class V>
FL_INLINE Mask<V> first_lanes(int64_t n) {
  Mask<V> index;
  for (int i = 0; i < lanes_of<V>; ++i) index[i] = i;
  return index < static_cast<Lane<Mask<V>>>(n);
}

// Calls f(j, n) for vectors of columns: n lanes of them count.
template <int N, class F>
FL_INLINE void each_vector(int64_t cols, F&& f) {
  int64_t j = 0;
  for (; j + N <= cols; j += N) f(j, N);
  if (j < cols) f(j, static_cast<int>(cols - j));
}

template <class V>
FL_INLINE V load_upto(const void* p, int n) {
  return n == lanes_of<V> ? load<V>(p) : load_some<V>(p, n);
}
template <class V>
FL_INLINE void store_upto(void* p, V v, int n) {
  n == lanes_of<V> ? store(p, v) : store_some(p, v, n);
}

// Stores a computed number in the dtype of an output.
template <class T>
inline void store_number(int dtype, char* out, T x) {
  if constexpr (std::is_same_v<T, float>) {
    if (dtype == FL_FLOAT16 || dtype == FL_BFLOAT16)
      return narrow_row(dtype, out, &x, 1);
  }
  std::memcpy(out, &x, sizeof(T));
}

}  // namespace FL_ISA
