// Recording an op call as a node, and running a node's derivatives.
#include <algorithm>
#include <cctype>

#include "autograd/node.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace fl {

namespace {

constexpr uint32_t kOutputBits = kAllOut | kOutShapes;

// Which tensors the derivatives of the inputs that need one will read.
uint32_t reads_of(const Op& op, const OpNode& node) {
  if (op.joint) return op.joint_reads & ~kLinked;
  uint32_t mask = 0;
  for (const Derivative& d : op.single) {
    for (const OpNode::Input& in : node.inputs) {
      if (in.arg == d.input && in.needs) mask |= d.reads;
    }
  }
  return mask & ~kLinked;
}

void add_input(OpNode& node, int arg, int item, const Tensor& t) {
  OpNode::Input& in = node.inputs.emplace_back();
  in.arg = static_cast<int16_t>(arg);
  in.item = static_cast<int16_t>(item);
  Edge e = gradient_edge(t);
  in.needs = static_cast<bool>(e.node);
  if (t.defined()) in.meta = TensorMeta(t);
  node.next.push_back(std::move(e));
}

// Numbers stay; what lists and strings point to moves into the node.
void keep_values(OpNode& node, const Frame& f) {
  size_t n = node.op->schema.args.size(), ints = 0, chars = 0;
  for (size_t i = 0; i < n; ++i) {
    if (f.args[i].tag == Tag::Ints) ints += f.args[i].n;
    if (f.args[i].tag == Tag::Floats) ints += f.args[i].n;
    if (f.args[i].tag == Tag::Str) chars += f.args[i].n;
  }
  node.values.assign(f.args, f.args + n);
  node.int_pool.reserve(ints);
  node.str_pool.reserve(chars);
  for (Value& v : node.values) {
    if (v.tag == Tag::Ints) {
      const int64_t* at = node.int_pool.data() + node.int_pool.size();
      node.int_pool.insert(node.int_pool.end(), v.ints, v.ints + v.n);
      v.ints = at;
    } else if (v.tag == Tag::Floats) {
      const int64_t* at = node.int_pool.data() + node.int_pool.size();
      auto* bits = reinterpret_cast<const int64_t*>(v.floats);
      node.int_pool.insert(node.int_pool.end(), bits, bits + v.n);
      v.floats = reinterpret_cast<const double*>(at);
    } else if (v.tag == Tag::Str) {
      const char* at = node.str_pool.data() + node.str_pool.size();
      node.str_pool.append(v.str, v.n);
      v.str = at;
    } else if (v.tag == Tag::Tensor || v.tag == Tag::Tensors || v.tag == Tag::Object ||
               v.tag == Tag::Generator) {
      v.ints = nullptr;  // tensors are reached through `inputs`
    }
  }
}

// An op may hand an input back (contiguous of a contiguous tensor): its history must
// not be overwritten.
void separate_outputs(Frame& f) {
  uint32_t mask = f.op->tensor_args;
  while (mask) {
    int i = __builtin_ctz(mask);
    mask &= mask - 1;
    if (f.args[i].tag != Tag::Tensor) continue;
    for (int k = 0; k < f.n_out; ++k) {
      if (f.output(k).get() == f.args[i].tensor) {
        Tensor of = f.output(k);
        f.output(k) = detach_alias(of);
        make_view(f.output(k), of.get());
      }
    }
  }
}

void save_outputs(OpNode& node, const Frame& f) {
  uint32_t reads = reads_of(*node.op, node);
  if (f.n_out > 1 || f.list || (reads & kOutShapes)) {
    for (int i = 0; i < f.n_out; ++i) {
      const Tensor& t = f.output(i);
      node.output_meta.push_back(t.defined() ? TensorMeta(t) : TensorMeta());
    }
  }
  if (!(reads & kAllOut)) return;
  const uint32_t bits[] = {kOut, kOut1, kOut2};
  node.outputs.resize(std::min(f.n_out, 3));
  for (int i = 0; i < std::min(f.n_out, 3); ++i) {
    if ((reads & bits[i]) && f.output(i).defined()) {
      node.outputs[i] = SavedTensor::output(f.output(i), i);
      if (node.op->nondifferentiable >> i & 1u) node.outputs[i].requires_grad = false;
    }
  }
}

}  // namespace

Ref<OpNode> record(const Op& op, const Frame& f, bool clone_self) {
  auto* raw = new OpNode(op);
  Ref<OpNode> node(raw);
  size_t n = op.schema.args.size();
  size_t flat = 0;
  for (size_t i = 0; i < n; ++i) {
    if (op.tensor_args >> i & 1u)
      flat += f.args[i].tag == Tag::Tensors ? f.args[i].n : 1;
  }
  raw->inputs.reserve(flat);
  raw->next.reserve(flat);
  for (size_t i = 0; i < n; ++i) {
    if (!(op.tensor_args >> i & 1u)) continue;
    const Value& v = f.args[i];
    if (v.tag == Tag::Tensors) {
      for (uint32_t k = 0; k < v.n; ++k) add_input(*raw, i, k, v.tensors[k]);
    } else {
      add_input(*raw, i, -1, v.is_tensor() ? Tensor(v.tensor) : Tensor());
    }
  }
  keep_values(*raw, f);
  uint32_t reads = reads_of(op, *raw) & ~kOutputBits;
  Tensor self_copy;
  for (OpNode::Input& in : raw->inputs) {
    const Value& v = f.args[in.arg];
    if (!(reads >> in.arg & 1u) || v.none() || v.is_number()) continue;
    Tensor t = in.item >= 0 ? v.tensors[in.item] : Tensor(v.tensor);
    if (!t.defined()) continue;
    if (clone_self && t.get() == f.args[0].tensor) {
      if (!self_copy.defined()) self_copy = ops::clone(t);
      t = self_copy;
    }
    in.saved = SavedTensor::input(t);
  }
  raw->where = CodePoint::here();
  return node;
}

void finish_record(OpNode& node, Frame& f) {
  separate_outputs(f);
  node.n_outputs = static_cast<uint32_t>(std::max(f.n_out, 1));
  Ref<Node> holder(&node);
  for (int i = 0; i < f.n_out; ++i) {
    const Tensor& t = f.output(i);
    bool plain = !t.defined() || !is_differentiable(t.dtype()) ||
                 (node.op->nondifferentiable >> i & 1u);
    if (!plain) set_history(t, holder, static_cast<uint32_t>(i));
  }
  save_outputs(node, f);
}

void finish_record_inplace(OpNode& node, Frame& f) {
  if (tls.grad_enabled) note_write(f.out->storage);
  rebase_history(f.out, Ref<Node>(&node), 0);
  save_outputs(node, f);
}

// ---- what derivatives see
// ------------------------------------------------------------

namespace {

const OpNode::Input& input_of(const OpNode& node, int arg, int item = -1) {
  for (const OpNode::Input& in : node.inputs) {
    if (in.arg == arg && (item < 0 || in.item == item)) return in;
  }
  fail(ErrorKind::Runtime, node.name(), ": there is no tensor argument ", arg);
}

Tensor load(const SavedTensor& s, OpNode& node, int arg, bool present) {
  if (!s.holds() && present) {
    fail(ErrorKind::Runtime, "derivative of ", node.op->name(), " reads '",
         node.op->schema.args[arg].name, "', which it did not declare");
  }
  return s.get(&node);
}

}  // namespace

Tensor Grad::in(int i) const {
  const OpNode::Input& x = input_of(node, i);
  return load(x.saved, node, i, x.meta.device != nullptr);
}

Operand Grad::operand(int i) const {
  const Value& v = node.values[i];
  if (v.tag != Tag::Tensor) return Operand(v);
  return Operand::own(in(i));
}

std::vector<Tensor> Grad::list(int i) const {
  std::vector<Tensor> out;
  for (const OpNode::Input& x : node.inputs) {
    if (x.arg == i) out.push_back(load(x.saved, node, i, x.meta.device != nullptr));
  }
  return out;
}

Tensor Grad::out(int i) const {
  check(i < static_cast<int>(node.outputs.size()) && node.outputs[i].holds(),
        "derivative of ", node.op->name(), " reads output ", i,
        ", which it did not declare");
  return node.outputs[i].get(&node);
}

const Value& Grad::value(int i) const { return node.values[i]; }
IntList Grad::shape(int i) const { return input_of(node, i).meta.sizes; }
Dtype Grad::dtype(int i) const { return input_of(node, i).meta.dtype; }
DeviceRuntime& Grad::device(int i) const { return *input_of(node, i).meta.device; }
bool Grad::needs(int i) const {
  for (const OpNode::Input& in : node.inputs) {
    if (in.arg == i && in.needs) return true;
  }
  return false;
}
bool Grad::needs(int i, int k) const { return input_of(node, i, k).needs; }

Tensor Grad::grad_or_zeros(int i) const {
  if (gs[i].defined()) return gs[i];
  const TensorMeta& m = node.output_meta.at(i);
  Tensor z = empty(m.sizes, m.dtype, *m.device);
  fill_with(z, Scalar(0));
  return z;
}

// ---- running
// ---------------------------------------------------------------------------

std::string OpNode::name() const {
  std::string n;
  bool up = true;
  for (const char* c = op->name(); *c; ++c) {
    if (*c == '_') {
      up = true;
      continue;
    }
    n += up ? static_cast<char>(std::toupper(*c)) : *c;
    up = false;
  }
  return n + "Backward0";
}

void OpNode::release() {
  released = true;
  for (Input& in : inputs) in.saved.reset();
  outputs.clear();
}

Tensor sum_to(const Tensor& g, IntList sizes) {
  if (g.sizes().equals(sizes)) return g;
  int64_t dims[64];
  int n = 0, lead = static_cast<int>(g.dim()) - static_cast<int>(sizes.size());
  for (int d = 0; d < g.dim(); ++d) {
    if (d < lead || (sizes[d - lead] == 1 && g->sizes[d] != 1)) dims[n++] = d;
  }
  Tensor s = n ? ops::sum_dim(g, IntList(dims, static_cast<size_t>(n)), true) : g;
  return lead > 0 ? ops::reshape(s, sizes) : s;
}

namespace {

// The gradient of a broadcast input is summed, that of a cast input is cast back.
Tensor fit(const Tensor& g, const TensorMeta& m) {
  Tensor r = g.sizes().equals(m.sizes) ? g : sum_to(g, m.sizes);
  if (r.dtype() == m.dtype) return r;
  if (is_complex(r.dtype()) && !is_complex(m.dtype)) r = ops::real(r);
  return r.dtype() == m.dtype ? r : ops::to_dtype(r, m.dtype);
}

}  // namespace

// Note [Linked gradients]
// With create_graph, the gradient of a piecewise linear op (relu, max, clamp) is a
// result that no differentiable path joins to the op's input.  PyTorch calls it a
// function of what its formula read, all the same, with a derivative of zero; so that a
// second backward finds a graph, `_linked` says so here.  Where ours need not read what
// PyTorch's formula reads (a pool's input), kLinked asks for the same, and a stand-in
// of the input's shape and history spares us from keeping the input.
static Tensor stand_in(const TensorMeta& m, const Edge& edge) {
  const Tensor one = empty({}, m.dtype, *m.device);
  const std::vector<int64_t> strides(m.sizes.size(), 0);
  const Tensor t = alias(one, m.sizes, strides, 0);
  set_history(t, edge.node, edge.input);
  return t;
}
static void link_to_reads(OpNode& node, Grad& g, uint32_t mask, size_t input,
                          Tensor& out) {
  if (!out.defined() || out.requires_grad() || !is_differentiable(out.dtype())) return;
  Tensor read;
  for (size_t k = 0; k < node.inputs.size() && !read.defined(); ++k) {
    const OpNode::Input& in = node.inputs[k];
    if (!in.needs || in.item > 0 || in.arg >= 27 || !(mask >> in.arg & 1u)) continue;
    if (in.saved.holds()) read = in.saved.get(&node);
  }
  if (!read.defined() && (mask & kOut)) read = g.out(0);
  if (!read.defined() && (mask & kLinked)) {
    read = stand_in(node.inputs[input].meta, node.next[input]);
  }
  if (!read.defined() || !read.requires_grad()) return;
  static const OpRef link("_linked(");
  out = link(out, read);
}

std::vector<Tensor> OpNode::apply(std::vector<Tensor>&& grads) {
  check(
      !released || (!op->single.empty() && reads_of(*op, *this) == 0) ||
          (op->joint && op->joint_reads == 0),
      "Trying to backward through the graph a second time (or directly access saved ",
      "tensors after they have already been freed). Saved intermediate values of the ",
      "graph are freed when you call .backward() or autograd.grad(). Specify ",
      "retain_graph=True if you need to backward through the graph a second time or ",
      "if you need to access saved tensors after calling backward.");
  std::vector<Tensor> out(inputs.size());
  bool any = std::any_of(grads.begin(), grads.end(),
                         [](const Tensor& t) { return t.defined(); });
  if (!any) return out;
  if (!grads[0].defined() && !output_meta.empty() && !op->schema.returns_list) {
    Grad probe{Tensor(), grads,
               *this};  // derivatives take their first gradient as given
    grads[0] = probe.grad_or_zeros(0);
  }
  Grad g{grads[0], grads, *this};
  if (op->joint) {
    op->joint(g, out);
  } else {
    for (const Derivative& d : op->single) {
      for (size_t k = 0; k < inputs.size(); ++k) {
        if (inputs[k].arg == d.input && inputs[k].needs) out[k] = d.fn(g);
      }
    }
  }
  for (size_t k = 0; k < out.size(); ++k) {
    if (out[k].defined()) out[k] = fit(out[k], inputs[k].meta);
  }
  if (tls.grad_enabled) {
    for (size_t k = 0; k < out.size(); ++k) {
      // What a joint derivative reads says nothing of one input.
      uint32_t mask = op->joint_reads & kLinked;
      for (const Derivative& d : op->single) {
        if (d.input == inputs[k].arg) mask = d.reads;
      }
      link_to_reads(*this, g, mask, k, out[k]);
    }
  }
  return out;
}

}  // namespace fl
