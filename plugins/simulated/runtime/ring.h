// The queue of one stream: commands of different lengths, one after another, in a ring
// of bytes.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "flambeau/backend.h"

namespace simulated {

struct Kernel;
struct Mark;

enum class Kind : uint32_t {
  kWrap,    // nothing: the ring goes on at its beginning
  kKernel,  // runs a kernel
  kWrite,   // bytes that follow the command go to the device
  kMove,    // bytes are moved between addresses
  kRecord,  // an event is reached
  kWait,    // nothing more runs on this stream until an event is reached
};

struct Command {
  uint32_t bytes;  // of all that belongs to it
  Kind kind;
  uint64_t sequence;  // the place among all commands of the device
};

struct KernelCommand : Command {
  const Kernel* kernel;
  void* workspace;
  bool poisoned;  // an injected fault strikes when it runs
  fl_call call;   // operands, attributes and numbers follow
};

struct CopyCommand : Command {
  void* to;
  const void* from;
  size_t count;
};

struct MarkCommand : Command {
  Mark* mark;
};

// One side adds under the device's lock, the other (the worker) takes without one.
// Positions count all bytes that ever went through.
class Ring {
 public:
  static constexpr size_t kBytes = size_t{1} << 18;
  static constexpr size_t kUnit = 64;             // commands begin on cache lines
  static constexpr size_t kLongest = kBytes / 4;  // of one command

  Ring() {
    void* p = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    data_ = p == MAP_FAILED ? nullptr : static_cast<char*>(p);
  }
  ~Ring() {
    if (data_ != nullptr) munmap(data_, kBytes);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool good() const { return data_ != nullptr; }

  // ---- the adding side ----------------------------------------------------------
  // Room for a command of at most `bytes`, or nullptr while the ring is too full.
  void* reserve(size_t bytes) {
    uint64_t at = tail_.load(std::memory_order_relaxed);
    const size_t left = kBytes - at % kBytes;
    const size_t skipped = bytes > left ? left : 0;
    if (at + skipped + bytes > seen_head_ + kBytes) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (at + skipped + bytes > seen_head_ + kBytes) return nullptr;
    }
    if (skipped != 0) {
      auto* gap = reinterpret_cast<Command*>(data_ + at % kBytes);
      gap->bytes = static_cast<uint32_t>(skipped);
      gap->kind = Kind::kWrap;
      at += skipped;
      tail_.store(at, std::memory_order_release);
    }
    return data_ + at % kBytes;
  }
  // Hands over the command that was written where reserve() said.
  void commit(Command* command, size_t bytes) {
    bytes = (bytes + kUnit - 1) / kUnit * kUnit;
    command->bytes = static_cast<uint32_t>(bytes);
    const uint64_t tail = tail_.load(std::memory_order_relaxed) + bytes;
    tail_.store(tail, std::memory_order_release);
    for (size_t ahead = 0; ahead < bytes; ahead += kUnit) {
      own_line(data_ + (tail + ahead) % kBytes);
    }
  }
  uint64_t tail() const { return tail_.load(std::memory_order_acquire); }

  // ---- the taking side ----------------------------------------------------------
  // The first command, which stays until pop(); nullptr when there is none.
  Command* front() {
    for (;;) {
      const uint64_t at = head_.load(std::memory_order_relaxed);
      if (at == tail_.load(std::memory_order_acquire)) return nullptr;
      auto* command = reinterpret_cast<Command*>(data_ + at % kBytes);
      if (command->kind != Kind::kWrap) return command;
      pop(command);
    }
  }
  // Sequentially consistent: who waits has said so before looking at the head.
  void pop(const Command* command) {
    head_.store(head_.load(std::memory_order_relaxed) + command->bytes);
  }
  uint64_t head() const { return head_.load(); }
  bool empty() const { return head() == tail(); }
  bool crowded() const { return tail() - head() > kBytes / 2; }

 private:
  // The taking side has read this line a round ago: fetch it back from its processor
  // now, while the host is busy with other things, and not when the next command is
  // written.
  static void own_line([[maybe_unused]] void* line) {
#if defined(__x86_64__)
    asm volatile("prefetchw (%0)" : : "r"(line));
#else
    __builtin_prefetch(line, 1);
#endif
  }

  char* data_;
  alignas(kUnit) std::atomic<uint64_t> tail_{0};
  uint64_t seen_head_ = 0;  // by the adding side, which rarely needs to look again
  alignas(kUnit) std::atomic<uint64_t> head_{0};
};

}  // namespace simulated
