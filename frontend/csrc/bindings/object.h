// `_C.Tensor`: the Python object of a TensorImpl.
//
// Note [Identity of tensors]
// A Python object owns a count of its impl; the impl knows its object without owning
// it, so `wrap` gives the same object back while it lives.  When the last Python
// reference goes while C++ still holds the impl, and the object has state (a dict, a
// subclass), the ownership is turned round: the impl keeps the object (kOwnsPython),
// and the object borrows the impl.  The next `wrap` turns it back.
#pragma once

#include "bindings/python.h"

namespace fl::py {

struct PyTensor {
  PyObject_HEAD TensorImpl* impl;
  PyObject* dict;
  PyObject* weakrefs;
};

extern PyTypeObject* TensorType;

inline bool is_exact_tensor(PyObject* o) { return Py_TYPE(o) == TensorType; }
inline bool is_tensor(PyObject* o) {
  return Py_TYPE(o) == TensorType || PyType_IsSubtype(Py_TYPE(o), TensorType);
}
inline TensorImpl* impl_of(PyObject* o) { return reinterpret_cast<PyTensor*>(o)->impl; }
// Only for objects known to be tensors.
inline Tensor unwrap(PyObject* o) { return Tensor(impl_of(o)); }
// TypeError naming `what` unless it is a tensor.
Tensor unwrap_checked(PyObject* o, const char* what);

// A new reference to the tensor's object; None when it is undefined.
PyObject* wrap(Tensor t);
// Makes the object of a subclass; the impl must have none yet.
PyObject* wrap_as(PyTypeObject* type, Tensor t);
PyObject* wrap_list(TensorList l);
PyObject* wrap_tuple(TensorList l);

void init_tensor_type(PyObject* module);
void add_tensor_attributes();  // getters of attributes.cpp
extern PyGetSetDef tensor_getset[];
extern PyMethodDef tensor_methods[];
// Slots of number.cpp and index.cpp.
PyObject* tensor_getitem(PyObject* self, PyObject* index);
int tensor_setitem(PyObject* self, PyObject* index, PyObject* value);
Py_ssize_t tensor_length(PyObject* self);
PyObject* tensor_sequence_item(PyObject* self, Py_ssize_t i);
int tensor_contains(PyObject* self, PyObject* value);
PyObject* tensor_richcompare(PyObject* a, PyObject* b, int op);
PyObject* tensor_iter(PyObject* self);
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs);
int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags);
void tensor_releasebuffer(PyObject* self, Py_buffer* view);
std::vector<PyType_Slot> number_slots();

}  // namespace fl::py
