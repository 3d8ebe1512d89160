// Recurrent layers: LSTM, GRU and plain cells, their stacks and their gradients.
#include "ops/common.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;
using Three = std::array<Tensor, 3>;
using Five = std::array<Tensor, 5>;

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  return ops::linear(x, w, b);
}
Tensor part(const Tensor& t, int64_t i, int64_t h) {
  return ops::narrow(t, -1, i * h, h);
}
Tensor one_minus(const Tensor& t) { return ops::sub(1, t); }
Tensor add(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : ops::add(a, b);
}

// One step: input (N, I), states (N, H) and weights (gates * H, ...), all of one dtype.
void check_step(const char* op, const Tensor& input, const Tensor& hx,
                const Tensor& w_hh, int64_t gates) {
  check(input.dim() == 2 && hx.dim() == 2 && w_hh.dim() == 2, op,
        ": expected matrices for arguments 'input', 'hx' and 'w_hh', got ", input.dim(),
        "-D, ", hx.dim(), "-D and ", w_hh.dim(), "-D");
  check(input.sizes()[0] == hx.sizes()[0], op, ": Input batch size ", input.sizes()[0],
        " doesn't match hidden batch size ", hx.sizes()[0]);
  check(w_hh.sizes()[0] == gates * hx.sizes()[1], op, ": hidden size ", hx.sizes()[1],
        " doesn't match the weights' ", w_hh.sizes()[0], " rows");
  check(input.dtype() == hx.dtype(), op, ": expected one dtype, got ",
        short_name(input.dtype()), " and ", short_name(hx.dtype()));
}

// ---- LSTM cell: gates i f g o before activation -------------------------------------
struct Gates {
  Tensor i, f, g, o;
};
Gates activate(const Tensor& gates) {
  const int64_t h = gates.size(-1) / 4;
  return {ops::sigmoid(part(gates, 0, h)), ops::sigmoid(part(gates, 1, h)),
          ops::tanh(part(gates, 2, h)), ops::sigmoid(part(gates, 3, h))};
}
Three lstm_cell_parts(const Tensor& gates, const Tensor& c) {
  const Gates a = activate(gates);
  const Tensor next = ops::add(ops::mul(a.f, c), ops::mul(a.i, a.g));
  const Tensor all[] = {a.i, a.f, a.g, a.o};
  return {ops::mul(a.o, ops::tanh(next)), next, ops::cat(all, -1)};
}
Three lstm_cell_run(const Tensor& gates0, const Tensor& c0) {
  const Tensor gates = make_contiguous(gates0), c = make_contiguous(c0);
  Tensor h = empty(c.sizes(), c.dtype(), c.device());
  Tensor next = empty(c.sizes(), c.dtype(), c.device());
  Tensor active = empty(gates.sizes(), c.dtype(), c.device());
  if (c.numel() == 0) return {h, next, active};
  KernelCall call(c.device());
  call.out(h).out(next).out(active).in(gates).in(c);
  if (call.try_run(kernel<"lstm_cell">())) return {h, next, active};
  return lstm_cell_parts(gates, c);
}
// (dgates, dc) of one step from activated gates.
Two step_back(const Tensor& dh, const Tensor& dc, const Gates& a, const Tensor& c,
              const Tensor& next) {
  const Tensor t = ops::tanh(next);
  Tensor to_c = dc;
  if (dh.defined()) {
    to_c = add(ops::mul(ops::mul(dh, a.o), one_minus(ops::mul(t, t))), dc);
  }
  const auto through = [](const Tensor& g, const Tensor& y) {  // sigmoid
    return ops::mul(g, ops::mul(y, one_minus(y)));
  };
  const Tensor di = through(ops::mul(to_c, a.g), a.i);
  const Tensor df = through(ops::mul(to_c, c), a.f);
  const Tensor dg = ops::mul(ops::mul(to_c, a.i), one_minus(ops::mul(a.g, a.g)));
  const Tensor d_o = dh.defined() ? through(ops::mul(dh, t), a.o) : ops::zeros_like(di);
  const Tensor all[] = {di, df, dg, d_o};
  return {ops::cat(all, -1), ops::mul(to_c, a.f)};
}
Two lstm_cell_back_parts(const Tensor& dh, const Tensor& dc, const Tensor& gates,
                         const Tensor&, const Tensor& c, const Tensor&) {
  const Gates a = activate(gates);
  return step_back(dh, dc, a, c, ops::add(ops::mul(a.f, c), ops::mul(a.i, a.g)));
}
Tensor packed(const Tensor& t) { return t.defined() ? make_contiguous(t) : t; }
Two lstm_cell_grad(const Tensor& dh, const Tensor& dc, const Tensor& gates,
                   const Tensor& active, const Tensor& c, const Tensor& next) {
  Tensor dgates = empty(active.sizes(), c.dtype(), c.device());
  Tensor d = empty(c.sizes(), c.dtype(), c.device());
  if (c.numel() == 0) return {dgates, d};
  KernelCall call(c.device());
  call.out(dgates).out(d).in(packed(dh)).in(packed(dc)).in(active);
  call.in(make_contiguous(c)).in(next);
  if (call.try_run(kernel<"lstm_cell_backward">())) return {dgates, d};
  return lstm_cell_back_parts(dh, dc, gates, active, c, next);
}
void lstm_cell_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_lstm_cell_backward(");
  const auto d = op.all(g.gs[0], g.gs[1], g.in(0), g.out(2), g.in(1), g.out(1));
  put(g, out, 0, d[0]);
  put(g, out, 1, d[1]);
}
Two lstm_cell(const Tensor& input, TensorList hx, const Tensor& w_ih,
              const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  static const OpRef op("_lstm_cell(");
  check(hx.size() == 2, "lstm_cell: expected two hidden states, got ", hx.size());
  for (const Tensor& h : hx) check_step("lstm_cell", input, h, w_hh, 4);
  const Tensor gates = ops::add(linear(input, w_ih, b_ih), linear(hx[0], w_hh, b_hh));
  const auto next = op.all(gates, hx[1]);
  return {next[0], next[1]};
}

// ---- GRU cell: order r z n
// -----------------------------------------------------------
Two gru_cell_parts(const Tensor& gi, const Tensor& gh, const Tensor& h) {
  const int64_t n = h.size(-1);
  const Tensor r = ops::sigmoid(ops::add(part(gi, 0, n), part(gh, 0, n)));
  const Tensor z = ops::sigmoid(ops::add(part(gi, 1, n), part(gh, 1, n)));
  const Tensor nh = part(gh, 2, n);
  const Tensor c = ops::tanh(ops::add(part(gi, 2, n), ops::mul(r, nh)));
  const Tensor all[] = {r, z, c, nh};
  return {ops::add(c, ops::mul(z, ops::sub(h, c))), ops::cat(all, -1)};
}
Two gru_cell_run(const Tensor& gi, const Tensor& gh, const Tensor& h0) {
  const Tensor h = make_contiguous(h0);
  Tensor next = empty(h.sizes(), h.dtype(), h.device());
  Tensor saved = empty(IntList{h.sizes()[0], 4 * h.sizes()[1]}, h.dtype(), h.device());
  if (h.numel() == 0) return {next, saved};
  KernelCall call(h.device());
  call.out(next).out(saved).in(make_contiguous(gi)).in(make_contiguous(gh)).in(h);
  if (call.try_run(kernel<"gru_cell">())) return {next, saved};
  return gru_cell_parts(gi, gh, h);
}
Three gru_cell_back_parts(const Tensor& dh, const Tensor& gi, const Tensor& gh,
                          const Tensor&, const Tensor& h) {
  const Tensor saved = gru_cell_parts(gi, gh, h)[1];
  const int64_t n = h.size(-1);
  const Tensor r = part(saved, 0, n), z = part(saved, 1, n), c = part(saved, 2, n);
  const Tensor dc = ops::mul(ops::mul(dh, one_minus(z)), one_minus(ops::mul(c, c)));
  const Tensor dz = ops::mul(ops::mul(dh, ops::sub(h, c)), ops::mul(z, one_minus(z)));
  const Tensor dr =
      ops::mul(ops::mul(dc, part(saved, 3, n)), ops::mul(r, one_minus(r)));
  const Tensor to_i[] = {dr, dz, dc}, to_h[] = {dr, dz, ops::mul(dc, r)};
  return {ops::cat(to_i, -1), ops::cat(to_h, -1), ops::mul(dh, z)};
}
Three gru_cell_grad(const Tensor& dh, const Tensor& gi, const Tensor& gh,
                    const Tensor& saved, const Tensor& h) {
  Tensor to_i = empty(gi.sizes(), h.dtype(), h.device());
  Tensor to_h = empty(gh.sizes(), h.dtype(), h.device());
  Tensor d = empty(h.sizes(), h.dtype(), h.device());
  if (h.numel() == 0) return {to_i, to_h, d};
  KernelCall call(h.device());
  call.out(to_i).out(to_h).out(d).in(make_contiguous(dh)).in(saved);
  call.in(make_contiguous(h));
  if (call.try_run(kernel<"gru_cell_backward">())) return {to_i, to_h, d};
  return gru_cell_back_parts(dh, gi, gh, saved, h);
}
void gru_cell_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_gru_cell_backward(");
  const auto d = op.all(g.g, g.in(0), g.in(1), g.out(1), g.in(2));
  for (int i = 0; i < 3; ++i) put(g, out, i, d[i]);
}
Tensor gru_step(const Tensor& gi, const Tensor& h, const Tensor& w_hh,
                const Tensor& b_hh) {
  static const OpRef op("_gru_cell(");
  return op(gi, linear(h, w_hh, b_hh), h);
}
Tensor gru_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih,
                const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  check_step("gru_cell", input, hx, w_hh, 3);
  return gru_step(linear(input, w_ih, b_ih), hx, w_hh, b_hh);
}

template <bool relu>
Tensor plain_cell(const Tensor& input, const Tensor& hx, const Tensor& w_ih,
                  const Tensor& w_hh, const Tensor& b_ih, const Tensor& b_hh) {
  check_step("rnn_cell", input, hx, w_hh, 1);
  const Tensor sum = ops::add(linear(input, w_ih, b_ih), linear(hx, w_hh, b_hh));
  return relu ? ops::relu(sum) : ops::tanh(sum);
}

// ---- a whole LSTM layer: one kernel call for all steps
// ---------------------------------
int64_t step_at(int64_t i, int64_t steps, bool reverse) {
  return reverse ? steps - 1 - i : i;
}
struct Unrolled {
  std::vector<Tensor> h, c, gates;
};
Unrolled unroll(const Tensor& gx, const Tensor& w_hh, const Tensor& h0,
                const Tensor& c0, bool reverse) {
  const int64_t steps = gx.sizes()[0];
  Unrolled u{std::vector<Tensor>(steps), std::vector<Tensor>(steps),
             std::vector<Tensor>(steps)};
  Tensor h = h0, c = c0;
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = step_at(i, steps, reverse);
    const Tensor gates = ops::add(ops::select(gx, 0, t), ops::mm(h, ops::t(w_hh)));
    Three next = lstm_cell_parts(gates, c);
    u.h[t] = h = next[0], u.c[t] = c = next[1], u.gates[t] = next[2];
  }
  return u;
}
Three lstm_layer_run(const Tensor& gx0, const Tensor& w_hh, const Tensor& h0,
                     const Tensor& c0, bool reverse) {
  const Tensor gx = make_contiguous(gx0);
  const int64_t steps = gx.sizes()[0], n = gx.sizes()[1], h = w_hh.sizes()[1];
  Tensor hs = empty(IntList{steps, n, h}, gx.dtype(), gx.device());
  Tensor cs = empty(IntList{steps, n, h}, gx.dtype(), gx.device());
  Tensor gates = empty(gx.sizes(), gx.dtype(), gx.device());
  if (hs.numel() == 0) return {hs, cs, gates};
  KernelCall call(gx.device());
  call.out(hs).out(cs).out(gates).in(gx).in(make_contiguous(w_hh));
  call.in(make_contiguous(h0)).in(make_contiguous(c0)).attr(reverse);
  if (call.try_run(kernel<"lstm_layer">())) return {hs, cs, gates};
  const Unrolled u = unroll(gx, w_hh, h0, c0, reverse);
  return {ops::stack(u.h, 0), ops::stack(u.c, 0), ops::stack(u.gates, 0)};
}
// (dgates, dh0, dc0); dhs and dcs are the gradients of all states.
Three lstm_layer_back_parts(const Tensor& dhs, const Tensor& dcs, const Tensor& gx,
                            const Tensor& w_hh, const Tensor& h0, const Tensor& c0,
                            const Tensor&, const Tensor&, bool reverse) {
  const Unrolled u = unroll(gx, w_hh, h0, c0, reverse);
  const int64_t steps = gx.sizes()[0], n = w_hh.sizes()[1];
  std::vector<Tensor> dgates(steps);
  Tensor dh, dc;
  for (int64_t i = steps - 1; i >= 0; --i) {
    const int64_t t = step_at(i, steps, reverse);
    const Tensor before = i ? u.c[step_at(i - 1, steps, reverse)] : c0;
    if (dhs.defined()) dh = add(ops::select(dhs, 0, t), dh);
    if (dcs.defined()) dc = add(ops::select(dcs, 0, t), dc);
    const Gates a{part(u.gates[t], 0, n), part(u.gates[t], 1, n),
                  part(u.gates[t], 2, n), part(u.gates[t], 3, n)};
    Two step = step_back(dh, dc, a, before, u.c[t]);
    dgates[t] = step[0], dc = step[1];
    dh = ops::mm(step[0], w_hh);
  }
  return {ops::stack(dgates, 0), dh, dc};
}
Three lstm_layer_grad(const Tensor& dhs, const Tensor& dcs, const Tensor& gx,
                      const Tensor& w_hh, const Tensor& h0, const Tensor& c0,
                      const Tensor& cs, const Tensor& gates, bool reverse) {
  Tensor dgates = empty(gates.sizes(), gates.dtype(), gates.device());
  Tensor dh = empty(h0.sizes(), h0.dtype(), h0.device());
  Tensor dc = empty(c0.sizes(), c0.dtype(), c0.device());
  // The kernel takes the gradient of the last cell state alone: hidden states'
  // gradients carry that of the last hidden state.
  const Tensor last =
      dcs.defined()
          ? ops::select(dcs, 0, step_at(gx.sizes()[0] - 1, gx.sizes()[0], reverse))
          : Tensor();
  const Tensor zero_h = dhs.defined() ? dhs : ops::zeros_like(cs);
  KernelCall call(gx.device());
  call.out(dgates)
      .out(dh)
      .out(dc)
      .in(make_contiguous(zero_h))
      .in(Tensor())
      .in(packed(last));
  call.in(make_contiguous(w_hh)).in(gates).in(cs).in(make_contiguous(c0)).attr(reverse);
  if (call.try_run(kernel<"lstm_layer_backward">())) return {dgates, dh, dc};
  return lstm_layer_back_parts(dhs, dcs, gx, w_hh, h0, c0, cs, gates, reverse);
}
void lstm_layer_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef op("_lstm_layer_backward(");
  const bool reverse = g.arg<bool>(4);
  const Tensor hs = g.out(0), h0 = g.in(2);
  const auto d = op.all(g.gs[0], g.gs[1], g.in(0), g.in(1), h0, g.in(3), g.out(1),
                        g.out(2), reverse);
  put(g, out, 0, d[0]);
  put(g, out, 2, d[1]);
  put(g, out, 3, d[2]);
  if (!g.needs(1)) return;
  const int64_t steps = hs.sizes()[0];
  const Tensor first = ops::unsqueeze(h0, 0);
  const Tensor rest = ops::narrow(hs, 0, reverse ? 1 : 0, steps - 1);
  const Tensor joined[] = {reverse ? rest : first, reverse ? first : rest};
  const Tensor before = ops::cat(joined, 0);
  const auto rows = [](const Tensor& t) {
    return ops::reshape(t, IntList{-1, t.size(-1)});
  };
  put(g, out, 1, ops::mm(ops::t(rows(d[0])), rows(before)));
}

// ---- stacks of layers
// ---------------------------------------------------------------------
struct Weights {
  Tensor w_ih, w_hh, b_ih, b_hh, w_hr;
};
Weights weights_at(TensorList params, int64_t i, bool biases, bool projected) {
  const int64_t each = 2 + (biases ? 2 : 0) + (projected ? 1 : 0);
  Weights w{params[i * each], params[i * each + 1], Tensor(), Tensor(), Tensor()};
  if (biases) w.b_ih = params[i * each + 2], w.b_hh = params[i * each + 3];
  if (projected) w.w_hr = params[i * each + each - 1];
  return w;
}
struct State {
  Tensor h, c;
};
// Runs one layer in one direction over x [t, n, in]; the state becomes the last one.
using Layer = Tensor (*)(const Tensor& x, State& s, const Weights& w, bool reverse);

Tensor projected_lstm(const Tensor& x, State& s, const Weights& w, bool reverse) {
  static const OpRef op("_lstm_cell(");
  const Tensor gx = linear(x, w.w_ih, w.b_ih);
  const int64_t steps = x.sizes()[0];
  std::vector<Tensor> out(steps);
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = step_at(i, steps, reverse);
    const Tensor gates = ops::add(ops::select(gx, 0, t), linear(s.h, w.w_hh, w.b_hh));
    const auto next = op.all(gates, s.c);
    s.c = next[1];
    out[t] = s.h = linear(next[0], w.w_hr, Tensor());
  }
  return ops::stack(out, 0);
}
Tensor lstm_layer(const Tensor& x, State& s, const Weights& w, bool reverse) {
  static const OpRef op("_lstm_layer(");
  if (w.w_hr.defined()) return projected_lstm(x, s, w, reverse);
  const Tensor bias = w.b_ih.defined() ? ops::add(w.b_ih, w.b_hh) : Tensor();
  const auto all = op.all(linear(x, w.w_ih, bias), w.w_hh, s.h, s.c, reverse);
  const int64_t last = reverse ? 0 : x.sizes()[0] - 1;
  s.h = ops::select(all[0], 0, last);
  s.c = ops::select(all[1], 0, last);
  return all[0];
}
Tensor gru_layer(const Tensor& x, State& s, const Weights& w, bool reverse) {
  const Tensor gi = linear(x, w.w_ih, w.b_ih);
  const int64_t steps = x.sizes()[0];
  std::vector<Tensor> out(steps);
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = step_at(i, steps, reverse);
    out[t] = s.h = gru_step(ops::select(gi, 0, t), s.h, w.w_hh, w.b_hh);
  }
  return ops::stack(out, 0);
}
template <bool relu>
Tensor plain_layer(const Tensor& x, State& s, const Weights& w, bool reverse) {
  const Tensor gi = linear(x, w.w_ih, w.b_ih);
  const int64_t steps = x.sizes()[0];
  std::vector<Tensor> out(steps);
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = step_at(i, steps, reverse);
    const Tensor sum = ops::add(ops::select(gi, 0, t), linear(s.h, w.w_hh, w.b_hh));
    out[t] = s.h = relu ? ops::relu(sum) : ops::tanh(sum);
  }
  return ops::stack(out, 0);
}

Three stack_layers(const char* op, Layer layer, const Tensor& input, const Tensor& h0,
                   const Tensor& c0, TensorList params, bool biases, int64_t layers,
                   double dropout, bool train, bool both, bool batch_first) {
  static const OpRef drop("dropout(");
  check(input.dim() == 3, op, ": expected a 3-D input, got ", describe(input));
  const int64_t directions = both ? 2 : 1, n = layers * directions;
  const int64_t each = n ? static_cast<int64_t>(params.size()) / n : 0;
  const bool projected = each == (biases ? 5 : 3);
  check(each * n == static_cast<int64_t>(params.size()) && each >= (biases ? 4 : 2), op,
        ": expected weights for ", n, " layers and directions, got ", params.size());
  Tensor x = batch_first ? ops::transpose(input, 0, 1) : input;
  check(x.sizes()[0] > 0, op, ": Expected sequence length to be larger than 0");
  std::vector<Tensor> hs, cs;
  for (int64_t l = 0; l < layers; ++l) {
    Tensor outs[2];
    for (int64_t d = 0; d < directions; ++d) {
      const int64_t k = l * directions + d;
      State s{ops::select(h0, 0, k), c0.defined() ? ops::select(c0, 0, k) : Tensor()};
      outs[d] = layer(x, s, weights_at(params, k, biases, projected), d == 1);
      hs.push_back(s.h);
      if (s.c.defined()) cs.push_back(s.c);
    }
    x = both ? ops::cat(outs, -1) : outs[0];
    if (dropout > 0 && train && l + 1 < layers) x = drop(x, dropout, true);
  }
  return {batch_first ? ops::transpose(x, 0, 1) : x, ops::stack(hs, 0),
          cs.empty() ? Tensor() : ops::stack(cs, 0)};
}
Three lstm(const Tensor& input, TensorList hx, TensorList params, bool biases,
           int64_t layers, double dropout, bool train, bool both, bool batch_first) {
  check(hx.size() == 2, "lstm: expected two hidden states, got ", hx.size());
  return stack_layers("lstm", lstm_layer, input, hx[0], hx[1], params, biases, layers,
                      dropout, train, both, batch_first);
}
template <Layer layer, KernelName name>
Two single_state(const Tensor& input, const Tensor& hx, TensorList params, bool biases,
                 int64_t layers, double dropout, bool train, bool both,
                 bool batch_first) {
  Three r = stack_layers(name.text, layer, input, hx, Tensor(), params, biases, layers,
                         dropout, train, both, batch_first);
  return {r[0], r[1]};
}

const Records cells = {
    Op("lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, "
       "Tensor? b_ih=None, Tensor? b_hh=None) -> (Tensor, Tensor)",
       "One step of a long short-term memory.")
        .impl<lstm_cell>(),
    Op("gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, "
       "Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
       "One step of a gated recurrent unit.")
        .impl<gru_cell>(),
    Op("rnn_tanh_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, "
       "Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
       "One step of a recurrent network.")
        .impl<plain_cell<false>>(),
    Op("rnn_relu_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, "
       "Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
       "One step of a recurrent network.")
        .impl<plain_cell<true>>(),
    Op("_lstm_cell(Tensor gates, Tensor c) -> (Tensor, Tensor, Tensor)",
       "The next states, and the activated gates.")
        .impl<lstm_cell_run>()
        .nondifferentiable_output(2)
        .derivatives(in(0, 1) | kOut1 | kOut2, lstm_cell_back),
    Op("_lstm_cell_backward(Tensor? dh, Tensor? dc, Tensor gates, Tensor active, "
       "Tensor c, Tensor next) -> (Tensor, Tensor)",
       "The gradients of gates and cell state.")
        .impl<lstm_cell_grad>()
        .decomposition<lstm_cell_back_parts>(),
    Op("_gru_cell(Tensor gi, Tensor gh, Tensor h) -> (Tensor, Tensor)",
       "The next state, and what the gradient needs.")
        .impl<gru_cell_run>()
        .nondifferentiable_output(1)
        .derivatives(in(0, 1, 2) | kOut1, gru_cell_back),
    Op("_gru_cell_backward(Tensor dh, Tensor gi, Tensor gh, Tensor saved, Tensor h) "
       "-> (Tensor, Tensor, Tensor)",
       "The gradients of both gates and of the state.")
        .impl<gru_cell_grad>()
        .decomposition<gru_cell_back_parts>(),
};

const Records layers = {
    Op("_lstm_layer(Tensor gx, Tensor w_hh, Tensor h0, Tensor c0, bool reverse) "
       "-> (Tensor, Tensor, Tensor)",
       "All states of a layer, and its activated gates.")
        .impl<lstm_layer_run>()
        .nondifferentiable_output(2)
        .derivatives(in(0, 1, 2, 3) | kOut | kOut1 | kOut2, lstm_layer_back),
    Op("_lstm_layer_backward(Tensor? dhs, Tensor? dcs, Tensor gx, Tensor w_hh, "
       "Tensor h0, Tensor c0, Tensor cs, Tensor gates, bool reverse) "
       "-> (Tensor, Tensor, Tensor)",
       "The gradients of gates and first states.")
        .impl<lstm_layer_grad>()
        .decomposition<lstm_layer_back_parts>(),
    Op("nn.lstm(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, "
       "int num_layers, float dropout, bool train, bool bidirectional, "
       "bool batch_first) -> (Tensor, Tensor, Tensor)",
       "Layers of long short-term memories.")
        .impl<lstm>(),
    Op("nn.gru(Tensor input, Tensor hx, Tensor[] params, bool has_biases, "
       "int num_layers, float dropout, bool train, bool bidirectional, "
       "bool batch_first) -> (Tensor, Tensor)",
       "Layers of gated recurrent units.")
        .impl<single_state<gru_layer, "gru">>(),
    Op("nn.rnn_tanh(Tensor input, Tensor hx, Tensor[] params, bool has_biases, "
       "int num_layers, float dropout, bool train, bool bidirectional, "
       "bool batch_first) -> (Tensor, Tensor)",
       "Layers of recurrent networks.")
        .impl<single_state<plain_layer<false>, "rnn_tanh">>(),
    Op("nn.rnn_relu(Tensor input, Tensor hx, Tensor[] params, bool has_biases, "
       "int num_layers, float dropout, bool train, bool bidirectional, "
       "bool batch_first) -> (Tensor, Tensor)",
       "Layers of recurrent networks.")
        .impl<single_state<plain_layer<true>, "rnn_relu">>(),
};

}  // namespace
}  // namespace fl
