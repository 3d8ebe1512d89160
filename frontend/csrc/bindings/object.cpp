// Life and death of tensor objects; see Note [Identity of tensors].
#include "bindings/object.h"

#include <cstddef>

namespace fl::py {

PyTypeObject* TensorType = nullptr;

namespace {

// Objects of exactly `Tensor` come from and go to a list of their own: no allocation,
// and no garbage collection set off by counting them.
constexpr int kMaxSpare = 1024;
PyTensor* spare[kMaxSpare];
int n_spare = 0;

PyTensor* new_exact() {
  PyTensor* o;
  if (n_spare > 0) [[likely]] {
    o = spare[--n_spare];
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(o), 1);
    Py_INCREF(TensorType);
  } else {
    o = PyObject_GC_New(PyTensor, TensorType);
    if (!o) throw_python();
    o->dict = nullptr;
    o->weakrefs = nullptr;
  }
  return o;
}

void track(PyObject* self) {
  if (!PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  auto* o = reinterpret_cast<PyTensor*>(self);
  Py_VISIT(o->dict);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(reinterpret_cast<PyTensor*>(self)->dict);
  return 0;
}

// The impl outlives its object: keep the object when it carries state.
bool keep_alive(PyTensor* o) {
  TensorImpl* t = o->impl;
  if (!t || t->refs <= 1) return false;
  const bool plain = Py_TYPE(o) == TensorType && (!o->dict || !PyDict_Size(o->dict));
  if (plain && !o->weakrefs) return false;
  if (t->py != reinterpret_cast<PyObject*>(o)) return false;
  Py_SET_REFCNT(reinterpret_cast<PyObject*>(o), 1);  // the impl's
  t->flags |= kOwnsPython;
  --t->refs;  // borrowed from now on
  return true;
}

void drop_impl(PyTensor* o) {
  TensorImpl* t = std::exchange(o->impl, nullptr);
  if (!t) return;
  if (t->py == reinterpret_cast<PyObject*>(o)) t->py = nullptr;
  if (--t->refs == 0) TensorImpl::destroy(t);
}

void dealloc(PyObject* self) {
  auto* o = reinterpret_cast<PyTensor*>(self);
  PyTypeObject* type = Py_TYPE(self);
  if (keep_alive(o)) return;
  if (type != TensorType && type->tp_finalize) {
    track(self);
    if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
  }
  PyObject_GC_UnTrack(self);
  if (o->weakrefs) PyObject_ClearWeakRefs(self);
  if (o->dict) Py_CLEAR(o->dict);
  drop_impl(o);
  if (type == TensorType && n_spare < kMaxSpare) [[likely]] {
    o->weakrefs = nullptr;
    spare[n_spare++] = o;
  } else {
    type->tp_free(self);
  }
  Py_DECREF(type);
}

// Subclasses made in Python get our own dealloc, which can keep an object alive; those
// with __slots__ keep Python's, which clears the slots.
PyObject* init_subclass(PyObject* cls, PyObject*, PyObject*) {
  auto* type = reinterpret_cast<PyTypeObject*>(cls);
  if (PyType_Check(cls) && type != TensorType && Py_SIZE(cls) == 0 && type->tp_base &&
      (type->tp_base->tp_dealloc == dealloc)) {
    type->tp_dealloc = dealloc;
  }
  Py_RETURN_NONE;
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  const int status = PyObject_GenericSetAttr(self, name, value);
  if (reinterpret_cast<PyTensor*>(self)->dict) track(self);
  return status;
}

PyObject* get_dict(PyObject* self, void*) {
  PyObject* d = PyObject_GenericGetDict(self, nullptr);
  if (d) track(self);
  return d;
}

int set_dict(PyObject* self, PyObject* value, void*) {
  const int status = PyObject_GenericSetDict(self, value, nullptr);
  if (status == 0) track(self);
  return status;
}

PyMethodDef own_methods[] = {{"__init_subclass__", as_function(init_subclass),
                              METH_VARARGS | METH_KEYWORDS | METH_CLASS, nullptr},
                             {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyGetSetDef dict_getset[] = {{"__dict__", get_dict, set_dict, nullptr, nullptr},
                             {nullptr, nullptr, nullptr, nullptr, nullptr}};

const char* name_of(const PyMethodDef& d) { return d.ml_name; }
const char* name_of(const PyGetSetDef& d) { return d.name; }

template <class Def, class Make>
void add_descriptors(Def* defs, Make make) {
  for (Def* d = defs; name_of(*d); ++d) {
    Handle descr = own(make(TensorType, d));
    need(PyDict_SetItemString(TensorType->tp_dict, name_of(*d), descr.get()));
  }
}

int tensor_init(PyObject*, PyObject*, PyObject*) { return 0; }

Py_hash_t hash_identity(PyObject* o) { return _Py_HashPointer(o); }

}  // namespace

PyObject* wrap(Tensor t) {
  TensorImpl* impl = t.release();
  if (!impl) [[unlikely]] {
    return none();
  }
  if (PyObject* o = impl->py) {
    if (impl->flags & kOwnsPython) [[unlikely]] {
      impl->flags &= static_cast<uint16_t>(~kOwnsPython);
      return o;  // our count of the impl becomes the object's, its reference ours
    }
    --impl->refs;  // the object holds another
    return Py_NewRef(o);
  }
  PyTensor* o = new_exact();
  o->impl = impl;
  impl->py = reinterpret_cast<PyObject*>(o);
  return impl->py;
}

PyObject* wrap_as(PyTypeObject* type, Tensor t) {
  if (type == TensorType) return wrap(std::move(t));
  check(!t->py, "a tensor has a Python object of another type already");
  PyObject* self = need(type->tp_alloc(type, 0));
  auto* o = reinterpret_cast<PyTensor*>(self);
  o->impl = t.release();
  o->impl->py = self;
  return self;
}

PyObject* wrap_tuple(TensorList l) {
  Handle out = own(PyTuple_New(static_cast<Py_ssize_t>(l.size())));
  for (size_t i = 0; i < l.size(); ++i) {
    PyTuple_SET_ITEM(out.get(), static_cast<Py_ssize_t>(i), wrap(l[i]));
  }
  return out.release();
}

PyObject* wrap_list(TensorList l) {
  Handle out = own(PyList_New(static_cast<Py_ssize_t>(l.size())));
  for (size_t i = 0; i < l.size(); ++i) {
    PyList_SET_ITEM(out.get(), static_cast<Py_ssize_t>(i), wrap(l[i]));
  }
  return out.release();
}

Tensor unwrap_checked(PyObject* o, const char* what) {
  if (!is_tensor(o)) {
    fail(ErrorKind::Type, what, ": expected a Tensor, got ", type_of(o));
  }
  return unwrap(o);
}

void init_tensor_type(PyObject* module) {
  std::vector<PyType_Slot> slots = number_slots();
  auto add = [&](int slot, auto* f) {
    slots.push_back({slot, reinterpret_cast<void*>(f)});
  };
  add(Py_tp_dealloc, dealloc);
  add(Py_tp_traverse, traverse);
  add(Py_tp_clear, clear);
  add(Py_tp_setattro, set_attribute);
  add(Py_tp_getattro, PyObject_GenericGetAttr);
  add(Py_tp_new, tensor_new);
  add(Py_tp_init, tensor_init);
  add(Py_tp_members, members);
  add(Py_tp_methods, own_methods);
  add(Py_tp_getset, dict_getset);
  add(Py_tp_hash, hash_identity);
  add(Py_tp_richcompare, tensor_richcompare);
  add(Py_tp_iter, tensor_iter);
  add(Py_mp_subscript, tensor_getitem);
  add(Py_mp_ass_subscript, tensor_setitem);
  add(Py_mp_length, tensor_length);
  add(Py_sq_item, tensor_sequence_item);
  add(Py_sq_contains, tensor_contains);
  add(Py_bf_getbuffer, tensor_getbuffer);
  add(Py_bf_releasebuffer, tensor_releasebuffer);
  add(Py_tp_free, PyObject_GC_Del);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"flambeau.Tensor", sizeof(PyTensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                      slots.data()};
  TensorType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  add_descriptors(tensor_getset, [](PyTypeObject* t, PyGetSetDef* d) {
    return PyDescr_NewGetSet(t, d);
  });
  add_descriptors(tensor_methods, [](PyTypeObject* t, PyMethodDef* d) -> PyObject* {
    if (d->ml_flags & METH_CLASS) return PyDescr_NewClassMethod(t, d);
    if (d->ml_flags & METH_STATIC) {
      PyMethodDef* plain = new PyMethodDef(*d);  // lives as long as the type
      plain->ml_flags &= ~METH_STATIC;
      Handle f = own(PyCFunction_New(plain, nullptr));
      return PyStaticMethod_New(f.get());
    }
    return PyDescr_NewMethod(t, d);
  });
  PyType_Modified(TensorType);
  release_python = [](PyObject* o) {
    reinterpret_cast<PyTensor*>(o)->impl = nullptr;
    Py_DECREF(o);
  };
  add_object(module, "Tensor", Py_NewRef(reinterpret_cast<PyObject*>(TensorType)));
}

}  // namespace fl::py
