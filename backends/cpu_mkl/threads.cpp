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
// A loop is cut into a share for each thread, and a share into chunks behind a counter.
// The caller and every worker that is awake claim the chunks of their own share, then
// those that are left of the others', until there are none: so a worker that the system
// has not scheduled costs nothing. The caller then waits only for chunks already being
// worked on. A thread gets the same share of the next loop of that size, and finds in
// its caches what it has left there. `users` counts the workers that look at the loop;
// the next loop may be set up once it is 0.
struct Loop {
  Body body;
  void* context;
  int64_t n, chunk;
  int threads;
};
struct alignas(64) Share {  // a line of the cache each: only thieves meet there
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

class Pool {
 public:
  // False when another thread of the program is using the pool.
  bool run(const Loop& loop) {
    std::unique_lock<std::mutex> hold(busy_, std::try_to_lock);
    if (!hold.owns_lock()) return false;
    grow(loop.threads - 1);
    cut(loop);
    loop_.store(&loop, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    work(loop, 0);
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
  void cut(const Loop& loop) {
    const int64_t chunks = (loop.n + loop.chunk - 1) / loop.chunk;
    for (int i = 0; i < loop.threads; ++i) {
      const auto edge = [&](int64_t k) {
        return std::min(chunks * k / loop.threads * loop.chunk, loop.n);
      };
      shares_[i].next.store(edge(i), std::memory_order_relaxed);
      shares_[i].end = edge(i + 1);
    }
  }

  void work(const Loop& loop, int own) {
    for (int k = 0; k < loop.threads; ++k) {
      Share& share = shares_[(own + k) % loop.threads];
      for (;;) {
        const int64_t begin =
            share.next.fetch_add(loop.chunk, std::memory_order_relaxed);
        if (begin >= share.end) break;
        loop.body(loop.context, begin, std::min(begin + loop.chunk, share.end));
      }
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
      const Loop* loop = loop_.load(std::memory_order_seq_cst);
      if (loop != nullptr && id + 1 < loop->threads) work(*loop, id + 1);
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
  std::atomic<const Loop*> loop_{nullptr};
  Share shares_[kMaxThreads];
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
  const Loop loop{body, context, n, chunk, static_cast<int>(workers)};
  inside = true;
  const bool done = workers > 1 && instance().run(loop);
  inside = false;
  if (!done) body(context, 0, n);
}

}  // namespace threads
