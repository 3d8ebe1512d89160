// `flambeau._C`: puts the types, the ops and the functions of the process together.
#include "autograd/node.h"
#include "bindings/autograd.h"
#include "bindings/call.h"
#include "bindings/data.h"
#include "bindings/errors.h"
#include "bindings/keywords.h"
#include "bindings/module_base.h"
#include "bindings/optim.h"
#include "bindings/storage.h"
#include "bindings/types.h"
#include "flambeau/lock.h"

namespace fl::py {

namespace {

PyObject* the_module = nullptr;

// ---- devices and backends
// ---------------------------------------------------------------
PyObject* open_backend_(PyObject*, PyObject* args) {
  const char *library, *name;
  if (!PyArg_ParseTuple(args, "ss:_open_backend", &library, &name)) return nullptr;
  return guard([&] {
    open_backend(library, name);
    return none();
  });
}
PyObject* set_device_resolver_(PyObject*, PyObject* f) {
  Py_INCREF(f);  // for the life of the process
  set_device_resolver([f](const std::string& type) {
    own(PyObject_CallFunction(f, "s", type.c_str()));
  });
  Py_RETURN_NONE;
}
PyObject* get_default_device(PyObject*, PyObject*) {
  return guard([&] { return wrap(default_device()); });
}
PyObject* set_default_device_(PyObject*, PyObject* d) {
  return guard([&] {
    set_default_device(d == Py_None ? parse_device("cpu")
                                    : device_of(d, "set_default_device"));
    return none();
  });
}
PyObject* device_count_(PyObject*, PyObject* type) {
  return guard(
      [&] { return PyLong_FromLong(device_count(parse_device(text_of(type)).type)); });
}
PyObject* loaded(PyObject*, PyObject*) {
  return guard([&] {
    Handle out = own(PyList_New(0));
    for (const Backend* b : loaded_backends()) {
      Handle s = own(PyUnicode_FromString(b->api->device_type));
      need(PyList_Append(out.get(), s.get()));
    }
    return out.release();
  });
}
PyObject* synchronize(PyObject*, PyObject* d) {
  return guard([&] {
    runtime(device_of(d, "synchronize")).synchronize();
    return none();
  });
}

// ---- memory
// ------------------------------------------------------------------------------
void put(PyObject* dict, const std::string& key, int64_t v) {
  Handle n = own(PyLong_FromLongLong(v));
  need(PyDict_SetItemString(dict, key.c_str(), n.get()));
}
void put(PyObject* dict, const std::string& name, const Counter& c) {
  put(dict, name + ".all.current", c.current);
  put(dict, name + ".all.peak", c.peak);
  put(dict, name + ".all.allocated", c.allocated);
  put(dict, name + ".all.freed", c.freed);
}
PyObject* memory_stats(PyObject*, PyObject* d) {
  return guard([&] {
    CachingAllocator& a = runtime(device_of(d, "memory_stats")).allocator;
    Handle out = own(PyDict_New());
    put(out.get(), "allocated_bytes", a.allocated);
    put(out.get(), "reserved_bytes", a.reserved);
    put(out.get(), "allocation", a.allocations);
    put(out.get(), "requested_bytes", a.requested);
    put(out.get(), "num_alloc_retries", a.retries);
    put(out.get(), "num_ooms", a.failures);
    return out.release();
  });
}
PyObject* empty_cache(PyObject*, PyObject* d) {
  return guard([&] {
    runtime(device_of(d, "empty_cache")).allocator.empty_cache();
    return none();
  });
}
PyObject* reset_peak(PyObject*, PyObject* d) {
  return guard([&] {
    runtime(device_of(d, "reset_peak_memory_stats")).allocator.reset_peak();
    return none();
  });
}
PyObject* total_memory(PyObject*, PyObject* d) {
  return guard([&] {
    return PyLong_FromUnsignedLongLong(
        runtime(device_of(d, "total_memory")).total_memory);
  });
}
PyObject* device_name(PyObject*, PyObject* d) {
  return guard([&] { return string(runtime(device_of(d, "device_name")).name); });
}

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
// How an op runs on a device: its kernel, its parts, or not at all.
PyObject* explain(PyObject*, PyObject* args) {
  const char *name, *device;
  if (!PyArg_ParseTuple(args, "ss:_explain", &name, &device)) return nullptr;
  return guard([&] {
    const std::string text = name;
    const size_t dot = text.rfind('.');
    const bool spaced = dot != std::string::npos;
    const Overloads* o = find_overloads(spaced ? text.substr(0, dot) : "",
                                        spaced ? text.substr(dot + 1) : text);
    check(o != nullptr, "explain: there is no op '", text, "'");
    DeviceRuntime& d = runtime(parse_device(device));
    const Op& op = *o->ops[0];
    std::string out = concat(op.schema.text, "\non ", to_string(d.device), ": ");
    if (d.is_meta()) return string(out + "shapes and dtypes only; nothing is computed");
    std::string dtypes;
    const KernelId id = op.is_pointwise ? op.kernel : intern_kernel(op.name());
    for (int i = 0; i < kDtypeCount; ++i) {
      if (d.find(id, static_cast<Dtype>(i))) {
        dtypes +=
            std::string(dtypes.empty() ? "" : ", ") + short_name(static_cast<Dtype>(i));
      }
    }
    if (!dtypes.empty()) {
      return string(out + "the backend's kernel '" + kernel_name(id) + "' (" + dtypes +
                    ")");
    }
    out += op.is_pointwise ? concat("no kernel '", kernel_name(id), "': not available")
                           : "composed of other ops and kernels";
    return string(out);
  });
}
PyObject* schemas(PyObject*, PyObject*) {
  return guard([&] {
    Handle out = own(PyList_New(0));
    for (const Overloads* o : all_overloads()) {
      for (const Op* op : o->ops) {
        Handle row = own(Py_BuildValue("(sssssii)", o->space.c_str(), o->name.c_str(),
                                       op->schema.text.c_str(), op->doc ? op->doc : "",
                                       op->has_inplace ? "_" : "", op->has_method,
                                       op->has_function));
        need(PyList_Append(out.get(), row.get()));
      }
    }
    return out.release();
  });
}

PyMethodDef functions[] = {
    {"_open_backend", open_backend_, METH_VARARGS, nullptr},
    {"_set_device_resolver", set_device_resolver_, METH_O, nullptr},
    {"_get_default_device", get_default_device, METH_NOARGS, nullptr},
    {"_set_default_device", set_default_device_, METH_O, nullptr},
    {"_device_count", device_count_, METH_O, nullptr},
    {"_loaded_backends", loaded, METH_NOARGS, nullptr},
    {"_synchronize", synchronize, METH_O, nullptr},
    {"_memory_stats", memory_stats, METH_O, nullptr},
    {"_empty_cache", empty_cache, METH_O, nullptr},
    {"_reset_peak_memory_stats", reset_peak, METH_O, nullptr},
    {"_total_memory", total_memory, METH_O, nullptr},
    {"_device_name", device_name, METH_O, nullptr},
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
    {"_explain", explain, METH_VARARGS, nullptr},
    {"_all_schemas", schemas, METH_NOARGS, nullptr},
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
