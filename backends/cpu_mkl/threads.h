// Splits loops over the threads of the backend: inline for small work, else chunks that
// the caller and the workers claim one by one, so that nobody waits for a sleeping
// worker.
#pragma once

#include <cstdint>
#include <type_traits>

namespace threads {

// Threads that a loop may use, the caller included. Inside a worker it is 1.
int count();
void set_count(int32_t n);

using Body = void (*)(void* context, int64_t begin, int64_t end);
void run(int64_t n, int64_t grain, Body body, void* context);

}  // namespace threads

// Calls f(begin, end) for ranges that together cover [0, n), each of at least `grain`
// iterations but for the last. `grain` is what takes about 20 microseconds.
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& f) {
  if (n <= grain || threads::count() == 1) {
    if (n > 0) f(int64_t{0}, n);
    return;
  }
  threads::run(
      n, grain,
      [](void* context, int64_t begin, int64_t end) {
        (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&f)));
}
