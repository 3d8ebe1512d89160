// `flambeau._C`: puts the types, the ops and the functions of the process together.
#include "autograd/node.h"
#include "bindings/autograd.h"
#include "bindings/call.h"
#include "bindings/data.h"
#include "bindings/errors.h"
#include "bindings/keywords.h"
#include "bindings/module_base.h"
#include "bindings/optim.h"
#include "bindings/runtime.h"
#include "bindings/storage.h"
#include "bindings/types.h"
#include "flambeau/lock.h"

namespace fl::py {

namespace {

PyObject* the_module = nullptr;

// ---- process-wide settings
// -----------------------------------------------------------------
PyObject* get_default_dtype(PyObject*, PyObject*) { return wrap(default_dtype()); }
PyObject* set_default_dtype_(PyObject*, PyObject* d) {
  return guard([&] {
    const Dtype t = dtype_of(d, "set_default_dtype");
    check(is_floating(t), ErrorKind::Type,
          "only floating-point types are supported as the default type, got ",
          short_name(t));
    set_default_dtype(t);
    return none();
  });
}
PyObject* get_num_threads(PyObject*, PyObject*) {
  return PyLong_FromLong(num_threads());
}
PyObject* set_num_threads_(PyObject*, PyObject* n) {
  return guard([&] {
    check(PyLong_Check(n), ErrorKind::Type, "set_num_threads expects an int, but got ",
          type_of(n));
    const long v = PyLong_AsLong(n);
    check(v > 0, "set_num_threads expects a positive integer");
    set_num_threads(static_cast<int>(v));
    return none();
  });
}
PyObject* promote_types(PyObject*, PyObject* args) {
  PyObject *a, *b;
  if (!PyArg_ParseTuple(args, "OO:promote_types", &a, &b)) return nullptr;
  return guard([&] {
    return wrap(promote(dtype_of(a, "promote_types"), dtype_of(b, "promote_types")));
  });
}
PyObject* can_cast_(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto [from, to] =
        keywords<2>("can_cast", {"from_", "to"}, args, n, kwnames, 2);
    return boolean(can_cast(dtype_of(from, "can_cast"), dtype_of(to, "can_cast")));
  });
}
PyObject* return_type_(PyObject*, PyObject* name) {
  return guard([&]() -> PyObject* {
    const std::string n = text_of(name);
    for (const char* space : {"", "linalg", "nn"}) {
      const Overloads* o = find_overloads(space, n);
      if (!o) continue;
      for (const Op* op : o->ops) {
        if (op->schema.returns.size() > 1 && !op->schema.returns[0].empty()) {
          return Py_NewRef(reinterpret_cast<PyObject*>(return_type(*op)));
        }
      }
    }
    fail(ErrorKind::Attribute, "no op '", n, "' returns a named tuple");
  });
}
PyMethodDef functions[] = {
    {"get_default_dtype", get_default_dtype, METH_NOARGS,
     "The floating dtype of new tensors."},
    {"_set_default_dtype", set_default_dtype_, METH_O, nullptr},
    {"get_num_threads", get_num_threads, METH_NOARGS,
     "How many threads work on one op."},
    {"set_num_threads", set_num_threads_, METH_O,
     "Sets how many threads work on one op."},
    {"promote_types", promote_types, METH_VARARGS,
     "The smallest dtype that both can be cast to."},
    {"can_cast", as_function(can_cast_), METH_FASTCALL | METH_KEYWORDS,
     "Whether a value of one dtype may go into another."},
    {"_return_type", return_type_, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};

void* give_up_lock() { return PyEval_SaveThread(); }
void take_lock(void* state) {
  PyEval_RestoreThread(static_cast<PyThreadState*>(state));
}

void fill(PyObject* module) {
  init_errors(module);
  init_dtype(module);
  init_device(module);
  init_size(module);
  init_layout(module);
  init_generator(module);
  init_tensor_type(module);
  init_autograd(module);
  add_module_base(module);
  need(PyModule_AddFunctions(module, functions));
  need(PyModule_AddFunctions(module, data_functions));
  need(PyModule_AddFunctions(module, storage_functions));
  init_ops(module);
  init_runtime(module);
  init_optim(module);
  init_autocast(module);
  lock_hooks = {give_up_lock, take_lock};
}

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "flambeau._C",
                          "The compiled part of Flambeau.",
                          -1,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyObject* module() { return the_module; }

}  // namespace fl::py

extern "C" PyMODINIT_FUNC PyInit__C() {
  using namespace fl::py;
  PyObject* m = PyModule_Create(&definition);
  if (!m) return nullptr;
  the_module = m;
  PyObject* done = guard([&] {
    fill(m);
    return none();
  });
  if (!done) {
    Py_DECREF(m);
    return nullptr;
  }
  Py_DECREF(done);
  return m;
}
