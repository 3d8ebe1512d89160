// The backward pass: nodes in the reverse of the order in which they were recorded,
// each once all of its gradients have arrived.  It runs in the caller's thread.
#include <algorithm>
#include <queue>

#include "autograd/node.h"
#include "flambeau/stream.h"
#include "ops/ops.h"

namespace fl {

namespace {

uint64_t next_task = 1;

struct BySequence {
  bool operator()(const Node* a, const Node* b) const {
    return a->sequence < b->sequence;
  }
};

// One call of backward.  Its scratch lives in the nodes; a backward within a backward
// (from a hook) that meets the same node puts the outer scratch aside and back.
class Task {
 public:
  Task(bool keep_graph, bool create_graph, const std::vector<Edge>* inputs)
      : id_(next_task++),
        keep_graph_(keep_graph),
        create_graph_(create_graph),
        inputs_(inputs),
        ready_(BySequence(), with_room()) {
    visited_.reserve(kRoom);
  }
  ~Task();
  std::vector<Tensor> run(const std::vector<Edge>& roots, std::vector<Tensor>& grads);

 private:
  // Nodes of a small graph: for them no list grows.
  static constexpr size_t kRoom = 32;
  static std::vector<Node*> with_room() {
    std::vector<Node*> nodes;
    nodes.reserve(kRoom);
    return nodes;
  }
  struct Aside {
    Node* node;
    uint64_t task;
    int32_t dependencies;
    bool needed;
    std::vector<Tensor> buffer;
  };
  void enter(Node* n);
  void discover(Node* root);
  void mark_needed();
  void receive(const Edge& e, Tensor&& g);
  void execute(Node* n);
  void pass_on(Node* n, std::vector<Tensor>&& grads);
  void capture(Node* n, const std::vector<Tensor>& grads);

  uint64_t id_;
  bool keep_graph_, create_graph_;
  const std::vector<Edge>* inputs_;
  std::vector<Tensor> captured_;
  std::vector<Node*> visited_;  // parents before children is not promised
  std::vector<Aside> aside_;
  std::priority_queue<Node*, std::vector<Node*>, BySequence> ready_;
};

Task::~Task() {
  for (Node* n : visited_) {
    n->task = 0;
    n->buffer.clear();
  }
  for (Aside& a : aside_) {
    a.node->task = a.task;
    a.node->dependencies = a.dependencies;
    a.node->needed = a.needed;
    a.node->buffer = std::move(a.buffer);
  }
}

void Task::enter(Node* n) {
  if (n->task != 0) {
    aside_.push_back({n, n->task, n->dependencies, n->needed, std::move(n->buffer)});
  }
  n->task = id_;
  n->dependencies = 0;
  n->needed = inputs_ == nullptr;
  n->buffer.clear();
  visited_.push_back(n);
}

void Task::discover(Node* root) {
  if (root->task == id_) return;
  std::vector<Node*> stack = with_room();
  stack.push_back(root);
  enter(root);
  while (!stack.empty()) {
    Node* n = stack.back();
    stack.pop_back();
    for (const Edge& e : n->next) {
      Node* m = e.node.get();
      if (!m) continue;
      if (m->task != id_) {
        enter(m);
        stack.push_back(m);
      }
      ++m->dependencies;
    }
  }
}

// With inputs given, only nodes on a path to one of them are run.
void Task::mark_needed() {
  if (!inputs_) return;
  captured_.resize(inputs_->size());
  // Parents before children, by the edges: a view's history that was made anew is
  // younger than the node that asked for it, so the numbers do not tell.
  std::vector<Node*> order;
  for (Node* n : visited_) {
    if (n->dependencies == 0) order.push_back(n);
  }
  for (size_t i = 0; i < order.size(); ++i) {
    for (const Edge& e : order[i]->next) {
      if (e.node && --e.node->dependencies == 0) order.push_back(e.node.get());
    }
  }
  for (size_t i = order.size(); i-- > 0;) {
    Node* n = order[i];
    for (const Edge& e : n->next) {
      Node* m = e.node.get();
      if (!m) continue;
      ++m->dependencies;
      bool target = std::any_of(inputs_->begin(), inputs_->end(),
                                [&](const Edge& in) { return in.node.get() == m; });
      n->needed = n->needed || m->needed || target;
    }
  }
}

bool sole_owner(const Tensor& t) {
  return t->refs == 1 && t->storage->refs == 1 && !t->py && !t->base;
}

void Task::receive(const Edge& e, Tensor&& g) {
  Node* m = e.node.get();
  if (g.defined()) {
    if (m->buffer.size() <= e.input)
      m->buffer.resize(std::max(m->n_outputs, e.input + 1));
    Tensor& slot = m->buffer[e.input];
    if (!slot.defined()) {
      slot = std::move(g);
    } else if (!create_graph_ && sole_owner(slot) && slot.dtype() == g.dtype() &&
               slot.sizes().equals(g.sizes())) {
      static const OpRef add("add(");
      add.inplace(slot, g);
    } else {
      slot = ops::add(slot, g);
    }
  }
}

void run_tensor_hooks(Node* n, std::vector<Tensor>& grads) {
  if (!n->hooks) return;
  // A hook may remove itself: run over a copy.
  auto tensor_pre = n->hooks->tensor_pre;
  for (auto& [id, index, hook] : tensor_pre) {
    if (!grads[index].defined()) continue;
    Tensor r = hook(grads[index]);
    if (r.defined()) grads[index] = r;
  }
  auto pre = n->hooks->pre;
  for (auto& [id, hook] : pre) hook(grads);
  auto retain = n->hooks->retain;
  for (auto& [index, hook] : retain) {
    if (grads[index].defined()) hook(grads[index]);
  }
}

void Task::capture(Node* n, const std::vector<Tensor>& grads) {
  if (!inputs_) return;
  for (size_t i = 0; i < inputs_->size(); ++i) {
    const Edge& in = (*inputs_)[i];
    if (in.node.get() == n && in.input < grads.size()) captured_[i] = grads[in.input];
  }
}

void check_nan(Node* n, const std::vector<Tensor>& grads) {
  for (size_t i = 0; i < grads.size(); ++i) {
    const Tensor& g = grads[i];
    if (!g.defined() || !is_differentiable(g.dtype()) || g.device().is_meta()) continue;
    GradGuard off(false);
    static const OpRef any("any(Tensor self)");
    if (!item(any(ops::isnan(g))).to_bool()) continue;
    if (anomaly_hooks.warn) anomaly_hooks.warn(*n);
    fail(ErrorKind::Runtime, "Function '", n->name(), "' returned nan values in its ",
         i, "th output.");
  }
}

void Task::execute(Node* n) {
  n->buffer.resize(std::max<size_t>(n->n_outputs, n->buffer.size()));
  std::vector<Tensor> grads = std::move(n->buffer);
  n->buffer.clear();
  run_tensor_hooks(n, grads);
  capture(n, grads);
  std::vector<Tensor> out;
  if (n->needed) {
    std::vector<Tensor> before;
    if (n->hooks && !n->hooks->post.empty()) before = grads;
    try {
      out = n->apply(std::move(grads));
    } catch (...) {
      if (tls.anomaly && anomaly_hooks.warn) anomaly_hooks.warn(*n);
      throw;
    }
    if (tls.anomaly && tls.anomaly_check_nan) check_nan(n, out);
    if (n->hooks) {
      auto post = n->hooks->post;
      for (auto& [id, hook] : post) hook(out, before);
    }
    if (!keep_graph_) n->release();
  }
  pass_on(n, std::move(out));
}

void Task::pass_on(Node* n, std::vector<Tensor>&& out) {
  out.resize(n->next.size());
  for (size_t i = 0; i < n->next.size(); ++i) {
    const Edge& e = n->next[i];
    if (!e.node) continue;
    receive(e, std::move(out[i]));
    if (--e.node->dependencies == 0) ready_.push(e.node.get());
  }
}

std::vector<Tensor> Task::run(const std::vector<Edge>& roots,
                              std::vector<Tensor>& grads) {
  for (const Edge& e : roots) discover(e.node.get());
  mark_needed();
  GradGuard mode(create_graph_);
  for (size_t i = 0; i < roots.size(); ++i) receive(roots[i], std::move(grads[i]));
  std::vector<Node*> start;
  for (const Edge& e : roots) {
    if (e.node->dependencies == 0 &&
        std::find(start.begin(), start.end(), e.node.get()) == start.end()) {
      start.push_back(e.node.get());
      ready_.push(e.node.get());
    }
  }
  while (!ready_.empty()) {
    Node* n = ready_.top();
    ready_.pop();
    execute(n);
  }
  return std::move(captured_);
}

}  // namespace

// A leaf's gradient: the first one is taken over where nobody else holds it.
std::vector<Tensor> AccumulateGrad::apply(std::vector<Tensor>&& grads) {
  Tensor g = std::move(grads[0]);
  grads.clear();
  if (!g.defined()) return {};
  AutogradMeta& m = ensure_autograd(variable);
  check(g.sizes().equals(variable.sizes()),
        "AccumulateGrad: expected a gradient of shape ", to_string(variable.sizes()),
        ", got ", to_string(g.sizes()));
  if (!m.grad.defined()) {
    if (tls.grad_enabled) {
      m.grad = ops::clone(g);
    } else if (sole_owner(g) &&
               (g.contiguous() || g.strides().equals(variable.strides()))) {
      m.grad = g->has(kRequiresGrad) ? detach_alias(g) : std::move(g);
    } else {
      m.grad = empty_like(variable, g.dtype());
      copy_into(m.grad, g);
    }
  } else if (tls.grad_enabled) {
    m.grad = ops::add(m.grad, g);
  } else {
    static const OpRef add("add(");
    add.inplace(m.grad, g);
  }
  return {};
}

std::vector<Tensor> backward(TensorList roots, std::vector<Tensor> grads,
                             bool retain_graph, bool create_graph,
                             const std::vector<Edge>* inputs) {
  std::vector<Edge> edges;
  std::vector<Tensor> given;
  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& r = roots[i];
    check(r.requires_grad(), "element ", i,
          " of tensors does not require grad and does ", "not have a grad_fn");
    Tensor g = i < grads.size() ? grads[i] : Tensor();
    if (!g.defined()) {
      check(r.numel() == 1, "grad can be implicitly created only for scalar outputs");
      check(is_floating(r.dtype()),
            "grad can be implicitly created only for real scalar ", "outputs but got ",
            short_name(r.dtype()));
      g = empty(r.sizes(), r.dtype(), r.device());
      fill_with(g, Scalar(1));
    }
    check(g.sizes().equals(r.sizes()), "Mismatch in shape: grad_output[", i,
          "] has a shape of ", to_string(g.sizes()), " and output[", i,
          "] has a shape of ", to_string(r.sizes()), ".");
    edges.push_back(gradient_edge(r));
    given.push_back(std::move(g));
  }
  // The forward pass may have used several streams; this one runs on the current one,
  // and what it lets go of may be used again on the stream where it was made.
  current_waits_for_all();
  Task task(retain_graph, create_graph, inputs);
  std::vector<Tensor> captured = task.run(edges, given);
  all_wait_for_current();
  return captured;
}

}  // namespace fl
