// From Python arguments to Values, by the schema of an op, without allocating.
#pragma once

#include <memory>

#include "bindings/object.h"
#include "ops/op.h"

namespace fl::py {

// ---- single conversions: false when the object is of another kind -------------------
// An int, a bool, an object with __index__, or an integral tensor of one element.
bool as_any_int(PyObject* o, int64_t& out);
inline bool as_int(PyObject* o, int64_t& out) {
  return small_int(o, out) || as_any_int(o, out);
}
bool as_float(PyObject* o, double& out);
// Numbers of Python and NumPy; not tensors.
bool as_number(PyObject* o, Scalar& out);
bool is_numpy(PyObject* o);  // of one of NumPy's types
bool is_numpy_scalar(PyObject* o);
Scalar scalar_of(PyObject* o, const char* what);
std::vector<int64_t> ints_of(PyObject* o, const char* what);

// Memory for lists among the arguments of one call: on the stack, unless they are long.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  ~Arena() {
    for (int i = 0; i < n_tensors_; ++i) tensor(i)->~Tensor();
  }
  int64_t* ints(size_t n) {
    if (n_ints_ + n <= kInts) [[likely]] {
      int64_t* p = ints_ + n_ints_;
      n_ints_ += n;
      return p;
    }
    return spill().ints.emplace_back(new int64_t[n]).get();
  }
  double* floats(size_t n) { return spill().floats.emplace_back(new double[n]).get(); }
  // n undefined handles.
  Tensor* tensors(size_t n) {
    if (n_tensors_ + n <= kTensors) [[likely]] {
      Tensor* p = tensor(n_tensors_);
      for (size_t i = 0; i < n; ++i) new (p + i) Tensor;
      n_tensors_ += static_cast<int>(n);
      return p;
    }
    return spill().tensors.emplace_back(new Tensor[n]).get();
  }
  // Keeps a Python object until the call is over.
  void keep(Handle h) { spill().objects.push_back(std::move(h)); }

 private:
  static constexpr size_t kInts = 32, kTensors = 8;
  struct Spill {
    std::vector<std::unique_ptr<int64_t[]>> ints;
    std::vector<std::unique_ptr<double[]>> floats;
    std::vector<std::unique_ptr<Tensor[]>> tensors;
    std::vector<Handle> objects;
  };
  Spill& spill() {
    if (!spill_) spill_ = std::make_unique<Spill>();
    return *spill_;
  }
  Tensor* tensor(int i) { return reinterpret_cast<Tensor*>(tensors_) + i; }

  size_t n_ints_ = 0;
  int n_tensors_ = 0;
  std::unique_ptr<Spill> spill_;
  int64_t ints_[kInts];
  alignas(Tensor) unsigned char tensors_[kTensors * sizeof(Tensor)];
};

// Fits the object to the argument's type; false when it is of a wrong kind.
bool convert(PyObject* o, const Arg& arg, Value& out, Arena& arena);
// "int", "Tensor or number", ...: what the argument takes, in words.
std::string expected_type(const Arg& arg);

// ---- one overload
// --------------------------------------------------------------------
inline constexpr int kMaxArgs = 40;

// The place of an argument, or -1.
int find_argument(const Schema& schema, std::string_view name);

struct Overload {
  const Op* op = nullptr;
  int count = 0;     // of arguments
  uint64_t all = 0;  // a bit for each
  int positional = 0;
  int self_index = 0;             // where a method's object goes
  bool varargs_function = false;  // f(2, 3) stands for f((2, 3))
  bool varargs_method = false;
  bool factory = false;          // takes layout=, pin_memory=, requires_grad=
  bool numbers = false;          // all its tensors may be numbers: one must not be
  std::vector<PyObject*> names;  // interned
  explicit Overload(const Op& op);
};

// Keywords that are not the op's own.
struct Extras {
  PyObject* out = nullptr;
  bool requires_grad = false;
  PyObject* memory_format = nullptr;
};

struct Mismatch {
  enum class Kind {
    None,
    TooMany,
    Wrong,
    Missing,
    Unknown,
    Twice,
    Numbers
  } kind = Kind::None;
  int arg = -1;
  PyObject* got = nullptr;  // borrowed
};

// Values of all arguments of the overload, or false with the reason.
bool parse(const Overload& o, PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
           bool method, Value* values, Arena& arena, Extras& extras, Mismatch& why);

// The TypeError when no overload fits.
[[noreturn]] void raise_mismatch(const std::string& name,
                                 std::span<const Overload* const> tried,
                                 PyObject* const* args, Py_ssize_t n, PyObject* kwnames,
                                 bool method);

}  // namespace fl::py
