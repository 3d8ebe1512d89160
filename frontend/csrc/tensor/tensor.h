// The tensor: strided geometry over a storage, with what autograd hangs on it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "flambeau/device.h"
#include "flambeau/dtype.h"
#include "flambeau/error.h"
#include "flambeau/ref.h"
#include "flambeau/storage.h"

struct _object;
typedef struct _object PyObject;

namespace fl {

struct AutogradMeta;
struct Node;

// A borrowed list of integers: sizes, strides, dims.
struct IntList : std::span<const int64_t> {
  using std::span<const int64_t>::span;
  IntList(std::initializer_list<int64_t> l)
      : std::span<const int64_t>(l.begin(), l.size()) {}
  IntList(const std::vector<int64_t>& v)
      : std::span<const int64_t>(v.data(), v.size()) {}
  IntList(std::span<const int64_t> s) : std::span<const int64_t>(s) {}
  std::vector<int64_t> vec() const { return {begin(), end()}; }
  bool equals(IntList o) const {
    if (size() != o.size()) return false;
    for (size_t i = 0; i < size(); ++i) {  // few: less than a call of memcmp
      if ((*this)[i] != o[i]) return false;
    }
    return true;
  }
};
// "[2, 3]", written only when it is printed: arguments of check() cost nothing then.
struct ListText {
  const int64_t* items;
  size_t n;
  operator std::string() const;
};
std::ostream& operator<<(std::ostream& s, const ListText& l);
inline ListText to_string(IntList l) { return {l.data(), l.size()}; }

enum TensorFlag : uint16_t {
  kContiguous = 1,       // row-major and dense; kept by set_geometry
  kRequiresGrad = 2,     // a leaf that wants a gradient, or the result of a node
  kInference = 4,        // made in inference mode
  kNoGradView = 8,       // a view made while gradients were off
  kMultiView = 16,       // one of several views that one op returned
  kUnversioned = 32,     // `.data`: writes do not bump the version
  kOwnsPython = 64,      // the impl keeps its Python object alive (it has state)
  kWrappedNumber = 128,  // a 0-d tensor that stands for a Python number
  kLeafView = 256,
};

struct TensorImpl {
  static constexpr int kInlineDims = 5;
  uint32_t refs = 0;
  Dtype dtype = Dtype::Float32;
  uint8_t ndim = 0;
  uint16_t flags = 0;
  int64_t numel = 1;
  int64_t offset = 0;  // elements into the storage
  int64_t* sizes = inline_;
  int64_t* strides = inline_ + kInlineDims;
  Storage* storage = nullptr;  // counted
  DeviceRuntime* device = nullptr;
  PyObject* py = nullptr;            // its Python object, borrowed unless kOwnsPython
  AutogradMeta* autograd = nullptr;  // owned
  TensorImpl* base = nullptr;        // counted: what this is a view of, never a view
  uint32_t view_version = 0;         // storage version when autograd's history was set
  int64_t inline_[2 * kInlineDims];

  TensorImpl() = default;
  TensorImpl(const TensorImpl&) = delete;
  ~TensorImpl();
  static void* operator new(size_t bytes);
  static void operator delete(void* p);
  static void destroy(TensorImpl* t);

  // Sets sizes and strides, numel and the contiguous flag.
  void set_geometry(IntList sizes, IntList strides);
  void set_contiguous(IntList sizes);
  void* data() const {
    return static_cast<char*>(storage->data) + offset * item_size(dtype);
  }
  IntList shape() const { return IntList(sizes, ndim); }
  bool requires_grad() const {
    // A view made before its base joined a graph follows the base.
    return flags & kRequiresGrad ||
           (base && !(flags & kNoGradView) && base->flags & kRequiresGrad);
  }
  bool has(TensorFlag f) const { return flags & f; }
  void set(TensorFlag f, bool on) {
    flags = on ? flags | f : static_cast<uint16_t>(flags & ~f);
  }
};

// Set by the bindings: gives up the Python object of an impl that kOwnsPython.
extern void (*release_python)(PyObject* object);

// A counted handle; may be undefined.
class Tensor : public Ref<TensorImpl> {
 public:
  using Ref<TensorImpl>::Ref;
  Tensor() = default;
  Tensor(Ref<TensorImpl> r) : Ref<TensorImpl>(std::move(r)) {}

  bool defined() const { return get() != nullptr; }
  int64_t dim() const { return get()->ndim; }
  int64_t numel() const { return get()->numel; }
  IntList sizes() const { return get()->shape(); }
  IntList strides() const { return IntList(get()->strides, get()->ndim); }
  int64_t size(int64_t d) const;  // negative dims wrap; IndexError
  int64_t stride(int64_t d) const;
  Dtype dtype() const { return get()->dtype; }
  DeviceRuntime& device() const { return *get()->device; }
  int64_t offset() const { return get()->offset; }
  void* data() const { return get()->data(); }
  template <class T>
  T* data() const {
    return static_cast<T*>(get()->data());
  }
  bool contiguous() const { return get()->flags & kContiguous; }
  bool requires_grad() const { return get()->requires_grad(); }
  bool same(const Tensor& o) const { return get() == o.get(); }
  uint32_t version() const { return get()->storage->version; }
};

using TensorList = std::span<const Tensor>;

// ---- making tensors: none of these is recorded by autograd -------------------------
Tensor empty(IntList sizes, Dtype dtype, DeviceRuntime& device);
Tensor empty_strided(IntList sizes, IntList strides, Dtype dtype,
                     DeviceRuntime& device);
// Keeps the strides of a dense tensor, else falls back to row-major.
Tensor empty_like(const Tensor& t);
Tensor empty_like(const Tensor& t, Dtype dtype);
Tensor wrap_storage(Ref<Storage> storage, IntList sizes, IntList strides,
                    int64_t offset, Dtype dtype);
// A new impl over the same storage: no history.  `view_of` records the base for
// autograd's views and in-place rules.
Tensor alias(const Tensor& t, IntList sizes, IntList strides, int64_t offset);
Tensor alias(const Tensor& t, IntList sizes);  // row-major, from the same offset
Tensor detach_alias(const Tensor& t);

// ---- geometry --------------------------------------------------------------------
int64_t wrap_dim(int64_t d, int64_t ndim);  // IndexError as PyTorch's
void contiguous_strides(IntList sizes, int64_t* strides);
int64_t count(IntList sizes);
bool is_dense(const Tensor& t);  // non-overlapping and dense in some order
std::vector<int64_t> broadcast_shapes(IntList a, IntList b, const char* op);
// One value, read from whatever device the tensor is on.
Scalar item(const Tensor& t);
// Throws when writing in place would be wrong: an expanded tensor, a leaf that requires
// grad, an inference tensor.
void check_inplace(const Tensor& t, const char* op, bool may_overlap = false);
void bump_version(const Tensor& t);
// "float32[2, 3] on cpu:0", written only when it is printed.
struct TensorText {
  const TensorImpl* tensor;
  operator std::string() const;
};
std::ostream& operator<<(std::ostream& s, const TensorText& t);
inline TensorText describe(const Tensor& t) { return {t.get()}; }
bool overlaps(const Tensor& a, const Tensor& b);  // share any byte, conservatively

}  // namespace fl
