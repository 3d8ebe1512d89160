// The one exception type of Flambeau's C++: a kind, which the binding turns into
// PyTorch's Python exception, and a message made of parts only when it is thrown.
#pragma once

#include <exception>
#include <sstream>
#include <string>

namespace fl {

enum class ErrorKind {
  Runtime,
  Type,
  Value,
  Index,
  NotImplemented,
  OutOfMemory,
  Accelerator,  // the device is lost, or work that it was given failed
  LinAlg,
  ZeroDivision,
  Attribute,
  PythonSet  // a Python exception is already set in this thread
};

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message)
      : kind(kind), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  const ErrorKind kind;

 private:
  std::string message_;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream s;
  (s << ... << parts);
  return s.str();
}

template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(ErrorKind kind,
                                                 const Parts&... parts) {
  throw Error(kind, concat(parts...));
}

// Throws a RuntimeError unless `ok`; the parts are formatted only then.
template <class... Parts>
inline void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]] {
    fail(ErrorKind::Runtime, parts...);
  }
}

template <class... Parts>
inline void check(bool ok, ErrorKind kind, const Parts&... parts) {
  if (!ok) [[unlikely]] {
    fail(kind, parts...);
  }
}

}  // namespace fl
