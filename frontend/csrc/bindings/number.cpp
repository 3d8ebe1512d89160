// Python's operators on tensors, straight to the ops: no parsing.
#include "bindings/call.h"
#include "bindings/data.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

// An op found at its first use; records register in any order.
struct Lazy {
  const char* prefix;
  const Op* op = nullptr;
  const Value* third = nullptr;  // of ops with an optional last argument: its default
  const Op& get() {
    if (!op) [[unlikely]] {
      find();
    }
    return *op;
  }
  [[gnu::noinline]] void find() {
    op = &find_op(prefix);
    if (op->schema.args.size() > 2) third = &op->schema.args[2].value;
  }
};

// A tensor, a number or a NumPy array, which `keep` holds as a tensor; false for
// anything else, which may know what to do with us.
inline bool operand(PyObject* o, Value& v, Tensor& keep) {
  if (is_exact_tensor(o)) [[likely]] {
    v = Value(impl_of(o));
    return true;
  }
  if (PyFloat_CheckExact(o)) {
    v = Value(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (is_tensor(o)) {
    v = Value(impl_of(o));
    return true;
  }
  Scalar s;
  if (as_number(o, s)) {
    v = Value(s);
    return true;
  }
  if (!is_numpy(o) || !has_array(o)) return false;
  keep = tensor_from_numpy(o);
  v = Value(keep);
  return true;
}

PyObject* binary(Lazy& lazy, PyObject* a, PyObject* b) noexcept {
  return guard([&]() -> PyObject* {
    Value args[3];
    Tensor keep;
    if (!operand(a, args[0], keep) || !operand(b, args[1], keep)) {
      Py_RETURN_NOTIMPLEMENTED;
    }
    const Op& op = lazy.get();
    if (lazy.third) args[2] = *lazy.third;
    Frame f;
    f.args = args;
    call(op, f);
    return wrap(std::move(f.out));
  });
}

PyObject* inplace(Lazy& lazy, PyObject* a, PyObject* b) noexcept {
  return guard([&]() -> PyObject* {
    Value args[3];
    Tensor keep;
    if (!operand(a, args[0], keep) || !operand(b, args[1], keep)) {
      Py_RETURN_NOTIMPLEMENTED;
    }
    const Op& op = lazy.get();
    if (lazy.third) args[2] = *lazy.third;
    Frame f;
    f.args = args;
    call_inplace(op, f);
    return Py_NewRef(a);
  });
}

PyObject* unary(Lazy& lazy, PyObject* a) noexcept {
  return guard([&] {
    Value args[1];
    Tensor keep;
    operand(a, args[0], keep);
    Frame f;
    f.args = args;
    call(lazy.get(), f);
    return wrap(std::move(f.out));
  });
}

#define FL_BINARY(slot, prefix)                                                     \
  Lazy slot##_op{prefix};                                                           \
  PyObject* nb_##slot(PyObject* a, PyObject* b) { return binary(slot##_op, a, b); } \
  PyObject* nb_inplace_##slot(PyObject* a, PyObject* b) {                           \
    return inplace(slot##_op, a, b);                                                \
  }
FL_BINARY(add, "add(")
FL_BINARY(subtract, "sub(")
FL_BINARY(multiply, "mul(")
FL_BINARY(true_divide, "div(")
FL_BINARY(floor_divide, "floor_divide(")
FL_BINARY(remainder, "remainder(")
FL_BINARY(and, "bitwise_and(")
FL_BINARY(or, "bitwise_or(")
FL_BINARY(xor, "bitwise_xor(")
FL_BINARY(lshift, "bitwise_left_shift(")
FL_BINARY(rshift, "bitwise_right_shift(")
FL_BINARY(power, "pow(")
#undef FL_BINARY

PyObject* nb_pow(PyObject* a, PyObject* b, PyObject*) { return nb_power(a, b); }
PyObject* nb_inplace_pow(PyObject* a, PyObject* b, PyObject*) {
  return nb_inplace_power(a, b);
}

PyObject* nb_matmul(PyObject* a, PyObject* b) {
  static Lazy op{"matmul("};
  if (!is_tensor(a) || !is_tensor(b)) Py_RETURN_NOTIMPLEMENTED;
  return binary(op, a, b);
}
PyObject* nb_negative(PyObject* a) {
  static Lazy op{"neg("};
  return unary(op, a);
}
PyObject* nb_absolute(PyObject* a) {
  static Lazy op{"abs("};
  return unary(op, a);
}
PyObject* nb_invert(PyObject* a) {
  static Lazy op{"bitwise_not("};
  return unary(op, a);
}
PyObject* nb_positive(PyObject* a) {
  return guard([&] {
    check(impl_of(a)->dtype != Dtype::Bool,
          "The unary `+` operator is not supported on a bool tensor; convert it first");
    return Py_NewRef(a);
  });
}

Scalar single(PyObject* self) { return item(unwrap(self)); }

int nb_bool(PyObject* self) {
  return guard_int([&] {
    TensorImpl* t = impl_of(self);
    check(t->numel != 0, "Boolean value of Tensor with no values is ambiguous");
    check(t->numel == 1,
          "Boolean value of Tensor with more than one value is ambiguous");
    return static_cast<int>(single(self).to_bool());
  });
}
PyObject* nb_float(PyObject* self) {
  return guard([&] {
    const Scalar s = single(self);
    check(s.kind != Scalar::Kind::Complex || s.im == 0,
          "value cannot be converted to type double without overflow: it is complex");
    return PyFloat_FromDouble(s.real());
  });
}
PyObject* nb_int(PyObject* self) {
  return guard([&] {
    const Scalar s = single(self);
    check(s.imag() == 0, "value cannot be converted to type int64_t without overflow");
    if (s.kind == Scalar::Kind::Float) return need(PyLong_FromDouble(s.f));
    return PyLong_FromLongLong(s.to_int());
  });
}
PyObject* nb_index(PyObject* self) {
  return guard([&] {
    TensorImpl* t = impl_of(self);
    check(is_integral(t->dtype) && t->numel == 1, ErrorKind::Type,
          "only integer tensors of a single element can be converted to an index");
    return PyLong_FromLongLong(single(self).to_int());
  });
}

}  // namespace

PyObject* tensor_richcompare(PyObject* a, PyObject* b, int op) {
  static Lazy ops[] = {{"lt("}, {"le("}, {"eq("}, {"ne("}, {"gt("}, {"ge("}};
  return binary(ops[op], a, b);
}

std::vector<PyType_Slot> number_slots() {
  std::vector<PyType_Slot> s;
  const auto add = [&](int slot, auto* f) {
    s.push_back({slot, reinterpret_cast<void*>(f)});
  };
  add(Py_nb_add, nb_add);
  add(Py_nb_subtract, nb_subtract);
  add(Py_nb_multiply, nb_multiply);
  add(Py_nb_true_divide, nb_true_divide);
  add(Py_nb_floor_divide, nb_floor_divide);
  add(Py_nb_remainder, nb_remainder);
  add(Py_nb_power, nb_pow);
  add(Py_nb_and, nb_and);
  add(Py_nb_or, nb_or);
  add(Py_nb_xor, nb_xor);
  add(Py_nb_lshift, nb_lshift);
  add(Py_nb_rshift, nb_rshift);
  add(Py_nb_inplace_add, nb_inplace_add);
  add(Py_nb_inplace_subtract, nb_inplace_subtract);
  add(Py_nb_inplace_multiply, nb_inplace_multiply);
  add(Py_nb_inplace_true_divide, nb_inplace_true_divide);
  add(Py_nb_inplace_floor_divide, nb_inplace_floor_divide);
  add(Py_nb_inplace_remainder, nb_inplace_remainder);
  add(Py_nb_inplace_power, nb_inplace_pow);
  add(Py_nb_inplace_and, nb_inplace_and);
  add(Py_nb_inplace_or, nb_inplace_or);
  add(Py_nb_inplace_xor, nb_inplace_xor);
  add(Py_nb_inplace_lshift, nb_inplace_lshift);
  add(Py_nb_inplace_rshift, nb_inplace_rshift);
  add(Py_nb_matrix_multiply, nb_matmul);
  add(Py_nb_negative, nb_negative);
  add(Py_nb_positive, nb_positive);
  add(Py_nb_absolute, nb_absolute);
  add(Py_nb_invert, nb_invert);
  add(Py_nb_bool, nb_bool);
  add(Py_nb_float, nb_float);
  add(Py_nb_int, nb_int);
  add(Py_nb_index, nb_index);
  return s;
}

}  // namespace fl::py
