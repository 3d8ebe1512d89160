// `flambeau.Size`: the tuple that a shape is, with a cache of those met lately.
#include <cstring>

#include "bindings/parse.h"
#include "bindings/types.h"

namespace fl::py {

PyTypeObject* SizeType = nullptr;

namespace {

PyObject* from_tuple(PyObject* tuple) {
  const Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  Handle out = own(SizeType->tp_alloc(SizeType, n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyTuple_SET_ITEM(out.get(), i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  }
  return out.release();
}

PyObject* make(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject* source = nullptr;
  if (!PyArg_ParseTuple(args, "|O:Size", &source)) return nullptr;
  return guard([&] {
    if (!source) return wrap_size({});
    Handle items = own(PySequence_Tuple(source));
    std::vector<int64_t> sizes;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) {
      PyObject* item = PyTuple_GET_ITEM(items.get(), i);
      int64_t v;
      check(as_int(item, v), ErrorKind::Type, "Size: expected ints, got ",
            type_of(item), " as element ", i);
      sizes.push_back(v);
    }
    return wrap_size(sizes);
  });
}

PyObject* repr(PyObject* self) {
  Handle list = Handle::steal(PySequence_List(self));
  if (!list) return nullptr;
  return PyUnicode_FromFormat("flambeau.Size(%R)", list.get());
}

PyObject* numel(PyObject* self, PyObject*) {
  int64_t n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) {
    n *= PyLong_AsLongLong(PyTuple_GET_ITEM(self, i));
  }
  return PyLong_FromLongLong(n);
}

PyObject* reduce(PyObject* self, PyObject*) {
  Handle plain = Handle::steal(PySequence_List(self));
  if (!plain) return nullptr;
  return Py_BuildValue("O(O)", SizeType, plain.get());
}

// Slices and sums of sizes are sizes.
PyObject* as_size(PyObject* result) {
  return guard([&] {
    Handle r = own(result);
    if (!PyTuple_CheckExact(r.get())) return r.release();
    return from_tuple(r.get());
  });
}
PyObject* subscript(PyObject* self, PyObject* key) {
  return as_size(PyTuple_Type.tp_as_mapping->mp_subscript(self, key));
}
PyObject* concatenate(PyObject* self, PyObject* other) {
  if (!PyTuple_Check(self) || !PyTuple_Check(other)) Py_RETURN_NOTIMPLEMENTED;
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(self, other));
}
PyObject* repeat(PyObject* self, Py_ssize_t n) {
  Handle plain = Handle::steal(PySequence_List(self));
  if (!plain) return nullptr;
  Handle repeated = Handle::steal(PySequence_Repeat(plain.get(), n));
  if (!repeated) return nullptr;
  return as_size(PyList_AsTuple(repeated.get()));
}

PyMethodDef methods[] = {
    {"numel", numel, METH_NOARGS, "How many elements a tensor of this size has."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

// Shapes repeat: a direct-mapped cache saves building the tuple again.
constexpr int kCacheDims = 6;
struct Cached {
  PyObject* object = nullptr;
  int64_t sizes[kCacheDims];
  size_t n;
};
Cached cache[64];

PyObject* build(IntList sizes) {
  const auto n = static_cast<Py_ssize_t>(sizes.size());
  Handle out = own(SizeType->tp_alloc(SizeType, n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyTuple_SET_ITEM(out.get(), i, need(PyLong_FromLongLong(sizes[i])));
  }
  return out.release();
}

}  // namespace

PyObject* wrap_size(IntList sizes) {
  const size_t n = sizes.size();
  if (n > kCacheDims) return build(sizes);
  uint64_t h = n;
  for (size_t i = 0; i < n; ++i) h = (h * 31) ^ static_cast<uint64_t>(sizes[i]);
  Cached& c = cache[(h ^ (h >> 6) ^ (h >> 17)) & 63];
  bool same = c.object && c.n == n;
  for (size_t i = 0; same && i < n; ++i) same = c.sizes[i] == sizes[i];
  if (!same) [[unlikely]] {
    PyObject* fresh = build(sizes);
    Py_XDECREF(std::exchange(c.object, fresh));
    std::copy(sizes.begin(), sizes.end(), c.sizes);
    c.n = n;
  }
  return Py_NewRef(c.object);
}

PyObject* wrap_ints(IntList values) {
  const auto n = static_cast<Py_ssize_t>(values.size());
  Handle out = own(PyTuple_New(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyTuple_SET_ITEM(out.get(), i, need(PyLong_FromLongLong(values[i])));
  }
  return out.release();
}

void init_size(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_base, &PyTuple_Type},
                         {Py_tp_new, reinterpret_cast<void*>(make)},
                         {Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_methods, methods},
                         {Py_mp_subscript, reinterpret_cast<void*>(subscript)},
                         {Py_nb_add, reinterpret_cast<void*>(concatenate)},
                         {Py_sq_concat, reinterpret_cast<void*>(concatenate)},
                         {Py_sq_repeat, reinterpret_cast<void*>(repeat)},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau.Size", 0, 0, Py_TPFLAGS_DEFAULT, slots};
  SizeType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  add_object(module, "Size", Py_NewRef(reinterpret_cast<PyObject*>(SizeType)));
}

}  // namespace fl::py
