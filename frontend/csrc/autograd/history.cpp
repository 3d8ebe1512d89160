// How tensors and nodes hang together: edges, leaves, views, and in-place writes that
// rewrite history.
#include <algorithm>

#include "autograd/node.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace fl {

[[gnu::tls_model("initial-exec")]] constinit thread_local AutogradState tls;
SavedHooks saved_hooks;
AnomalyHooks anomaly_hooks;

// ---- nodes
// ---------------------------------------------------------------------------

namespace {
uint64_t next_sequence = 1;
}

Node::Node() : sequence(next_sequence++) {
  if (tls.anomaly && anomaly_hooks.stack) forward_stack = anomaly_hooks.stack();
}

Node::~Node() {
  if (forward_stack && anomaly_hooks.drop) anomaly_hooks.drop(forward_stack);
  if (metadata && anomaly_hooks.drop) anomaly_hooks.drop(metadata);
}

namespace {
// What the node that is being destroyed held last.
[[gnu::tls_model("initial-exec")]] thread_local std::vector<Node*>* t_dying = nullptr;
}  // namespace

// A graph can be deeper than the C++ stack: children are destroyed in a loop.
void Node::destroy(Node* n) {
  if (t_dying) return t_dying->push_back(n);
  std::vector<Node*> dying;
  t_dying = &dying;
  delete n;
  while (!dying.empty()) {
    Node* top = dying.back();
    dying.pop_back();
    delete top;
  }
  t_dying = nullptr;
}

NodeHooks& Node::ensure_hooks() {
  if (!hooks) hooks = std::make_unique<NodeHooks>();
  return *hooks;
}

// ---- saved tensors ------------------------------------------------------------------

SavedTensor& SavedTensor::operator=(SavedTensor&& o) noexcept {
  std::swap(tensor, o.tensor);
  std::swap(history, o.history);
  std::swap(packed, o.packed);
  std::swap(unpack, o.unpack);
  version = o.version;
  is_output = o.is_output;
  alias = o.alias;
  requires_grad = o.requires_grad;
  output_index = o.output_index;
  return *this;
}

SavedTensor SavedTensor::input(const Tensor& t) {
  SavedTensor s;
  if (!t.defined()) return s;
  s.version = t.version();
  s.requires_grad = t.requires_grad();
  Ref<Node> fn = s.requires_grad ? grad_fn(t) : Ref<Node>();
  if (fn) {
    s.tensor = detach_alias(t);
    s.alias = true;
    s.output_index = t->autograd->output_index;
    s.history = std::move(fn);
  } else {
    s.tensor = t;
  }
  if (saved_hooks.active) saved_hooks.pack(s);
  return s;
}

SavedTensor SavedTensor::output(const Tensor& t, uint32_t index) {
  SavedTensor s;
  s.tensor = detach_alias(t);
  s.alias = s.is_output = true;
  s.requires_grad = is_differentiable(t.dtype());
  s.version = t.version();
  s.output_index = index;
  if (saved_hooks.active) saved_hooks.pack(s);
  return s;
}

void SavedTensor::reset() {
  tensor = Tensor();
  history = Ref<Node>();
  if (packed) saved_hooks.drop(packed);
  if (unpack) saved_hooks.drop(unpack);
  packed = unpack = nullptr;
}

namespace {

[[noreturn]] void changed_in_place(const SavedTensor& s, Node* owner) {
  const Tensor& t = s.tensor;
  std::string maker =
      s.is_output
          ? concat(", which is output ", s.output_index, " of ", owner->name(), ",")
      : s.history
          ? concat(", which is output ", s.output_index, " of ", s.history->name(), ",")
          : std::string();
  std::string saved = owner->where.text();
  std::string wrote = find_write(t->storage, s.version + 1);
  fail(ErrorKind::Runtime,
       "one of the variables needed for gradient computation has been modified by an ",
       "inplace operation: [", describe(t), "]", maker, " is at version ", t.version(),
       "; expected version ", s.version, " instead.",
       saved.empty() ? "" : "\n  " + owner->name() + " saved it at  " + saved,
       wrote.empty() ? "" : "\n  it was then changed at  " + wrote,
       "\nHint: clone the tensor before changing it, or use an out-of-place form.");
}

}  // namespace

Tensor SavedTensor::get(Node* owner) const {
  if (packed) return saved_hooks.unpack(*this);
  if (!tensor.defined()) return tensor;
  if (tensor.version() != version) changed_in_place(*this, owner);
  if (!alias || !tls.grad_enabled || !requires_grad) return tensor;
  Tensor t = detach_alias(tensor);
  set_history(t, is_output ? Ref<Node>(owner) : history, output_index);
  return t;
}

// ---- edges
// -----------------------------------------------------------------------------

AutogradMeta& ensure_autograd(const Tensor& t) {
  if (!t->autograd) t->autograd = new AutogradMeta;
  return *t->autograd;
}

AccumulateGrad::AccumulateGrad(const Tensor& t) : variable(t) {
  sequence = UINT64_MAX;  // leaves are served at once
}

AccumulateGrad::~AccumulateGrad() {
  if (variable->autograd && variable->autograd->accumulator == this) {
    variable->autograd->accumulator = nullptr;
  }
}

Ref<Node> accumulator_of(const Tensor& t) {
  AutogradMeta& m = ensure_autograd(t);
  if (m.accumulator) return Ref<Node>(m.accumulator);
  Ref<Node> node(new AccumulateGrad(t));
  m.accumulator = node.get();
  return node;
}

Edge gradient_edge(const Tensor& t) {
  if (!t.defined() || !t.requires_grad()) return {};
  if (Ref<Node> fn = grad_fn(t)) return {fn, t->autograd->output_index};
  return {accumulator_of(t), 0};
}

void set_history(const Tensor& t, const Ref<Node>& node, uint32_t index) {
  AutogradMeta& m = ensure_autograd(t);
  m.grad_fn = node;
  m.output_index = index;
  t->set(kRequiresGrad, static_cast<bool>(node));
  t->view_version = t.version();
}

void set_requires_grad(const Tensor& t, bool on) {
  bool leaf = !(t->autograd && t->autograd->grad_fn) && !(t->base && t.requires_grad());
  check(leaf || on,
        "you can only change requires_grad flags of leaf variables. If you ",
        "want to use a computed variable in a subgraph that doesn't require ",
        "differentiation use var_no_grad = var.detach().");
  if (!leaf) return;
  check(!on || is_differentiable(t.dtype()), "only Tensors of floating point and ",
        "complex dtype can require gradients, got ", short_name(t.dtype()));
  check(!(on && t->has(kInference) && !tls.inference),
        "Setting requires_grad=True on inference tensor outside InferenceMode is not ",
        "allowed.");
  t->set(kRequiresGrad, on);
}

// ---- views
// -----------------------------------------------------------------------------

void make_view(const Tensor& out, TensorImpl* of) {
  if (tls.inference) return;
  TensorImpl* base = of->base ? of->base : of;
  ++base->refs;
  out->base = base;
  out->view_version = out.version();
  // A view of a tensor that was cut from the graph is cut from it too.
  const bool cut = of->base && of->has(kNoGradView);
  if (!tls.grad_enabled || cut) out->set(kNoGradView, true);
}

namespace {

// A node as if `view` had just been taken of its base by as_strided.
Ref<Node> view_node(const Tensor& base, const Tensor& view) {
  static const Op& op = find_op("_as_strided(");
  const Value args[] = {Value(base),           Value(view.sizes()),
                        Value(view.strides()), Value(view.offset()),
                        Value(base.strides()), Value(base.offset())};
  Frame f;
  f.op = &op;
  f.args = args;
  f.out = view;
  return Ref<Node>(record(op, f, false).get());
}

// The history of a base of which a slice was overwritten by the op of `fn`.
struct CopySlices : Node {
  TensorMeta base;
  std::vector<int64_t> base_strides, sizes, strides;
  int64_t offset = 0;  // of the slice, from the base
  Ref<Node> fn;

  std::string name() const override { return "CopySlices"; }
  void release() override {
    if (fn) fn->release();
  }

  std::vector<Tensor> apply(std::vector<Tensor>&& grads) override {
    std::vector<Tensor> out(next.size());
    if (!grads[0].defined()) return out;
    Tensor whole = empty_strided(base.sizes, base_strides, base.dtype, *base.device);
    ops_copy_inplace(whole, grads[0]);
    // Numbering of the storage starts anew: `whole` begins at offset 0.
    Tensor slice = ops::as_strided(whole, sizes, strides, offset);
    if (!fn) {
      ops_copy_inplace(slice, zeros(slice));
      out[0] = whole;
      return out;
    }
    std::vector<Tensor> inner = fn->apply({ops::clone(slice)});
    for (size_t i = 0; i < inner.size() && i < out.size(); ++i) {
      if (i > 0) {
        out[i] = inner[i];
      } else {
        ops_copy_inplace(slice, inner[0].defined() ? inner[0] : zeros(slice));
        out[0] = whole;
      }
    }
    return out;
  }

  static Tensor zeros(const Tensor& like) {
    Tensor z = empty(like.sizes(), like.dtype(), like.device());
    fill_with(z, Scalar(0));
    return z;
  }
};

}  // namespace

Ref<Node> grad_fn(const Tensor& t) {
  TensorImpl* impl = t.get();
  if (impl->base && !impl->has(kNoGradView) && impl->view_version != t.version() &&
      !impl->has(kUnversioned)) {
    Tensor base(impl->base);
    if (base.requires_grad()) {
      set_history(t, view_node(base, t), 0);
    }
  }
  return impl->autograd ? impl->autograd->grad_fn : Ref<Node>();
}

void rebase_history(const Tensor& t, const Ref<Node>& node, uint32_t index) {
  TensorImpl* base_impl = t->base;
  if (!base_impl || t->has(kNoGradView)) {
    if (node || t->autograd) set_history(t, node, index);
    return;
  }
  Tensor base(base_impl);
  if (!node && !base.requires_grad()) return;
  check(is_dense(base),
        "in-place: the base of this view is not dense, so its gradient ",
        "cannot be formed; clone the base first");
  auto* copy = new CopySlices;
  Ref<Node> holder(copy);
  copy->base = TensorMeta(base);
  copy->base_strides = base.strides().vec();
  copy->sizes = t.sizes().vec();
  copy->strides = t.strides().vec();
  copy->offset = t.offset() - base.offset();
  copy->fn = node;
  copy->next.push_back(gradient_edge(base));
  if (node) {
    for (size_t i = 1; i < node->next.size(); ++i) copy->next.push_back(node->next[i]);
  }
  set_history(base, holder, 0);
  set_history(t, view_node(base, t), 0);
}

}  // namespace fl
