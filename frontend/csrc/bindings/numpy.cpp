// Memory shared with NumPy and others through the buffer protocol and
// __array_interface__: NumPy's own API is never needed.
#include <algorithm>
#include <cstring>

#include "bindings/data.h"
#include "bindings/ndarray.h"
#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/types.h"
#include "flambeau/iter.h"

namespace fl::py {

namespace {

struct Named {
  const char* name;
  Dtype dtype;
};
constexpr Named kNames[] = {
    {"bool", Dtype::Bool},
    {"bool_", Dtype::Bool},
    {"uint8", Dtype::UInt8},
    {"int8", Dtype::Int8},
    {"int16", Dtype::Int16},
    {"int32", Dtype::Int32},
    {"int64", Dtype::Int64},
    {"longlong", Dtype::Int64},
    {"float16", Dtype::Float16},
    {"float32", Dtype::Float32},
    {"float64", Dtype::Float64},
    {"complex64", Dtype::Complex64},
    {"complex128", Dtype::Complex128},
};

// "<f4" and the like.
bool dtype_of_typestr(const char* s, Dtype& out) {
  if (s[0] == '>' && strcmp(s + 2, "1") != 0) return false;
  struct Code {
    const char* code;
    Dtype dtype;
  };
  static constexpr Code codes[] = {
      {"b1", Dtype::Bool},      {"u1", Dtype::UInt8},      {"i1", Dtype::Int8},
      {"i2", Dtype::Int16},     {"i4", Dtype::Int32},      {"i8", Dtype::Int64},
      {"f2", Dtype::Float16},   {"f4", Dtype::Float32},    {"f8", Dtype::Float64},
      {"c8", Dtype::Complex64}, {"c16", Dtype::Complex128}};
  for (const Code& c : codes) {
    if (strcmp(s + 1, c.code) == 0) {
      out = c.dtype;
      return true;
    }
  }
  return false;
}

// The struct module's letters, as the buffer protocol uses them.
bool dtype_of_format(const char* s, Dtype& out) {
  if (*s == '@' || *s == '=' || *s == '<') ++s;
  if (strcmp(s, "Zf") == 0) return out = Dtype::Complex64, true;
  if (strcmp(s, "Zd") == 0) return out = Dtype::Complex128, true;
  if (s[0] == '\0' || s[1] != '\0') return false;
  switch (*s) {
    case '?':
      out = Dtype::Bool;
      return true;
    case 'B':
      out = Dtype::UInt8;
      return true;
    case 'b':
      out = Dtype::Int8;
      return true;
    case 'h':
      out = Dtype::Int16;
      return true;
    case 'i':
      out = Dtype::Int32;
      return true;
    case 'l':
    case 'q':
      out = Dtype::Int64;
      return true;
    case 'e':
      out = Dtype::Float16;
      return true;
    case 'f':
      out = Dtype::Float32;
      return true;
    case 'd':
      out = Dtype::Float64;
      return true;
    default:
      return false;
  }
}

// What keeps borrowed memory alive; made and dropped under the interpreter's lock.
struct Keeper {
  Py_buffer view{};
  bool has_view = false;
  PyObject* object = nullptr;
  Keeper() = default;
  Keeper(const Keeper&) = delete;
  ~Keeper() {
    if (has_view) PyBuffer_Release(&view);
    Py_XDECREF(object);
  }
};

void let_go(void* context) {
  const PyGILState_STATE state = PyGILState_Ensure();
  delete static_cast<Keeper*>(context);
  PyGILState_Release(state);
}

struct Layout {
  void* data = nullptr;
  Dtype dtype = Dtype::Float32;
  size_t ndim = 0;
  int64_t sizes[kMaxDims], bytes[kMaxDims];  // strides in bytes

  template <class Int>
  void set(size_t n, const Int* shape, const Int* strides) {
    check(n <= kMaxDims, ErrorKind::Value, "arrays of ", n,
          " dimensions are not supported: at most ", kMaxDims);
    ndim = n;
    std::copy_n(shape, n, sizes);
    std::copy_n(strides, n, bytes);
  }
};

Tensor adopt(const Layout& l, std::unique_ptr<Keeper> keeper) {
  const int64_t z = item_size(l.dtype);
  int64_t strides[kMaxDims];
  int64_t reach = 1;
  bool empty_array = false;
  for (size_t d = 0; d < l.ndim; ++d) {
    const bool single = l.sizes[d] <= 1;
    const int64_t step = single && l.bytes[d] % z ? z : l.bytes[d];
    check(
        step >= 0, ErrorKind::Value,
        "At least one stride in the given numpy array is negative, and tensors with ",
        "negative strides are not currently supported. (You can probably work around ",
        "this by making a copy of your array with array.copy().)");
    check(step % z == 0, ErrorKind::Value,
          "given numpy array strides not a multiple of ",
          "the element byte size. Copy the numpy array to reallocate the memory.");
    strides[d] = step / z;
    if (l.sizes[d] == 0) empty_array = true;
    reach += (l.sizes[d] - 1) * strides[d];
  }
  const auto bytes = static_cast<size_t>(empty_array ? 0 : reach * z);
  Ref<Storage> storage =
      Storage::wrap(host_runtime(), l.data, bytes, let_go, keeper.release());
  storage->resizable = false;
  return wrap_storage(std::move(storage), IntList(l.sizes, l.ndim),
                      IntList(strides, l.ndim), 0, l.dtype);
}

// Quicker than __array_interface__, and enough for what is writable and plain.
bool layout_of_buffer(PyObject* o, Keeper& k, Layout& l) {
  if (!PyObject_CheckBuffer(o)) return false;
  if (PyObject_GetBuffer(o, &k.view, PyBUF_RECORDS) < 0) {
    PyErr_Clear();
    return false;
  }
  k.has_view = true;
  if (!k.view.format || !dtype_of_format(k.view.format, l.dtype)) return false;
  if (item_size(l.dtype) != k.view.itemsize) return false;
  l.data = k.view.buf;
  l.set(static_cast<size_t>(k.view.ndim), k.view.shape, k.view.strides);
  return true;
}

void warn_read_only() {
  need(PyErr_WarnEx(PyExc_UserWarning,
                    "The given NumPy array is not writable. The tensor shares its "
                    "memory: writing to it changes the array. Copy the array to be "
                    "safe.",
                    1));
}

Layout layout_of_interface(PyObject* o, Keeper& k) {
  Handle dict = own(PyObject_GetAttrString(o, "__array_interface__"));
  const auto get = [&](const char* key) {
    return PyDict_GetItemString(dict.get(), key);
  };
  Layout l;
  const std::string code = text_of(need(get("typestr")));
  if (!dtype_of_typestr(code.c_str(), l.dtype)) {
    Handle dtype = Handle::steal(PyObject_GetAttrString(o, "dtype"));
    PyErr_Clear();
    fail(ErrorKind::Type, "can't convert np.ndarray of type ",
         dtype ? str_of(dtype.get()) : code,
         ". The only supported types are: float64, float32, float16, complex64, ",
         "complex128, int64, int32, int16, int8, uint8, and bool.");
  }
  const std::vector<int64_t> sizes = ints_of(need(get("shape")), "shape");
  std::vector<int64_t> bytes(sizes.size());
  PyObject* strides = get("strides");
  if (strides && strides != Py_None) {
    bytes = ints_of(strides, "strides");
  } else {
    contiguous_strides(sizes, bytes.data());
    for (int64_t& b : bytes) b *= item_size(l.dtype);
  }
  check(bytes.size() == sizes.size(), ErrorKind::Value,
        "__array_interface__: expected as many strides as sizes");
  l.set(sizes.size(), sizes.data(), bytes.data());
  PyObject* data = need(get("data"));
  check(PyTuple_Check(data), ErrorKind::Type, "__array_interface__: no data pointer");
  l.data = PyLong_AsVoidPtr(PyTuple_GET_ITEM(data, 0));
  if (PyErr_Occurred()) throw_python();
  if (PyObject_IsTrue(PyTuple_GET_ITEM(data, 1)) == 1) warn_read_only();
  k.object = Py_NewRef(o);
  return l;
}

}  // namespace

bool dtype_from_name(const char* name, Dtype& out) {
  for (const Named& n : kNames) {
    if (strcmp(n.name, name) == 0) {
      out = n.dtype;
      return true;
    }
  }
  return false;
}

bool has_array(PyObject* o) {
  if (is_numpy(o))
    return strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") == 0 || is_numpy_scalar(o);
  if (PyList_CheckExact(o) || PyTuple_CheckExact(o) || PyFloat_CheckExact(o) ||
      PyLong_CheckExact(o) || PyBool_Check(o) || PyUnicode_Check(o)) {
    return false;
  }
  static PyObject* const name = PyUnicode_InternFromString("__array_interface__");
  PyObject* found = PyObject_GetAttr(o, name);
  if (!found) {
    PyErr_Clear();
    return false;
  }
  Py_DECREF(found);
  return true;
}

Tensor tensor_from_numpy(PyObject* array) {
  auto keeper = std::make_unique<Keeper>();
  Layout l;
  ArrayView v;
  if (view_array(array, v)) {
    l.data = v.data;
    l.dtype = v.dtype;
    l.set(static_cast<size_t>(v.ndim), v.sizes, v.strides);
    keeper->object = Py_NewRef(array);
  } else if (!layout_of_buffer(array, *keeper, l)) {
    if (keeper->has_view) PyBuffer_Release(&keeper->view);
    keeper->has_view = false;
    l = layout_of_interface(array, *keeper);
  }
  return adopt(l, std::move(keeper));
}

namespace {

struct Exported {
  std::vector<Py_ssize_t> shape, strides;
};

const char* format_of(Dtype d) {
  static const char* const formats[] = {"?", "B",     "b", "h", "i",  "q",
                                        "e", nullptr, "f", "d", "Zf", "Zd"};
  return formats[static_cast<int>(d)];
}

void export_buffer(PyObject* self, Py_buffer* view, int flags) {
  const Tensor t = unwrap(self);
  check(t.device().host_memory,
        "the buffer protocol needs a tensor in host memory, got ", describe(t));
  check(format_of(t.dtype()) != nullptr, ErrorKind::Type, "Got unsupported ScalarType ",
        type_name(t.dtype()));
  check(t.contiguous() || (flags & PyBUF_STRIDES) == PyBUF_STRIDES, ErrorKind::Value,
        "the buffer that is asked for needs a contiguous tensor");
  auto* e = new Exported;
  for (int d = 0; d < t.dim(); ++d) {
    e->shape.push_back(t->sizes[d]);
    e->strides.push_back(t->strides[d] * item_size(t.dtype()));
  }
  view->buf = t.data();
  view->obj = Py_NewRef(self);
  view->itemsize = item_size(t.dtype());
  view->len = t.numel() * view->itemsize;
  view->readonly = 0;
  view->format =
      flags & PyBUF_FORMAT ? const_cast<char*>(format_of(t.dtype())) : nullptr;
  view->ndim = static_cast<int>(t.dim());
  view->shape = flags & PyBUF_ND ? e->shape.data() : nullptr;
  view->strides = flags & PyBUF_STRIDES ? e->strides.data() : nullptr;
  view->suboffsets = nullptr;
  view->internal = e;
}

}  // namespace

int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  return guard_int([&] {
    try {
      export_buffer(self, view, flags);
    } catch (const Error& e) {
      PyErr_SetString(PyExc_BufferError, e.what());
      return -1;
    }
    return 0;
  });
}

void tensor_releasebuffer(PyObject*, Py_buffer* view) {
  delete static_cast<Exported*>(view->internal);
}

PyObject* to_numpy(const Tensor& t) {
  static PyObject* as_array = nullptr;
  if (!as_array) as_array = import_name("numpy", "asarray").release();
  check(t.dtype() != Dtype::BFloat16, ErrorKind::Type,
        "Got unsupported ScalarType BFloat16");
  // A fresh object, so that the array does not keep the caller's gradients alive.
  Tensor plain = detach_alias(t);
  plain->set(kInference, false);
  Handle object = own(wrap(plain));
  if (PyObject* made = make_array(plain, Py_NewRef(object.get()))) return made;
  Handle view = own(PyMemoryView_FromObject(object.get()));
  return need(PyObject_CallOneArg(as_array, view.get()));
}

}  // namespace fl::py
