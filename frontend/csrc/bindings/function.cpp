// autograd.Function: nodes whose backward is written in Python.
//
// The node owns its context (`ctx`, which is also its grad_fn object); the context only
// borrows the node, so that no cycle keeps the graph alive.
#include <algorithm>

#include "bindings/autograd.h"
#include "bindings/keywords.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

PyObject* attribute(PyObject* o, const char* name) {  // new, or nullptr where absent
  PyObject* v = PyObject_GetAttrString(o, name);
  if (!v) PyErr_Clear();
  return v;
}

struct FunctionNode : Node {
  PyObject* ctx = nullptr;  // owned
  std::string label;
  std::vector<TensorMeta> outputs;
  std::vector<TensorMeta> inputs;  // one per edge
  std::vector<bool> needs;         // does the edge lead anywhere
  std::vector<int> argument;       // which argument of forward an edge belongs to
  int n_arguments = 0;
  std::vector<SavedTensor> saved;
  bool materialize = true;
  bool released = false;

  ~FunctionNode() override {
    if (!ctx) return;
    const PyGILState_STATE state = PyGILState_Ensure();
    reinterpret_cast<PyNode*>(ctx)->node = nullptr;
    py = nullptr;
    Py_DECREF(ctx);
    PyGILState_Release(state);
  }
  std::string name() const override { return label; }
  void release() override {
    saved.clear();
    released = true;
  }
  std::vector<Tensor> apply(std::vector<Tensor>&& grads) override;
};

Handle gradients(FunctionNode& n, std::vector<Tensor>& grads) {
  Handle args = own(PyTuple_New(static_cast<Py_ssize_t>(grads.size())));
  for (size_t i = 0; i < grads.size(); ++i) {
    const TensorMeta& m = n.outputs[i];
    if (!grads[i].defined() && n.materialize && m.device) {
      grads[i] = empty(m.sizes, m.dtype, *m.device);
      fill_with(grads[i], Scalar(0));
    }
    PyTuple_SET_ITEM(args.get(), static_cast<Py_ssize_t>(i), wrap(grads[i]));
  }
  return args;
}

Tensor fitted(Tensor g, const TensorMeta& m, const std::string& label, int position) {
  if (!g.sizes().equals(m.sizes)) {
    const std::vector<int64_t> joint =
        broadcast_shapes(g.sizes(), m.sizes, label.c_str());
    check(IntList(joint).equals(g.sizes()), "Function ", label,
          " returned an invalid gradient at index ", position, " - got ",
          to_string(g.sizes()), " but expected shape compatible with ",
          to_string(m.sizes));
    g = sum_to(g, m.sizes);
  }
  if (g.dtype() != m.dtype) g = ops::to_dtype(g, m.dtype);
  return g;
}

std::vector<Tensor> FunctionNode::apply(std::vector<Tensor>&& grads) {
  grads.resize(outputs.size());
  Handle args = gradients(*this, grads);
  Handle backward = own(PyObject_GetAttrString(ctx, "_run_backward"));
  Handle result = own(PyObject_CallObject(backward.get(), args.get()));
  Handle tuple = PyTuple_Check(result.get()) ? std::move(result)
                                             : own(PyTuple_Pack(1, result.get()));
  Py_ssize_t n = PyTuple_GET_SIZE(tuple.get());
  while (n > n_arguments && PyTuple_GET_ITEM(tuple.get(), n - 1) == Py_None) --n;
  check(n == n_arguments, "function ", label,
        " returned an incorrect number of gradients (expected ", n_arguments, ", got ",
        n, ")");
  std::vector<Tensor> out(next.size());
  std::vector<bool> known(static_cast<size_t>(n_arguments), false);
  for (size_t e = 0; e < next.size(); ++e) {
    known[argument[e]] = true;
    PyObject* g = PyTuple_GET_ITEM(tuple.get(), argument[e]);
    if (g == Py_None || !needs[e]) continue;
    check(is_tensor(g), ErrorKind::Type, "function ", label,
          ": expected a Tensor or None as gradient ", argument[e], ", got ",
          type_of(g));
    out[e] = fitted(unwrap(g), inputs[e], label, argument[e]);
  }
  for (int i = 0; i < n_arguments; ++i) {
    check(known[i] || PyTuple_GET_ITEM(tuple.get(), i) == Py_None, "function ", label,
          " returned a gradient different from None at position ", i + 1,
          ", but the corresponding forward input was not a Variable");
  }
  return out;
}

bool contains(PyObject* tuple, PyObject* o) {
  if (!tuple || !PyTuple_Check(tuple)) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    if (PyTuple_GET_ITEM(tuple, i) == o) return true;
  }
  return false;
}

void add_edges(FunctionNode& node, PyObject* args) {
  node.n_arguments = static_cast<int>(PyTuple_GET_SIZE(args));
  for (int i = 0; i < node.n_arguments; ++i) {
    PyObject* a = PyTuple_GET_ITEM(args, i);
    if (!is_tensor(a)) continue;
    const Tensor t = unwrap(a);
    Edge e = gradient_edge(t);
    node.needs.push_back(static_cast<bool>(e.node));
    node.next.push_back(std::move(e));
    node.inputs.emplace_back(t);
    node.argument.push_back(i);
  }
}

struct Finish {
  PyObject* ctx;
  PyObject* args;
  Handle dirty, constant;
  Ref<FunctionNode> node;  // null when nothing is recorded

  // One output of forward, with its history.
  PyObject* output(PyObject* o, uint32_t index) {
    if (!is_tensor(o)) return Py_NewRef(o);
    Tensor t = unwrap(o);
    if (contains(dirty.get(), o)) {
      bump_version(t);
      if (node) rebase_history(t, Ref<Node>(node.get()), index);
      return Py_NewRef(o);
    }
    if (!node) return Py_NewRef(o);
    if (contains(args, o) || t->base || t.requires_grad()) t = detach_alias(t);
    if (is_differentiable(t.dtype()) && !contains(constant.get(), o)) {
      set_history(t, Ref<Node>(node.get()), index);
    }
    return wrap(t);
  }
};

// What save_for_backward was given, checked and kept by the node.
void save(FunctionNode& node, PyObject* to_save, PyObject* before, PyObject* after) {
  if (!to_save || to_save == Py_None) return;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(to_save); ++i) {
    PyObject* o = PyTuple_GET_ITEM(to_save, i);
    if (o == Py_None) {
      node.saved.emplace_back();
      continue;
    }
    Tensor t = unwrap_checked(o, "save_for_backward can only save variables");
    int at = -1;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(before); ++k) {
      if (PyTuple_GET_ITEM(before, k) == o) at = static_cast<int>(k);
    }
    if (at >= 0 && is_tensor(PyTuple_GET_ITEM(after, at))) {
      const Tensor made = unwrap(PyTuple_GET_ITEM(after, at));
      if (made.requires_grad()) {
        node.saved.push_back(SavedTensor::output(made, static_cast<uint32_t>(at)));
        continue;
      }
    }
    node.saved.push_back(SavedTensor::input(t));
  }
}

// (ctx, name, args, output, recording): the outputs with their history.
PyObject* finish(PyObject*, PyObject* const* a, Py_ssize_t n) {
  return guard([&] {
    check(n == 5, ErrorKind::Type, "_function_finish: expected 5 arguments");
    PyObject *ctx = a[0], *args = a[2], *output = a[3];
    const bool single = !PyTuple_Check(output);
    Handle before = single ? own(PyTuple_Pack(1, output)) : Handle::borrow(output);
    Finish f{ctx,
             args,
             Handle::steal(attribute(ctx, "_dirty")),
             Handle::steal(attribute(ctx, "_constant")),
             {}};
    if (truth(a[4], false)) {
      f.node = Ref<FunctionNode>(new FunctionNode);
      f.node->label = text_of(a[1]);
      add_edges(*f.node, args);
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(before.get());
    if (f.node) {
      f.node->n_outputs = static_cast<uint32_t>(count);
      for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* o = PyTuple_GET_ITEM(before.get(), i);
        f.node->outputs.push_back(is_tensor(o) ? TensorMeta(unwrap(o)) : TensorMeta());
      }
    }
    Handle after = own(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* o = PyTuple_GET_ITEM(before.get(), i);
      PyTuple_SET_ITEM(after.get(), i, f.output(o, static_cast<uint32_t>(i)));
    }
    if (f.node) {
      Handle to_save = Handle::steal(attribute(ctx, "to_save"));
      save(*f.node, to_save.get(), before.get(), after.get());
      Handle keep = Handle::steal(attribute(ctx, "_materialize"));
      f.node->materialize = truth(keep.get(), true);
      auto* o = reinterpret_cast<PyNode*>(ctx);
      if (o->dict && PyDict_GetItemString(o->dict, "to_save")) {
        need(PyDict_DelItemString(o->dict, "to_save"));
      }
      o->node = f.node.get();
      o->weak = true;
      f.node->ctx = Py_NewRef(ctx);
      f.node->py = ctx;
    }
    return single ? Py_NewRef(PyTuple_GET_ITEM(after.get(), 0)) : after.release();
  });
}

// The tensors that backward may use; checked for in-place changes.
PyObject* saved(PyObject*, PyObject* ctx) {
  return guard([&]() -> PyObject* {
    auto* n = dynamic_cast<FunctionNode*>(reinterpret_cast<PyNode*>(ctx)->node);
    if (!n) {
      PyObject* raw = attribute(ctx, "to_save");
      return raw && raw != Py_None ? raw : PyTuple_New(0);
    }
    check(
        !n->released,
        "Trying to backward through the graph a second time (or directly ",
        "access saved tensors after they have already been freed). Saved intermediate ",
        "values of the graph are freed when you call .backward() or autograd.grad(). ",
        "Specify retain_graph=True if you need to backward through the graph a second ",
        "time or if you need to access saved tensors after calling backward.");
    std::vector<Tensor> out;
    for (const SavedTensor& s : n->saved) {
      out.push_back(s.holds() ? s.get(n) : Tensor());
    }
    return wrap_tuple(out);
  });
}

PyMethodDef functions[] = {
    {"_function_finish", as_function(finish), METH_FASTCALL, nullptr},
    {"_function_saved", saved, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_function(PyObject* module) { need(PyModule_AddFunctions(module, functions)); }

}  // namespace fl::py
