// `flambeau.device`: a kind of device and an index.
#include "bindings/data.h"
#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/types.h"
#include "ops/factory.h"

namespace fl::py {

PyTypeObject* DeviceType = nullptr;

namespace {

Device value_of(PyObject* self) { return reinterpret_cast<PyDevice*>(self)->value; }

Device from_arguments(PyObject* type, PyObject* index) {
  Device d;
  if (PyUnicode_Check(type)) {
    d = parse_device(text_of(type));
  } else if (!as_device(type, d)) {
    fail(ErrorKind::Type, "device: expected a str, int or device, got ", type_of(type));
  }
  if (index && index != Py_None) {
    check(d.index < 0, "device: the type '", to_string(d),
          "' must not contain an index when `index` is given");
    const long i = PyLong_AsLong(index);
    if (i == -1 && PyErr_Occurred()) throw_python();
    check(i >= 0 && i < 1000, "Device index must not be negative or huge, got ", i);
    d.index = static_cast<int16_t>(i);
  }
  return d;
}

PyObject* make(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"type", "index", nullptr};
  PyObject *type = nullptr, *index = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:device",
                                   const_cast<char**>(names), &type, &index)) {
    return nullptr;
  }
  return guard([&] { return wrap(from_arguments(type, index)); });
}

PyObject* repr(PyObject* self) {
  const Device d = value_of(self);
  const std::string& type = device_type_name(d.type);
  if (d.index < 0) return PyUnicode_FromFormat("device(type='%s')", type.c_str());
  return PyUnicode_FromFormat("device(type='%s', index=%d)", type.c_str(), d.index);
}
PyObject* str(PyObject* self) { return string(std::string(to_string(value_of(self)))); }
Py_hash_t hash(PyObject* self) {
  const Device d = value_of(self);
  return (Py_hash_t{d.type} << 16) + d.index + 2;
}
PyObject* compare(PyObject* a, PyObject* b, int op) {
  if (!is_device(b) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return boolean((value_of(a) == value_of(b)) == (op == Py_EQ));
}
PyObject* get_type(PyObject* self, void*) {
  return string(device_type_name(value_of(self).type));
}
PyObject* get_index(PyObject* self, void*) {
  const Device d = value_of(self);
  return d.index < 0 ? none() : PyLong_FromLong(d.index);
}
PyObject* reduce(PyObject* self, PyObject*) {
  const Device d = value_of(self);
  const std::string& type = device_type_name(d.type);
  if (d.index < 0) return Py_BuildValue("O(s)", DeviceType, type.c_str());
  return Py_BuildValue("O(si)", DeviceType, type.c_str(), d.index);
}

// `with device("cuda"):` makes it the default; blocks nest, so what was before is kept.
std::vector<Device>& entered() {
  static thread_local std::vector<Device> stack;
  return stack;
}
PyObject* enter(PyObject* self, PyObject*) {
  entered().push_back(default_device());
  set_default_device(value_of(self));
  return Py_NewRef(self);
}
PyObject* leave(PyObject*, PyObject*) {
  if (!entered().empty()) {
    set_default_device(entered().back());
    entered().pop_back();
  }
  Py_RETURN_NONE;
}

PyObject* call(PyObject* self, PyObject* args, PyObject*) {  // as a decorator
  PyObject* fn;
  if (!PyArg_ParseTuple(args, "O:device", &fn)) return nullptr;
  return guard([&] {
    Handle wrap_fn = import_name("flambeau._contexts", "under_device");
    return need(PyObject_CallFunctionObjArgs(wrap_fn.get(), self, fn, nullptr));
  });
}

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr},
                         {"__enter__", enter, METH_NOARGS, nullptr},
                         {"__exit__", leave, METH_VARARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {
    {"type", get_type, nullptr, "The kind of device, as 'cpu'.", nullptr},
    {"index", get_index, nullptr, "Which one of its kind, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

PyObject* wrap(Device d) {
  PyObject* o = need(DeviceType->tp_alloc(DeviceType, 0));
  reinterpret_cast<PyDevice*>(o)->value = d;
  return o;
}

Device shown_device(DeviceRuntime& r) {
  Device d = r.device;
  // There is one host, and one device without data.
  if (d.type == kHostType || r.is_meta()) d.index = -1;
  return d;
}

PyObject* wrap_device(DeviceRuntime& r) {
  static DeviceRuntime* last = nullptr;
  static PyObject* object = nullptr;
  if (&r != last) [[unlikely]] {
    Py_XDECREF(object);
    object = wrap(shown_device(r));
    last = &r;
  }
  return Py_NewRef(object);
}

// A bare number means that accelerator; RuntimeError when there is none.
static Device accelerator_at(PyObject* index) {
  Handle find = import_name("flambeau._device_types", "need_accelerator");
  Handle type = own(PyObject_CallNoArgs(find.get()));
  Device d = parse_device(text_of(type.get()));
  const long i = PyLong_AsLong(index);
  if (i == -1 && PyErr_Occurred()) throw_python();
  check(i >= 0 && i < 1000, "Device index must not be negative or huge, got ", i);
  d.index = static_cast<int16_t>(i);
  return d;
}

bool as_device(PyObject* o, Device& out) {
  if (is_device(o)) {
    out = value_of(o);
  } else if (PyUnicode_Check(o)) {
    out = parse_device(text_of(o));
  } else if (PyLong_Check(o) && !PyBool_Check(o)) {
    out = accelerator_at(o);
  } else {
    return false;
  }
  return true;
}

Device device_of(PyObject* o, const char* what) {
  Device d;
  if (!as_device(o, d)) {
    fail(ErrorKind::Type, what, ": expected a device, str or int, got ", type_of(o));
  }
  return d;
}

namespace {

// ---- what the package asks about the host
// -------------------------------------------
PyObject* host_device(PyObject*, PyObject*) {
  return guard([&] { return wrap_device(host_runtime()); });
}
PyObject* in_host_memory(PyObject*, PyObject* tensor) {
  return guard([&] {
    return boolean(unwrap_checked(tensor, "_in_host_memory").device().host_memory);
  });
}
// The tensor itself when the host can read its memory, else a copy there.
PyObject* on_host_(PyObject*, PyObject* tensor) {
  return guard([&] {
    const Tensor t = unwrap_checked(tensor, "_on_host");
    return t.device().host_memory ? Py_NewRef(tensor) : wrap(on_host(t));
  });
}

Tensor pinned(const Tensor& t) {
  Handle pin = import_name("flambeau._device_types", "pinned");
  Handle tensor = own(wrap(t));
  Handle out = own(PyObject_CallOneArg(pin.get(), tensor.get()));
  return unwrap_checked(out.get(), "pin_memory");
}

PyMethodDef functions[] = {{"_host_device", host_device, METH_NOARGS, nullptr},
                           {"_in_host_memory", in_host_memory, METH_O, nullptr},
                           {"_on_host", on_host_, METH_O, nullptr},
                           {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_device(PyObject* module) {
  need(PyModule_AddFunctions(module, functions));
  pin_hook = pinned;
  add_object(module, "_meta_device_type", string(device_type_name(kMetaType)));
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(make)},
                         {Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_str, reinterpret_cast<void*>(str)},
                         {Py_tp_hash, reinterpret_cast<void*>(hash)},
                         {Py_tp_call, reinterpret_cast<void*>(call)},
                         {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
                         {Py_tp_methods, methods},
                         {Py_tp_getset, getset},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau.device", sizeof(PyDevice), 0, Py_TPFLAGS_DEFAULT,
                      slots};
  DeviceType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  add_object(module, "device", Py_NewRef(reinterpret_cast<PyObject*>(DeviceType)));
}

}  // namespace fl::py
