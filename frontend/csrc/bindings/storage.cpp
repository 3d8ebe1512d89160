// Storages from Python: bytes of a tensor, resizing, Tensor.set_ and resize_.
#include "bindings/storage.h"

#include "autograd/node.h"
#include "bindings/keywords.h"
#include "bindings/object.h"
#include "bindings/parse.h"

namespace fl::py {

namespace {

Tensor bytes_of(const Tensor& t) {
  Storage* s = t->storage;
  const int64_t sizes[] = {static_cast<int64_t>(s->nbytes)}, strides[] = {1};
  return wrap_storage(Ref<Storage>(s), IntList(sizes, 1), IntList(strides, 1), 0,
                      Dtype::UInt8);
}

PyObject* storage_bytes(PyObject*, PyObject* o) {
  return guard([&] { return wrap(bytes_of(unwrap_checked(o, "untyped_storage"))); });
}
PyObject* storage_resizable(PyObject*, PyObject* o) {
  return guard(
      [&] { return boolean(unwrap_checked(o, "resizable")->storage->resizable); });
}
PyObject* storage_resize(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    check(n == 2, ErrorKind::Type, "resize_: expected a size in bytes");
    int64_t bytes;
    check(as_int(args[1], bytes) && bytes >= 0, ErrorKind::Type,
          "resize_: expected a size in bytes, got ", type_of(args[1]));
    Storage* s = unwrap_checked(args[0], "resize_")->storage;
    check(s->resizable, "Trying to resize storage that is not resizable");
    s->resize(static_cast<size_t>(bytes));
    return none();
  });
}
PyObject* same_storage(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    check(n == 2, ErrorKind::Type, "_same_storage: expected two tensors");
    return boolean(unwrap_checked(args[0], "_same_storage")->storage ==
                   unwrap_checked(args[1], "_same_storage")->storage);
  });
}

int64_t reach(IntList sizes, IntList strides) {
  int64_t last = 1;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 0) return 0;
    last += (sizes[d] - 1) * strides[d];
  }
  return last;
}

// Grows the storage where the geometry needs more than it has.
void fit(const Tensor& t, IntList sizes, IntList strides, int64_t offset) {
  const int64_t elements = reach(sizes, strides);
  const auto bytes =
      static_cast<size_t>((elements ? elements + offset : 0) * item_size(t.dtype()));
  Storage* s = t->storage;
  if (bytes <= s->nbytes) return;
  check(s->resizable, "Trying to resize storage that is not resizable");
  s->resize(bytes);
}

}  // namespace

void set_storage(const Tensor& t, const Tensor& source, IntList sizes, IntList strides,
                 int64_t offset) {
  check(offset >= 0, "Tensor: invalid storage offset ", offset);
  check(source.dtype() == t.dtype() || source.dtype() == Dtype::UInt8,
        "Could not set tensor of type ", short_name(source.dtype()),
        " to a tensor of type ", short_name(t.dtype()));
  TensorImpl* a = t.get();
  Storage* s = source->storage;
  ++s->refs;
  if (a->storage && --a->storage->refs == 0) Storage::destroy(a->storage);
  a->storage = s;
  a->device = s->device;
  fit(t, sizes, strides, offset);
  a->offset = offset;
  a->set_geometry(sizes, strides);
  bump_version(t);
}

PyObject* tensor_set(PyObject* self, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames) {
  return guard([&] {
    const auto [source, offset, size, stride] = keywords<4>(
        "set_", {"source", "storage_offset", "size", "stride"}, args, n, kwnames);
    const Tensor t = unwrap(self);
    if (!given(source)) {
      const int64_t zero[] = {0}, one[] = {1};
      Tensor nothing = empty(IntList(zero, 1), t.dtype(), t.device());
      set_storage(t, nothing, IntList(zero, 1), IntList(one, 1), 0);
      return Py_NewRef(self);
    }
    PyObject* from = source;
    Handle bytes;
    const bool is_storage = !is_tensor(source);
    if (is_storage) {  // a storage of storage.py
      PyObject* inner = PyObject_HasAttrString(source, "_untyped_storage")
                            ? PyObject_GetAttrString(source, "_untyped_storage")
                            : Py_NewRef(source);
      Handle storage = own(inner);
      bytes = own(PyObject_GetAttrString(storage.get(), "_bytes"));
      from = bytes.get();
    }
    const Tensor s = unwrap_checked(from, "set_");
    int64_t at = 0;
    if (given(offset)) {
      check(as_int(offset, at), ErrorKind::Type, "set_: storage_offset must be an int");
    } else if (!is_storage) {
      at = s.offset();
    }
    std::vector<int64_t> sizes =
        is_storage ? std::vector<int64_t>{s.numel() / item_size(t.dtype())}
                   : s.sizes().vec();
    std::vector<int64_t> strides =
        is_storage ? std::vector<int64_t>{1} : s.strides().vec();
    if (given(size)) {
      sizes = ints_of(size, "set_");
      strides.resize(sizes.size());
      contiguous_strides(sizes, strides.data());
    }
    if (given(stride)) strides = ints_of(stride, "set_");
    check(sizes.size() == strides.size(), "set_: expected as many strides as sizes");
    set_storage(t, s, sizes, strides, at);
    return Py_NewRef(self);
  });
}

PyObject* tensor_resize(PyObject* self, PyObject* const* args, Py_ssize_t n,
                        PyObject* kwnames) {
  return guard([&] {
    const Tensor t = unwrap(self);
    check(!t.requires_grad(), "cannot resize variables that require grad");
    std::vector<int64_t> sizes;
    if (n == 1 && (PyTuple_Check(args[0]) || PyList_Check(args[0]))) {
      sizes = ints_of(args[0], "resize_");
    } else {
      for (Py_ssize_t i = 0; i < n; ++i) {
        int64_t v;
        check(as_int(args[i], v), ErrorKind::Type, "resize_: expected ints, got ",
              type_of(args[i]));
        sizes.push_back(v);
      }
    }
    for (int64_t v : sizes) {
      check(v >= 0, "resize_: expected sizes that are not negative, got ",
            to_string(sizes));
    }
    (void)kwnames;
    if (t.sizes().equals(sizes)) return Py_NewRef(self);
    std::vector<int64_t> strides(sizes.size());
    contiguous_strides(sizes, strides.data());
    fit(t, sizes, strides, t.offset());
    t->set_geometry(sizes, strides);
    return Py_NewRef(self);
  });
}

PyMethodDef storage_functions[] = {
    {"_storage_bytes", storage_bytes, METH_O, nullptr},
    {"_storage_resizable", storage_resizable, METH_O, nullptr},
    {"_storage_resize", as_function(storage_resize), METH_FASTCALL, nullptr},
    {"_same_storage", as_function(same_storage), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace fl::py
