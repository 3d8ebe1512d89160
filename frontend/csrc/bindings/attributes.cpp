// Properties of tensors: shape, dtype, grad, data, T, ...
#include "autograd/node.h"
#include "bindings/autograd.h"
#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/types.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

PyObject* get_shape(PyObject* self, void*) {
  const TensorImpl* t = impl_of(self);
  return guard([&] { return wrap_size(IntList(t->sizes, t->ndim)); });
}
PyObject* get_dtype(PyObject* self, void*) { return wrap(impl_of(self)->dtype); }
PyObject* get_device(PyObject* self, void*) {
  return guard([&] { return wrap_device(*impl_of(self)->device); });
}
PyObject* get_ndim(PyObject* self, void*) {
  return PyLong_FromLong(impl_of(self)->ndim);
}
PyObject* get_layout(PyObject*, void*) { return Py_NewRef(strided_layout); }
PyObject* get_itemsize(PyObject* self, void*) {
  return PyLong_FromLongLong(item_size(impl_of(self)->dtype));
}
PyObject* get_nbytes(PyObject* self, void*) {
  const TensorImpl* t = impl_of(self);
  return PyLong_FromLongLong(t->numel * item_size(t->dtype));
}
PyObject* get_none(PyObject*, void*) { Py_RETURN_NONE; }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }

// ---- autograd
// -------------------------------------------------------------------------
PyObject* get_requires_grad(PyObject* self, void*) {
  return boolean(unwrap(self).requires_grad());
}
int put_requires_grad(PyObject* self, PyObject* value, void*) {
  return guard_int([&] {
    check(value && PyBool_Check(value), ErrorKind::Type,
          "requires_grad must be a bool");
    set_requires_grad(unwrap(self), value == Py_True);
    return 0;
  });
}

bool is_leaf(const Tensor& t) { return !t.requires_grad() || !grad_fn(t); }

PyObject* get_is_leaf(PyObject* self, void*) {
  return guard([&] { return boolean(is_leaf(unwrap(self))); });
}
PyObject* get_grad_fn(PyObject* self, void*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    if (!t.requires_grad()) return none();
    return wrap_node(grad_fn(t));
  });
}
PyObject* get_grad(PyObject* self, void*) {
  const TensorImpl* t = impl_of(self);
  if (!t->autograd || !t->autograd->grad.defined()) {
    if (t->flags & kRequiresGrad && t->autograd && t->autograd->grad_fn &&
        !t->autograd->retain_grad) {
      if (PyErr_WarnEx(PyExc_UserWarning,
                       "The .grad attribute of a Tensor that is not a leaf Tensor is "
                       "being accessed. It is only filled for leaves; call "
                       ".retain_grad() on a non-leaf Tensor to keep its gradient.",
                       1) < 0) {
        return nullptr;
      }
    }
    Py_RETURN_NONE;
  }
  return guard([&] { return wrap(t->autograd->grad); });
}

void check_grad(const Tensor& t, const Tensor& g) {
  check(!t.same(g), "can't assign Variable as its own grad");
  check(t.dtype() == g.dtype(), "assigned grad has data of a different type: expected ",
        describe(t), ", got ", describe(g));
  check(t->device == g->device,
        "assigned grad has data located on a different device: ", "expected ",
        describe(t), ", got ", describe(g));
  check(t.sizes().equals(g.sizes()),
        "assigned grad has data of a different size: expected ", describe(t), ", got ",
        describe(g));
}

int put_grad(PyObject* self, PyObject* value, void*) {
  return guard_int([&] {
    const Tensor t = unwrap(self);
    if (!value || value == Py_None) {
      if (t->autograd) t->autograd->grad = Tensor();
      return 0;
    }
    check(is_tensor(value), ErrorKind::Type,
          "assigned grad expected to be a Tensor or None but got grad of type ",
          type_of(value));
    const Tensor g = unwrap(value);
    check_grad(t, g);
    ensure_autograd(t).grad = g;
    return 0;
  });
}

PyObject* get_data(PyObject* self, void*) {
  return guard([&] {
    Tensor out = detach_alias(unwrap(self));
    out->set(kUnversioned, true);
    return wrap(out);
  });
}

// Takes over the other tensor's storage and geometry; its own history stays.
void take_data(const Tensor& t, const Tensor& from) {
  check(
      !(t.requires_grad() && !is_differentiable(from.dtype())),
      "data set to a tensor that requires gradients must be floating point or complex ",
      "dtype, got ", describe(from));
  TensorImpl* a = t.get();
  Storage* storage = from->storage;
  if (storage) ++storage->refs;
  if (a->storage && --a->storage->refs == 0) Storage::destroy(a->storage);
  a->storage = storage;
  a->dtype = from.dtype();
  a->device = from->device;
  a->offset = from.offset();
  a->set_geometry(from.sizes(), from.strides());
}

int put_data(PyObject* self, PyObject* value, void*) {
  return guard_int([&] {
    check(value != nullptr, "Deleting tensor data is not allowed.");
    check(is_tensor(value), ErrorKind::Type,
          "Variable data has to be a tensor, but got ", type_of(value));
    take_data(unwrap(self), unwrap(value));
    return 0;
  });
}

PyObject* get_version(PyObject* self, void*) {
  return guard([&] {
    check(!impl_of(self)->has(kInference),
          "Inference tensors do not track version counter.");
    return PyLong_FromUnsignedLong(impl_of(self)->storage->version);
  });
}
PyObject* get_base(PyObject* self, void*) {
  return guard([&] { return wrap(Tensor(impl_of(self)->base)); });
}
PyObject* get_output_nr(PyObject* self, void*) {
  const TensorImpl* t = impl_of(self);
  return PyLong_FromUnsignedLong(t->autograd ? t->autograd->output_index : 0);
}
PyObject* get_retains_grad(PyObject* self, void*) {
  const TensorImpl* t = impl_of(self);
  return boolean(t->autograd && t->autograd->retain_grad);
}

// ---- shapes turned round, parts of complex numbers ---------------------------------
PyObject* get_T(PyObject* self, void*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    if (t.dim() == 2) return wrap(ops::t(t));
    std::vector<int64_t> dims;
    for (int64_t d = t.dim() - 1; d >= 0; --d) dims.push_back(d);
    return wrap(ops::permute(t, dims));
  });
}
PyObject* get_mT(PyObject* self, void*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(t.dim() >= 2,
          "tensor.mT is only supported on matrices or batches of matrices. ", "Got ",
          t.dim(), "-D tensor.");
    return wrap(ops::transpose(t, -2, -1));
  });
}
Tensor conj_of(const Tensor& t) { return is_complex(t.dtype()) ? ops::conj(t) : t; }

PyObject* get_H(PyObject* self, void*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(t.dim() == 0 || t.dim() == 2, "tensor.H is only supported on matrices (2-D ",
          "tensors). Got ", t.dim(), "-D tensor.");
    return wrap(conj_of(t.dim() == 0 ? t : ops::transpose(t, 0, 1)));
  });
}
PyObject* get_mH(PyObject* self, void*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(t.dim() >= 2,
          "tensor.mH is only supported on matrices or batches of matrices. ", "Got ",
          t.dim(), "-D tensor.");
    return wrap(conj_of(ops::transpose(t, -2, -1)));
  });
}
PyObject* get_real(PyObject* self, void*) {
  return guard([&] { return wrap(ops::real(unwrap(self))); });
}
PyObject* get_imag(PyObject* self, void*) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(is_complex(t.dtype()),
          "imag is not implemented for tensors with non-complex ", "dtypes.");
    return wrap(ops::imag(t));
  });
}
int put_part(PyObject* self, PyObject* value, PyObject* (*get)(PyObject*, void*)) {
  return guard_int([&] {
    Handle part = own(get(self, nullptr));
    Handle all = own(
        PyEllipsis_Type.tp_new(&PyEllipsis_Type, own(PyTuple_New(0)).get(), nullptr));
    return tensor_setitem(part.get(), all.get(), value);
  });
}
int put_real(PyObject* self, PyObject* value, void*) {
  return put_part(self, value, get_real);
}
int put_imag(PyObject* self, PyObject* value, void*) {
  return put_part(self, value, get_imag);
}

// is_cuda, is_cpu, is_meta, ...: `closure` is the id of the type of device.
PyObject* get_is_device(PyObject* self, void* closure) {
  const auto type = static_cast<int16_t>(reinterpret_cast<intptr_t>(closure));
  return boolean(impl_of(self)->device->device.type == type);
}
void* kind(int16_t type) { return reinterpret_cast<void*>(intptr_t{type}); }
// Interned when the extension is loaded: nothing is compared by name afterwards.
void* kind(const char* name) { return kind(device_type_id(name)); }

}  // namespace

PyGetSetDef tensor_getset[] = {
    {"shape", get_shape, nullptr, "The sizes, as a Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The data type of the elements.", nullptr},
    {"device", get_device, nullptr, "Where the elements are.", nullptr},
    {"ndim", get_ndim, nullptr, "How many dimensions there are.", nullptr},
    {"layout", get_layout, nullptr, nullptr, nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes per element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"names", get_none, nullptr, nullptr, nullptr},
    {"requires_grad", get_requires_grad, put_requires_grad,
     "True when gradients are computed for it.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "True when no recorded op made it.", nullptr},
    {"grad_fn", get_grad_fn, nullptr, "The node of the op that made it.", nullptr},
    {"grad", get_grad, put_grad, "The gradient that backward has accumulated.",
     nullptr},
    {"_grad", get_grad, put_grad, nullptr, nullptr},
    {"data", get_data, put_data, "The same memory, without history.", nullptr},
    {"_version", get_version, nullptr, "How often it was written to.", nullptr},
    {"_base", get_base, nullptr, "What it is a view of.", nullptr},
    {"output_nr", get_output_nr, nullptr, nullptr, nullptr},
    {"retains_grad", get_retains_grad, nullptr, nullptr, nullptr},
    {"T", get_T, nullptr, "With its dimensions reversed.", nullptr},
    {"mT", get_mT, nullptr, "With the last two dimensions swapped.", nullptr},
    {"H", get_H, nullptr, "The conjugate transpose of a matrix.", nullptr},
    {"mH", get_mH, nullptr, "The conjugate transpose of each matrix.", nullptr},
    {"real", get_real, put_real, "The real part, as a view.", nullptr},
    {"imag", get_imag, put_imag, "The imaginary part, as a view.", nullptr},
    {"is_cuda", get_is_device, nullptr, nullptr, kind("cuda")},
    {"is_cpu", get_is_device, nullptr, nullptr, kind(kHostType)},
    {"is_meta", get_is_device, nullptr, nullptr, kind(kMetaType)},
    {"is_mps", get_is_device, nullptr, nullptr, kind("mps")},
    {"is_xpu", get_is_device, nullptr, nullptr, kind("xpu")},
    {"is_mtia", get_is_device, nullptr, nullptr, kind("mtia")},
    {"is_xla", get_is_device, nullptr, nullptr, kind("xla")},
    {"is_ipu", get_is_device, nullptr, nullptr, kind("ipu")},
    {"is_maia", get_is_device, nullptr, nullptr, kind("maia")},
    {"is_vulkan", get_is_device, nullptr, nullptr, kind("vulkan")},
    {"is_sparse", get_false, nullptr, nullptr, nullptr},
    {"is_sparse_csr", get_false, nullptr, nullptr, nullptr},
    {"is_mkldnn", get_false, nullptr, nullptr, nullptr},
    {"is_quantized", get_false, nullptr, nullptr, nullptr},
    {"is_nested", get_false, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace fl::py
