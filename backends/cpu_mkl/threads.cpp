// The pool of worker threads behind parallel_for.
#include "threads.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#ifdef USE_OPENMP
#include <omp.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace threads {
namespace {

constexpr int kMaxThreads = 256;
// How long a worker looks for new work before it sleeps: about 20 microseconds.
constexpr int kSpins = 500;

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

thread_local bool inside = false;

// Note [Claiming chunks]
// A loop is a number of chunks behind one counter. The caller and every worker that is
// awake claim the next chunk until none is left, so a worker that the system has not
// scheduled costs nothing: its share is done by the others. The caller then waits only
// for chunks already being worked on. `users` counts the workers that look at the loop;
// the next loop may be set up once it is 0.
struct Loop {
  Body body;
  void* context;
  int64_t n, chunk;
  std::atomic<int64_t> next{0};
};

class Pool {
 public:
  // False when another thread of the program is using the pool.
  bool run(Loop& loop, int workers) {
    std::unique_lock<std::mutex> hold(busy_, std::try_to_lock);
    if (!hold.owns_lock()) return false;
    grow(workers);
    allowed_ = workers;
    loop_.store(&loop, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    work(loop);
    loop_.store(nullptr, std::memory_order_seq_cst);
    for (int spins = 0; users_.load(std::memory_order_seq_cst) != 0;) {
      if (++spins < kSpins) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
    return true;
  }

 private:
  static void work(Loop& loop) {
    for (;;) {
      const int64_t begin = loop.next.fetch_add(loop.chunk, std::memory_order_relaxed);
      if (begin >= loop.n) return;
      loop.body(loop.context, begin, std::min(begin + loop.chunk, loop.n));
    }
  }

  void grow(int workers) {
    while (started_ < workers) {
      const int id = started_;
      try {
        std::thread(&Pool::serve, this, id).detach();
      } catch (const std::system_error&) {
        return;  // no more threads from the system: the caller does the work
      }
      ++started_;
    }
  }

  void serve(int id) {
    inside = true;
#ifdef USE_OPENMP
    omp_set_num_threads(1);
#endif
    for (uint64_t seen = 0;;) {
      seen = wait(seen);
      users_.fetch_add(1, std::memory_order_seq_cst);
      Loop* loop = loop_.load(std::memory_order_seq_cst);
      if (loop != nullptr && id < allowed_) work(*loop);
      users_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }

  uint64_t wait(uint64_t seen) {
    for (int spins = 0; spins < kSpins; ++spins) {
      const uint64_t now = epoch_.load(std::memory_order_acquire);
      if (now != seen) return now;
      relax();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    wake_.wait(lock, [&] { return epoch_.load(std::memory_order_seq_cst) != seen; });
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    return epoch_.load(std::memory_order_seq_cst);
  }

  std::mutex busy_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<int> users_{0};
  std::atomic<Loop*> loop_{nullptr};
  std::atomic<int> allowed_{0};
  int started_ = 0;
};

// Never destroyed: workers may outlive main().
Pool* pool = nullptr;
std::atomic<int> limit{0};

int initial() {
#ifdef USE_OPENMP
  const int n = omp_get_max_threads();  // heeds OMP_NUM_THREADS and the affinity
#else
  const int n = static_cast<int>(std::thread::hardware_concurrency());
#endif
  return std::clamp(n, 1, kMaxThreads);
}

Pool& instance() {
  static std::once_flag once;
  std::call_once(once, [] {
    pool = new Pool;
    // A child has none of the parent's threads, and locks may be held: start afresh.
    pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
  });
  return *pool;
}

}  // namespace

int count() {
  if (inside) return 1;
  int n = limit.load(std::memory_order_relaxed);
  if (n == 0) {
    n = initial();
    limit.store(n, std::memory_order_relaxed);
  }
  return n;
}

void set_count(int32_t n) {
  limit.store(std::clamp<int32_t>(n, 1, kMaxThreads), std::memory_order_relaxed);
#ifdef USE_OPENMP
  omp_set_num_threads(limit.load(std::memory_order_relaxed));
#endif
}

void run(int64_t n, int64_t grain, Body body, void* context) {
  const int64_t most = (n + grain - 1) / grain;
  const int64_t workers = std::min<int64_t>(count(), most);
  // Several chunks per thread even out the load; never smaller than the grain.
  const int64_t chunk = std::max(grain, (n + workers * 4 - 1) / (workers * 4));
  Loop loop{body, context, n, chunk};
  inside = true;
  const bool done = workers > 1 && instance().run(loop, static_cast<int>(workers) - 1);
  inside = false;
  if (!done) body(context, 0, n);
}

}  // namespace threads
