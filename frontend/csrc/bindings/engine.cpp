// Backward, gradients of chosen inputs, and the switches of recording.
#include "bindings/autograd.h"
#include "bindings/keywords.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

std::vector<Tensor> tensors(PyObject* sequence, const char* what) {
  Handle fast = own(PySequence_Fast(sequence, "expected a sequence of tensors"));
  std::vector<Tensor> out;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject* o = PySequence_Fast_GET_ITEM(fast.get(), i);
    out.push_back(o == Py_None ? Tensor() : unwrap_checked(o, what));
  }
  return out;
}

// Ones for scalars whose gradient is not given; shapes and dtypes of the others.
void complete_grads(const std::vector<Tensor>& roots, std::vector<Tensor>& grads) {
  check(roots.size() == grads.size(), "got ", roots.size(), " tensors and ",
        grads.size(), " gradients");
  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& root = roots[i];
    check(root.requires_grad(), "element ", i, " of tensors does not require grad and ",
          "does not have a grad_fn");
    if (!grads[i].defined()) {
      check(root.numel() == 1,
            "grad can be implicitly created only for scalar outputs");
      check(is_differentiable(root.dtype()), "grad can be implicitly created only for ",
            "real scalar outputs but got ", short_name(root.dtype()));
      grads[i] = empty_like(root);
      fill_with(grads[i], Scalar(1.0));
      continue;
    }
    check(grads[i].sizes().equals(root.sizes()), "Mismatch in shape: grad_output[", i,
          "] has a shape of ", to_string(grads[i].sizes()), " and output[", i,
          "] has a shape of ", to_string(root.sizes()), ".");
    check(is_complex(grads[i].dtype()) == is_complex(root.dtype()),
          "For complex Tensors, both grad_output and output are required to have the ",
          "same dtype. Mismatch in dtype: grad_output[", i, "] is ", describe(grads[i]),
          " and output[", i, "] is ", describe(root), ".");
  }
}

// (tensors, grad_tensors, retain_graph, create_graph, inputs, accumulate)
PyObject* run_backward(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    check(n == 6, ErrorKind::Type, "_run_backward: expected 6 arguments, got ", n);
    std::vector<Tensor> roots = tensors(args[0], "backward");
    std::vector<Tensor> grads = tensors(args[1], "backward");
    complete_grads(roots, grads);
    const bool retain = truth(args[2], false), create = truth(args[3], false);
    if (args[4] == Py_None) {
      backward(roots, std::move(grads), retain, create, nullptr);
      return none();
    }
    const std::vector<Tensor> inputs = tensors(args[4], "inputs");
    std::vector<Edge> edges;
    for (const Tensor& t : inputs) {
      check(t.requires_grad(),
            "One of the differentiated Tensors does not require grad");
      edges.push_back(gradient_edge(t));
    }
    std::vector<Tensor> out = backward(roots, std::move(grads), retain, create, &edges);
    if (!truth(args[5], false)) return wrap_tuple(out);
    for (size_t i = 0; i < out.size(); ++i) {  // backward(inputs=...)
      if (!out[i].defined()) continue;
      Tensor& grad = ensure_autograd(inputs[i]).grad;
      grad = grad.defined() ? ops::add(grad, out[i]) : out[i];
    }
    return none();
  });
}

// Tensor.backward() of one scalar: the common case.
PyObject* backward_one(PyObject*, PyObject* self) {
  return guard([&] {
    std::vector<Tensor> roots{unwrap(self)}, grads(1);
    complete_grads(roots, grads);
    backward(roots, std::move(grads), false, false, nullptr);
    return none();
  });
}

// ---- switches
// -------------------------------------------------------------------------
PyObject* is_grad_enabled(PyObject*, PyObject*) { return boolean(tls.grad_enabled); }
PyObject* set_grad_enabled(PyObject*, PyObject* on) {
  tls.grad_enabled = PyObject_IsTrue(on) == 1;
  Py_RETURN_NONE;
}
PyObject* is_inference(PyObject*, PyObject*) { return boolean(tls.inference); }
PyObject* set_inference(PyObject*, PyObject* on) {
  tls.inference = PyObject_IsTrue(on) == 1;
  Py_RETURN_NONE;
}
PyObject* is_anomaly(PyObject*, PyObject*) { return boolean(tls.anomaly); }
PyObject* is_anomaly_check(PyObject*, PyObject*) {
  return boolean(tls.anomaly_check_nan);
}
PyObject* set_anomaly(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    tls.anomaly = n > 0 && truth(args[0], false);
    tls.anomaly_check_nan = n < 2 || truth(args[1], true);
    return none();
  });
}

// A context manager that sets both switches and puts back what was before; nesting and
// reentry keep a little stack.
struct PyGuard {
  PyObject_HEAD int8_t grad, inference;  // 1, 0, or -1: leave as it is
  uint8_t depth;
  uint8_t saved[64];
};

PyObject* guard_enter(PyObject* self, PyObject*) {
  auto* g = reinterpret_cast<PyGuard*>(self);
  if (g->depth >= sizeof g->saved) {
    PyErr_SetString(PyExc_RuntimeError, "the same grad mode is entered too deeply");
    return nullptr;
  }
  g->saved[g->depth++] =
      static_cast<uint8_t>((tls.grad_enabled ? 1 : 0) | (tls.inference ? 2 : 0));
  if (g->grad >= 0) tls.grad_enabled = g->grad;
  if (g->inference >= 0) tls.inference = g->inference;
  Py_RETURN_NONE;
}
PyObject* guard_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  auto* g = reinterpret_cast<PyGuard*>(self);
  if (g->depth > 0) {
    const uint8_t s = g->saved[--g->depth];
    tls.grad_enabled = s & 1;
    tls.inference = s & 2;
  }
  Py_RETURN_FALSE;
}
PyObject* guard_new(PyTypeObject* type, PyObject* args, PyObject*) {
  int grad = -1, inference = -1;
  if (args && PyTuple_GET_SIZE(args) == 2 &&
      !PyArg_ParseTuple(args, "ii", &grad, &inference)) {
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  reinterpret_cast<PyGuard*>(self)->grad = static_cast<int8_t>(grad);
  reinterpret_cast<PyGuard*>(self)->inference = static_cast<int8_t>(inference);
  return self;
}
PyObject* guard_set(PyObject* self, PyObject* const* args, Py_ssize_t n) {
  auto* g = reinterpret_cast<PyGuard*>(self);
  if (n != 2) return PyErr_Format(PyExc_TypeError, "_set: expected 2 ints");
  g->grad = static_cast<int8_t>(PyLong_AsLong(args[0]));
  g->inference = static_cast<int8_t>(PyLong_AsLong(args[1]));
  if (PyErr_Occurred()) return nullptr;
  Py_RETURN_NONE;
}

PyMethodDef guard_methods[] = {
    {"__enter__", guard_enter, METH_NOARGS, nullptr},
    {"__exit__", as_function(guard_exit), METH_FASTCALL, nullptr},
    {"_set", as_function(guard_set), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyObject* gradient_node(PyObject*, PyObject* t) {
  return guard([&] {
    return wrap_node(gradient_edge(unwrap_checked(t, "get_gradient_edge")).node);
  });
}
PyObject* bump(PyObject*, PyObject* t) {
  return guard([&] {
    bump_version(unwrap_checked(t, "increment_version"));
    return none();
  });
}

PyMethodDef functions[] = {
    {"_gradient_node", gradient_node, METH_O, nullptr},
    {"_bump_version", bump, METH_O, nullptr},
    {"_run_backward", as_function(run_backward), METH_FASTCALL, nullptr},
    {"_backward_one", backward_one, METH_O, nullptr},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS, "True when ops are recorded."},
    {"_set_grad_enabled", set_grad_enabled, METH_O, nullptr},
    {"is_inference_mode_enabled", is_inference, METH_NOARGS,
     "True inside inference_mode."},
    {"_set_inference_mode", set_inference, METH_O, nullptr},
    {"is_anomaly_enabled", is_anomaly, METH_NOARGS, nullptr},
    {"is_anomaly_check_nan_enabled", is_anomaly_check, METH_NOARGS, nullptr},
    {"_set_anomaly", as_function(set_anomaly), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

// Anomaly mode: the stack of the forward call, and the warning that shows it.
PyObject* python_stack() {
  Handle format = import_name("traceback", "format_stack");
  Handle lines = own(PyObject_CallNoArgs(format.get()));
  Handle empty = own(PyUnicode_FromString(""));
  return need(PyUnicode_Join(empty.get(), lines.get()));
}
void drop_stack(PyObject* stack) { Py_DECREF(stack); }
void warn_stack(const Node& node) {
  if (!node.forward_stack) return;
  need(PyErr_WarnFormat(PyExc_UserWarning, 1,
                        "Error detected in %s. Traceback of forward call that caused "
                        "the error:\n%U",
                        node.name().c_str(), node.forward_stack));
}

}  // namespace

void init_autograd(PyObject* module) {
  init_nodes(module);
  init_function(module);
  init_saved_hooks(module);
  anomaly_hooks = {python_stack, drop_stack, warn_stack};
  need(PyModule_AddFunctions(module, functions));
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(guard_new)},
                         {Py_tp_methods, guard_methods},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau._C._GradGuard", sizeof(PyGuard), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  add_object(module, "_GradGuard", PyType_FromSpec(&spec));
}

}  // namespace fl::py
