// DLPack: tensors to and from other libraries without a copy.
#include <cstring>

#include "autograd/node.h"
#include "bindings/data.h"
#include "bindings/keywords.h"
#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/types.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

// The structs of DLPack's specification, versions 0 and 1.
struct DLDevice {
  int32_t device_type;
  int32_t device_id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};
struct DLPackVersion {
  uint32_t major, minor;
};
struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned*);
  uint64_t flags;
  DLTensor dl_tensor;
};
// Types of device that the specification has a number for; one that it has none for is
// an extension, of which a process can have one: the accelerator.
constexpr int kCpu = 1, kExtension = 12;
struct Known {
  int code;
  const char* type;
};
constexpr Known kKnown[] = {{2, "cuda"}, {14, "xpu"}, {17, "maia"}};
constexpr uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6;

DLDataType code_of(Dtype d) {
  const auto bits = static_cast<uint8_t>(item_size(d) * 8);
  const uint8_t code = d == Dtype::Bool       ? kBool
                       : d == Dtype::UInt8    ? kUInt
                       : d == Dtype::BFloat16 ? kBfloat
                       : is_complex(d)        ? kComplex
                       : is_floating(d)       ? kFloat
                                              : kInt;
  return {code, bits, 1};
}

Dtype dtype_from(DLDataType t) {
  check(t.lanes == 1, "from_dlpack: vectors of ", t.lanes, " lanes are not supported");
  for (int i = 0; i < kDtypeCount; ++i) {
    const auto d = static_cast<Dtype>(i);
    const DLDataType c = code_of(d);
    if (c.code == t.code && c.bits == t.bits) return d;
  }
  fail(ErrorKind::Runtime, "from_dlpack: no dtype for code ", int(t.code), " with ",
       int(t.bits), " bits");
}

// The number of each type by its id; 0 where there is none.
int code_of(int16_t type) {
  static const auto* codes = [] {
    auto* c = new std::vector<int>;
    for (const Known& k : kKnown) {
      const auto id = static_cast<size_t>(device_type_id(k.type));
      if (c->size() <= id) c->resize(id + 1);
      (*c)[id] = k.code;
    }
    return c;
  }();
  return static_cast<size_t>(type) < codes->size() ? (*codes)[type] : 0;
}

// The accelerator's type, -1 when there is none.
int16_t accelerator() {
  Handle find = import_name("flambeau._device_types", "accelerator_type");
  Handle type = own(PyObject_CallNoArgs(find.get()));
  return type.get() == Py_None ? int16_t{-1} : parse_device(text_of(type.get())).type;
}

DLDevice device_code(const Tensor& t) {
  DeviceRuntime& d = t.device();
  if (d.host_memory) return {kCpu, 0};
  int code = code_of(d.device.type);
  if (!code && d.device.type == accelerator()) code = kExtension;
  check(code, "__dlpack__: no code for device ", to_string(d.device));
  return {code, d.device.index};
}

DeviceRuntime& device_from(DLDevice d) {
  if (d.device_type == kCpu) return host_runtime();
  int16_t type = d.device_type == kExtension ? accelerator() : int16_t{-1};
  for (const Known& k : kKnown) {
    if (k.code == d.device_type) type = device_type_id(k.type);
  }
  check(type >= 0, "from_dlpack: device type ", d.device_type, " is not known");
  return runtime({type, static_cast<int16_t>(d.device_id)});
}

struct Exported {  // a tensor handed out, with its geometry as DLPack wants it
  Tensor tensor;
  std::vector<int64_t> geometry;
};

template <class Managed>
Managed* managed(const Tensor& t) {
  auto* e = new Exported{t, t.sizes().vec()};
  for (int64_t s : t.strides()) e->geometry.push_back(s);
  auto* m = new Managed{};
  m->dl_tensor = {t.data(),
                  device_code(t),
                  static_cast<int32_t>(t.dim()),
                  code_of(t.dtype()),
                  e->geometry.data(),
                  e->geometry.data() + t.dim(),
                  0};
  m->manager_ctx = e;
  m->deleter = [](Managed* self) {
    const PyGILState_STATE state = PyGILState_Ensure();
    delete static_cast<Exported*>(self->manager_ctx);
    PyGILState_Release(state);
    delete self;
  };
  return m;
}

template <class Managed>
PyObject* capsule(const Tensor& t, const char* name) {
  return need(PyCapsule_New(managed<Managed>(t), name, [](PyObject* c) {
    // Renamed by whoever took it; else it is still ours to free.
    const char* now = PyCapsule_GetName(c);
    if (strncmp(now, "dltensor", 8) != 0) return;
    auto* m = static_cast<Managed*>(PyCapsule_GetPointer(c, now));
    m->deleter(m);
  }));
}

template <class Managed>
Tensor adopt(PyObject* c, const char* name, const char* used) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(c, name));
  if (!m) throw_python();
  const DLTensor& d = m->dl_tensor;
  DeviceRuntime& device = device_from(d.device);
  const Dtype dtype = dtype_from(d.dtype);
  IntList sizes(d.shape, static_cast<size_t>(d.ndim));
  std::vector<int64_t> strides(static_cast<size_t>(d.ndim));
  if (d.strides) {
    std::copy_n(d.strides, d.ndim, strides.begin());
  } else {
    contiguous_strides(sizes, strides.data());
  }
  int64_t reach = 1;
  for (int i = 0; i < d.ndim; ++i) {
    if (sizes[i] == 0) reach = 0;
    check(strides[i] >= 0 || sizes[i] <= 1, ErrorKind::Value,
          "from_dlpack: negative strides are not supported");
    if (reach) reach += (sizes[i] - 1) * strides[i];
  }
  Ref<Storage> storage = Storage::wrap(
      device, static_cast<char*>(d.data) + d.byte_offset,
      static_cast<size_t>(reach * item_size(dtype)),
      [](void* context) {
        auto* owner = static_cast<Managed*>(context);
        if (owner->deleter) owner->deleter(owner);
      },
      m);
  storage->resizable = false;
  Tensor t = wrap_storage(std::move(storage), sizes, strides, 0, dtype);
  need(PyCapsule_SetName(c, used));
  return t;
}

}  // namespace

PyObject* dlpack_device(PyObject* self, PyObject*) {
  return guard([&] {
    const DLDevice d = device_code(unwrap(self));
    return need(Py_BuildValue("(ii)", d.device_type, d.device_id));
  });
}

PyObject* dlpack_export(PyObject* self, PyObject* const* args, Py_ssize_t n,
                        PyObject* kwnames) {
  return guard([&] {
    const auto [stream, max_version, dl_device, copy] =
        keywords<4>("__dlpack__", {"stream", "max_version", "dl_device", "copy"}, args,
                    n, kwnames, 0, 0);
    Tensor t = unwrap(self);
    check(!t.requires_grad(), ErrorKind::Value, "Can't export tensors that require ",
          "gradient, use tensor.detach()");
    check(!t.device().is_meta(), "__dlpack__: a meta tensor has no data");
    const bool copied = truth(copy, false);
    int type = 0, index = 0;
    if (given(dl_device)) {
      need(PyArg_ParseTuple(dl_device, "ii", &type, &index) ? 0 : -1);
      const DLDevice mine = device_code(t);
      const bool here = mine.device_type == type && mine.device_id == index;
      if (!here && (type != kCpu || (given(copy) && !copied))) {
        PyErr_Format(PyExc_BufferError,
                     "__dlpack__: cannot export %s to device (%d, %d)%s",
                     std::string(describe(t)).c_str(), type, index,
                     given(copy) ? " with copy=False" : "");
        throw_python();
      }
      if (!here) t = on_host(t);
    }
    if (copied) t = ops::clone(t);
    if (t.device().asynchronous) t.device().synchronize();
    if (given(max_version) && PyTuple_Check(max_version) &&
        PyLong_AsLong(PyTuple_GET_ITEM(max_version, 0)) >= 1) {
      auto* made = capsule<DLManagedTensorVersioned>(t, "dltensor_versioned");
      auto* m = static_cast<DLManagedTensorVersioned*>(
          PyCapsule_GetPointer(made, "dltensor_versioned"));
      m->version = {1, 0};
      return made;
    }
    return capsule<DLManagedTensor>(t, "dltensor");
  });
}

PyObject* from_dlpack(PyObject*, PyObject* const* args, Py_ssize_t n,
                      PyObject* kwnames) {
  return guard([&] {
    const auto [ext, device, copy] = keywords<3>(
        "from_dlpack", {"ext_tensor", "device", "copy"}, args, n, kwnames, 1, 1);
    Handle made;
    if (PyCapsule_CheckExact(ext)) {
      made = Handle::borrow(ext);
    } else {
      made = own(PyObject_CallMethod(ext, "__dlpack__", nullptr));
    }
    Tensor t = PyCapsule_IsValid(made.get(), "dltensor_versioned")
                   ? adopt<DLManagedTensorVersioned>(made.get(), "dltensor_versioned",
                                                     "used_dltensor_versioned")
                   : adopt<DLManagedTensor>(made.get(), "dltensor", "used_dltensor");
    if (truth(copy, false)) t = ops::clone(t);
    if (given(device)) t = to_device(t, runtime(device_of(device, "from_dlpack")));
    return wrap(t);
  });
}

}  // namespace fl::py
