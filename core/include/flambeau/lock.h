// How the core gives up and takes back the interpreter's lock around long kernels,
// without knowing the interpreter: the bindings fill these in.
#pragma once

namespace fl {

struct LockHooks {
  void* (*release)() = nullptr;  // returns what acquire wants
  void (*acquire)(void* state) = nullptr;
};
extern LockHooks lock_hooks;

}  // namespace fl
