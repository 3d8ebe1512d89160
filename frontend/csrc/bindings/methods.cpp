// Methods of tensors that are no ops: sizes, single values, NumPy, hooks.
#include "autograd/node.h"
#include "bindings/autograd.h"
#include "bindings/call.h"
#include "bindings/data.h"
#include "bindings/index.h"
#include "bindings/keywords.h"
#include "bindings/storage.h"
#include "bindings/to.h"
#include "ops/factory.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

PyObject* size(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto [dim] = keywords<1>("size", {"dim"}, args, n, kwnames);
    const TensorImpl* t = impl_of(self);
    if (!given(dim)) return wrap_size(IntList(t->sizes, t->ndim));
    int64_t d;
    check(as_int(dim, d), ErrorKind::Type, "size(): argument 'dim' must be int, not ",
          type_of(dim));
    return PyLong_FromLongLong(unwrap(self).size(d));
  });
}
PyObject* stride(PyObject* self, PyObject* const* args, Py_ssize_t n,
                 PyObject* kwnames) {
  return guard([&] {
    const auto [dim] = keywords<1>("stride", {"dim"}, args, n, kwnames);
    const Tensor t = unwrap(self);
    if (!given(dim)) return wrap_ints(t.strides());
    int64_t d;
    check(as_int(dim, d), ErrorKind::Type, "stride(): argument 'dim' must be int, not ",
          type_of(dim));
    return PyLong_FromLongLong(t.stride(d));
  });
}
PyObject* dim(PyObject* self, PyObject*) {
  return PyLong_FromLong(impl_of(self)->ndim);
}
PyObject* numel(PyObject* self, PyObject*) {
  return PyLong_FromLongLong(impl_of(self)->numel);
}
PyObject* storage_offset(PyObject* self, PyObject*) {
  return PyLong_FromLongLong(impl_of(self)->offset);
}
PyObject* data_ptr(PyObject* self, PyObject*) {
  const TensorImpl* t = impl_of(self);
  if (!t->storage || !t->storage->data || t->numel == 0) return PyLong_FromLong(0);
  return PyLong_FromVoidPtr(t->data());
}
PyObject* element_size(PyObject* self, PyObject*) {
  return PyLong_FromLongLong(item_size(impl_of(self)->dtype));
}
PyObject* is_contiguous(PyObject* self, PyObject* const* args, Py_ssize_t n,
                        PyObject* kwnames) {
  return guard([&] {
    const auto [format] =
        keywords<1>("is_contiguous", {"memory_format"}, args, n, kwnames);
    MemoryFormat f = MemoryFormat::Contiguous;
    check(!given(format) || as_memory_format(format, f), ErrorKind::Type,
          "is_contiguous(): argument 'memory_format' must be flambeau.memory_format");
    return boolean(is_in_format(unwrap(self), f));
  });
}
PyObject* contiguous(PyObject* self, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames) {
  if (n == 0 && !kwnames && impl_of(self)->flags & kContiguous) return Py_NewRef(self);
  return guard([&] {
    const auto [format] =
        keywords<1>("contiguous", {"memory_format"}, args, n, kwnames);
    MemoryFormat f = MemoryFormat::Contiguous;
    check(!given(format) || as_memory_format(format, f), ErrorKind::Type,
          "contiguous(): argument 'memory_format' must be flambeau.memory_format");
    check(f != MemoryFormat::Preserve,
          "preserve memory format is unsupported by the contiguous operator");
    return wrap(in_format(unwrap(self), f));
  });
}
PyObject* is_floating_point(PyObject* self, PyObject*) {
  return boolean(is_floating(impl_of(self)->dtype));
}
PyObject* is_complex_(PyObject* self, PyObject*) {
  return boolean(is_complex(impl_of(self)->dtype));
}
PyObject* is_signed(PyObject* self, PyObject*) {
  const Dtype d = impl_of(self)->dtype;
  return boolean(d != Dtype::Bool && d != Dtype::UInt8);
}
PyObject* is_inference(PyObject* self, PyObject*) {
  return boolean(impl_of(self)->has(kInference));
}
PyObject* no(PyObject*, PyObject*) { Py_RETURN_FALSE; }
PyObject* get_device(PyObject* self, PyObject*) {
  return PyLong_FromLong(shown_device(*impl_of(self)->device).index);
}

// ---- values
// ---------------------------------------------------------------------------
PyObject* item_(PyObject* self, PyObject*) {
  return guard([&] { return need(to_number(item(unwrap(self)))); });
}
PyObject* tolist(PyObject* self, PyObject*) {
  return guard([&] { return to_list(unwrap(self)); });
}
PyObject* numpy(PyObject* self, PyObject* const* args, Py_ssize_t n,
                PyObject* kwnames) {
  return guard([&] {
    const auto [force] = keywords<1>("numpy", {"force"}, args, n, kwnames, 0, 0);
    Tensor t = unwrap(self);
    if (truth(force, false)) return to_numpy(on_host(t));
    check(
        !(tls.grad_enabled && t.requires_grad()),
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() ",
        "instead.");
    check(t.device().host_memory, ErrorKind::Type, "can't convert ",
          to_string(t.device().device),
          " device type tensor to numpy. Use Tensor.cpu() ",
          "to copy the tensor to host memory first.");
    return to_numpy(t);
  });
}
PyObject* array(PyObject* self, PyObject* const* args, Py_ssize_t n,
                PyObject* kwnames) {
  return guard([&] {
    const auto [dtype, copy] =
        keywords<2>("__array__", {"dtype", "copy"}, args, n, kwnames);
    Handle a = own(numpy(self, nullptr, 0, nullptr));
    if (given(dtype)) {
      return need(PyObject_CallMethod(a.get(), "astype", "O", dtype));
    }
    if (truth(copy, false)) return need(PyObject_CallMethod(a.get(), "copy", nullptr));
    return a.release();
  });
}
PyObject* new_tensor(PyObject* self, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames) {
  return guard([&] {
    const auto [data, dtype, device, requires_grad, layout, pin] = keywords<6>(
        "new_tensor",
        {"data", "dtype", "device", "requires_grad", "layout", "pin_memory"}, args, n,
        kwnames, 1, 1);
    const Tensor t = unwrap(self);
    std::optional<Dtype> d;
    if (given(dtype)) d = dtype_of(dtype, "new_tensor");
    Tensor out = tensor_from(
        data, d, given(device) ? runtime(device_of(device, "new_tensor")) : t.device());
    if (!d && !is_tensor(data) && !has_array(data)) out = cast_to(out, t.dtype());
    if (truth(pin, false)) out = pin_hook(out);
    if (truth(requires_grad, false)) set_requires_grad(out, true);
    return wrap(out);
  });
}

// ---- autograd
// -------------------------------------------------------------------------
PyObject* requires_grad_(PyObject* self, PyObject* const* args, Py_ssize_t n,
                         PyObject* kwnames) {
  return guard([&] {
    const auto [on] =
        keywords<1>("requires_grad_", {"requires_grad"}, args, n, kwnames);
    set_requires_grad(unwrap(self), truth(on, true));
    return Py_NewRef(self);
  });
}
PyObject* detach_(PyObject* self, PyObject*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(!t->base, "Can't detach views in-place. Use detach() instead.");
    if (t->autograd) {
      t->autograd->grad_fn = Ref<Node>();
      t->autograd->output_index = 0;
    }
    t->set(kRequiresGrad, false);
    return Py_NewRef(self);
  });
}
PyObject* is_set_to(PyObject* self, PyObject* other) {
  return guard([&] {
    const Tensor a = unwrap(self), b = unwrap_checked(other, "is_set_to");
    return boolean(a->storage == b->storage && a.offset() == b.offset() &&
                   a.sizes().equals(b.sizes()) && a.strides().equals(b.strides()));
  });
}

// A view of the same data as an object of a subclass: `_make_subclass(cls, data,
// grad)`.
PyObject* make_subclass(PyObject*, PyObject* const* args, Py_ssize_t n,
                        PyObject* kwnames) {
  return guard([&] {
    const auto [cls, data, requires_grad] = keywords<3>(
        "_make_subclass", {"cls", "data", "require_grad"}, args, n, kwnames, 2);
    check(PyType_Check(cls) &&
              PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), TensorType),
          ErrorKind::Type, "_make_subclass: expected a subclass of Tensor, got ",
          type_of(cls));
    Tensor t = detach_alias(unwrap_checked(data, "_make_subclass"));
    if (truth(requires_grad, false)) set_requires_grad(t, true);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), t);
  });
}
PyObject* as_subclass(PyObject* self, PyObject* cls) {
  return guard([&] {
    check(PyType_Check(cls) &&
              PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), TensorType),
          ErrorKind::Type, "as_subclass: expected a subclass of Tensor, got ",
          type_of(cls));
    const Tensor t = unwrap(self);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), ops::view(t, t.sizes()));
  });
}

constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;

}  // namespace

PyMethodDef tensor_methods[] = {
    {"size", as_function(size), kFast, "size(dim=None): sizes, or one of them."},
    {"stride", as_function(stride), kFast,
     "Elements between neighbours per dimension."},
    {"dim", dim, METH_NOARGS, "How many dimensions there are."},
    {"ndimension", dim, METH_NOARGS, "How many dimensions there are."},
    {"numel", numel, METH_NOARGS, "How many elements there are."},
    {"nelement", numel, METH_NOARGS, "How many elements there are."},
    {"storage_offset", storage_offset, METH_NOARGS, "First element in the storage."},
    {"data_ptr", data_ptr, METH_NOARGS, "The address of the first element."},
    {"element_size", element_size, METH_NOARGS, "Bytes per element."},
    {"is_contiguous", as_function(is_contiguous), kFast,
     "True when elements follow each other in the order of the format."},
    {"contiguous", as_function(contiguous), kFast,
     "Itself when contiguous, else a copy that is."},
    {"is_floating_point", is_floating_point, METH_NOARGS, nullptr},
    {"is_complex", is_complex_, METH_NOARGS, nullptr},
    {"is_signed", is_signed, METH_NOARGS, nullptr},
    {"is_inference", is_inference, METH_NOARGS, nullptr},
    {"is_coalesced", no, METH_NOARGS, nullptr},
    {"is_conj", no, METH_NOARGS, nullptr},
    {"is_neg", no, METH_NOARGS, nullptr},
    {"has_names", no, METH_NOARGS, nullptr},
    {"get_device", get_device, METH_NOARGS, "Index of the device; -1 for the host."},
    {"item", item_, METH_NOARGS, "The only element, as a Python number."},
    {"tolist", tolist, METH_NOARGS, "The elements, as nested lists of numbers."},
    {"numpy", as_function(numpy), kFast, "A NumPy array over the same memory."},
    {"__array__", as_function(array), kFast, nullptr},
    {"new_tensor", as_function(new_tensor), kFast,
     "A copy of data, with self's dtype and device."},
    {"requires_grad_", as_function(requires_grad_), kFast,
     "Sets requires_grad; returns self."},
    {"detach_", detach_, METH_NOARGS, "Forgets its history; returns self."},
    {"retain_grad", tensor_retain_grad, METH_NOARGS,
     "Has backward fill .grad of this non-leaf."},
    {"register_hook", tensor_register_hook, METH_O,
     "Calls hook(grad) when its gradient is computed."},
    {"register_post_accumulate_grad_hook", tensor_register_post_hook, METH_O,
     "Calls hook(self) after .grad of this leaf was accumulated."},
    {"is_set_to", is_set_to, METH_O, nullptr},
    {"_make_subclass", as_function(make_subclass), kFast | METH_STATIC, nullptr},
    {"as_subclass", as_subclass, METH_O, "The same data as an object of a subclass."},
    {"set_", as_function(tensor_set), kFast, "Takes over a storage and a geometry."},
    {"resize_", as_function(tensor_resize), kFast,
     "Other sizes over the same memory, which grows if need be."},
    {"__dlpack__", as_function(dlpack_export), kFast, nullptr},
    {"__dlpack_device__", dlpack_device, METH_NOARGS, nullptr},
    {"to", as_function(tensor_to), kFast,
     "to(dtype), to(device, dtype), to(other): itself when nothing changes."},
    {"type", as_function(tensor_type), kFast,
     "The name of its type; with a dtype, a conversion."},
    {"cpu", as_function(tensor_cpu), kFast, "A copy in host memory."},
    {"cuda", as_function(tensor_cuda), kFast, "A copy on a CUDA device."},
    {"float", as_function(tensor_as<Dtype::Float32>), kFast, nullptr},
    {"double", as_function(tensor_as<Dtype::Float64>), kFast, nullptr},
    {"half", as_function(tensor_as<Dtype::Float16>), kFast, nullptr},
    {"bfloat16", as_function(tensor_as<Dtype::BFloat16>), kFast, nullptr},
    {"long", as_function(tensor_as<Dtype::Int64>), kFast, nullptr},
    {"int", as_function(tensor_as<Dtype::Int32>), kFast, nullptr},
    {"short", as_function(tensor_as<Dtype::Int16>), kFast, nullptr},
    {"char", as_function(tensor_as<Dtype::Int8>), kFast, nullptr},
    {"byte", as_function(tensor_as<Dtype::UInt8>), kFast, nullptr},
    {"bool", as_function(tensor_as<Dtype::Bool>), kFast, nullptr},
    {"cfloat", as_function(tensor_as<Dtype::Complex64>), kFast, nullptr},
    {"cdouble", as_function(tensor_as<Dtype::Complex128>), kFast, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyObject* tensor_getitem(PyObject* self, PyObject* index) {
  return guard([&] { return wrap(get_item(unwrap(self), index)); });
}
int tensor_setitem(PyObject* self, PyObject* index, PyObject* value) {
  return guard_int([&] {
    check(value != nullptr, ErrorKind::Type, "Tensor does not support deleting items");
    set_item(unwrap(self), index, value);
    return 0;
  });
}
Py_ssize_t tensor_length(PyObject* self) {
  const TensorImpl* t = impl_of(self);
  if (t->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return static_cast<Py_ssize_t>(t->sizes[0]);
}
PyObject* tensor_sequence_item(PyObject* self, Py_ssize_t i) {
  Handle index = Handle::steal(PyLong_FromSsize_t(i));
  return tensor_getitem(self, index.get());
}
PyObject* tensor_iter(PyObject* self) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(t.dim() > 0, ErrorKind::Type, "iteration over a 0-d tensor");
    static const OpRef unbind("unbind(");
    const std::vector<Tensor> parts = unbind.all(t, int64_t{0});
    Handle tuple = own(wrap_tuple(parts));
    return need(PyObject_GetIter(tuple.get()));
  });
}
int tensor_contains(PyObject* self, PyObject* value) {
  return guard_int([&] {
    Scalar s;
    const Tensor t = unwrap(self);
    static const OpRef any("any(Tensor self)");
    if (is_tensor(value)) {
      return static_cast<int>(item(any(ops::eq(t, unwrap(value)))).to_bool());
    }
    check(as_number(value, s),
          "Tensor.__contains__ only supports Tensor or scalar, but you passed in a ",
          type_of(value));
    return static_cast<int>(item(any(ops::eq(t, s))).to_bool());
  });
}

}  // namespace fl::py
