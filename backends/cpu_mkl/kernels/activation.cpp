// Activation functions and their gradients: x, or (gradient, x) unless stated.
#include "loops.h"
#include "vecmath.h"

namespace FL_ISA {
namespace {

template <int kArity, auto Op>
fl_status plain(const fl_call* call) {
  return map_floats<kArity>(call, [](auto) { return Op; });
}

// ---- gelu -------------------------------------------------------------------
constexpr double kRootHalf = 0.70710678118654752440,
                 kRootTwoOverPi = 0.79788456080286535588,
                 kInverseRootTwoPi = 0.39894228040143267794, kCubic = 0.044715;

// The normal distribution's upper tail for a in [0, 6]: 2^q(a).
template <class V>
FL_INLINE V upper_tail(V a) {
  const V q = poly_split(a, a * a, -0.9999999353f, -1.151107191f, -0.4592000996f,
                         -5.249218817e-2f, 7.002426501e-3f, -2.581307363e-5f,
                         -2.796633626e-4f, 8.163977386e-5f, -1.329010828e-5f,
                         1.336492789e-6f, -7.757566414e-8f, 1.993345004e-9f);
  const auto [n, bits] = round_by_adding<kExponentBias<V>>(q, 1.0f);
  const V r = q - n;
  // 2^r - 1 over r, on [-0.5, 0.5].
  const V p = poly_split(r, r * r, 0.693147188f, 0.2402265076f, 5.550357071e-2f,
                         9.61808252e-3f, 1.339088633e-3f, 1.545318283e-4f);
  return (r * p + 1) * power_of_two<V>(bits);
}

// Where the tail is less than 1e-9 it is taken for nothing.
constexpr float kTailEnd = 6;

// value where `keep`, else 0, be it a number or not.
template <class V>
FL_INLINE V only_where(Mask<V> keep, V value) {
  return (V)((Mask<V>)value & keep);
}

// x Phi(x) = max(x, 0) - |x| Phi(-|x|)
constexpr auto gelu_erf = [](auto x) {
  using V = decltype(x);
  using T = Lane<V>;
  if constexpr (is_float_vec<V>) {
    const V a = abs_of(x);
    const V tail = only_where(a <= kTailEnd, a * upper_tail(at_most(a, kTailEnd)));
    return at_least(x, 0.0f) - tail;
  } else {
    return T(0.5) * x * (1 + verf(x * T(kRootHalf)));
  }
};

constexpr auto gelu_tanh = [](auto x) {
  using T = Lane<decltype(x)>;
  const auto u = x * (1 + T(kCubic) * x * x) * T(2 * kRootTwoOverPi);
  return x / (1 + vexp(-u));
};

// The slope of gelu at -a for a in [0, 6], tail(a) - a pdf(a): exp(-a^2 / 2) times a
// polynomial, which is fitted with that weight.
template <class V>
FL_INLINE V lower_slope(V a) {
  const V square = a * a;
  const V p = poly_split(a, square, 0.5f, -0.797884047f, 0.249991104f, -0.132916898f,
                         0.0622623786f, -0.0260691624f, 0.00965978764f, -0.00305534294f,
                         0.000779671012f, -0.000149790227f, 1.98928465e-05f,
                         -1.60364368e-06f, 5.85323008e-08f);
  const auto [r, bits] = reduce_exp<kExponentBias<V>>(square * -0.5f);
  return p * ((expm1_small(r) + 1) * power_of_two<V>(bits));
}

constexpr auto gelu_erf_backward = [](auto g, auto x) {
  using V = decltype(x);
  using T = Lane<V>;
  if constexpr (is_float_vec<V>) {
    const V a = abs_of(x);
    const V low = only_where(~(a > kTailEnd), lower_slope(at_most(a, kTailEnd)));
    // At infinity PyTorch meets the product of infinity and 0.
    return g * (a < kInf<V> ? (x < 0 ? low : 1 - low) : V{} + kNan<V>);
  } else {
    const V cdf = T(0.5) * (1 + verf(x * T(kRootHalf)));
    const V pdf = vexp(x * x * T(-0.5)) * T(kInverseRootTwoPi);
    return g * (cdf + x * pdf);
  }
};

constexpr auto gelu_tanh_backward = [](auto g, auto x) {
  using T = Lane<decltype(x)>;
  const auto square = x * x;
  const auto u = x * (1 + T(kCubic) * square) * T(2 * kRootTwoOverPi);
  const auto s = vsigmoid(u);
  const auto du = (1 + T(3 * kCubic) * square) * T(2 * kRootTwoOverPi);
  return g * (s + x * s * (1 - s) * du);
};

fl_status gelu(const fl_call* call) {
  if (call->attr[0].v.i == 0) return plain<1, gelu_erf>(call);
  return plain<1, gelu_tanh>(call);
}

fl_status gelu_backward(const fl_call* call) {
  if (call->attr[0].v.i == 0) return plain<2, gelu_erf_backward>(call);
  return plain<2, gelu_tanh_backward>(call);
}

// ---- without attributes -----------------------------------------------------
constexpr auto silu = [](auto x) { return x / (1 + vexp(-x)); };
constexpr auto silu_backward = [](auto g, auto x) {
  const auto s = vsigmoid(x);
  return g * s * (1 + x * (1 - s));
};

// tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2); for large x, 1.
template <class V>
FL_INLINE V tanh_softplus(V x) {
  const V e = vexp(x > 20 ? V{} + 20 : x);
  const V n = e * (e + 2);
  return n / (n + 2);
}
constexpr auto mish = [](auto x) { return x * tanh_softplus(x); };
constexpr auto mish_backward = [](auto g, auto x) {
  const auto t = tanh_softplus(x);
  return g * (t + x * (1 - t * t) * vsigmoid(x));
};

template <class V>
FL_INLINE V clamp_to(V x, Lane<V> low, Lane<V> high) {
  return min_nan(max_nan(x, V{} + low), V{} + high);
}
constexpr auto hardswish = [](auto x) {
  using T = Lane<decltype(x)>;
  return x * clamp_to(x + 3, T(0), T(6)) / 6;
};
constexpr auto hardswish_backward = [](auto g, auto x) {
  using T = Lane<decltype(x)>;
  const auto middle = g * (x / 3 + T(0.5));
  return x <= -3 ? decltype(x){} : (x < 3 ? middle : g);
};
constexpr auto hardsigmoid = [](auto x) {
  using T = Lane<decltype(x)>;
  return clamp_to(x + 3, T(0), T(6)) / 6;
};
constexpr auto hardsigmoid_backward = [](auto g, auto x) {
  return (x > -3) & (x < 3) ? g / 6 : decltype(x){};
};

constexpr auto log_sigmoid = [](auto x) {
  using V = decltype(x);
  const V low = x < 0 ? x : (x != x ? x : V{});
  return low - vlog1p(vexp(-abs_of(x)));
};
constexpr auto log_sigmoid_backward = [](auto g, auto x) { return g * vsigmoid(-x); };

constexpr double kSeluAlpha = 1.6732632423543772848, kSeluScale = 1.0507009873554804934;
constexpr auto selu = [](auto x) {
  using T = Lane<decltype(x)>;
  return x > 0 ? x * T(kSeluScale) : vexpm1(x) * T(kSeluScale * kSeluAlpha);
};
constexpr auto selu_backward = [](auto g, auto x) {
  using T = Lane<decltype(x)>;
  return g *
         (x > 0 ? decltype(x){} + T(kSeluScale) : vexp(x) * T(kSeluScale * kSeluAlpha));
};

constexpr auto sigmoid_backward = [](auto g, auto y) { return g * y * (1 - y); };
constexpr auto tanh_backward = [](auto g, auto y) { return g * (1 - y * y); };

// ---- with attributes --------------------------------------------------------
fl_status elu(const fl_call* call) {
  return map_floats<1>(call, [&](auto t) {
    using T = decltype(t);
    const T a = attr_f<T>(call, 0) * attr_f<T>(call, 1), s = attr_f<T>(call, 1),
            in = attr_f<T>(call, 2);
    return [=](auto x) { return x > 0 ? x * s : vexpm1(x * in) * a; };
  });
}

fl_status elu_backward(const fl_call* call) {
  return map_floats<2>(call, [&](auto t) {
    using T = decltype(t);
    const T s = attr_f<T>(call, 1), in = attr_f<T>(call, 2),
            a = attr_f<T>(call, 0) * s * in;
    return [=](auto g, auto x) { return x > 0 ? g * s : g * vexp(x * in) * a; };
  });
}

fl_status leaky_relu(const fl_call* call) {
  return map_floats<1>(
      call,
      [&](auto t) {
        const auto slope = attr_f<decltype(t)>(call, 0);
        return [=](auto x) { return x > 0 ? x : x * slope; };
      },
      kCheap);
}

fl_status leaky_relu_backward(const fl_call* call) {
  return map_floats<2>(
      call,
      [&](auto t) {
        const auto slope = attr_f<decltype(t)>(call, 0);
        return [=](auto g, auto x) { return x > 0 ? g : g * slope; };
      },
      kCheap);
}

fl_status hardtanh(const fl_call* call) {
  return for_dtype<kReal>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    const T low = attr_f<T>(call, 0), high = attr_f<T>(call, 1);
    return map<T, T>(call, [=](auto x) { return clamp_to(x, low, high); });
  });
}

fl_status hardtanh_backward(const fl_call* call) {
  return map_floats<2>(
      call,
      [&](auto t) {
        using T = decltype(t);
        const T low = attr_f<T>(call, 0), high = attr_f<T>(call, 1);
        return
            [=](auto g, auto x) { return (x > low) & (x < high) ? g : decltype(x){}; };
      },
      kCheap);
}

fl_status softplus(const fl_call* call) {
  return map_floats<1>(call, [&](auto t) {
    using T = decltype(t);
    const T beta = attr_f<T>(call, 0), limit = attr_f<T>(call, 1);
    return [=](auto x) {
      const auto z = x * beta;
      return z > limit ? x : vlog1p(vexp(z)) / beta;
    };
  });
}

fl_status softplus_backward(const fl_call* call) {
  return map_floats<2>(call, [&](auto t) {
    using T = decltype(t);
    const T beta = attr_f<T>(call, 0), limit = attr_f<T>(call, 1);
    return [=](auto g, auto x) {
      const auto z = x * beta;
      return z > limit ? g : g * vsigmoid(z);
    };
  });
}

fl_status threshold_backward(const fl_call* call) {
  return for_dtype<kReal>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    const T limit = attr_f<T>(call, 0);
    return map<T, T, T>(call,
                        [=](auto g, auto x) { return x <= limit ? decltype(x){} : g; });
  });
}

fl_status mse_backward(const fl_call* call) {
  return map_floats<3>(
      call,
      [&](auto t) {
        const auto scale = 2 * attr_f<decltype(t)>(call, 0);
        return [=](auto g, auto a, auto b) { return g * (a - b) * scale; };
      },
      kCheap);
}

}  // namespace

FL_FAMILY(activation, {"gelu", gelu, kFloats},
          {"gelu_backward", gelu_backward, kFloats}, {"silu", plain<1, silu>, kFloats},
          {"silu_backward", plain<2, silu_backward>, kFloats},
          {"mish", plain<1, mish>, kFloats},
          {"mish_backward", plain<2, mish_backward>, kFloats},
          {"hardswish", plain<1, hardswish>, kFloats},
          {"hardswish_backward", plain<2, hardswish_backward>, kFloats},
          {"hardsigmoid", plain<1, hardsigmoid>, kFloats},
          {"hardsigmoid_backward", plain<2, hardsigmoid_backward>, kFloats},
          {"log_sigmoid", plain<1, log_sigmoid>, kFloats},
          {"log_sigmoid_backward", plain<2, log_sigmoid_backward>, kFloats},
          {"selu", plain<1, selu>, kFloats},
          {"selu_backward", plain<2, selu_backward>, kFloats},
          {"sigmoid_backward", plain<2, sigmoid_backward>, kFloats},
          {"tanh_backward", plain<2, tanh_backward>, kFloats}, {"elu", elu, kFloats},
          {"elu_backward", elu_backward, kFloats}, {"leaky_relu", leaky_relu, kFloats},
          {"leaky_relu_backward", leaky_relu_backward, kFloats},
          {"hardtanh", hardtanh, kReal},
          {"hardtanh_backward", hardtanh_backward, kFloats},
          {"softplus", softplus, kFloats},
          {"softplus_backward", softplus_backward, kFloats},
          {"threshold_backward", threshold_backward, kReal},
          {"mse_backward", mse_backward, kFloats});

}  // namespace FL_ISA
