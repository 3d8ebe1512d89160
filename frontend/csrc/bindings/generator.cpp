// `flambeau.Generator`: the seed and the count of draws, from Python.
#include <cstring>
#include <random>

#include "bindings/data.h"
#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/types.h"

namespace fl::py {

PyTypeObject* GeneratorType = nullptr;

namespace {

Generator& value_of(PyObject* self) {
  return *reinterpret_cast<PyGenerator*>(self)->value;
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"device", nullptr};
  PyObject* device = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Generator",
                                   const_cast<char**>(names), &device)) {
    return nullptr;
  }
  return guard([&] {
    Handle self = own(type->tp_alloc(type, 0));
    auto* g = new Generator;
    g->refs = 1;
    reinterpret_cast<PyGenerator*>(self.get())->value = g;
    if (device && device != Py_None) {
      DeviceRuntime& where = runtime(device_of(device, "Generator"));
      check(!where.is_meta(), "Generator: a device without data draws no numbers");
      g->device = shown_device(where);
    }
    return self.release();
  });
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Generator* g = reinterpret_cast<PyGenerator*>(self)->value;
  if (g && --g->refs == 0) Generator::destroy(g);
  type->tp_free(self);
  Py_DECREF(type);
}

// Any int of 64 bits; negative ones wrap, as in PyTorch.
uint64_t seed_of(PyObject* o) {
  Handle i = own(PyNumber_Index(o));
  int overflow = 0;
  const int64_t s = PyLong_AsLongLongAndOverflow(i.get(), &overflow);
  if (!overflow) return static_cast<uint64_t>(s);
  const uint64_t u = PyLong_AsUnsignedLongLong(i.get());
  if (u == static_cast<uint64_t>(-1) && PyErr_Occurred()) {
    PyErr_Clear();
    fail(ErrorKind::Value, "manual_seed: expected a seed that fits into 64 bits");
  }
  return u;
}

PyObject* manual_seed(PyObject* self, PyObject* seed) {
  return guard([&] {
    value_of(self).manual_seed(seed_of(seed));
    return Py_NewRef(self);
  });
}
PyObject* initial_seed(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(value_of(self).seed);
}
PyObject* seed(PyObject* self, PyObject*) {
  return guard([&] {
    std::random_device entropy;
    const uint64_t s = (uint64_t{entropy()} << 21) ^ entropy();
    value_of(self).manual_seed(s & ((uint64_t{1} << 53) - 1));
    return PyLong_FromUnsignedLongLong(value_of(self).seed);
  });
}

// The state is a tensor of 16 bytes: seed, then count of draws.
PyObject* get_state(PyObject* self, PyObject*) {
  return guard([&] {
    const int64_t n[] = {16};
    Tensor t = empty(IntList(n, 1), Dtype::UInt8, host_runtime());
    std::memcpy(t.data(), &value_of(self).seed, 8);
    std::memcpy(t.data<char>() + 8, &value_of(self).offset, 8);
    return wrap(t);
  });
}
PyObject* set_state(PyObject* self, PyObject* state) {
  return guard([&] {
    Tensor t = unwrap_checked(state, "set_state");
    check(t.dtype() == Dtype::UInt8 && t.numel() == 16 && t.contiguous(),
          ErrorKind::Type, "set_state: expected the 16 bytes that get_state gave, got ",
          describe(t));
    t = on_host(t);  // a checkpoint may have moved it
    std::memcpy(&value_of(self).seed, t.data(), 8);
    std::memcpy(&value_of(self).offset, t.data<char>() + 8, 8);
    return Py_NewRef(self);
  });
}
PyObject* clone_state(PyObject* self, PyObject*) {
  return guard([&] {
    Handle copy = own(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(GeneratorType)));
    Generator& to = value_of(copy.get());
    const uint32_t refs = to.refs;
    to = value_of(self);
    to.refs = refs;
    return copy.release();
  });
}
PyObject* get_offset(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(value_of(self).offset);
}
PyObject* set_offset(PyObject* self, PyObject* offset) {
  return guard([&] {
    value_of(self).offset = seed_of(offset);
    return none();
  });
}
PyObject* get_device(PyObject* self, void*) {
  return guard([&] { return wrap(value_of(self).device); });
}

// Pickled and copied as its device, its seed and its count of draws.
PyObject* reduce(PyObject* self, PyObject*) {
  return guard([&] {
    const Generator& g = value_of(self);
    Handle device = own(wrap(g.device));
    return need(Py_BuildValue("O(O)(KK)", GeneratorType, device.get(),
                              static_cast<unsigned long long>(g.seed),
                              static_cast<unsigned long long>(g.offset)));
  });
}
PyObject* setstate(PyObject* self, PyObject* state) {
  return guard([&] {
    unsigned long long seed = 0, offset = 0;
    need(PyArg_ParseTuple(state, "KK", &seed, &offset) ? 0 : -1);
    value_of(self).seed = seed;
    value_of(self).offset = offset;
    return none();
  });
}

PyMethodDef methods[] = {
    {"manual_seed", manual_seed, METH_O, "Starts again from this seed (64 bits)."},
    {"initial_seed", initial_seed, METH_NOARGS, "The seed that it started from."},
    {"seed", seed, METH_NOARGS, "Starts from a seed of the system; returns it."},
    {"get_state", get_state, METH_NOARGS, "The state, as a uint8 tensor of 16."},
    {"set_state", set_state, METH_O, "Goes back to a state that get_state gave."},
    {"graphsafe_get_state", clone_state, METH_NOARGS, nullptr},
    {"clone_state", clone_state, METH_NOARGS, "A generator in the same state."},
    {"get_offset", get_offset, METH_NOARGS, "How many draws were made."},
    {"set_offset", set_offset, METH_O, "Sets how many draws were made."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__setstate__", setstate, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {{"device", get_device, nullptr, "Its device.", nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

void init_generator(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(make)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                         {Py_tp_methods, methods},
                         {Py_tp_getset, getset},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau.Generator", sizeof(PyGenerator), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  GeneratorType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  add_object(module, "Generator",
             Py_NewRef(reinterpret_cast<PyObject*>(GeneratorType)));
  PyObject* o = need(GeneratorType->tp_alloc(GeneratorType, 0));
  Generator& g = default_generator();
  ++g.refs;
  reinterpret_cast<PyGenerator*>(o)->value = &g;
  add_object(module, "default_generator", o);
}

}  // namespace fl::py
