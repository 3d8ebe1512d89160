// Op records: everything that Flambeau knows about an op, in one place.
//
//   const Records records = {
//       Op("exp(Tensor self) -> Tensor", "Returns e to the power of each element.")
//           .pointwise(Promote::Float)
//           .derivative("self", kOut, [](Grad& g) { return mul(g.g, conj(g.out())); }),
//   };
//
// See Note [Op records] in op.cpp for the life of a call, and docs/extending/new_op.md
// for a walk through a real one.
#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "ops/value.h"

namespace fl {

// ---- schema ------------------------------------------------------------------------
// Types as PyTorch writes them: Tensor, Tensor?, Tensor[], Tensor?[], Operand (tensor
// or number), Scalar, int, float, bool, str, int[], int[2] (an int is repeated),
// float[], ScalarType, Device, Generator, Object; a `?` after any makes None
// acceptable.
enum class ArgType : uint8_t {
  Tensor,
  Tensors,
  Operand,
  Scalar,
  Int,
  Float,
  Bool,
  Str,
  Ints,
  Floats,
  Dtype,
  Device,
  Generator,
  Object,
};

struct Arg {
  std::string name;
  ArgType type;
  bool nullable = false;
  bool nullable_items = false;
  bool keyword_only = false;
  bool has_default = false;
  int repeat = 0;  // of int[N]: an int stands for N of them
  Value value;     // the default
};

struct Schema {
  std::string text;
  std::string space;  // "", "nn", "linalg", "fft", "special"
  std::string name;
  std::vector<Arg> args;
  int positional = 0;
  std::vector<std::string> returns;  // names of a named tuple; empty strings otherwise
  bool returns_list = false;         // -> Tensor[]
  bool returns_value = false;        // -> int, bool, float, Scalar, ...
  int index_of(std::string_view arg) const;
};

// ---- a call in flight ------------------------------------------------------------
class Op;

struct Frame {
  const Op* op = nullptr;
  const Value* args = nullptr;
  // Results.  Most ops have one; the rest spill.
  Tensor out;
  std::vector<Tensor> more;  // the second and later outputs
  bool list = false;         // out and more are one list (possibly empty: n_out == 0)
  int n_out = 1;
  Value value;  // of ops that return a number
  // Where to write, when the caller gives the output: in-place or out=.
  Tensor given;
  bool inplace = false;

  const Tensor& output(int i) const { return i == 0 ? out : more[i - 1]; }
  Tensor& output(int i) { return i == 0 ? out : more[i - 1]; }
};

// ---- derivatives ------------------------------------------------------------------
struct OpNode;

// Which outputs a derivative reads, beside inputs given as bit masks.
inline constexpr uint32_t kOut = 1u << 31;
inline constexpr uint32_t kOut1 = 1u << 30;
inline constexpr uint32_t kOut2 = 1u << 29;
inline constexpr uint32_t kAllOut = kOut | kOut1 | kOut2;
inline constexpr uint32_t kOutShapes = 1u << 28;
// Not read, but PyTorch's formula does: see Note [Linked gradients].
inline constexpr uint32_t kLinked = 1u << 27;
constexpr uint32_t in(int i) { return 1u << i; }
template <class... I>
constexpr uint32_t in(int i, I... more) {
  return (1u << i) | in(more...);
}

// What a derivative sees: the gradients of the outputs, and what it said it reads.
// Numbers, lists and dtypes among the arguments are always there; tensors only when
// named in the mask.  shape(i) and the like are always there for tensor inputs that
// require grad.
struct Grad {
  Tensor g;                       // gradient of the first output; may be undefined
  const std::vector<Tensor>& gs;  // of all outputs, when there are several
  OpNode& node;

  Tensor in(int i) const;        // checked for in-place changes
  Operand operand(int i) const;  // tensor or number
  std::vector<Tensor> list(int i) const;
  Tensor out(int i = 0) const;
  template <class T>
  T arg(int i) const {
    return Unbox<T>::get(value(i));
  }
  const Value& value(int i) const;
  IntList shape(int i) const;  // of tensor input i
  Dtype dtype(int i) const;
  bool complex_input(int i) const { return is_complex(dtype(i)); }
  DeviceRuntime& device(int i) const;
  bool needs(int i) const;         // does input i require a gradient
  bool needs(int i, int k) const;  // item k of list input i
  // gs[i], or zeros of the output's shape when it is undefined.
  Tensor grad_or_zeros(int i) const;
};

using DerivativeFn = Tensor (*)(Grad&);
// For several inputs at once: fills one tensor per flat tensor input (list items count
// one each), in schema order; undefined means zero.
using JointDerivativeFn = void (*)(Grad&, std::vector<Tensor>& out);

struct Derivative {
  int input;
  uint32_t reads;
  DerivativeFn fn;
};

// ---- the record
// ----------------------------------------------------------------------
enum class Promote : uint8_t {
  Same,      // common dtype of the operands
  Float,     // and integers become the default float
  Bool,      // computed in the common dtype, returns bool
  Integral,  // floats are refused
  ToReal,    // returns the real dtype of a complex input (abs)
  BoolOnly,  // truth values of the operands: logical_and
};

// What out= has to be, beside a tensor to whose dtype the result can be cast.
inline constexpr uint8_t kOutExact = 1;  // of the result's dtype
inline constexpr uint8_t kOutApart = 2;  // sharing no memory with an operand

enum class Autocast : uint8_t { None, Lower, Float32, Widest };

class Op {
 public:
  // A leading "nn." or "linalg." in the schema names the Python module.
  Op(const char* schema, const char* doc);

  // -- what it does: exactly one of
  // A typed C++ function, run with gradients off when there are derivatives, or as a
  // composition through which autograd flows when there are none.
  template <auto fn>
  Op& impl();
  // A kernel of the pointwise family, of the op's name unless another is given.
  Op& pointwise(Promote promote, const char* kernel = nullptr);
  // Returns a view; `impl`'s result shares its input's storage.
  template <auto fn>
  Op& view();

  // -- how it differentiates
  Op& derivative(const char* input, uint32_t reads, DerivativeFn fn);
  Op& derivatives(uint32_t reads, JointDerivativeFn fn);
  // When gradients flow, run this composition of differentiable ops in place of impl:
  // for fused kernels whose derivative is that of their parts.  Pointwise records run
  // it too where the device lacks their kernel.
  template <auto fn>
  Op& decomposition();
  Op& not_differentiable();  // outputs never require grad (comparisons, argmax)
  Op& nondifferentiable_output(int i);

  // -- which forms it has beside the function
  Op& no_method();
  Op& method_only();
  Op& inplace();               // name_ : the method (and function where PyTorch has it)
  Op& out(uint8_t rules = 0);  // out=
  Op& writes_alike();          // in place: elements that share memory may do so
  Op& alias(const char* name);  // another name: "absolute"
  Op& autocast(Autocast how);

  const char* name() const { return schema.name.c_str(); }

  Schema schema;
  const char* doc;
  void (*run)(Frame&) = nullptr;
  void (*composite)(Frame&) = nullptr;
  KernelId kernel = 0;
  Promote promote = Promote::Same;
  bool is_pointwise = false;
  bool is_view = false;
  bool has_method = true, has_function = true;
  bool has_inplace = false, has_out = false;
  uint8_t out_rules = 0;
  bool may_overlap = false;
  bool differentiable = true;
  uint32_t nondifferentiable = 0;
  Autocast cast = Autocast::None;
  std::vector<Derivative> single;
  JointDerivativeFn joint = nullptr;
  uint32_t joint_reads = 0;
  std::vector<const char*> aliases;
  uint32_t tensor_args = 0;  // bit per argument that may hold tensors
  uint32_t needed_args = 0;  // bit per tensor argument that may not be None
};

// Registers records at start-up; one per file of ops/.
struct Records {
  Records(std::initializer_list<Op> ops);
};

// All overloads of a name in a module, in the order in which they are tried.
struct Overloads {
  std::string space, name;
  std::vector<const Op*> ops;
};
const std::vector<Overloads*>& all_overloads();
const Overloads* find_overloads(std::string_view space, std::string_view name);
// By "name" or, where there are several, by full schema prefix: "sum(Tensor self, int".
const Op& find_op(std::string_view schema_prefix);

// ---- calling ---------------------------------------------------------------------
// The one way in, from Python and from C++: modes, autograd, kernel.
void call(const Op& op, Frame& frame);
// name_(self, ...): writes into args[0].
void call_inplace(const Op& op, Frame& frame);
// out=: writes into `given` (one tensor each), resizing as PyTorch does.
void call_out(const Op& op, Frame& frame, std::span<Tensor> given);

// A reference to an op for C++ callers, resolved at the first call.
//   static const OpRef op("mul(");  return op(a, b);
class OpRef {
 public:
  explicit constexpr OpRef(const char* prefix) : prefix_(prefix) {}
  template <class... A>
  Tensor operator()(const A&... a) const {
    const Value args[] = {Value(a)...};
    return run(args, sizeof...(A)).out;
  }
  // All outputs.
  template <class... A>
  std::vector<Tensor> all(const A&... a) const {
    const Value args[] = {Value(a)...};
    return collect(run(args, sizeof...(A)));
  }
  template <class... A>
  Tensor inplace(const A&... a) const {
    const Value args[] = {Value(a)...};
    return run_inplace(args, sizeof...(A));
  }

 private:
  Frame run(const Value* args, size_t n) const;
  Tensor run_inplace(const Value* args, size_t n) const;
  static std::vector<Tensor> collect(Frame&& f);
  const Op& get() const;
  const char* prefix_;
  mutable const Op* op_ = nullptr;
};

// ---- helpers for implementations ----------------------------------------------------
// Fills an fl_tensor from a tensor.
fl_tensor view_of(const Tensor& t);
fl_tensor absent();

// One call of a kernel that takes tensors as they are (not iterated).
class KernelCall {
 public:
  explicit KernelCall(DeviceRuntime& d) : device_(d) {}
  KernelCall(const KernelCall&) = delete;
  ~KernelCall() {
    for (int i = 0; i < n_kept_; ++i) kept(i)->~Tensor();
  }
  KernelCall& out(const Tensor& t);
  KernelCall& in(const Tensor& t);  // an undefined tensor is an absent operand
  // Views made by the caller, who keeps their sizes and strides alive.
  KernelCall& out(const fl_tensor& t) {
    outs_[n_out_++] = t;
    return *this;
  }
  KernelCall& in(const fl_tensor& t) {
    ins_[n_in_++] = t;
    return *this;
  }
  KernelCall& attr(int64_t v);
  KernelCall& attr(double v);
  KernelCall& attr(bool v) { return attr(static_cast<int64_t>(v)); }
  KernelCall& attr(int v) { return attr(static_cast<int64_t>(v)); }
  KernelCall& attr(const Scalar& v);  // as `c`
  KernelCall& attr(IntList v);
  // Runs the named kernel; throws NotImplementedError naming op, dtype and device when
  // the device has none.
  void run(const char* kernel);
  void run(KernelId id);
  // False when there is no such kernel for this dtype, or it declined.
  bool try_run(const char* kernel);
  bool try_run(KernelId id);

 private:
  static constexpr int kMostOut = 8, kMostIn = 16;
  fl_call make();
  fl_tensor keep(const Tensor& t);
  Tensor* kept(int i) { return reinterpret_cast<Tensor*>(kept_) + i; }
  DeviceRuntime& device_;
  fl_tensor outs_[kMostOut], ins_[kMostIn];
  fl_attr attrs_[12];
  // The operands' tensors, as many as there are.
  alignas(Tensor) unsigned char kept_[(kMostOut + kMostIn) * sizeof(Tensor)];
  int n_out_ = 0, n_in_ = 0, n_attr_ = 0, n_kept_ = 0;
};

// One call of an iterated kernel.  Operands share `sizes` after broadcasting; strides
// are planned (reordered, merged) here.
struct IterOperand {
  void* data;
  const int64_t* strides;  // of `ndim` entries, 0 where broadcast; nullptr: host scalar
  Dtype dtype;
};
bool run_iterated(DeviceRuntime& device, KernelId kernel, Dtype main, int n_out,
                  std::span<const IterOperand> operands, IntList sizes,
                  std::span<const fl_attr> attrs = {}, bool must = true);

// dst = cast(src) with broadcasting; across devices too.  With `non_blocking`, bytes
// from or to pinned memory may still be moving on the current stream afterwards.
void copy_into(const Tensor& dst, const Tensor& src, bool non_blocking = false);
void fill_with(const Tensor& dst, const Scalar& value);
// The same values in another dtype (the tensor itself when it already has it).
Tensor cast_to(const Tensor& t, Dtype dtype);
Tensor make_contiguous(const Tensor& t);
// Expands to `sizes` by strides of 0: fills `strides`.
void broadcast_strides(const Tensor& t, IntList sizes, int64_t* strides);

// ---- typed functions as implementations
// ------------------------------------------------
namespace detail {

template <class R>
struct Store;
template <>
struct Store<Tensor> {
  static void put(Frame& f, Tensor&& t) { f.out = std::move(t); }
};
template <>
struct Store<std::vector<Tensor>> {
  static void put(Frame& f, std::vector<Tensor>&& v) {
    f.list = true;
    f.n_out = static_cast<int>(v.size());
    if (v.empty()) return;
    f.out = std::move(v[0]);
    f.more.assign(std::make_move_iterator(v.begin() + 1),
                  std::make_move_iterator(v.end()));
  }
};
template <size_t N>
struct Store<std::array<Tensor, N>> {
  static void put(Frame& f, std::array<Tensor, N>&& v) {
    f.n_out = N;
    f.out = std::move(v[0]);
    f.more.assign(std::make_move_iterator(v.begin() + 1),
                  std::make_move_iterator(v.end()));
  }
};
template <class T>
  requires std::is_same_v<T, bool> || std::is_same_v<T, int64_t> ||
           std::is_same_v<T, double> || std::is_same_v<T, Scalar> ||
           std::is_same_v<T, Dtype>
struct Store<T> {
  static void put(Frame& f, T&& v) {
    f.n_out = 0;
    f.value = Value(v);
  }
};

template <class F>
struct Signature;
template <class R, class... A>
struct Signature<R (*)(A...)> {
  template <R (*fn)(A...)>
  static void run(Frame& f) {
    call<fn>(f, std::index_sequence_for<A...>{});
  }
  template <R (*fn)(A...), size_t... I>
  static void call(Frame& f, std::index_sequence<I...>) {
    Store<R>::put(f, fn(Unbox<std::remove_cvref_t<A>>::get(f.args[I])...));
  }
};
// An implementation that wants the frame itself: one that can write into `given`.
template <>
struct Signature<void (*)(Frame&)> {
  template <void (*fn)(Frame&)>
  static void run(Frame& f) {
    fn(f);
  }
};

}  // namespace detail

template <auto fn>
Op& Op::impl() {
  run = &detail::Signature<decltype(fn)>::template run<fn>;
  return *this;
}
template <auto fn>
Op& Op::view() {
  is_view = true;
  return impl<fn>();
}
template <auto fn>
Op& Op::decomposition() {
  composite = &detail::Signature<decltype(fn)>::template run<fn>;
  return *this;
}

}  // namespace fl
