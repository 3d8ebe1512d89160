// `flambeau.layout` and `flambeau.memory_format`: named constants.
#include "bindings/types.h"

namespace fl::py {

PyTypeObject* LayoutType = nullptr;
PyTypeObject* MemoryFormatType = nullptr;
PyObject* strided_layout = nullptr;

namespace {

PyObject* repr(PyObject* self) {
  return PyUnicode_FromFormat("flambeau.%s", reinterpret_cast<PyNamed*>(self)->name);
}
PyObject* reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(reinterpret_cast<PyNamed*>(self)->name);
}
PyObject* itself(PyObject* self, PyObject*) { return Py_NewRef(self); }

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr},
                         {"__copy__", itself, METH_NOARGS, nullptr},
                         {"__deepcopy__", itself, METH_O, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

PyTypeObject* make_type(PyObject* module, const char* full, const char* name) {
  PyType_Slot slots[] = {{Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_methods, methods},
                         {0, nullptr}};
  PyType_Spec spec = {full, sizeof(PyNamed), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  PyObject* type = need(PyType_FromSpec(&spec));
  add_object(module, name, Py_NewRef(type));
  return reinterpret_cast<PyTypeObject*>(type);
}

PyObject* add(PyObject* module, PyTypeObject* type, const char* name, int64_t value) {
  PyObject* o = need(type->tp_alloc(type, 0));
  reinterpret_cast<PyNamed*>(o)->name = name;
  reinterpret_cast<PyNamed*>(o)->value = value;
  add_object(module, name, Py_NewRef(o));
  return o;
}

}  // namespace

bool as_memory_format(PyObject* o, MemoryFormat& out) {
  if (Py_TYPE(o) != MemoryFormatType) return false;
  out = static_cast<MemoryFormat>(reinterpret_cast<PyNamed*>(o)->value);
  return true;
}

void init_layout(PyObject* module) {
  LayoutType = make_type(module, "flambeau.layout", "layout");
  strided_layout = add(module, LayoutType, "strided", 0);
  // No tensor has these; programs compare with them.
  int64_t value = 0;
  for (const char* name :
       {"sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"}) {
    Py_DECREF(add(module, LayoutType, name, ++value));
  }
  MemoryFormatType = make_type(module, "flambeau.memory_format", "memory_format");
  const auto format = [&](const char* name, MemoryFormat f) {
    Py_DECREF(add(module, MemoryFormatType, name, static_cast<int64_t>(f)));
  };
  format("contiguous_format", MemoryFormat::Contiguous);
  format("preserve_format", MemoryFormat::Preserve);
  format("channels_last", MemoryFormat::ChannelsLast);
  format("channels_last_3d", MemoryFormat::ChannelsLast3d);
}

}  // namespace fl::py
