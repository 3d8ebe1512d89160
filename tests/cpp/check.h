// The little that the C++ tests need: cases that register themselves, and checks that
// print file, line and values.
#pragma once

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "flambeau/error.h"

namespace test {

struct Case {
  const char* name;
  void (*run)();
};
inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
inline int failures = 0;

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

inline void report(bool ok, const char* file, int line, const std::string& what) {
  if (ok) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

template <class A, class B>
void equal(const A& a, const B& b, const char* text, const char* file, int line) {
  std::ostringstream s;
  s << text << ": " << a << " != " << b;
  report(a == b, file, line, s.str());
}

// The message of the error that `f` throws; empty when it throws none.
template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const fl::Error& e) {
    return e.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline int run_all() {
  for (const Case& c : cases()) {
    try {
      c.run();
    } catch (const std::exception& e) {
      report(false, c.name, 0, std::string("threw: ") + e.what());
    }
  }
  std::printf("%zu cases, %d failures\n", cases().size(), failures);
  return failures != 0;
}

}  // namespace test

#define TEST(name)                                          \
  static void name();                                       \
  static const test::Register register_##name(#name, name); \
  static void name()
#define CHECK(condition) test::report((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(a, b) test::equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define CHECK_THROWS(expression, part)                                   \
  do {                                                                   \
    std::string message = test::message_of([&] { (void)(expression); }); \
    test::report(test::contains(message, part), __FILE__, __LINE__,      \
                 #expression ": message '" + message + "'");             \
  } while (0)

int main() { return test::run_all(); }
