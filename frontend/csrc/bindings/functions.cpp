// The Python types of ops, and their registration as functions and methods.
#include <cstddef>
#include <map>

#include "bindings/call.h"

namespace fl::py {

namespace {

PyTypeObject* FunctionType = nullptr;
PyTypeObject* MethodType = nullptr;

const Callable& callable_of(PyObject* self) {
  return *reinterpret_cast<PyOp*>(self)->callable;
}

PyObject* vectorcall(PyObject* self, PyObject* const* args, size_t nargsf,
                     PyObject* kwnames) {
  return invoke(callable_of(self), args, PyVectorcall_NARGS(nargsf), kwnames);
}

PyObject* bind(PyObject* self, PyObject* object, PyObject*) {
  if (!object || object == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, object);
}

const char* module_of(const Callable& c) {
  if (c.method) return "flambeau.Tensor";
  if (c.space == "nn") return "flambeau.nn.functional";
  if (c.space == "linalg") return "flambeau.linalg";
  if (c.space == "fft") return "flambeau.fft";
  if (c.space == "special") return "flambeau.special";
  return "flambeau";
}

PyObject* repr(PyObject* self) {
  const Callable& c = callable_of(self);
  return PyUnicode_FromFormat("<%s '%s' of '%s' objects>",
                              c.method ? "method" : "built-in function", c.name.c_str(),
                              module_of(c));
}
PyObject* get_name(PyObject* self, void*) { return string(callable_of(self).name); }
PyObject* get_qualname(PyObject* self, void*) {
  const Callable& c = callable_of(self);
  return string(c.method ? "Tensor." + c.name : c.name);
}
PyObject* get_module(PyObject* self, void*) {
  const Callable& c = callable_of(self);
  return PyUnicode_FromString(c.method ? "flambeau" : module_of(c));
}
PyObject* get_doc(PyObject* self, void*) {
  const Callable& c = callable_of(self);
  std::string text;
  for (const Overload* o : c.overloads) text += o->op->schema.text + "\n";
  text += "\n";
  text += c.overloads[0]->op->doc ? c.overloads[0]->op->doc : "";
  return string(text);
}
PyObject* get_schemas(PyObject* self, void*) {
  return guard([&] {
    const Callable& c = callable_of(self);
    Handle out = own(PyTuple_New(static_cast<Py_ssize_t>(c.overloads.size())));
    for (size_t i = 0; i < c.overloads.size(); ++i) {
      PyTuple_SET_ITEM(out.get(), static_cast<Py_ssize_t>(i),
                       need(string(c.overloads[i]->op->schema.text)));
    }
    return out.release();
  });
}
PyObject* get_has_out(PyObject* self, void*) {
  const Callable& c = callable_of(self);
  bool any = false;
  for (const Overload* o : c.overloads) any = any || o->op->has_out;
  return boolean(any && !c.inplace && !c.method);
}
PyObject* get_signature(PyObject* self, void*) {
  return guard([&] {
    Handle make = import_name("flambeau._signatures", "signature_of");
    return need(PyObject_CallOneArg(make.get(), self));
  });
}
PyObject* reduce(PyObject* self, PyObject*) { return get_qualname(self, nullptr); }

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {"__qualname__", get_qualname, nullptr, nullptr, nullptr},
    {"__module__", get_module, nullptr, nullptr, nullptr},
    {"__doc__", get_doc, nullptr, nullptr, nullptr},
    {"__signature__", get_signature, nullptr, nullptr, nullptr},
    {"_has_out", get_has_out, nullptr, "Whether it takes out=.", nullptr},
    {"_schemas", get_schemas, nullptr, "The schemas that it accepts.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOp, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyTypeObject* make_type(const char* name, bool method) {
  std::vector<PyType_Slot> slots = {
      {Py_tp_repr, reinterpret_cast<void*>(repr)},
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_methods, methods},
      {Py_tp_getset, getset},
      {Py_tp_members, members}};
  if (method) slots.push_back({Py_tp_descr_get, reinterpret_cast<void*>(bind)});
  slots.push_back({0, nullptr});
  unsigned long flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION;
  if (method) flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  PyType_Spec spec = {name, sizeof(PyOp), 0, static_cast<unsigned>(flags),
                      slots.data()};
  return reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
}

// Ops are never unregistered, so what describes them lives for ever.
Handle make_callable(const Overloads& of, const std::string& name, bool method,
                     bool inplace, bool (*wanted)(const Op&)) {
  auto c = std::make_unique<Callable>();
  for (const Op* op : of.ops) {
    if (wanted(*op)) c->overloads.push_back(new Overload(*op));
  }
  if (c->overloads.empty()) return Handle();
  c->space = of.space;
  c->name = name;
  c->method = method;
  c->inplace = inplace;
  PyTypeObject* type = method ? MethodType : FunctionType;
  Handle self = own(type->tp_alloc(type, 0));
  reinterpret_cast<PyOp*>(self.get())->vectorcall = vectorcall;
  reinterpret_cast<PyOp*>(self.get())->callable = c.release();
  return self;
}

void set_if_new(PyObject* dict, const std::string& name, const Handle& value) {
  if (!value) return;
  Handle key = own(PyUnicode_InternFromString(name.c_str()));
  if (!PyDict_Contains(dict, key.get())) {
    need(PyDict_SetItem(dict, key.get(), value.get()));
  }
}

void add_name(const Overloads& of, PyObject* functions) {
  PyObject* type_dict = TensorType->tp_dict;
  set_if_new(functions, of.name,
             make_callable(of, of.name, false, false,
                           [](const Op& op) { return op.has_function; }));
  set_if_new(functions, of.name + "_",
             make_callable(of, of.name + "_", false, true, [](const Op& op) {
               return op.has_inplace && op.has_function;
             }));
  if (!of.space.empty()) return;
  set_if_new(type_dict, of.name,
             make_callable(of, of.name, true, false,
                           [](const Op& op) { return op.has_method; }));
  set_if_new(type_dict, of.name + "_",
             make_callable(of, of.name + "_", true, true,
                           [](const Op& op) { return op.has_inplace; }));
}

}  // namespace

void init_ops(PyObject* module) {
  FunctionType = make_type("flambeau._C._OpFunction", false);
  MethodType = make_type("flambeau._C._OpMethod", true);
  add_object(module, "_OpFunction", Py_NewRef((PyObject*)FunctionType));
  add_object(module, "_OpMethod", Py_NewRef((PyObject*)MethodType));
  const auto space = [&](const std::string& name) {
    Handle m = own(PyModule_New(("flambeau._C." + name).c_str()));
    PyObject* dict = PyModule_GetDict(m.get());
    add_object(module, name.c_str(), m.release());
    return dict;
  };
  std::map<std::string, PyObject*> spaces;
  for (const char* s : {"nn", "linalg", "fft", "special"}) {
    spaces[s] = space(std::string("_") + s);
  }
  spaces[""] = space("_ops");
  for (const Overloads* o : all_overloads()) {
    PyObject*& dict = spaces[o->space];
    if (!dict) dict = space("_" + o->space);
    add_name(*o, dict);
  }
  PyType_Modified(TensorType);
}

}  // namespace fl::py
