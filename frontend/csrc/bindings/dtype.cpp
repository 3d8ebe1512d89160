// `flambeau.dtype`: one object per data type.
#include "bindings/types.h"

namespace fl::py {

PyTypeObject* DtypeType = nullptr;
PyObject* dtype_objects[kDtypeCount];

namespace {

Dtype value_of(PyObject* self) { return reinterpret_cast<PyDtype*>(self)->value; }

PyObject* repr(PyObject* self) {
  return PyUnicode_FromFormat("flambeau.%s", short_name(value_of(self)));
}
PyObject* reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(short_name(value_of(self)));
}
PyObject* itself(PyObject* self, PyObject*) { return Py_NewRef(self); }
PyObject* to_complex(PyObject* self, PyObject*) {
  const Dtype d = value_of(self);
  return guard([&] {
    check(is_floating(d) || is_complex(d), ErrorKind::Type,
          "to_complex: expected a floating dtype, got ", short_name(d));
    return wrap(complex_dtype(d));
  });
}
PyObject* to_real(PyObject* self, PyObject*) {
  return wrap(real_dtype(value_of(self)));
}

PyObject* get_floating(PyObject* self, void*) {
  return boolean(is_floating(value_of(self)));
}
PyObject* get_complex(PyObject* self, void*) {
  return boolean(is_complex(value_of(self)));
}
PyObject* get_signed(PyObject* self, void*) {
  const Dtype d = value_of(self);
  return boolean(d != Dtype::Bool && d != Dtype::UInt8);
}
PyObject* get_itemsize(PyObject* self, void*) {
  return PyLong_FromLongLong(item_size(value_of(self)));
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", itself, METH_NOARGS, nullptr},
    {"__deepcopy__", itself, METH_O, nullptr},
    {"to_complex", to_complex, METH_NOARGS, "The complex dtype of the same precision."},
    {"to_real", to_real, METH_NOARGS, "The real dtype of the same precision."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {
    {"is_floating_point", get_floating, nullptr, "True for floating dtypes.", nullptr},
    {"is_complex", get_complex, nullptr, "True for complex dtypes.", nullptr},
    {"is_signed", get_signed, nullptr, "True when negative values exist.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes per element.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

struct Alias {
  const char* name;
  Dtype dtype;
};
constexpr Alias kAliases[] = {
    {"float", Dtype::Float32},    {"double", Dtype::Float64},
    {"half", Dtype::Float16},     {"long", Dtype::Int64},
    {"int", Dtype::Int32},        {"short", Dtype::Int16},
    {"cfloat", Dtype::Complex64}, {"cdouble", Dtype::Complex128},
};

}  // namespace

bool as_dtype(PyObject* o, Dtype& out) {
  if (is_dtype(o)) {
    out = reinterpret_cast<PyDtype*>(o)->value;
  } else if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) {
    out = Dtype::Float64;
  } else if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) {
    out = Dtype::Int64;
  } else if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) {
    out = Dtype::Bool;
  } else if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) {
    out = Dtype::Complex128;
  } else {
    return false;
  }
  return true;
}

Dtype dtype_of(PyObject* o, const char* what) {
  Dtype d;
  if (!as_dtype(o, d)) {
    fail(ErrorKind::Type, what, ": expected a dtype, got ", type_of(o));
  }
  return d;
}

void init_dtype(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_methods, methods},
                         {Py_tp_getset, getset},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau.dtype", sizeof(PyDtype), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  DtypeType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  add_object(module, "dtype", Py_NewRef(reinterpret_cast<PyObject*>(DtypeType)));
  for (int i = 0; i < kDtypeCount; ++i) {
    auto* o = need(DtypeType->tp_alloc(DtypeType, 0));
    reinterpret_cast<PyDtype*>(o)->value = static_cast<Dtype>(i);
    dtype_objects[i] = o;
    add_object(module, short_name(static_cast<Dtype>(i)), Py_NewRef(o));
  }
  for (const Alias& a : kAliases) add_object(module, a.name, wrap(a.dtype));
}

}  // namespace fl::py
