// NumPy's arrays by its C table, declared here so that no NumPy is needed to build.
#include "bindings/ndarray.h"

#include "bindings/parse.h"
#include "flambeau/iter.h"

namespace fl::py {

namespace {

// The public heads of NumPy's structs, the same in its versions 1 and 2.
struct Descr {
  PyObject_HEAD PyObject* type;
  char kind, letter, byteorder, flags;
  int type_num;
};
struct Array {
  PyObject_HEAD char* data;
  int nd;
  Py_ssize_t* dims;
  Py_ssize_t* strides;
  PyObject* base;
  Descr* descr;
  int flags;
};
constexpr int kAligned = 0x0100, kWriteable = 0x0400;
// Slots of the table.
constexpr int kArrayType = 2, kNew = 93, kSetBase = 282;
using New = PyObject* (*)(PyTypeObject*, int, const Py_ssize_t*, int, const Py_ssize_t*,
                          void*, int, int, PyObject*);
using SetBase = int (*)(PyObject*, PyObject*);

// NumPy's type numbers; long and long long are both 64 bits wide here.
constexpr int kTypeNum[kDtypeCount] = {0, 2, 1, 3, 5, 7, 23, -1, 11, 12, 14, 15};

bool dtype_of_num(int num, Dtype& out) {
  static_assert(sizeof(long) == 8);
  if (num == 9) num = 7;
  for (int i = 0; i < kDtypeCount; ++i) {
    if (kTypeNum[i] == num && num >= 0) {
      out = static_cast<Dtype>(i);
      return true;
    }
  }
  return false;
}

void** load_table() {
  for (const char* name :
       {"numpy._core._multiarray_umath", "numpy.core._multiarray_umath"}) {
    Handle module = Handle::steal(PyImport_ImportModule(name));
    if (!module) {
      PyErr_Clear();
      continue;
    }
    Handle capsule = Handle::steal(PyObject_GetAttrString(module.get(), "_ARRAY_API"));
    if (capsule && PyCapsule_CheckExact(capsule.get())) {
      return static_cast<void**>(PyCapsule_GetPointer(capsule.get(), nullptr));
    }
    PyErr_Clear();
  }
  return nullptr;
}

void** table() {
  static void** const t = load_table();
  return t;
}

}  // namespace

bool view_array(PyObject* o, ArrayView& out) {
  if (!is_numpy(o)) return false;  // else looking for the table would import NumPy
  void** t = table();
  if (!t || Py_TYPE(o) != static_cast<PyTypeObject*>(t[kArrayType])) return false;
  const auto* a = reinterpret_cast<const Array*>(o);
  if (!(a->flags & kWriteable) || a->descr->byteorder == '>') return false;
  if (!dtype_of_num(a->descr->type_num, out.dtype)) return false;
  out.data = a->data;
  out.ndim = a->nd;
  out.sizes = a->dims;
  out.strides = a->strides;
  return true;
}

PyObject* make_array(const Tensor& t, PyObject* base) {
  Handle keep = Handle::steal(base);
  void** functions = table();
  const int num = kTypeNum[static_cast<int>(t.dtype())];
  if (!functions || num < 0) return nullptr;
  Py_ssize_t strides[kMaxDims];
  for (int d = 0; d < t->ndim; ++d) strides[d] = t->strides[d] * item_size(t.dtype());
  auto* make = reinterpret_cast<New>(functions[kNew]);
  auto* set_base = reinterpret_cast<SetBase>(functions[kSetBase]);
  Handle array = own(make(static_cast<PyTypeObject*>(functions[kArrayType]), t->ndim,
                          reinterpret_cast<const Py_ssize_t*>(t->sizes), num, strides,
                          t.data(), 0, kAligned | kWriteable, nullptr));
  need(set_base(array.get(), keep.release()));
  return array.release();
}

}  // namespace fl::py
