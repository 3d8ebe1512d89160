// Autograd's graph: nodes, edges, and what a tensor carries of them.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/lines.h"
#include "flambeau/spares.h"
#include "ops/op.h"

namespace fl {

struct Edge {
  Ref<Node> node;
  uint32_t input = 0;  // which output of the forward op the gradient belongs to
};

// A shape that is kept; short ones need no memory of their own.
class Shape {
 public:
  Shape() = default;
  explicit Shape(IntList l) : n_(static_cast<uint32_t>(l.size())) {
    if (n_ > kInline) more_ = std::make_unique<int64_t[]>(n_);
    std::copy(l.begin(), l.end(), data());
  }
  const int64_t* data() const { return more_ ? more_.get() : few_; }
  size_t size() const { return n_; }
  int64_t operator[](size_t i) const { return data()[i]; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + n_; }
  operator IntList() const { return IntList(data(), n_); }

 private:
  static constexpr uint32_t kInline = 5;
  int64_t* data() { return more_ ? more_.get() : few_; }
  uint32_t n_ = 0;
  int64_t few_[kInline];
  std::unique_ptr<int64_t[]> more_;
};

// Shape, dtype and device of a forward tensor: enough to make zeros like it.
struct TensorMeta {
  Shape sizes;
  Dtype dtype = Dtype::Float32;
  DeviceRuntime* device = nullptr;
  TensorMeta() = default;
  explicit TensorMeta(const Tensor& t)
      : sizes(t.sizes()), dtype(t.dtype()), device(&t.device()) {}
};

// Hooks return a replacement, or an undefined tensor to keep the gradient.
using TensorHook = std::function<Tensor(const Tensor&)>;
struct NodeHooks {
  int64_t next_id = 1;
  // Before the node runs: given and may replace the gradients of its outputs.
  std::vector<std::pair<int64_t, std::function<void(std::vector<Tensor>&)>>> pre;
  // Tensor hooks, per output of the forward op.
  std::vector<std::tuple<int64_t, uint32_t, TensorHook>> tensor_pre;
  // After: given the gradients of its inputs (mutable) and of its outputs.
  std::vector<std::pair<
      int64_t, std::function<void(std::vector<Tensor>&, const std::vector<Tensor>&)>>>
      post;
  // retain_grad: store into the tensor, after all tensor_pre hooks.
  std::vector<std::pair<uint32_t, TensorHook>> retain;
};

struct Node {
  uint32_t refs = 0;
  uint32_t n_outputs = 1;  // of the forward op: gradients that apply() is given
  uint64_t sequence;
  std::vector<Edge> next;  // one per flat tensor input
  std::unique_ptr<NodeHooks> hooks;
  PyObject* py = nullptr;             // its Python wrapper, borrowed
  PyObject* metadata = nullptr;       // counted: anybody's notes, from Python
  PyObject* forward_stack = nullptr;  // anomaly mode: where the op was called

  CodePoint where;  // the line that recorded it

  // The engine's scratch, valid while `task` equals the running task's id.
  uint64_t task = 0;
  int32_t dependencies = 0;
  bool needed = false;
  std::vector<Tensor> buffer;

  Node();
  virtual ~Node();
  // Gradients of the outputs in, gradients of the inputs out (one per edge).
  virtual std::vector<Tensor> apply(std::vector<Tensor>&& grads) = 0;
  virtual std::string name() const = 0;
  virtual void release() {}  // frees saved tensors after backward
  virtual bool is_accumulate() const { return false; }
  // What Python sees of it (`_saved_self`, ...) is added by the wrapper.
  NodeHooks& ensure_hooks();
  static void destroy(Node* n);
};

// A tensor kept for backward, with the version it had.  Results of other ops and the
// op's own outputs are kept as aliases without history, so that no cycle arises.
struct SavedTensor {
  Tensor tensor;
  uint32_t version = 0;
  bool is_output = false;
  bool alias = false;  // `tensor` is not the original object
  bool requires_grad = false;
  Ref<Node> history;  // of an input that is the result of an op
  uint32_t output_index = 0;
  PyObject* packed = nullptr;  // saved_tensors_hooks: what pack returned, and unpack
  PyObject* unpack = nullptr;
  static SavedTensor input(const Tensor& t);
  static SavedTensor output(const Tensor& t, uint32_t index);
  SavedTensor() = default;
  SavedTensor(SavedTensor&& o) noexcept { *this = std::move(o); }
  SavedTensor& operator=(SavedTensor&& o) noexcept;
  ~SavedTensor() { reset(); }
  // The tensor with its history; throws when it was changed in place, naming both
  // lines.
  Tensor get(Node* owner) const;
  void reset();
  bool holds() const { return tensor.defined() || packed; }
};
// saved_tensors_hooks, filled in by the bindings: pack replaces the kept tensor.
struct SavedHooks {
  bool active = false;
  void (*pack)(SavedTensor& saved) = nullptr;
  Tensor (*unpack)(const SavedTensor& saved) = nullptr;
  void (*drop)(PyObject* object) = nullptr;
};
extern SavedHooks saved_hooks;

// The node of a recorded op call.
struct OpNode final : Node, Recycled<OpNode> {
  const Op* op;
  std::vector<Value> values;      // numbers, lists: tensors are in `inputs`
  std::vector<int64_t> int_pool;  // what list values point to
  std::string str_pool;
  struct Input {
    int16_t arg = -1;  // argument, and item when it is a list
    int16_t item = -1;
    bool needs = false;
    bool reduce = false;  // the gradient may have to be summed or cast
    SavedTensor saved;
    TensorMeta meta;
  };
  std::vector<Input> inputs;  // flat, as `next`
  std::vector<SavedTensor> outputs;
  std::vector<TensorMeta> output_meta;  // when there are several
  bool released = false;

  explicit OpNode(const Op& o) : op(&o) {}
  std::vector<Tensor> apply(std::vector<Tensor>&& grads) override;
  std::string name() const override;  // "MulBackward0"
  void release() override;
};

// Adds to .grad of a leaf; held by the leaf weakly, holds the leaf strongly.
struct AccumulateGrad final : Node, Recycled<AccumulateGrad> {
  Tensor variable;
  explicit AccumulateGrad(const Tensor& t);
  ~AccumulateGrad() override;
  std::vector<Tensor> apply(std::vector<Tensor>&& grads) override;
  std::string name() const override { return "AccumulateGrad"; }
  bool is_accumulate() const override { return true; }
};

struct AutogradMeta final : Recycled<AutogradMeta> {
  Tensor grad;
  Ref<Node> grad_fn;  // of a result
  uint32_t output_index = 0;
  Node* accumulator = nullptr;  // of a leaf; weak
  bool retain_grad = false;
  int retain_hook = -1;
  // Hooks of a leaf before its accumulator exists live in the accumulator, which is
  // then kept alive here.
  Ref<Node> keep_accumulator;
};
AutogradMeta& ensure_autograd(const Tensor& t);

// ---- the state of the thread
// ----------------------------------------------------------
struct AutogradState {
  bool grad_enabled = true;
  bool inference = false;
  bool anomaly = false;
  bool anomaly_check_nan = true;
  // Anything that makes the plain path of call() not enough: autocast, traces, ...
  uint32_t modes = 0;
};
// Read by every call: found without a look-up, also in a library opened at run time,
// and (constinit) without asking whether it has been made.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local AutogradState tls;

struct GradGuard {  // sets grad_enabled for a scope
  explicit GradGuard(bool on) : before(tls.grad_enabled) { tls.grad_enabled = on; }
  ~GradGuard() { tls.grad_enabled = before; }
  bool before;
};

// ---- recording
// ------------------------------------------------------------------------- The node
// that adds to a leaf's .grad; made at the first asking.
Ref<Node> accumulator_of(const Tensor& t);
// The edge that gradients of `t` flow along; a null node when it needs none.
Edge gradient_edge(const Tensor& t);
// Regenerates the history of a view whose base was changed in place.
Ref<Node> grad_fn(const Tensor& t);
void set_history(const Tensor& t, const Ref<Node>& node, uint32_t index);
// After an in-place op on `t`: its history becomes `node`; when it is a view, its base
// gets the history of a slice being overwritten.
void rebase_history(const Tensor& t, const Ref<Node>& node, uint32_t index);
// Marks `out` as a view of `of` for autograd.
void make_view(const Tensor& out, TensorImpl* of);
void set_requires_grad(const Tensor& t, bool on);

// ---- backward
// ---------------------------------------------------------------------------- Runs the
// graph from `roots`.  With `inputs` empty, accumulates into leaves; else returns the
// gradients of those inputs (undefined where unused).
std::vector<Tensor> backward(TensorList roots, std::vector<Tensor> grads,
                             bool retain_graph, bool create_graph,
                             const std::vector<Edge>* inputs);
// Sums a gradient that has the broadcast shape down to `sizes`.
Tensor sum_to(const Tensor& g, IntList sizes);

// Set by the bindings: the Python stack as an object, for anomaly mode (counted), how
// to drop it, and how to show it when a node fails.
struct AnomalyHooks {
  PyObject* (*stack)() = nullptr;
  void (*drop)(PyObject* stack) = nullptr;
  void (*warn)(const Node& node) = nullptr;
};
extern AnomalyHooks anomaly_hooks;

}  // namespace fl
