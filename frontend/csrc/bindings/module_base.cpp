// What `flambeau.nn.Module` derives from: calling a module at the speed of C. A module
// without hooks goes straight to its `forward`; `_hooked` says which way to take, and
// nothing else is looked at.
#include "bindings/module_base.h"

namespace fl::py {

namespace {

PyObject *hooked_name, *forward_name, *with_hooks_name;

// `forward` of the class or instance, else through a `__getattr__` in Python.
PyObject* find_forward(PyObject* self) {
  PyObject* forward = PyObject_GenericGetAttr(self, forward_name);
  if (!forward && PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Clear();
    return PyObject_GetAttr(self, forward_name);
  }
  return forward;
}

PyObject* call_forward(PyObject* forward, PyObject* args, PyObject* kwargs) {
  constexpr Py_ssize_t kFew = 6;
  const Py_ssize_t n = PyTuple_GET_SIZE(args);
  const bool named = kwargs && PyDict_GET_SIZE(kwargs) > 0;
  if (named || n > kFew || !PyMethod_Check(forward)) {
    return PyObject_Call(forward, args, kwargs);
  }
  PyObject* stack[kFew + 1] = {PyMethod_GET_SELF(forward)};
  for (Py_ssize_t i = 0; i < n; ++i) stack[i + 1] = PyTuple_GET_ITEM(args, i);
  return PyObject_Vectorcall(PyMethod_GET_FUNCTION(forward), stack,
                             static_cast<size_t>(n) + 1, nullptr);
}

PyObject* call_with_hooks(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* named = kwargs ? Py_NewRef(kwargs) : PyDict_New();
  if (!named) return nullptr;
  PyObject* out =
      PyObject_CallMethodObjArgs(self, with_hooks_name, args, named, nullptr);
  Py_DECREF(named);
  return out;
}

PyObject* module_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* hooked = PyObject_GenericGetAttr(self, hooked_name);
  if (!hooked) return nullptr;
  const bool plain = hooked == Py_False;
  Py_DECREF(hooked);
  if (!plain) return call_with_hooks(self, args, kwargs);
  PyObject* forward = find_forward(self);
  if (!forward) return nullptr;
  PyObject* out = call_forward(forward, args, kwargs);
  Py_DECREF(forward);
  return out;
}

PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(module_call)},
                       {Py_tp_doc, const_cast<char*>("The call of nn.Module.")},
                       {0, nullptr}};
PyType_Spec spec = {"flambeau._C._ModuleBase", sizeof(PyObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void add_module_base(PyObject* module) {
  hooked_name = need(PyUnicode_InternFromString("_hooked"));
  forward_name = need(PyUnicode_InternFromString("forward"));
  with_hooks_name = need(PyUnicode_InternFromString("_call_with_hooks"));
  add_object(module, "_ModuleBase", need(PyType_FromSpec(&spec)));
}

}  // namespace fl::py
