// Batch normalisation of [n, c, l]: training, evaluation and gradient. Channels are
// planes of l values, one after another; with l = 1 they are the lanes of vectors.
#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {
namespace {

struct Shape {
  int64_t n, c, l;
  int64_t count() const { return n * l; }
  // Channels that are worth a thread.
  int64_t grain() const {
    return std::max<int64_t>(1, 16384 / std::max<int64_t>(n * l, 1));
  }
};
Shape shape_of(const fl_tensor& x) { return {x.sizes[0], x.sizes[1], x.sizes[2]}; }

// f(offset of a vector in memory, its lanes, first channel) for channels [begin, end):
// sample by sample. A vector lies in one channel, or, with l = 1, each lane in its own.
template <class C, class F>
FL_INLINE void for_channel(const Shape& s, int64_t channel, F&& f) {
  for (int64_t i = 0; i < s.n; ++i) {
    const int64_t at = (i * s.c + channel) * s.l;
    for_lanes<C>(s.l, [&](int64_t j, int k) { f(at + j, k); });
  }
}
// The sums of f over the vectors of a channel.
template <class C, class F>
FL_INLINE Pair<C> channel_sums(const Shape& s, int64_t channel, F&& f) {
  Pair<C> sum;
  for (int64_t i = 0; i < s.n; ++i) {
    const int64_t at = (i * s.c + channel) * s.l;
    sum += sums_over<C>(s.l, [&](int64_t j, int k) { return f(at + j, k); });
  }
  return sum;
}
// Asks for what the next sample has at the place of p (past the end it does nothing):
// the processor's own prefetching stops at the end of a plane.
template <class T>
FL_INLINE void fetch_next(const Shape& s, const T* p) {
  __builtin_prefetch(p + s.c * s.l);
}
template <class C, class F>
FL_INLINE void for_samples(const Shape& s, int64_t channel, F&& f) {
  for (int64_t i = 0; i < s.n; ++i) f(i * s.c + channel);
}

// What a channel's values become: x * scale + shift.
template <class T>
void affine(const Shape& s, const T* x, T* y, int64_t begin, int64_t end,
            const Compute<T>* scale, const Compute<T>* shift) {
  using C = Compute<T>;
  if (s.l == 1) {
    for_lanes<C>(end - begin, [&](int64_t j, int k) {
      const Vec<C> a = load_first(scale + begin + j, k),
                   b = load_first(shift + begin + j, k);
      for_samples<C>(s, begin + j, [&](int64_t at) {
        store_row(y + at, load_row(x + at, k) * a + b, k);
      });
    });
    return;
  }
  for (int64_t ch = begin; ch < end; ++ch) {
    const C a = scale[ch], b = shift[ch];
    for_channel<C>(s, ch, [&](int64_t at, int k) {
      fetch_next(s, x + at);
      store_row(y + at, load_row(x + at, k) * a + b, k);
    });
  }
}

// Mean and sum of squared deviations of channels [begin, end).
template <class T>
void channel_moments(const Shape& s, const T* x, int64_t begin, int64_t end,
                     Compute<T>* mean, Compute<T>* squares) {
  using C = Compute<T>;
  const C count = C(s.count());
  if (s.l == 1) {
    for_lanes<C>(end - begin, [&](int64_t j, int k) {
      Vec<C> sum = {}, square = {};
      for_samples<C>(s, begin + j, [&](int64_t at) { sum += load_row(x + at, k); });
      const Vec<C> m = sum / count;
      for_samples<C>(s, begin + j, [&](int64_t at) {
        const Vec<C> d = load_row(x + at, k) - m;
        square += d * d;
      });
      store_first(mean + begin + j, m, k);
      store_first(squares + begin + j, square, k);
    });
    return;
  }
  for (int64_t ch = begin; ch < end; ++ch) {
    const auto load = [&](int64_t at, int k) -> Pair<C> {
      return {load_row(x + at, k), Vec<C>{}};
    };
    const auto mean_of = [&](const Shape& part) {
      return sum_lanes<C>(channel_sums<C>(part, ch, load).a) / C(part.count());
    };
    const auto sums = [&](C about) {
      return channel_sums<C>(s, ch, [&](int64_t at, int k) -> Pair<C> {
        fetch_next(s, x + at);
        const Vec<C> d = keep_first<C>(load_row(x + at, k) - about, k);
        return {d, d * d};
      });
    };
    const C guess = mean_of({std::min<int64_t>(s.n, 1), s.c, s.l});
    const auto [m, square] =
        spread_of<C>(double(s.count()), guess, sums, [&] { return mean_of(s); });
    mean[ch] = m;
    squares[ch] = C(square);
  }
}

template <class C>
void update_running(const fl_tensor* running, int64_t ch, C value, C momentum) {
  if (!running) return;
  const C old = value_at<C>(*running, ch);
  put_at(*running, ch, old * (C(1) - momentum) + value * momentum);
}

template <class T>
fl_status train_as(const fl_call* call) {
  using C = Compute<T>;
  const Shape s = shape_of(call->in[0]);
  bool ok = true;
  const C* w = parameter<C>(input(call, 1), scratch::kWork, &ok);
  const C* b = parameter<C>(input(call, 2), scratch::kWork2, &ok);
  C* stats = scratch::array<C>(scratch::kWork3, size_t(4 * s.c + 1));
  if (!ok || !stats) return fail(call, "batch_norm: no memory", FL_OUT_OF_MEMORY);
  C *mean = stats, *squares = stats + s.c, *scale = stats + 2 * s.c,
    *shift = scale + s.c;
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const C momentum = C(call->attr[0].v.f), eps = C(call->attr[1].v.f);
  const C count = C(s.count());
  // A few channels at a time, so that the second and third pass find them in the cache.
  const int64_t block = s.l == 1 ? s.c : 1;
  parallel_for(s.c, s.grain(), [&](int64_t first, int64_t last) {
    for (int64_t begin = first; begin < last; begin += block) {
      const int64_t end = std::min(last, begin + block);
      channel_moments(s, x, begin, end, mean, squares);
      for (int64_t ch = begin; ch < end; ++ch) {
        const C rstd = C(1) / std::sqrt(squares[ch] / count + eps);
        put_at(call->out[1], ch, mean[ch]);
        put_at(call->out[2], ch, rstd);
        update_running(input(call, 3), ch, mean[ch], momentum);
        update_running(input(call, 4), ch, squares[ch] / (count - C(1)), momentum);
        scale[ch] = w ? w[ch] * rstd : rstd;
        shift[ch] = (b ? b[ch] : C(0)) - mean[ch] * scale[ch];
      }
      affine(s, x, y, begin, end, scale, shift);
    }
  });
  return FL_OK;
}

template <class T>
fl_status eval_as(const fl_call* call) {
  using C = Compute<T>;
  const Shape s = shape_of(call->in[0]);
  bool ok = true;
  const C* w = parameter<C>(input(call, 1), scratch::kWork, &ok);
  const C* b = parameter<C>(input(call, 2), scratch::kWork2, &ok);
  C* scale = scratch::array<C>(scratch::kWork3, size_t(2 * s.c + 1));
  if (!ok || !scale) return fail(call, "batch_norm: no memory", FL_OUT_OF_MEMORY);
  C* shift = scale + s.c;
  const C eps = C(call->attr[0].v.f);
  for (int64_t ch = 0; ch < s.c; ++ch) {
    const C rstd = C(1) / std::sqrt(value_at<C>(call->in[4], ch) + eps);
    scale[ch] = w ? w[ch] * rstd : rstd;
    shift[ch] = (b ? b[ch] : C(0)) - value_at<C>(call->in[3], ch) * scale[ch];
  }
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  parallel_for(s.c, s.grain(), [&](int64_t begin, int64_t end) {
    affine(s, x, y, begin, end, scale, shift);
  });
  return FL_OK;
}

// Sums of g and of g (x - mean) over channels [begin, end).
template <class T>
void gradient_sums(const Shape& s, const T* g, const T* x, int64_t begin, int64_t end,
                   const Compute<T>* mean, Compute<T>* plain, Compute<T>* weighted) {
  using C = Compute<T>;
  if (s.l == 1) {
    for_lanes<C>(end - begin, [&](int64_t j, int k) {
      const Vec<C> m = load_first(mean + begin + j, k);
      Vec<C> a = {}, b = {};
      for_samples<C>(s, begin + j, [&](int64_t at) {
        const Vec<C> gv = load_row(g + at, k);
        a += gv;
        b += gv * (load_row(x + at, k) - m);
      });
      store_first(plain + begin + j, a, k);
      store_first(weighted + begin + j, b, k);
    });
    return;
  }
  for (int64_t ch = begin; ch < end; ++ch) {
    const C m = mean[ch];
    const Pair<C> sums = channel_sums<C>(s, ch, [&](int64_t at, int k) -> Pair<C> {
      fetch_next(s, g + at);
      fetch_next(s, x + at);
      const Vec<C> gv = load_row(g + at, k);
      return {gv, gv * (load_row(x + at, k) - m)};
    });
    plain[ch] = sum_lanes<C>(sums.a);
    weighted[ch] = sum_lanes<C>(sums.b);
  }
}

// dx = g * by + x * along + shift, whose three factors hold a channel each.
template <class T>
void gradient_dx(const Shape& s, const T* g, const T* x, T* dx, int64_t begin,
                 int64_t end, const Compute<T>* by, const Compute<T>* along,
                 const Compute<T>* shift) {
  using C = Compute<T>;
  if (s.l == 1) {
    for_lanes<C>(end - begin, [&](int64_t j, int k) {
      const Vec<C> a = load_first(by + begin + j, k),
                   b = load_first(along + begin + j, k),
                   c = load_first(shift + begin + j, k);
      for_samples<C>(s, begin + j, [&](int64_t at) {
        store_row(dx + at, load_row(g + at, k) * a + (load_row(x + at, k) * b + c), k);
      });
    });
    return;
  }
  for (int64_t ch = begin; ch < end; ++ch) {
    const C a = by[ch], b = along[ch], c = shift[ch];
    for_channel<C>(s, ch, [&](int64_t at, int k) {
      fetch_next(s, g + at);
      fetch_next(s, x + at);
      store_row(dx + at, load_row(g + at, k) * a + (load_row(x + at, k) * b + c), k);
    });
  }
}

template <class T>
fl_status backward_as(const fl_call* call) {
  using C = Compute<T>;
  const Shape s = shape_of(call->in[1]);
  bool ok = true;
  const C* w = parameter<C>(input(call, 2), scratch::kWork, &ok);
  const C* mean = parameter<C>(&call->in[3], scratch::kWork2, &ok);
  C* part = scratch::array<C>(scratch::kWork3, size_t(5 * s.c + 1));
  if (!ok || !part) return fail(call, "batch_norm: no memory", FL_OUT_OF_MEMORY);
  const T *g = data_of<T>(call->in[0]), *x = data_of<T>(call->in[1]);
  const fl_tensor *dx = output(call, 0), *dw = output(call, 1), *db = output(call, 2);
  C *plain = part, *weighted = part + s.c, *by = part + 2 * s.c, *along = by + s.c,
    *shift = along + s.c;
  const bool train = call->attr[0].v.i != 0;
  const C count = C(s.count());
  const int64_t block = s.l == 1 ? s.c : 1;
  parallel_for(s.c, s.grain(), [&](int64_t first, int64_t last) {
    for (int64_t begin = first; begin < last; begin += block) {
      const int64_t end = std::min(last, begin + block);
      if (train || dw || db) gradient_sums(s, g, x, begin, end, mean, plain, weighted);
      for (int64_t ch = begin; ch < end; ++ch) {
        const C rstd = value_at<C>(call->in[4], ch);
        by[ch] = w ? w[ch] * rstd : rstd;
        along[ch] = train ? -by[ch] * rstd * rstd * weighted[ch] / count : C(0);
        shift[ch] = train ? -along[ch] * mean[ch] - by[ch] * plain[ch] / count : C(0);
        if (dw) put_at(*dw, ch, weighted[ch] * rstd);
        if (db) put_at(*db, ch, plain[ch]);
      }
      if (dx) gradient_dx(s, g, x, data_of<T>(dx), begin, end, by, along, shift);
    }
  });
  return FL_OK;
}

#define FL_NORM(name, body)                                       \
  fl_status name(const fl_call* call) {                           \
    return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) { \
      using T = typename decltype(type)::type;                    \
      return body<T>(call);                                       \
    });                                                           \
  }
FL_NORM(batch_norm_train, train_as)
FL_NORM(batch_norm_eval, eval_as)
FL_NORM(batch_norm_backward, backward_as)
#undef FL_NORM

}  // namespace

FL_FAMILY(batch_norm, {"batch_norm_train", batch_norm_train, kFloats},
          {"batch_norm_eval", batch_norm_eval, kFloats},
          {"batch_norm_backward", batch_norm_backward, kFloats});

}  // namespace FL_ISA
