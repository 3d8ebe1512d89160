// Code points of the running Python frame, and the ring of recent in-place writes.
#include <Python.h>

#include "autograd/lines.h"

#include <array>

namespace fl {

CodePoint::CodePoint(CodePoint&& o) noexcept
    : code(std::exchange(o.code, nullptr)), instruction(o.instruction) {}

CodePoint& CodePoint::operator=(CodePoint&& o) noexcept {
  std::swap(code, o.code);
  std::swap(instruction, o.instruction);
  return *this;
}

CodePoint::~CodePoint() {
  if (code && Py_IsInitialized()) Py_DECREF(code);
}

CodePoint CodePoint::here() {
  CodePoint p;
  PyFrameObject* frame = PyEval_GetFrame();  // borrowed
  if (!frame) return p;
  p.code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
  p.instruction = PyFrame_GetLasti(frame);
  return p;
}

std::string CodePoint::text() const {
  if (!code) return "";
  auto* c = reinterpret_cast<PyCodeObject*>(code);
  const char* file = PyUnicode_AsUTF8(c->co_filename);
  const char* name = PyUnicode_AsUTF8(c->co_name);
  if (!file || !name) {
    PyErr_Clear();  // names that are not text: the place is simply left out
    return "";
  }
  return std::string(file) + ":" + std::to_string(PyCode_Addr2Line(c, instruction)) +
         ", in " + name;
}

namespace {
struct Write {
  const Storage* storage = nullptr;
  uint32_t version = 0;
  CodePoint point;
};
std::array<Write, 4096>& ring() {
  static auto* r = new std::array<Write, 4096>;
  return *r;
}
size_t ring_at = 0;
}  // namespace

void note_write(const Storage* storage) {
  Write& w = ring()[ring_at++ % 4096];
  w.storage = storage;
  w.version = storage->version;
  w.point = CodePoint::here();
}

std::string find_write(const Storage* storage, uint32_t version) {
  for (const Write& w : ring()) {
    if (w.storage == storage && w.version == version) return w.point.text();
  }
  return "";
}

}  // namespace fl
