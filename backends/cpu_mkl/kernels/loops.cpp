// The iterator behind pointwise(): brings any layout into rows. See Note [Rows].
#include "loop_tiles.h"
#include "threads.h"

namespace FL_ISA {
namespace {

using namespace loop;

constexpr int kTinyRow = 16;

// Moves `n` elements of the nest, from cursor `index` on, between a strided operand and
// a packed buffer. For nests whose rows are too short to be worth a call each.
template <class Word, bool kIn>
void move_short_rows(const Plan& plan, const Operand& a, int64_t begin, int64_t n,
                     char* buffer) {
  const int last = plan.ndim - 1;
  int64_t index[kMaxDims];
  char* p = a.data;
  for (int d = last; d >= 0; --d) {
    index[d] = begin % plan.sizes[d];
    begin /= plan.sizes[d];
    p += index[d] * a.strides[d];
  }
  const int64_t inner = plan.inner(), stride = a.strides[last];
  Word* words = reinterpret_cast<Word*>(buffer);
  for (int64_t i = 0; i < n;) {
    const int64_t m = std::min(inner - index[last], n - i);
    for (int64_t j = 0; j < m; ++j, p += stride, ++i) {
      if (kIn) {
        std::memcpy(words + i, p, sizeof(Word));
      } else {
        std::memcpy(p, words + i, sizeof(Word));
      }
    }
    index[last] += m;
    for (int d = last; d > 0 && index[d] == plan.sizes[d]; --d) {
      p += a.strides[d - 1] - a.strides[d] * plan.sizes[d];
      index[d] = 0;
      ++index[d - 1];
    }
  }
}

struct Wide {
  uint64_t low, high;
};

template <bool kIn>
void move_short(const Plan& plan, const Operand& a, int64_t begin, int64_t n,
                char* buffer) {
  switch (a.size) {
    case 1:
      return move_short_rows<uint8_t, kIn>(plan, a, begin, n, buffer);
    case 2:
      return move_short_rows<uint16_t, kIn>(plan, a, begin, n, buffer);
    case 4:
      return move_short_rows<uint32_t, kIn>(plan, a, begin, n, buffer);
    case 8:
      return move_short_rows<uint64_t, kIn>(plan, a, begin, n, buffer);
    default:
      return move_short_rows<Wide, kIn>(plan, a, begin, n, buffer);
  }
}

void run_short_rows(const Plan& plan, int64_t begin, int64_t end) {
  Buffers buffers;
  alignas(64) char halves[kBlock * 2];
  for (int64_t i = begin; i < end; i += kBlock) {
    const int64_t n = std::min<int64_t>(kBlock, end - i);
    char* q[kMaxOperands];
    int64_t step[kMaxOperands];
    for (int k = 0; k < plan.n_ops; ++k) {
      const Operand& a = plan.ops[k];
      q[k] = buffers.row[k];
      step[k] = 1;
      if (k < plan.n_out) continue;
      move_short<true>(plan, a, i, n, a.half ? halves : q[k]);
      if (a.half) widen_row(a.dtype, reinterpret_cast<float*>(q[k]), halves, n);
    }
    plan.row(q, step, n, plan.op);
    for (int k = 0; k < plan.n_out; ++k) {
      const Operand& a = plan.ops[k];
      if (a.half) narrow_row(a.dtype, halves, reinterpret_cast<float*>(q[k]), n);
      move_short<false>(plan, a, i, n, a.half ? halves : q[k]);
    }
  }
}

// ---- planning ---------------------------------------------------------------
void add_operand(Plan& plan, const fl_tensor& t, int ndim, uint32_t flags) {
  Operand& a = plan.ops[plan.n_ops++];
  a.data = static_cast<char*>(t.data);
  a.dtype = t.dtype;
  a.half = is_half(t.dtype) && (flags & kRaw) == 0;
  a.size = static_cast<int>(dtype_size(t.dtype));
  const bool scalar = (t.flags & FL_HOST_SCALAR) != 0;
  for (int d = 0; d < ndim; ++d) a.strides[d] = scalar ? 0 : t.strides[d] * a.size;
}

__attribute__((noinline)) fl_status run_general(const fl_call* call, RowFn row,
                                                const void* op, float cost,
                                                uint32_t flags) {
  const fl_tensor& out = call->out[0];
  Plan plan;
  plan.row = row;
  plan.op = op;
  plan.n_ops = 0;
  plan.n_out = call->n_out;
  const int ndim = std::max(out.ndim, 1);
  if (ndim > kMaxDims || call->n_out + call->n_in > kMaxOperands) return FL_UNSUPPORTED;
  static const int64_t one = 1;
  fl_tensor view;
  for (int k = 0; k < call->n_out + call->n_in; ++k) {
    view = k < call->n_out ? call->out[k] : call->in[k - call->n_out];
    if (out.ndim == 0) view.strides = &one;
    add_operand(plan, view, ndim, flags);
  }
  plan.copy = (flags & kCopy) != 0;
#if !defined(__AVX512F__)
  plan.direct = (flags & kDirect) != 0;
#endif
  plan.ndim = ndim;
  for (int d = 0; d < ndim; ++d) plan.sizes[d] = out.ndim == 0 ? 1 : out.sizes[d];
  // In place, the lines are in the cache when they are written: nothing to go past.
  bool in_place = false;
  for (int k = 0; k < call->n_in; ++k) in_place |= call->in[k].data == out.data;
  const bool large = !in_place && out.numel * plan.ops[0].size >= kStreamBytes;
  plan.stream = large && plan.inner() >= kBlock;

  const auto grain = static_cast<int64_t>(20000 / cost);
  if (find_turned(plan)) {
    // Of tiles, rows of several whole lines.
    plan.stream = large && plan.ops[0].strides[ndim - 1] == plan.ops[0].size &&
                  plan.inner() * plan.ops[0].size % 64 == 0 && plan.inner() >= 32 &&
                  (plan.direct || only_turns(plan));
    const int64_t rows = plan.sizes[ndim - 2], height = tile_rows(plan);
    const int64_t bands = (rows + height - 1) / height;
    const int64_t per_band = std::min(height, rows) * plan.inner();
    parallel_for(out.numel / (rows * plan.inner()) * bands,
                 std::max<int64_t>(1, grain / per_band),
                 [&](int64_t b, int64_t e) { run_tiles(plan, b, e); });
  } else if (ndim > 1 && plan.inner() < kTinyRow) {
    parallel_for(out.numel, grain,
                 [&](int64_t b, int64_t e) { run_short_rows(plan, b, e); });
  } else {
    // Chunks end on whole lines, so that no two threads write to one.
    parallel_for((out.numel + 63) / 64, std::max<int64_t>(1, grain / 64),
                 [&](int64_t b, int64_t e) {
                   run_rows(plan, b * 64, std::min(e * 64, out.numel));
                 });
  }
  if (plan.stream) stream_fence();
  return FL_OK;
}

template <class Word>
void identity_row(char* const* p, const int64_t* step, int64_t n, const void*) {
  const auto same = [](auto x) { return x; };
  MapRow<decltype(same), Word, Word>::run(p, step, n, &same);
}

}  // namespace

RowFn copy_row_of(int dtype) {
  switch (dtype_size(dtype)) {
    case 1:
      return identity_row<int8_t>;
    case 2:
      return identity_row<int16_t>;
    case 4:
      return identity_row<int32_t>;
    case 8:
      return identity_row<int64_t>;
    default:
      return identity_row<complex128>;
  }
}

namespace {

// A small matrix whose rows are contiguous or one value each (a bias added to each row,
// a factor for each row), done a row at a time. False where the operands are otherwise.
bool run_small_matrix(const fl_call* call, RowFn row, const void* op, uint32_t flags) {
  char* p[kMaxOperands];
  int64_t step[kMaxOperands], down[kMaxOperands];
  alignas(64) char splats[kMaxOperands][kSplatBytes];
  const char* value[kMaxOperands];
  const fl_tensor* t = &call->out[0];
  const int64_t rows = t->sizes[0], cols = t->sizes[1];
  for (int k = 0; k <= call->n_in; t = &call->in[k++]) {
    const bool host = (t->flags & FL_HOST_SCALAR) != 0;
    if (is_half(t->dtype) && (flags & kRaw) == 0) return false;
    const int64_t across = host ? 0 : t->strides[1];
    if (across != 1 && (across != 0 || k == 0)) return false;
    step[k] = across;
    down[k] = host ? 0 : t->strides[0] * static_cast<int64_t>(dtype_size(t->dtype));
    p[k] = static_cast<char*>(t->data);
    value[k] = p[k];
    if (across == 0) p[k] = splats[k];
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int k = 1; k <= call->n_in; ++k) {
      if (step[k] != 0 || (r != 0 && down[k] == 0)) continue;
      fill_splat(splats[k], value[k], call->in[k - 1].dtype, false);
      value[k] += down[k];
    }
    row(p, step, cols, op);
    for (int k = 0; k <= call->n_in; ++k) {
      if (step[k] != 0) p[k] += down[k];
    }
  }
  return true;
}

// Whether a row function can take the operand as it lies.
inline bool is_row(const fl_tensor& t, uint32_t flags) {
  return t.ndim == 1 && t.strides[0] == 1 && (t.flags & FL_HOST_SCALAR) == 0 &&
         (!is_half(t.dtype) || (flags & kRaw) != 0);
}

// All operands are rows: most calls on small tensors.
inline bool run_rows_alone(const fl_call* call, RowFn row, const void* op,
                           uint32_t flags) {
  static constexpr int64_t kUnits[kMaxOperands] = {1, 1, 1, 1, 1, 1};
  char* p[kMaxOperands];
  if (!is_row(call->out[0], flags)) return false;
  p[0] = static_cast<char*>(call->out[0].data);
  for (int k = 0; k < call->n_in; ++k) {
    if (!is_row(call->in[k], flags)) return false;
    p[k + 1] = static_cast<char*>(call->in[k].data);
  }
  row(p, kUnits, call->out[0].numel, op);
  return true;
}

// Rows, and single values among them.
bool run_one_row(const fl_call* call, RowFn row, const void* op, uint32_t flags) {
  char* p[kMaxOperands];
  int64_t step[kMaxOperands];
  alignas(64) char splats[kMaxOperands][kSplatBytes];
  const int64_t n = call->out[0].numel;
  const fl_tensor* t = &call->out[0];
  for (int k = 0; k <= call->n_in; t = &call->in[k++]) {
    const bool half = is_half(t->dtype) && (flags & kRaw) == 0;
    const bool host = (t->flags & FL_HOST_SCALAR) != 0;
    p[k] = static_cast<char*>(t->data);
    step[k] = 1;
    if (host || (k > 0 && t->ndim == 1 && t->strides[0] == 0)) {
      fill_splat(splats[k], p[k], t->dtype, half);
      p[k] = splats[k];
      step[k] = 0;
    } else if (half || !(n == 1 || (t->ndim == 1 && t->strides[0] == 1))) {
      return false;
    }
  }
  row(p, step, n, op);
  return true;
}

}  // namespace

fl_status pointwise(const fl_call* call, RowFn row, const void* op, float cost,
                    uint32_t flags) {
  const fl_tensor& out = call->out[0];
  if (out.numel == 0) return FL_OK;
  // The common small cases, done right here.
  if (out.numel * cost <= 20000 && call->n_out == 1 && call->n_in < kMaxOperands) {
    if (run_rows_alone(call, row, op, flags)) return FL_OK;
    if (run_one_row(call, row, op, flags)) return FL_OK;
    if (out.ndim == 2 && run_small_matrix(call, row, op, flags)) return FL_OK;
  }
  return run_general(call, row, op, cost, flags);
}

// Orders the dimensions by dst's strides, merges neighbours, and copies.
fl_status copy_view(const fl_call* call, const fl_tensor& dst, const fl_tensor& src) {
  fl_call copy = copy_of(call);
  copy.n_out = copy.n_in = 1;
  if (dst.ndim == 1) {
    copy.out = &dst;
    copy.in = &src;
    return pointwise(&copy, copy_row_of(dst.dtype), nullptr, kCheap, kRaw | kCopy);
  }
  int order[kMaxDims], n = 0;
  for (int d = 0; d < dst.ndim; ++d) {
    if (dst.sizes[d] == 1) continue;
    int at = n++;
    for (; at > 0; --at) {
      const int before = order[at - 1];
      if (std::abs(dst.strides[before]) >= std::abs(dst.strides[d])) break;
      order[at] = before;
    }
    order[at] = d;
  }
  int64_t sizes[kMaxDims] = {1}, to[kMaxDims] = {1}, from[kMaxDims] = {1};
  int m = 0;
  for (int i = 0; i < n; ++i) {
    const int d = order[i];
    const int64_t size = dst.sizes[d];
    if (m > 0 && to[m - 1] == dst.strides[d] * size &&
        from[m - 1] == src.strides[d] * size) {
      sizes[m - 1] *= size;
    } else {
      sizes[m++] = size;
    }
    to[m - 1] = dst.strides[d];
    from[m - 1] = src.strides[d];
  }
  m = std::max(m, 1);
  const fl_tensor out = {dst.data, sizes, to, dst.numel, m, dst.dtype, 0};
  const fl_tensor in = {src.data, sizes, from, dst.numel, m, src.dtype, 0};
  copy.out = &out;
  copy.in = &in;
  return pointwise(&copy, copy_row_of(dst.dtype), nullptr, kCheap, kRaw | kCopy);
}

}  // namespace FL_ISA
