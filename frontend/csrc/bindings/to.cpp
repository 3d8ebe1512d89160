// Tensor.to in all its forms, and its short names.
#include "bindings/to.h"

#include "bindings/call.h"
#include "bindings/data.h"
#include "bindings/keywords.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

struct Request {
  std::optional<Dtype> dtype;
  DeviceRuntime* device = nullptr;
  bool copy = false;
  bool non_blocking = false;
  MemoryFormat format = MemoryFormat::Preserve;
};

Tensor convert(const Tensor& t, const Request& r) {
  static const OpRef move("_to_device(");
  Tensor out = t;
  const bool first_cast = r.dtype && item_size(*r.dtype) < item_size(t.dtype());
  if (first_cast) out = ops::to_dtype(out, *r.dtype);
  if (r.device && r.device != out->device) {
    out = move(out, r.device->device, r.non_blocking);
  }
  if (r.dtype && *r.dtype != out.dtype()) out = ops::to_dtype(out, *r.dtype);
  if (r.format != MemoryFormat::Preserve) out = in_format(out, r.format);
  if (r.copy && out.same(t)) out = ops::clone(t);
  return out;
}

void read_format(PyObject* o, Request& r) {
  check(!given(o) || as_memory_format(o, r.format), ErrorKind::Type,
        "to(): argument 'memory_format' must be flambeau.memory_format, not ",
        o ? type_of(o) : "");
}

// The first argument says which of the forms it is.
Request read(PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  Request r;
  PyObject* first = n > 0 ? args[0] : nullptr;
  Dtype d;
  if (first && (is_dtype(first) || as_dtype(first, d))) {
    const auto [dtype, non_blocking, copy, format] =
        keywords<4>("to", {"dtype", "non_blocking", "copy", "memory_format"}, args, n,
                    kwnames, 1, 3);
    r.dtype = dtype_of(dtype, "to");
    r.copy = truth(copy, false);
    r.non_blocking = truth(non_blocking, false);
    read_format(format, r);
    return r;
  }
  if (first && is_tensor(first)) {
    const auto [other, non_blocking, copy, format] =
        keywords<4>("to", {"other", "non_blocking", "copy", "memory_format"}, args, n,
                    kwnames, 1, 3);
    r.dtype = impl_of(other)->dtype;
    r.device = impl_of(other)->device;
    r.copy = truth(copy, false);
    r.non_blocking = truth(non_blocking, false);
    read_format(format, r);
    return r;
  }
  const auto [device, dtype, non_blocking, copy, format, other] = keywords<6>(
      "to", {"device", "dtype", "non_blocking", "copy", "memory_format", "other"}, args,
      n, kwnames, 0, 4);
  if (given(device)) r.device = &runtime(device_of(device, "to"));
  if (given(dtype)) r.dtype = dtype_of(dtype, "to");
  if (given(other)) {
    const Tensor like = unwrap_checked(other, "to");
    r.dtype = like.dtype();
    r.device = like->device;
  }
  r.copy = truth(copy, false);
  r.non_blocking = truth(non_blocking, false);
  read_format(format, r);
  check(n > 0 || (kwnames && PyTuple_GET_SIZE(kwnames)), ErrorKind::Type,
        "to() received an invalid combination of arguments - got ()");
  return r;
}

// "torch.FloatTensor" and our own spelling of it.
std::string legacy_name(const Tensor& t) {
  static const char* const names[] = {
      "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
      "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"};
  const int16_t type = t.device().device.type;
  return concat("flambeau.", type == kHostType ? "" : device_type_name(type) + ".",
                names[static_cast<int>(t.dtype())], "Tensor");
}

bool dtype_of_legacy(const std::string& name, Dtype& out) {
  for (int i = 0; i < kDtypeCount; ++i) {
    static const char* const names[] = {
        "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
        "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"};
    const std::string tail = std::string(".") + names[i] + "Tensor";
    if (name.size() > tail.size() &&
        name.compare(name.size() - tail.size(), tail.size(), tail) == 0) {
      out = static_cast<Dtype>(i);
      return true;
    }
  }
  return false;
}

}  // namespace

PyObject* tensor_to(PyObject* self, PyObject* const* args, Py_ssize_t n,
                    PyObject* kwnames) {
  if (n == 1 && !kwnames) {
    const TensorImpl* t = impl_of(self);
    if (is_dtype(args[0]) && reinterpret_cast<PyDtype*>(args[0])->value == t->dtype) {
      return Py_NewRef(self);
    }
    if (is_device(args[0])) {
      const Device d = reinterpret_cast<PyDevice*>(args[0])->value;
      const int index = d.index < 0 ? current_index(d.type) : d.index;
      if (d.type == t->device->device.type && index == t->device->device.index) {
        return Py_NewRef(self);
      }
    }
  }
  return guard([&] {
    const Request r = read(args, n, kwnames);
    return wrap(convert(unwrap(self), r));
  });
}

PyObject* tensor_convert(PyObject* self, Dtype to, PyObject* const* args, Py_ssize_t n,
                         PyObject* kwnames) {
  if (n == 0 && !kwnames && impl_of(self)->dtype == to) return Py_NewRef(self);
  return guard([&] {
    const auto [format] =
        keywords<1>(short_name(to), {"memory_format"}, args, n, kwnames);
    Request r;
    r.dtype = to;
    read_format(format, r);
    return wrap(convert(unwrap(self), r));
  });
}

PyObject* tensor_cpu(PyObject* self, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames) {
  if (n == 0 && !kwnames && impl_of(self)->device->device.type == kHostType) {
    return Py_NewRef(self);
  }
  return guard([&] {
    const auto [format] = keywords<1>("cpu", {"memory_format"}, args, n, kwnames);
    Request r;
    r.device = &host_runtime();
    read_format(format, r);
    return wrap(convert(unwrap(self), r));
  });
}

PyObject* tensor_cuda(PyObject* self, PyObject* const* args, Py_ssize_t n,
                      PyObject* kwnames) {
  return guard([&] {
    const auto [device, non_blocking, format] = keywords<3>(
        "cuda", {"device", "non_blocking", "memory_format"}, args, n, kwnames);
    Request r;
    Device d{device_type_id("cuda")};
    if (given(device) && PyLong_Check(device)) {
      d.index = static_cast<int16_t>(PyLong_AsLong(device));
    } else if (given(device)) {
      d = device_of(device, "cuda");
    }
    r.device = &runtime(d);
    r.non_blocking = truth(non_blocking, false);
    read_format(format, r);
    return wrap(convert(unwrap(self), r));
  });
}

PyObject* tensor_type(PyObject* self, PyObject* const* args, Py_ssize_t n,
                      PyObject* kwnames) {
  return guard([&] {
    const auto [dtype, non_blocking] =
        keywords<2>("type", {"dtype", "non_blocking"}, args, n, kwnames);
    const Tensor t = unwrap(self);
    if (!given(dtype)) return string(legacy_name(t));
    Request r;
    Dtype d;
    if (PyUnicode_Check(dtype)) {
      const std::string name = text_of(dtype);
      check(dtype_of_legacy(name, d), ErrorKind::Value, "invalid type: '", name, "'");
      r.dtype = d;
    } else if (as_dtype(dtype, d)) {
      r.dtype = d;
    } else {  // a typed tensor class
      Handle of = own(PyObject_GetAttrString(dtype, "dtype"));
      r.dtype = dtype_of(of.get(), "type");
    }
    return wrap(convert(t, r));
  });
}

}  // namespace fl::py
