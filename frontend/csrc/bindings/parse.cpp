// Fits the arguments of a call to one overload, and says in words why none fits.
#include "bindings/parse.h"

#include <cstring>

#include "bindings/types.h"

namespace fl::py {

namespace {

PyObject* intern(const char* s) { return need(PyUnicode_InternFromString(s)); }

// Keywords that every op knows beside its schema's.
struct Words {
  PyObject* out = intern("out");
  PyObject* layout = intern("layout");
  PyObject* pin_memory = intern("pin_memory");
  PyObject* requires_grad = intern("requires_grad");
  PyObject* names = intern("names");
  PyObject* memory_format = intern("memory_format");
};
const Words& words() {
  static const Words* const w = new Words;
  return *w;
}

// NumPy's names for arguments, and what functions call their first tensor.
struct Renamed {
  const char* given;
  const char* meant;
};
constexpr Renamed kRenamed[] = {
    {"input", "self"}, {"axis", "dim"},  {"keepdims", "keepdim"},
    {"x", "self"},     {"x1", "self"},   {"x2", "other"},
    {"a", "self"},     {"axes", "dims"}, {"dims", "dim"}};

bool same_name(PyObject* a, PyObject* b) {
  return a == b || PyUnicode_Compare(a, b) == 0;
}

int find_keyword(const Overload& o, PyObject* name, bool method) {
  for (int i = 0; i < o.count; ++i) {
    if (o.names[i] == name) return method && i == o.self_index ? -1 : i;
  }
  const char* given = PyUnicode_AsUTF8(name);
  if (!given) throw_python();
  const auto lookup = [&](const char* s) {
    const int i = find_argument(o.op->schema, s);
    return method && i == o.self_index ? -1 : i;
  };
  int i = lookup(given);
  for (const Renamed& r : kRenamed) {
    if (i >= 0) break;
    if (strcmp(given, r.given) == 0) i = lookup(r.meant);
  }
  return i;
}

// layout=, pin_memory=, ...: true when the keyword was one of these.
bool take_extra(const Overload& o, PyObject* name, PyObject* value, Extras& e) {
  const Words& w = words();
  if (o.op->has_out && same_name(name, w.out)) {
    e.out = value == Py_None ? nullptr : value;
    return true;
  }
  if (same_name(name, w.memory_format)) {
    if (value == Py_None) return true;
    e.memory_format = value;
    return Py_TYPE(value) == MemoryFormatType;
  }
  if (!o.factory) return false;
  if (same_name(name, w.requires_grad)) {
    e.requires_grad = PyObject_IsTrue(value) == 1;
    return true;
  }
  if (same_name(name, w.layout)) {
    check(value == strided_layout || value == Py_None, ErrorKind::NotImplemented,
          o.op->name(), ": only flambeau.strided is built of the layouts");
    return true;
  }
  if (same_name(name, w.names)) return value == Py_None;
  if (same_name(name, w.pin_memory)) {
    check(value == Py_None || value == Py_False, o.op->name(),
          ": pin_memory=True needs an accelerator, and none is in use");
    return true;
  }
  return false;
}

bool int_like(PyObject* o) {
  if (PyLong_Check(o)) return true;
  return !PyTuple_Check(o) && !PyList_Check(o) && PyIndex_Check(o);
}

}  // namespace

int find_argument(const Schema& schema, std::string_view name) {
  for (size_t i = 0; i < schema.args.size(); ++i) {
    if (schema.args[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

Overload::Overload(const Op& record)
    : op(&record),
      count(static_cast<int>(record.schema.args.size())),
      all((uint64_t{1} << count) - 1),
      positional(record.schema.positional) {
  check(count <= kMaxArgs, record.name(), ": too many arguments for the bindings");
  bool has_device = false, tensors = false;
  for (const Arg& a : record.schema.args) {
    numbers = numbers || a.type == ArgType::Operand;
    tensors = tensors || a.type == ArgType::Tensor || a.type == ArgType::Tensors;
    names.push_back(intern(a.name.c_str()));
    has_device = has_device || a.type == ArgType::Device;
  }
  factory = has_device;
  numbers = numbers && !tensors;
  const int self = find_argument(record.schema, "self");
  self_index = self >= 0 ? self : 0;
  const auto& args = record.schema.args;
  const auto lone_ints = [&](int i, int n) {
    return n >= 1 && i < count && args[i].type == ArgType::Ints && !args[i].repeat;
  };
  varargs_function = positional == 1 && lone_ints(0, 1);
  varargs_method = positional == 2 && self_index == 0 && lone_ints(1, 1);
}

bool parse(const Overload& o, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
           bool method, Value* values, Arena& arena, Extras& extras, Mismatch& why) {
  const std::vector<Arg>& spec = o.op->schema.args;
  uint64_t given = 0;
  const auto put = [&](int i, PyObject* value) {
    if (!convert(value, spec[i], values[i], arena)) [[unlikely]] {
      why = {Mismatch::Kind::Wrong, i, value};
      return false;
    }
    given |= uint64_t{1} << i;
    return true;
  };
  Py_ssize_t i = 0;
  if (method) {  // of a tensor, as the caller has seen to
    values[o.self_index] = Value(impl_of(args[0]));
    given = uint64_t{1} << o.self_index;
    i = 1;
  }
  int p = method && o.self_index == 0 ? 1 : 0;
  if (i < n && (method ? o.varargs_method : o.varargs_function) && int_like(args[i])) {
    int64_t* list = arena.ints(static_cast<size_t>(n - i));
    for (Py_ssize_t k = i; k < n; ++k) {
      if (!as_int(args[k], list[k - i])) {
        why = {Mismatch::Kind::Wrong, p, args[k]};
        return false;
      }
    }
    values[p] = Value(IntList(list, static_cast<size_t>(n - i)));
    given |= uint64_t{1} << p;
    i = n;
  }
  for (; i < n; ++i, ++p) {
    if (method && p == o.self_index && p != 0) ++p;
    if (p >= o.positional) {
      why = {Mismatch::Kind::TooMany, -1, args[i]};
      return false;
    }
    if (!put(p, args[i])) return false;
  }
  if (kwnames) {
    const Py_ssize_t k = PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t j = 0; j < k; ++j) {
      PyObject* name = PyTuple_GET_ITEM(kwnames, j);
      const int at = find_keyword(o, name, method);
      if (at < 0) {
        if (take_extra(o, name, args[n + j], extras)) continue;
        why = {Mismatch::Kind::Unknown, -1, name};
        return false;
      }
      if (given >> at & 1) {
        why = {Mismatch::Kind::Twice, at, name};
        return false;
      }
      if (!put(at, args[n + j])) return false;
    }
  }
  for (uint64_t left = o.all & ~given; left != 0; left &= left - 1) {
    const int j = __builtin_ctzll(left);
    if (!spec[j].has_default) [[unlikely]] {
      why = {Mismatch::Kind::Missing, j, nullptr};
      return false;
    }
    values[j] = spec[j].value;
  }
  if (o.numbers && !method) {
    bool any = false;
    for (int j = 0; j < o.count; ++j) any = any || values[j].is_tensor();
    if (!any) {
      why = {Mismatch::Kind::Numbers, -1, nullptr};
      return false;
    }
  }
  return true;
}

namespace {

std::string in_words(const Mismatch& m, const Overload& o, bool method) {
  const auto name = [&](int i) { return "'" + o.op->schema.args[i].name + "'"; };
  switch (m.kind) {
    case Mismatch::Kind::TooMany:
      return concat("expected at most ", o.positional - (method ? 1 : 0),
                    " positional arguments");
    case Mismatch::Kind::Wrong: {
      const int position = m.arg + (method && o.self_index == 0 ? 0 : 1);
      std::string got(type_of(m.got));
      if ((PyTuple_Check(m.got) || PyList_Check(m.got)) &&
          PySequence_Fast_GET_SIZE(m.got) > 0) {
        got = concat(got, " of ", type_of(PySequence_Fast_GET_ITEM(m.got, 0)));
      }
      return concat("argument ", name(m.arg), " (position ", position, ") must be ",
                    expected_type(o.op->schema.args[m.arg]), ", not ", got);
    }
    case Mismatch::Kind::Missing:
      return concat("missing required argument ", name(m.arg));
    case Mismatch::Kind::Unknown:
      return concat("got an unexpected keyword argument '", str_of(m.got), "'");
    case Mismatch::Kind::Numbers:
      return "at least one of the operands must be a Tensor";
    case Mismatch::Kind::Twice:
      return concat("got multiple values for argument ", name(m.arg));
    default:
      return "the arguments do not fit";
  }
}

std::string given_types(PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                        bool method) {
  std::string s = "(";
  const Py_ssize_t k = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t i = method ? 1 : 0; i < n + k; ++i) {
    if (s.size() > 1) s += ", ";
    if (i >= n) s += str_of(PyTuple_GET_ITEM(kwnames, i - n)) + "=";
    s += type_of(args[i]);
  }
  return s + ")";
}

}  // namespace

void raise_mismatch(const std::string& name, std::span<const Overload* const> tried,
                    PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                    bool method) {
  Value values[kMaxArgs];
  if (tried.size() == 1) {
    Arena arena;
    Extras extras;
    Mismatch why;
    parse(*tried[0], args, n, kwnames, method, values, arena, extras, why);
    fail(ErrorKind::Type, name, "(): ", in_words(why, *tried[0], method),
         "; accepted: ", tried[0]->op->schema.text);
  }
  std::string text = name + "() received an invalid combination of arguments - got " +
                     given_types(args, n, kwnames, method) + ", but expected one of:";
  for (const Overload* o : tried) {
    Arena arena;
    Extras extras;
    Mismatch why;
    parse(*o, args, n, kwnames, method, values, arena, extras, why);
    text += "\n * " + o->op->schema.text + "\n      " + in_words(why, *o, method);
  }
  fail(ErrorKind::Type, text);
}

}  // namespace fl::py
