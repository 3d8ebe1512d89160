// Which line of the user's program did something: captured cheaply, resolved to text
// only when an error or anomaly mode asks.
#pragma once

#include <string>

#include "flambeau/storage.h"

struct _object;
typedef struct _object PyObject;

namespace fl {

struct CodePoint {
  PyObject* code = nullptr;  // counted
  int instruction = -1;
  CodePoint() = default;
  CodePoint(const CodePoint&) = delete;
  CodePoint& operator=(const CodePoint&) = delete;
  CodePoint(CodePoint&& o) noexcept;
  CodePoint& operator=(CodePoint&& o) noexcept;
  ~CodePoint();
  static CodePoint here();   // empty outside of Python code
  std::string text() const;  // "train.py:12, in step", or ""
};

// Remembers the last few thousand in-place writes, so that an error can say who wrote.
void note_write(const Storage* storage);
std::string find_write(const Storage* storage, uint32_t version);

}  // namespace fl
