// Nodes of the graph as Python sees them (`grad_fn`), and hooks.
#include <cstddef>
#include <map>

#include "bindings/autograd.h"
#include "bindings/parse.h"

namespace fl::py {

PyTypeObject* NodeType = nullptr;

namespace {

PyTypeObject* HandleType = nullptr;

Node* node_of(PyObject* self) {
  Node* n = reinterpret_cast<PyNode*>(self)->node;
  check(n != nullptr, "the graph that this node belonged to is gone");
  return n;
}

void node_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  auto* o = reinterpret_cast<PyNode*>(self);
  if (Node* n = std::exchange(o->node, nullptr)) {
    if (n->py == self) n->py = nullptr;
    if (!o->weak && --n->refs == 0) Node::destroy(n);
  }
  if (o->weakrefs) PyObject_ClearWeakRefs(self);
  Py_CLEAR(o->dict);
  type->tp_free(self);
  Py_DECREF(type);
}
int node_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<PyNode*>(self)->dict);
  Py_VISIT(Py_TYPE(self));
  return 0;
}
int node_clear(PyObject* self) {
  Py_CLEAR(reinterpret_cast<PyNode*>(self)->dict);
  return 0;
}

// "MulBackward0" and the like are types, as in PyTorch: made when first met.
PyTypeObject* type_named(const std::string& name) {
  static auto* types = new std::map<std::string, PyTypeObject*>;
  PyTypeObject*& type = (*types)[name];
  if (type) return type;
  PyType_Slot slots[] = {{Py_tp_base, NodeType},
                         {Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
                         {Py_tp_traverse, reinterpret_cast<void*>(node_traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(node_clear)},
                         {0, nullptr}};
  auto* kept = new std::string("flambeau.autograd." + name);  // as long as the type
  PyType_Spec spec = {kept->c_str(), sizeof(PyNode), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
  type = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  return type;
}

// ---- what a node shows
// ----------------------------------------------------------------
PyObject* node_name(PyObject* self, PyObject*) {
  return guard([&] { return string(node_of(self)->name()); });
}
PyObject* next_functions(PyObject* self, void*) {
  return guard([&] {
    const std::vector<Edge>& edges = node_of(self)->next;
    Handle out = own(PyTuple_New(static_cast<Py_ssize_t>(edges.size())));
    for (size_t i = 0; i < edges.size(); ++i) {
      PyObject* pair =
          need(Py_BuildValue("(NI)", wrap_node(edges[i].node), edges[i].input));
      PyTuple_SET_ITEM(out.get(), static_cast<Py_ssize_t>(i), pair);
    }
    return out.release();
  });
}
PyObject* metadata(PyObject* self, void*) {
  return guard([&] {
    Node* n = node_of(self);
    if (!n->metadata) n->metadata = need(PyDict_New());
    return Py_NewRef(n->metadata);
  });
}
PyObject* variable(PyObject* self, void*) {
  return guard([&]() -> PyObject* {
    Node* n = node_of(self);
    check(n->is_accumulate(), ErrorKind::Attribute, "'", n->name(),
          "' object has no attribute 'variable'");
    return wrap(static_cast<AccumulateGrad*>(n)->variable);
  });
}
PyObject* sequence_nr(PyObject* self, PyObject*) {
  return guard([&] { return PyLong_FromUnsignedLongLong(node_of(self)->sequence); });
}

// `_saved_self`, `_saved_result`, `_saved_dim`: by the schema of the op.
PyObject* saved(PyObject* self, const std::string& name) {
  auto* n = dynamic_cast<OpNode*>(node_of(self));
  if (!n) return nullptr;
  if (name == "result" && !n->outputs.empty()) {
    return wrap(n->outputs[0].get(n));
  }
  const int at = find_argument(n->op->schema, name);
  if (at < 0) return nullptr;
  for (const OpNode::Input& in : n->inputs) {
    if (in.arg != at) continue;
    check(!n->released, "Trying to access saved tensors after they have already been ",
          "freed.");
    return in.saved.holds() ? wrap(in.saved.get(n)) : none();
  }
  const Value& v = n->values[at];
  switch (v.tag) {
    case Tag::Bool:
      return boolean(v.i != 0);
    case Tag::Int:
      return PyLong_FromLongLong(v.i);
    case Tag::Float:
      return PyFloat_FromDouble(v.f);
    default:
      return none();
  }
}
PyObject* node_getattr(PyObject* self, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(self, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  return guard([&]() -> PyObject* {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    const std::string text = text_of(name);
    PyObject* s = nullptr;
    if (text.rfind("_saved_", 0) == 0) s = saved(self, text.substr(7));
    if (s) {
      Py_XDECREF(type);
      Py_XDECREF(value);
      Py_XDECREF(trace);
      return s;
    }
    PyErr_Restore(type, value, trace);
    throw_python();
  });
}

// ---- hooks
// ----------------------------------------------------------------------------
std::vector<Tensor> tensors_of(PyObject* result, size_t n, const char* what) {
  if (n == 1 && is_tensor(result)) return {unwrap(result)};
  check(PyTuple_Check(result) && PyTuple_GET_SIZE(result) == static_cast<Py_ssize_t>(n),
        ErrorKind::Runtime, what, ": expected a tuple of ", n, " gradients, got ",
        str_of(result));
  std::vector<Tensor> out;
  for (size_t i = 0; i < n; ++i) {
    PyObject* g = PyTuple_GET_ITEM(result, static_cast<Py_ssize_t>(i));
    out.push_back(g == Py_None ? Tensor() : unwrap_checked(g, what));
  }
  return out;
}

TensorHook tensor_hook(PyObject* hook) {
  return [f = shared_object(hook)](const Tensor& g) {
    Handle grad = own(wrap(g));
    Handle r = own(PyObject_CallOneArg(f.get(), grad.get()));
    if (r.get() == Py_None) return Tensor();
    return unwrap_checked(r.get(), "a tensor hook");
  };
}

// Hooks are found again by node and id: the list may have changed by then.
template <class List>
std::function<void()> remover(const Ref<Node>& node, List NodeHooks::* list,
                              int64_t id) {
  return [node, list, id] {
    auto& all = (*node->hooks).*list;
    std::erase_if(all, [&](const auto& h) { return std::get<0>(h) == id; });
  };
}

PyObject* node_register_hook(PyObject* self, PyObject* hook) {
  return guard([&] {
    Ref<Node> n(node_of(self));
    NodeHooks& h = n->ensure_hooks();
    const int64_t id = h.next_id++;
    h.post.emplace_back(id, [f = shared_object(hook)](std::vector<Tensor>& in,
                                                      const std::vector<Tensor>& out) {
      Handle a = own(wrap_tuple(in)), b = own(wrap_tuple(out));
      Handle r = own(PyObject_CallFunctionObjArgs(f.get(), a.get(), b.get(), nullptr));
      if (r.get() != Py_None) in = tensors_of(r.get(), in.size(), "a node's hook");
    });
    return make_handle(remover(n, &NodeHooks::post, id), id);
  });
}
PyObject* node_register_prehook(PyObject* self, PyObject* hook) {
  return guard([&] {
    Ref<Node> n(node_of(self));
    NodeHooks& h = n->ensure_hooks();
    const int64_t id = h.next_id++;
    h.pre.emplace_back(id, [f = shared_object(hook)](std::vector<Tensor>& grads) {
      Handle a = own(wrap_tuple(grads));
      Handle r = own(PyObject_CallOneArg(f.get(), a.get()));
      if (r.get() != Py_None) {
        grads = tensors_of(r.get(), grads.size(), "a node's prehook");
      }
    });
    return make_handle(remover(n, &NodeHooks::pre, id), id);
  });
}

PyMethodDef node_methods[] = {
    {"name", node_name, METH_NOARGS, "The name of the node."},
    {"register_hook", node_register_hook, METH_O,
     "Calls hook(grad_inputs, grad_outputs) after the node has run."},
    {"register_prehook", node_register_prehook, METH_O,
     "Calls hook(grad_outputs) before the node runs."},
    {"_sequence_nr", sequence_nr, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef node_getset[] = {
    {"next_functions", next_functions, nullptr, "(node, input) per input.", nullptr},
    {"metadata", metadata, nullptr, "A dict for anybody's notes.", nullptr},
    {"variable", variable, nullptr, "The leaf that gradients are added to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef node_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(PyNode, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyNode, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

// ---- handles
// --------------------------------------------------------------------------
struct PyHandle {
  PyObject_HEAD std::function<void()>* remove;
  int64_t id;
};
PyHandle& handle_of(PyObject* self) { return *reinterpret_cast<PyHandle*>(self); }

PyObject* handle_remove(PyObject* self, PyObject*) {
  return guard([&] {
    if (auto* f = std::exchange(handle_of(self).remove, nullptr)) {
      (*f)();
      delete f;
    }
    return none();
  });
}
PyObject* handle_enter(PyObject* self, PyObject*) { return Py_NewRef(self); }
PyObject* handle_exit(PyObject* self, PyObject*) {
  return handle_remove(self, nullptr);
}
PyObject* handle_id(PyObject* self, void*) {
  return PyLong_FromLongLong(handle_of(self).id);
}
void handle_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete handle_of(self).remove;
  type->tp_free(self);
  Py_DECREF(type);
}
PyMethodDef handle_methods[] = {
    {"remove", handle_remove, METH_NOARGS, "Takes the hook away."},
    {"__enter__", handle_enter, METH_NOARGS, nullptr},
    {"__exit__", handle_exit, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef handle_getset[] = {{"id", handle_id, nullptr, nullptr, nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};

// The node that the gradient of a tensor passes, with its place there.
Edge edge_for_hooks(const Tensor& t, const char* what) {
  check(t.requires_grad(), "cannot register a hook on a tensor that doesn't require ",
        "gradient: ", what, " needs one that does");
  Edge e = gradient_edge(t);
  if (e.node->is_accumulate()) ensure_autograd(t).keep_accumulator = e.node;
  return e;
}

}  // namespace

std::shared_ptr<PyObject> shared_object(PyObject* o) {
  Py_INCREF(o);
  return std::shared_ptr<PyObject>(o, [](PyObject* p) {
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(p);
    PyGILState_Release(state);
  });
}

PyObject* make_handle(std::function<void()> remove, int64_t id) {
  PyObject* self = need(HandleType->tp_alloc(HandleType, 0));
  handle_of(self).remove = new std::function<void()>(std::move(remove));
  handle_of(self).id = id;
  return self;
}

PyObject* wrap_node(const Ref<Node>& node) {
  if (!node) return none();
  if (node->py) return Py_NewRef(node->py);
  PyTypeObject* type = type_named(node->name());
  PyObject* self = need(type->tp_alloc(type, 0));
  auto* o = reinterpret_cast<PyNode*>(self);
  o->node = Ref<Node>(node).release();
  node->py = self;
  return self;
}

PyObject* tensor_register_hook(PyObject* self, PyObject* hook) {
  return guard([&] {
    check(PyCallable_Check(hook), ErrorKind::Type,
          "register_hook: expected a callable, ", "got ", type_of(hook));
    const Edge e = edge_for_hooks(unwrap(self), "register_hook");
    NodeHooks& h = e.node->ensure_hooks();
    const int64_t id = h.next_id++;
    h.tensor_pre.emplace_back(id, e.input, tensor_hook(hook));
    return make_handle(remover(e.node, &NodeHooks::tensor_pre, id), id);
  });
}

PyObject* tensor_register_post_hook(PyObject* self, PyObject* hook) {
  return guard([&] {
    const Tensor t = unwrap(self);
    const Edge e = edge_for_hooks(t, "register_post_accumulate_grad_hook");
    check(e.node->is_accumulate(),
          "post accumulate grad hooks cannot be registered on non-leaf tensors");
    NodeHooks& h = e.node->ensure_hooks();
    const int64_t id = h.next_id++;
    Node* node = e.node.get();  // the hook must not own what owns it
    h.post.emplace_back(id, [f = shared_object(hook), node](
                                std::vector<Tensor>&, const std::vector<Tensor>&) {
      Handle leaf = own(wrap(static_cast<AccumulateGrad*>(node)->variable));
      own(PyObject_CallOneArg(f.get(), leaf.get()));
    });
    return make_handle(remover(e.node, &NodeHooks::post, id), id);
  });
}

PyObject* tensor_retain_grad(PyObject* self, PyObject*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(t.requires_grad(),
          "can't retain_grad on Tensor that has requires_grad=False");
    Ref<Node> node = grad_fn(t);
    AutogradMeta& meta = ensure_autograd(t);
    if (!node || meta.retain_grad) return none();
    meta.retain_grad = true;
    TensorImpl* impl = t.get();  // the tensor owns the node: no count
    node->ensure_hooks().retain.emplace_back(meta.output_index,
                                             [impl](const Tensor& g) {
                                               Tensor& grad = impl->autograd->grad;
                                               grad = grad.defined() ? Tensor(g) : g;
                                               return Tensor();
                                             });
    return none();
  });
}

void init_nodes(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
                         {Py_tp_traverse, reinterpret_cast<void*>(node_traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(node_clear)},
                         {Py_tp_getattro, reinterpret_cast<void*>(node_getattr)},
                         {Py_tp_methods, node_methods},
                         {Py_tp_getset, node_getset},
                         {Py_tp_members, node_members},
                         {Py_tp_free, reinterpret_cast<void*>(PyObject_GC_Del)},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau.autograd.graph.Node", sizeof(PyNode), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                      slots};
  NodeType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  add_object(module, "_Node", Py_NewRef(reinterpret_cast<PyObject*>(NodeType)));
  PyType_Slot handle_slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(handle_dealloc)},
      {Py_tp_methods, handle_methods},
      {Py_tp_getset, handle_getset},
      {0, nullptr}};
  PyType_Spec handle_spec = {"flambeau._C._HookHandle", sizeof(PyHandle), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             handle_slots};
  HandleType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&handle_spec)));
  add_object(module, "_HookHandle", Py_NewRef(reinterpret_cast<PyObject*>(HandleType)));
}

}  // namespace fl::py
