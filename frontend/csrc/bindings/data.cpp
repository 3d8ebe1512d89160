// Tensors from numbers and nested lists, and back to lists.
#include "bindings/data.h"

#include <cstring>

#include "bindings/keywords.h"
#include "bindings/parse.h"
#include "bindings/types.h"
#include "ops/ops.h"

namespace fl::py {

DeviceRuntime& host_runtime() {
  static DeviceRuntime* host = nullptr;
  if (host) return *host;
  try {
    host = &fl::host_runtime();
    return *host;
  } catch (const Error&) {
    // A process without that backend may still have another in host memory. The search
    // for it runs Python, so what is wrong with the first must not be set meanwhile.
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    DeviceRuntime* other = nullptr;
    try {
      other = &default_runtime();
    } catch (const Error&) {
      PyErr_Clear();
    }
    if (!other || !other->host_memory) {
      PyErr_Restore(type, value, trace);
      throw;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return *other;
  }
}

Tensor to_device(const Tensor& t, DeviceRuntime& device) {
  if (t->device == &device) return t;
  Tensor out = empty(t.sizes(), t.dtype(), device);
  if (!device.is_meta()) copy_into(out, t);
  return out;
}

Tensor on_host(const Tensor& t) {
  if (t.device().host_memory) return t;
  return to_device(t, host_runtime());
}

namespace {

// ---- what nested data is ------------------------------------------------------------
struct Shape {
  std::vector<int64_t> sizes;
  Dtype dtype = Dtype::Bool;
  bool any = false;  // a number was met
};

bool is_list(PyObject* o) { return PyList_Check(o) || PyTuple_Check(o); }

bool is_sequence(PyObject* o) {
  return is_list(o) ||
         (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) &&
          !is_tensor(o) && !has_array(o) && !PyDict_Check(o));
}

[[noreturn]] void refuse(PyObject* o) {
  if (PyUnicode_Check(o)) {
    fail(ErrorKind::Type, "new(): invalid data type 'str'");
  }
  fail(ErrorKind::Type, "tensor: could not infer the dtype of ", type_of(o));
}

void join(Shape& s, Dtype d) {
  s.dtype = s.any ? promote(s.dtype, d) : d;
  s.any = true;
}

Dtype number_dtype(PyObject* o) {
  if (PyFloat_Check(o)) {
    return is_numpy(o) ? Dtype::Float64 : default_dtype();
  }
  if (PyBool_Check(o)) return Dtype::Bool;
  if (PyLong_Check(o)) return Dtype::Int64;
  if (PyComplex_Check(o)) return complex_dtype(default_dtype());
  if (is_tensor(o)) return impl_of(o)->dtype;
  if (is_numpy_scalar(o)) {
    Dtype d;
    if (dtype_from_name(type_of(o), d)) return d;
  }
  Scalar s;
  if (!as_number(o, s)) {
    int64_t i;
    if (PyIndex_Check(o) && as_int(o, i)) return Dtype::Int64;
    refuse(o);
  }
  return s.dtype();
}

// The shape along first elements, and the dtype that holds all numbers.
void measure(PyObject* data, Shape& s) {
  PyObject* o = data;
  Handle keep;
  while (true) {
    if (is_tensor(o)) {
      for (int64_t n : unwrap(o).sizes()) s.sizes.push_back(n);
      return;
    }
    if (has_array(o) && !is_numpy_scalar(o)) {
      Tensor t = tensor_from_numpy(o);
      for (int64_t n : t.sizes()) s.sizes.push_back(n);
      return;
    }
    if (!is_sequence(o)) return;
    const Py_ssize_t n = PySequence_Size(o);
    need(static_cast<int>(n < 0 ? -1 : 0));
    s.sizes.push_back(n);
    if (n == 0) return;
    check(s.sizes.size() <= 64, ErrorKind::Value, "too many dimensions '",
          type_of(data), "': at most 64");
    Handle first = own(PySequence_GetItem(o, 0));
    o = first.get();
    keep = std::move(first);
  }
}

void scan_dtype(PyObject* o, Shape& s) {
  if (is_list(o)) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    PyObject** items = PySequence_Fast_ITEMS(o);
    Py_ssize_t i = 0;
    if (n > 0 && PyFloat_CheckExact(items[0])) {  // a run of floats
      while (i < n && PyFloat_CheckExact(items[i])) ++i;
      join(s, default_dtype());
    } else if (n > 0 && PyLong_CheckExact(items[0])) {
      while (i < n && PyLong_CheckExact(items[i])) ++i;
      join(s, Dtype::Int64);
    }
    for (; i < n; ++i) scan_dtype(items[i], s);
    return;
  }
  if (is_sequence(o)) {
    Handle list = own(PySequence_List(o));
    return scan_dtype(list.get(), s);
  }
  if (!is_tensor(o) && has_array(o) && !is_numpy_scalar(o)) {
    return join(s, tensor_from_numpy(o).dtype());
  }
  join(s, number_dtype(o));
}

// ---- filling
// --------------------------------------------------------------------------
void store_number(PyObject* o, Dtype d, char* to) {
  Scalar s;
  if (is_tensor(o)) {
    s = item(unwrap(o));
  } else if (PyLong_Check(o) && !PyBool_Check(o)) {
    int64_t i;
    as_int(o, i);  // throws when it does not fit
    s = Scalar(i);
  } else if (!as_number(o, s)) {
    int64_t i;
    if (!PyIndex_Check(o) || !as_int(o, i)) refuse(o);
    s = Scalar(i);
  }
  check(s.kind != Scalar::Kind::Complex || is_complex(d), ErrorKind::Runtime,
        "value cannot be converted to type ", short_name(d),
        " without overflow: it is complex");
  if (is_integer(d) && s.kind <= Scalar::Kind::Int) {
    const int bits = static_cast<int>(item_size(d)) * 8;
    const bool is_unsigned = d == Dtype::UInt8;
    const int64_t lo = is_unsigned  ? -255
                       : bits == 64 ? INT64_MIN
                                    : -(1LL << (bits - 1));
    const int64_t hi = is_unsigned  ? 255
                       : bits == 64 ? INT64_MAX
                                    : (1LL << (bits - 1)) - 1;
    check(s.i >= lo && s.i <= hi, "value cannot be converted to type ", short_name(d),
          " without overflow: ", s.i);
  }
  s.store(d, to);
}

[[noreturn]] void bad_length(int64_t expected, int64_t got, size_t dim) {
  fail(ErrorKind::Value, "expected sequence of length ", expected, " at dim ", dim,
       " (got ", got, ")");
}

template <class T>
Py_ssize_t fill_floats(PyObject** items, Py_ssize_t n, void* to) {
  T* out = static_cast<T*>(to);
  Py_ssize_t i = 0;
  for (; i < n && PyFloat_CheckExact(items[i]); ++i) {
    out[i] = static_cast<T>(PyFloat_AS_DOUBLE(items[i]));
  }
  return i;
}

Py_ssize_t fill_ints(PyObject** items, Py_ssize_t n, int64_t* out) {
  Py_ssize_t i = 0;
  for (; i < n && PyLong_CheckExact(items[i]); ++i) {
    int overflow = 0;
    out[i] = PyLong_AsLongLongAndOverflow(items[i], &overflow);
    if (overflow) return i;
  }
  return i;
}

// Writes the data in row-major order; returns the position after it.
char* fill(PyObject* o, const Shape& s, size_t dim, Dtype d, char* to) {
  const int64_t z = item_size(d);
  if (dim == s.sizes.size()) {
    check(!is_sequence(o), ErrorKind::Value, "expected a number at dim ", dim,
          ", got a sequence of length ", is_sequence(o) ? PySequence_Size(o) : 0);
    store_number(o, d, to);
    return to + z;
  }
  if (is_tensor(o) || (has_array(o) && !is_numpy_scalar(o))) {
    Tensor t = is_tensor(o) ? on_host(unwrap(o)) : tensor_from_numpy(o);
    IntList rest(s.sizes.data() + dim, s.sizes.size() - dim);
    check(t.sizes().equals(rest), ErrorKind::Value, "expected an element of shape ",
          to_string(rest), " at dim ", dim, ", got ", to_string(t.sizes()));
    t = make_contiguous(cast_to(t, d));
    std::memcpy(to, t.data(), static_cast<size_t>(t.numel() * z));
    return to + t.numel() * z;
  }
  if (!is_sequence(o)) {
    fail(ErrorKind::Type, "not a sequence: expected one of length ", s.sizes[dim],
         " at dim ", dim, ", got ", type_of(o));
  }
  Handle fast = own(PySequence_Fast(o, "expected a sequence"));
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
  if (n != s.sizes[dim]) bad_length(s.sizes[dim], n, dim);
  PyObject** items = PySequence_Fast_ITEMS(fast.get());
  Py_ssize_t i = 0;
  if (dim + 1 == s.sizes.size()) {
    if (d == Dtype::Float32) i = fill_floats<float>(items, n, to);
    if (d == Dtype::Float64) i = fill_floats<double>(items, n, to);
    if (d == Dtype::Int64) i = fill_ints(items, n, reinterpret_cast<int64_t*>(to));
    to += i * z;
  }
  for (; i < n; ++i) to = fill(items[i], s, dim + 1, d, to);
  return to;
}

}  // namespace

Tensor tensor_from(PyObject* data, std::optional<Dtype> dtype, DeviceRuntime& device) {
  if (is_tensor(data)) {
    Tensor t = detach_alias(unwrap(data));
    Tensor source = t;
    t = dtype ? cast_to(t, *dtype) : t;
    t = to_device(t, device);
    if (t->storage != source->storage) return t;
    Tensor copy = empty_like(t);
    copy_into(copy, t);
    return copy;
  }
  if (PyUnicode_Check(data) || PyDict_Check(data)) refuse(data);
  if (has_array(data) && !is_numpy_scalar(data)) {
    Tensor shared = tensor_from_numpy(data);
    Tensor copy =
        empty(shared.sizes(), dtype.value_or(shared.dtype()), shared.device());
    copy_into(copy, shared);
    return to_device(copy, device);
  }
  Shape s;
  measure(data, s);
  if (!dtype) {
    scan_dtype(data, s);
    dtype = s.any ? s.dtype : default_dtype();
  }
  if (device.is_meta()) return empty(s.sizes, *dtype, device);
  DeviceRuntime& host = device.host_memory ? device : host_runtime();
  Tensor t = empty(s.sizes, *dtype, host);
  if (t.numel() || s.sizes.empty()) {
    fill(data, s, 0, *dtype, static_cast<char*>(t.data()));
  }
  return to_device(t, device);
}

PyObject* to_number(const Scalar& s) {
  switch (s.kind) {
    case Scalar::Kind::Bool:
      return boolean(s.i != 0);
    case Scalar::Kind::Int:
      return PyLong_FromLongLong(s.i);
    case Scalar::Kind::Float:
      return PyFloat_FromDouble(s.f);
    default:
      return PyComplex_FromDoubles(s.f, s.im);
  }
}

namespace {

PyObject* element(Dtype d, const char* p) {
  switch (d) {
    case Dtype::Float32: {
      float v;
      std::memcpy(&v, p, sizeof v);
      return PyFloat_FromDouble(v);
    }
    case Dtype::Int64: {
      int64_t v;
      std::memcpy(&v, p, sizeof v);
      return PyLong_FromLongLong(v);
    }
    default:
      return to_number(Scalar::load(d, p));
  }
}

PyObject* list_at(const Tensor& t, int dim, const char* p) {
  if (dim == t->ndim) return need(element(t.dtype(), p));
  const int64_t n = t->sizes[dim], step = t->strides[dim] * item_size(t.dtype());
  const bool last = dim + 1 == t->ndim;
  Handle out = own(PyList_New(n));
  for (int64_t i = 0; i < n; ++i, p += step) {
    PyList_SET_ITEM(out.get(), i,
                    last ? need(element(t.dtype(), p)) : list_at(t, dim + 1, p));
  }
  return out.release();
}

}  // namespace

PyObject* to_list(const Tensor& t) {
  check(!t.device().is_meta(), "tolist() cannot be called on meta tensors");
  const Tensor host = on_host(t);
  if (host.device().asynchronous) host.device().synchronize();
  return list_at(host, 0,
                 host->storage ? static_cast<const char*>(host.data()) : nullptr);
}

}  // namespace fl::py
