// How the core gives up and takes back the interpreter's lock around long kernels,
// without knowing the interpreter: the bindings fill these in.
#pragma once

namespace fl {

struct LockHooks {
  void* (*release)() = nullptr;  // returns what acquire wants
  void (*acquire)(void* state) = nullptr;
};
extern LockHooks lock_hooks;

// Runs something that waits for a device, without the lock.
struct Unlocked {
  template <class F>
  static auto run(F&& f) {
    if (!lock_hooks.release) return f();
    void* state = lock_hooks.release();
    auto result = f();
    lock_hooks.acquire(state);
    return result;
  }
};

}  // namespace fl
