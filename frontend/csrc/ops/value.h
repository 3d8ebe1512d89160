// Values: the arguments of an op call, tagged, without allocation.
#pragma once

#include <optional>
#include <string_view>

#include "tensor/tensor.h"

namespace fl {

struct Generator;

enum class Tag : uint8_t {
  None,
  Tensor,
  Bool,
  Int,
  Float,
  Complex,
  Ints,
  Floats,
  Tensors,  // undefined handles stand for None
  Str,
  Dtype,
  Device,
  Generator,
  Object,  // a borrowed PyObject, for ops that take Python things
};

// Borrowed: the frame, or the caller, keeps what is pointed to alive.
struct Value {
  Tag tag = Tag::None;
  uint32_t n = 0;  // of lists and strings
  union {
    TensorImpl* tensor;
    int64_t i;
    double f;
    const int64_t* ints;
    const double* floats;
    const Tensor* tensors;
    const char* str;
    Dtype dtype;
    Device device;
    Generator* generator;
    PyObject* object;
  };
  double im = 0;

  Value() : i(0) {}
  Value(std::nullopt_t) : i(0) {}
  Value(const Tensor& t)
      : tag(t.defined() ? Tag::Tensor : Tag::None), tensor(t.get()) {}
  explicit Value(TensorImpl* t) : tag(Tag::Tensor), tensor(t) {}
  Value(bool v) : tag(Tag::Bool), i(v) {}
  Value(int v) : tag(Tag::Int), i(v) {}
  Value(int64_t v) : tag(Tag::Int), i(v) {}
  Value(double v) : tag(Tag::Float), f(v) {}
  Value(const Scalar& s);
  Value(IntList l) : tag(Tag::Ints), n(l.size()), ints(l.data()) {}
  Value(const std::vector<int64_t>& l) : Value(IntList(l)) {}
  Value(std::span<const double> l) : tag(Tag::Floats), n(l.size()), floats(l.data()) {}
  Value(TensorList l) : tag(Tag::Tensors), n(l.size()), tensors(l.data()) {}
  Value(const std::vector<Tensor>& l) : Value(TensorList(l)) {}
  Value(std::string_view s) : tag(Tag::Str), n(s.size()), str(s.data()) {}
  Value(const char* s) : Value(std::string_view(s)) {}
  Value(Dtype d) : tag(Tag::Dtype), dtype(d) {}
  Value(Device d) : tag(Tag::Device), device(d) {}
  Value(Generator* g) : tag(g ? Tag::Generator : Tag::None), generator(g) {}
  template <class T>
  Value(const std::optional<T>& o) : Value() {
    if (o) *this = Value(*o);
  }

  bool none() const { return tag == Tag::None; }
  bool is_tensor() const { return tag == Tag::Tensor; }
  bool is_number() const { return tag >= Tag::Bool && tag <= Tag::Complex; }
  Scalar scalar() const;
};

// Either a tensor or a number: `other` of `add`.
struct Operand {
  Value value;
  Tensor keep;  // of an operand that owns its tensor
  static Operand own(Tensor t) {
    Operand o(t);
    o.keep = std::move(t);
    return o;
  }
  Operand(const Value& v) : value(v) {}
  Operand(const Tensor& t) : value(t) {}
  Operand(int v) : value(v) {}
  Operand(int64_t v) : value(v) {}
  Operand(double v) : value(v) {}
  Operand(const Scalar& s) : value(s) {}
};

// ---- from a Value to the C++ type that an implementation takes
// -----------------------
template <class T>
struct Unbox;

template <>
struct Unbox<Value> {
  static const Value& get(const Value& v) { return v; }
};
template <>
struct Unbox<Operand> {
  static Operand get(const Value& v) { return v; }
};
template <>
struct Unbox<Tensor> {  // undefined for None
  static Tensor get(const Value& v) {
    return v.is_tensor() ? Tensor(v.tensor) : Tensor();
  }
};
template <>
struct Unbox<bool> {
  static bool get(const Value& v) { return v.i != 0; }
};
template <>
struct Unbox<int64_t> {
  static int64_t get(const Value& v) {
    return v.tag == Tag::Float ? static_cast<int64_t>(v.f) : v.i;
  }
};
template <>
struct Unbox<double> {
  static double get(const Value& v) {
    return v.tag == Tag::Float || v.tag == Tag::Complex ? v.f
                                                        : static_cast<double>(v.i);
  }
};
template <>
struct Unbox<Scalar> {
  static Scalar get(const Value& v) { return v.scalar(); }
};
template <>
struct Unbox<IntList> {
  static IntList get(const Value& v) {
    if (v.tag == Tag::Int) return IntList(&v.i, 1);
    return v.none() ? IntList() : IntList(v.ints, v.n);
  }
};
template <>
struct Unbox<std::span<const double>> {
  static std::span<const double> get(const Value& v) { return {v.floats, v.n}; }
};
template <>
struct Unbox<TensorList> {
  static TensorList get(const Value& v) { return {v.tensors, v.n}; }
};
template <>
struct Unbox<std::string_view> {
  static std::string_view get(const Value& v) { return {v.str, v.n}; }
};
template <>
struct Unbox<Dtype> {
  static Dtype get(const Value& v) { return v.dtype; }
};
template <>
struct Unbox<Device> {
  static Device get(const Value& v) { return v.device; }
};
template <>
struct Unbox<Generator*> {
  static Generator* get(const Value& v) { return v.none() ? nullptr : v.generator; }
};
template <>
struct Unbox<PyObject*> {
  static PyObject* get(const Value& v) { return v.object; }
};
template <class T>
struct Unbox<std::optional<T>> {
  static std::optional<T> get(const Value& v) {
    if (v.none()) return std::nullopt;
    return Unbox<T>::get(v);
  }
};

}  // namespace fl
