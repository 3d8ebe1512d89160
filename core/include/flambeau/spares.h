// Memory of dropped objects of one type, handed out again: for what nearly every call
// makes and drops.  Touched only under the interpreter's lock, as counts are.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace fl {

template <class T>
class Spares {
 public:
  void* take() {
    if (!first_) [[unlikely]] {
      return ::operator new(sizeof(T));
    }
    --n_;
    return std::exchange(first_, first_->next);
  }
  void give(void* p) {
    if (n_ == kMost) [[unlikely]] {
      return ::operator delete(p);
    }
    ++n_;
    first_ = new (p) Link{first_};
  }

 private:
  static constexpr int kMost = 4096;
  struct Link {
    Link* next;
  };
  Link* first_ = nullptr;
  int n_ = 0;
};

// A base for T, so that `new T` takes a spare and `delete` gives one; no class may
// derive from T.
template <class T>
struct Recycled {
  static void* operator new(size_t) { return spares_.take(); }
  static void operator delete(void* p) { spares_.give(p); }

 private:
  static inline constinit Spares<T> spares_;
};

}  // namespace fl
