// Making tensors from Python: tensor, as_tensor, from_numpy, frombuffer, Tensor(...).
#include "autograd/node.h"
#include "bindings/data.h"
#include "bindings/keywords.h"
#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/types.h"
#include "ops/factory.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

void warn_copy() {
  need(PyErr_WarnEx(PyExc_UserWarning,
                    "To copy construct from a tensor, it is recommended to use "
                    "sourceTensor.detach().clone() rather than "
                    "flambeau.tensor(sourceTensor).",
                    1));
}

// Where data with a place of its own goes when no device is named: as in PyTorch, a
// default device other than the host's counts as if it were; else nullptr, to stay.
DeviceRuntime* chosen_default() {
  return default_device().type == kHostType ? nullptr : &default_runtime();
}

PyObject* tensor(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto [data, dtype, device, requires_grad, pin, names] = keywords<6>(
        "tensor", {"data", "dtype", "device", "requires_grad", "pin_memory", "names"},
        args, n, kwnames, 1, 1);
    std::optional<Dtype> d;
    if (given(dtype)) d = dtype_of(dtype, "tensor");
    if (is_tensor(data)) warn_copy();
    DeviceRuntime* where =
        given(device) ? &runtime(device_of(device, "tensor")) : chosen_default();
    if (!where) where = is_tensor(data) ? impl_of(data)->device : &default_runtime();
    Tensor t = tensor_from(data, d, *where);
    if (truth(pin, false)) t = pin_hook(t);
    if (truth(requires_grad, false)) set_requires_grad(t, true);
    return wrap(t);
  });
}

// Shares memory where it can: no copy for tensors and arrays of the right kind.
Tensor shared_tensor(PyObject* data, std::optional<Dtype> dtype,
                     DeviceRuntime* device) {
  Tensor t;
  if (is_tensor(data)) {
    t = unwrap(data);
  } else if (has_array(data) && !is_numpy_scalar(data)) {
    t = tensor_from_numpy(data);
  } else {
    return tensor_from(data, dtype, device ? *device : default_runtime());
  }
  static const OpRef move("_to_device(");
  if (device && device != t->device) t = move(t, device->device);
  if (dtype && *dtype != t.dtype()) t = ops::to_dtype(t, *dtype);
  return t;
}

PyObject* as_tensor(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto [data, dtype, device] =
        keywords<3>("as_tensor", {"data", "dtype", "device"}, args, n, kwnames, 1);
    std::optional<Dtype> d;
    if (given(dtype)) d = dtype_of(dtype, "as_tensor");
    DeviceRuntime* where =
        given(device) ? &runtime(device_of(device, "as_tensor")) : chosen_default();
    return wrap(shared_tensor(data, d, where));
  });
}

PyObject* asarray(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto [obj, dtype, device, copy, requires_grad] =
        keywords<5>("asarray", {"obj", "dtype", "device", "copy", "requires_grad"},
                    args, n, kwnames, 1, 1);
    std::optional<Dtype> d;
    if (given(dtype)) d = dtype_of(dtype, "asarray");
    DeviceRuntime* where =
        given(device) ? &runtime(device_of(device, "asarray")) : chosen_default();
    PyObject* source = obj;
    Handle imported;
    if (!is_tensor(obj) && !has_array(obj) &&
        PyObject_HasAttrString(obj, "__dlpack__")) {
      imported = own(from_dlpack(nullptr, &obj, 1, nullptr));
      source = imported.get();
    }
    Tensor t = shared_tensor(source, d, where);
    if (is_tensor(obj) && !truth(requires_grad, false)) t = ops::detach(t);
    const bool shared = is_tensor(source) && impl_of(source)->storage == t->storage;
    if (truth(copy, false) && (shared || has_array(obj))) t = ops::clone(t);
    check(!(copy == Py_False) || shared || has_array(obj), ErrorKind::Value,
          "can't alias data of the given object: asarray with copy=False cannot share");
    if (truth(requires_grad, false)) set_requires_grad(t, true);
    return wrap(t);
  });
}

PyObject* from_numpy(PyObject*, PyObject* array) {
  return guard([&] {
    check(is_numpy(array) && has_array(array) && !is_numpy_scalar(array),
          ErrorKind::Type, "expected np.ndarray (got ", type_of(array), ")");
    return wrap(tensor_from_numpy(array));
  });
}

struct Buffer {
  Py_buffer view{};
};

PyObject* frombuffer(PyObject*, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames) {
  return guard([&] {
    const auto [buffer, dtype, count, offset, requires_grad] = keywords<5>(
        "frombuffer", {"buffer", "dtype", "count", "offset", "requires_grad"}, args, n,
        kwnames, 1, 1);
    check(given(dtype), ErrorKind::Type, "frombuffer() missing argument 'dtype'");
    const Dtype d = dtype_of(dtype, "frombuffer");
    int64_t want = -1, skip = 0;
    check(!given(count) || as_int(count, want), ErrorKind::Type,
          "count must be an int");
    check(!given(offset) || as_int(offset, skip), ErrorKind::Type,
          "offset must be an int");
    auto b = std::make_unique<Buffer>();
    need(PyObject_GetBuffer(buffer, &b->view, PyBUF_SIMPLE));
    const int64_t size = b->view.len, z = item_size(d);
    const auto refuse = [&](bool ok, const auto&... why) {
      if (ok) return;
      PyBuffer_Release(&b->view);
      fail(ErrorKind::Value, why...);
    };
    refuse(size > 0 && want != 0, "both buffer length (", size, ") and count (", want,
           ") must not be 0");
    refuse(skip >= 0 && skip < size, "offset (", skip,
           " bytes) must be non-negative and no greater than buffer length (", size,
           " bytes) minus 1");
    refuse(want > 0 || (size - skip) % z == 0, "buffer length (", size - skip,
           " bytes) after offset (", skip,
           " bytes) must be a multiple of element size (", z, ")");
    const int64_t have = want > 0 ? want : (size - skip) / z;
    refuse(skip + have * z <= size, "requested buffer length (", have, " * ", z,
           " bytes) after offset (", skip,
           " bytes) must not be greater than actual buffer length (", size, " bytes)");
    void* data = static_cast<char*>(b->view.buf) + skip;
    Ref<Storage> storage = Storage::wrap(
        host_runtime(), data, static_cast<size_t>(have * z),
        [](void* c) {
          auto* held = static_cast<Buffer*>(c);
          const PyGILState_STATE state = PyGILState_Ensure();
          PyBuffer_Release(&held->view);
          PyGILState_Release(state);
          delete held;
        },
        b.release());
    storage->resizable = false;
    const int64_t sizes[] = {have}, strides[] = {1};
    Tensor t =
        wrap_storage(std::move(storage), IntList(sizes, 1), IntList(strides, 1), 0, d);
    if (truth(requires_grad, false)) set_requires_grad(t, true);
    return wrap(t);
  });
}

PyObject* is_tensor_function(PyObject*, PyObject* o) { return boolean(is_tensor(o)); }

constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;

}  // namespace

PyMethodDef data_functions[] = {
    {"tensor", as_function(tensor), kFast,
     "tensor(data, *, dtype=None, device=None, requires_grad=False): a copy of "
     "numbers, "
     "nested lists or an array."},
    {"as_tensor", as_function(as_tensor), kFast,
     "as_tensor(data, dtype=None, device=None): like tensor, sharing memory where it "
     "can."},
    {"asarray", as_function(asarray), kFast,
     "asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False)"},
    {"from_numpy", from_numpy, METH_O, "A tensor over the memory of a NumPy array."},
    {"frombuffer", as_function(frombuffer), kFast,
     "frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False): a tensor "
     "over the memory of a buffer."},
    {"from_dlpack", as_function(from_dlpack), kFast,
     "A tensor over the memory of an object with __dlpack__."},
    {"is_tensor", is_tensor_function, METH_O, "True for a Tensor."},
    {nullptr, nullptr, 0, nullptr}};

// Tensor(), Tensor(2, 3), Tensor([1, 2]): the default dtype, values not set for sizes.
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guard([&] {
    const Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyObject* device = kwargs ? PyDict_GetItemString(kwargs, "device") : nullptr;
    DeviceRuntime& where =
        given(device) ? runtime(device_of(device, "Tensor")) : default_runtime();
    PyObject* first = n ? PyTuple_GET_ITEM(args, 0) : nullptr;
    if (!first && kwargs) first = PyDict_GetItemString(kwargs, "data");
    Tensor t;
    if (!first) {
      const int64_t zero[] = {0};
      t = empty(IntList(zero, 1), default_dtype(), where);
    } else if (n == 1 && Py_TYPE(first) == SizeType) {
      t = empty(ints_of(first, "Tensor"), default_dtype(), where);
    } else if (is_tensor(first) && (impl_of(first)->ndim || n == 1)) {
      t = ops::view(ops::detach(unwrap(first)), unwrap(first).sizes());
      if (type == TensorType) return wrap(t);
    } else if (PyLong_Check(first) || n > 1) {
      std::vector<int64_t> sizes;
      for (Py_ssize_t i = 0; i < n; ++i) {
        int64_t v;
        PyObject* o = PyTuple_GET_ITEM(args, i);
        check(as_int(o, v), ErrorKind::Type, "Tensor(): expected int sizes or one ",
              "sequence of data, got ", type_of(o));
        sizes.push_back(v);
      }
      t = empty(sizes, default_dtype(), where);
    } else {
      check(!PyUnicode_Check(first), ErrorKind::Type, "new(): invalid data type 'str'");
      check(!PyFloat_Check(first), ErrorKind::Type,
            "new(): data must be a sequence (got float)");
      t = tensor_from(first, default_dtype(), where);
    }
    return wrap_as(type, t);
  });
}

}  // namespace fl::py
