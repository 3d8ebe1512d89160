// From the outputs of a call to Python: tensors, tuples, named tuples, numbers.
#include <map>

#include "bindings/call.h"
#include "ops/ops.h"

namespace fl::py {

PyObject* wrap_value(const Value& v) {
  switch (v.tag) {
    case Tag::Bool:
      return boolean(v.i != 0);
    case Tag::Int:
      return PyLong_FromLongLong(v.i);
    case Tag::Float:
      return PyFloat_FromDouble(v.f);
    case Tag::Complex:
      return PyComplex_FromDoubles(v.f, v.im);
    case Tag::Dtype:
      return wrap(v.dtype);
    case Tag::Str:
      return string({v.str, v.n});
    case Tag::Ints:
      return wrap_ints(IntList(v.ints, v.n));
    default:
      return none();
  }
}

PyTypeObject* return_type(const Op& op) {
  static auto* types = new std::map<std::string, PyTypeObject*>;
  PyTypeObject*& type = (*types)[op.schema.space + "." + op.schema.name];
  if (type) return type;
  std::vector<PyStructSequence_Field> fields;
  for (const std::string& name : op.schema.returns) {
    fields.push_back({name.c_str(), nullptr});
  }
  fields.push_back({nullptr, nullptr});
  // Lives as long as the type, which keeps the pointer.
  auto* name = new std::string("flambeau.return_types." + op.schema.name);
  PyStructSequence_Desc desc = {name->c_str(), "Results by name.", fields.data(),
                                static_cast<int>(op.schema.returns.size())};
  type = PyStructSequence_NewType(&desc);
  need(reinterpret_cast<PyObject*>(type));
  return type;
}

PyObject* wrap_result(Frame& f) {
  if (f.n_out == 1 && !f.list) [[likely]] {
    return wrap(std::move(f.out));
  }
  if (f.n_out == 0 && !f.list) return need(wrap_value(f.value));
  const std::vector<std::string>& names = f.op->schema.returns;
  const bool named = !f.list && !names.empty() && !names[0].empty() &&
                     static_cast<int>(names.size()) == f.n_out;
  if (named) {
    Handle out = own(PyStructSequence_New(return_type(*f.op)));
    for (int i = 0; i < f.n_out; ++i) {
      PyStructSequence_SET_ITEM(out.get(), i, wrap(std::move(f.output(i))));
    }
    return out.release();
  }
  Handle out = own(PyTuple_New(f.n_out));
  for (int i = 0; i < f.n_out; ++i) {
    PyTuple_SET_ITEM(out.get(), i, wrap(std::move(f.output(i))));
  }
  return out.release();
}

namespace {

int channel_dims(MemoryFormat f) {
  return f == MemoryFormat::ChannelsLast     ? 4
         : f == MemoryFormat::ChannelsLast3d ? 5
                                             : 0;
}

}  // namespace

bool is_in_format(const Tensor& t, MemoryFormat format) {
  const int n = channel_dims(format);
  if (n == 0) return t.contiguous();
  if (t.dim() != n) return false;
  int64_t expect = 1;
  const auto fits = [&](int d) {
    const bool ok = t->sizes[d] == 1 || t->strides[d] == expect;
    expect *= t->sizes[d];
    return ok;
  };
  if (!fits(1)) return false;
  for (int d = n - 1; d >= 2; --d) {
    if (!fits(d)) return false;
  }
  return fits(0);
}

Tensor in_format(const Tensor& t, MemoryFormat format) {
  if (format == MemoryFormat::Preserve || is_in_format(t, format)) return t;
  const int n = channel_dims(format);
  if (n == 0) return ops::contiguous(t);
  check(t.dim() == n, "required rank ", n, " tensor to use channels_last",
        n == 5 ? "_3d" : "", " format, got ", describe(t));
  std::vector<int64_t> to{0}, back{0, n - 1};
  for (int d = 2; d < n; ++d) {
    to.push_back(d);
    back.push_back(d - 1);
  }
  to.push_back(1);
  return ops::permute(ops::contiguous(ops::permute(t, to)), back);
}

}  // namespace fl::py
