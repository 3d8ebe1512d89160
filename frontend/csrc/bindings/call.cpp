// One call from Python: parse, run, wrap.
#include "bindings/call.h"

#include "autograd/node.h"
#include "flambeau/iter.h"

namespace fl::py {

namespace {

// out=: a tensor, or a tuple of one per output.
std::vector<Tensor> outputs_of(PyObject* out, const Op& op) {
  if (is_tensor(out)) return {unwrap(out)};
  check(PyTuple_Check(out) || PyList_Check(out), ErrorKind::Type, op.name(),
        "(): argument 'out' must be Tensor or tuple of Tensors, not ", type_of(out));
  std::vector<Tensor> list;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(out); ++i) {
    list.push_back(unwrap_checked(PySequence_Fast_GET_ITEM(out, i), "out"));
  }
  return list;
}

PyObject* run_out(const Op& op, Frame& f, PyObject* out) {
  std::vector<Tensor> given = outputs_of(out, op);
  for (const Tensor& t : given) {
    check(t.contiguous() || !self_overlaps(t->ndim, t->sizes, t->strides), op.name(),
          "(): unsupported operation: more than one element of the written-to tensor ",
          "refers to a single memory location. Please clone() the tensor before ",
          "performing the operation.");
  }
  call_out(op, f, given);
  return wrap_result(f);
}

void apply_extras(const Extras& e, Frame& f) {
  if (e.memory_format) {
    MemoryFormat format;
    if (as_memory_format(e.memory_format, format)) f.out = in_format(f.out, format);
  }
  if (e.requires_grad) set_requires_grad(f.out, true);
}

PyObject* run(const Callable& c, const Overload& o, const Value* values,
              const Extras& extras) {
  Frame f;
  f.op = o.op;
  f.args = values;
  if (c.inplace) {
    call_inplace(*o.op, f);
    return wrap(std::move(f.out));
  }
  if (extras.out) [[unlikely]] {
    return run_out(*o.op, f, extras.out);
  }
  call(*o.op, f);
  if (extras.memory_format || extras.requires_grad) [[unlikely]] {
    apply_extras(extras, f);
  }
  return wrap_result(f);
}

PyObject* dispatch(const Callable& c, PyObject* const* args, Py_ssize_t n,
                   PyObject* kwnames) {
  // Raw memory: parse() writes every value of the overload that fits.
  alignas(Value) unsigned char raw[kMaxArgs * sizeof(Value)];
  auto* values = reinterpret_cast<Value*>(raw);
  if (c.method) {
    check(n > 0 && is_tensor(args[0]), ErrorKind::Type, c.name,
          "(): expected a Tensor as its object");
  }
  for (const Overload* o : c.overloads) {
    Arena arena;
    Extras extras;
    Mismatch why;
    if (parse(*o, args, n, kwnames, c.method, values, arena, extras, why)) {
      check(!c.inplace || values[0].is_tensor(), ErrorKind::Type, c.name,
            "(): argument 'input' (position 1) must be Tensor, not a number");
      return run(c, *o, values, extras);
    }
  }
  raise_mismatch(c.name, c.overloads, args, n, kwnames, c.method);
}

}  // namespace

PyObject* invoke(const Callable& c, PyObject* const* args, Py_ssize_t n,
                 PyObject* kwnames) {
  return guard([&] { return dispatch(c, args, n, kwnames); });
}

}  // namespace fl::py
