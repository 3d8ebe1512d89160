// From the host's call to a command in a ring, and from there to the kernel.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <unordered_map>

#include "kernels/kernel.h"
#include "runtime/device.h"

namespace simulated {
namespace {

constexpr int64_t kZeros[kMaxDims] = {};
constexpr size_t kLongestNumber = 16;

fl_status fail(const fl_call* call, const char* op, const char* message) {
  const std::string text = std::string(op) + ": " + message;
  call->host->set_error(text.c_str());
  return FL_ERROR;
}

// Writes a call's variable parts behind the command.
class Packer {
 public:
  Packer(Device& d, void* room) : device_(d), start_(static_cast<char*>(room)) {
    at_ = start_ + sizeof(KernelCommand);
  }

  void operands(const fl_tensor* from, int n, const fl_tensor** where) {
    auto* to = reinterpret_cast<fl_tensor*>(at_);
    *where = to;
    at_ += sizeof(fl_tensor) * static_cast<size_t>(n);
    for (int i = 0; i < n && status == FL_OK; ++i) operand(from[i], to[i]);
  }

  void attributes(const fl_attr* from, int n, uint32_t ints, const fl_attr** where) {
    auto* to = reinterpret_cast<fl_attr*>(at_);
    *where = to;
    at_ += sizeof(fl_attr) * static_cast<size_t>(n);
    for (int i = 0; i < n; ++i) {
      to[i] = from[i];
      if ((ints >> i) & 1) to[i].v.ints = numbers(from[i].v.ints, from[i].count);
    }
  }

  size_t length() const { return static_cast<size_t>(at_ - start_); }

  // FL_ERROR: an operand is elsewhere; FL_UNSUPPORTED: it has too many dimensions.
  fl_status status = FL_OK;

 private:
  void operand(const fl_tensor& from, fl_tensor& to) {
    to = from;
    if (from.ndim < 0) return;
    if (from.ndim > kMaxDims) {
      status = FL_UNSUPPORTED;
      return;
    }
    // Operands of an iterated call share their sizes.
    if (from.sizes != sizes_from_) {
      sizes_from_ = from.sizes;
      sizes_ = numbers(from.sizes, from.ndim);
    }
    to.sizes = sizes_;
    if ((from.flags & FL_HOST_SCALAR) != 0) {
      to.data = at_;
      to.strides = kZeros;
      number(from);
      return;
    }
    to.strides = numbers(from.strides, from.ndim);
    if (device_.memory.owns(from.data)) [[likely]] {
      to.data = device_.memory.inside(from.data);
    } else if (from.numel != 0) {
      // A reduction over nothing writes an output whose sizes have a 0.
      status = FL_ERROR;
    }
  }

  // By sizes known to the compiler: a call of memcpy would cost as much as all the
  // rest.
  void number(const fl_tensor& from) {
    switch (dtype_bytes[from.dtype]) {
      case 1:
        std::memcpy(at_, from.data, 1);
        break;
      case 2:
        std::memcpy(at_, from.data, 2);
        break;
      case 4:
        std::memcpy(at_, from.data, 4);
        break;
      case 8:
        std::memcpy(at_, from.data, 8);
        break;
      default:
        std::memcpy(at_, from.data, kLongestNumber);
    }
    at_ += kLongestNumber;
  }

  const int64_t* numbers(const int64_t* from, int64_t n) {
    auto* to = reinterpret_cast<int64_t*>(at_);
    for (int64_t i = 0; i < n; ++i) to[i] = from[i];
    at_ += sizeof(int64_t) * static_cast<size_t>(n);
    return to;
  }

  static constexpr size_t dtype_bytes[FL_DTYPE_COUNT] = {1, 1, 1, 2, 4, 8,
                                                         2, 2, 4, 8, 8, 16};
  Device& device_;
  char* const start_;
  char* at_;
  const int64_t* sizes_from_ = nullptr;
  const int64_t* sizes_ = nullptr;
};

// An upper bound of the command's length.
size_t room_for(const fl_call& c, uint32_t ints) {
  constexpr size_t kOperand =
      sizeof(fl_tensor) + kLongestNumber + 2 * sizeof(int64_t) * kMaxDims;
  size_t bytes = sizeof(KernelCommand) +
                 static_cast<size_t>(c.n_out + c.n_in) * kOperand +
                 static_cast<size_t>(c.n_attr) * sizeof(fl_attr);
  for (int i = 0; ints != 0 && i < c.n_attr; ++i) {
    if ((ints >> i) & 1) {
      bytes += sizeof(int64_t) * static_cast<size_t>(c.attr[i].count);
    }
  }
  return bytes;
}

// Faults that tests ask for; true when one decides the launch's answer.
bool inject(Device& d, bool* poisoned, fl_status* status) {
  *poisoned = d.injection.strikes(Fault::kDeferredError);
  if (!d.injection.strikes(Fault::kDeviceLost)) return false;
  d.lose("it was lost (an injected fault)");
  *status = d.refuse();
  return true;
}

std::string describe(const Trap& t) {
  if (t.code == Trap::kZeroDivision) return "ZeroDivisionError";
  char text[128];
  std::snprintf(text, sizeof text,
                "index %lld is out of bounds for dimension %lld with size %lld",
                static_cast<long long>(t.index), static_cast<long long>(t.dim),
                static_cast<long long>(t.size));
  return text;
}

// What a launch settles before its command is written.
struct Prepared {
  void* workspace = nullptr;
  bool poisoned = false;
};

fl_status prepare(Device& d, const fl_call* call, const Kernel& kernel, Prepared* p) {
  if (kernel.accepts != nullptr && !kernel.accepts(*call)) return FL_UNSUPPORTED;
  if (d.injection.armed()) [[unlikely]] {
    fl_status status;
    if (inject(d, &p->poisoned, &status)) return status;
  }
  // Only here, on the host's thread, may the host be asked for memory.
  const size_t bytes = kernel.workspace == nullptr ? 0 : kernel.workspace(*call);
  if (bytes == 0) return FL_OK;
  p->workspace = call->host->workspace(call, bytes);
  if (p->workspace != nullptr) return FL_OK;
  fail(call, kernel.name, "no memory is left for its workspace");
  return FL_OUT_OF_MEMORY;
}

// The length of the command; 0 when an operand is not acceptable.
size_t write_command(Device& d, void* at, const fl_call* call, const Kernel& kernel,
                     const Prepared& p, fl_status* status) {
  auto* c = new (at) KernelCommand;
  c->kind = Kind::kKernel;
  c->kernel = &kernel;
  c->workspace = p.workspace;
  c->poisoned = p.poisoned;
  c->call = *call;
  Packer pack(d, at);
  pack.operands(call->out, call->n_out, &c->call.out);
  pack.operands(call->in, call->n_in, &c->call.in);
  *status = pack.status;
  if (pack.status != FL_OK) [[unlikely]] {
    return 0;
  }
  pack.attributes(call->attr, call->n_attr, kernel.ints, &c->call.attr);
  // Under the lock of the adding side: no need to count atomically.
  d.launched.store(d.launched.load(std::memory_order_relaxed) + 1,
                   std::memory_order_relaxed);
  return pack.length();
}

}  // namespace

fl_status launch(const fl_call* call) {
  Device& d = *static_cast<Device*>(call->device);
  if (!d.usable()) [[unlikely]] {
    return d.refuse();
  }
  if (!FL_HAS(call, context)) [[unlikely]] {
    return fail(call, "simulated",
                "the host's calls carry no context: update flambeau");
  }
  const Kernel& kernel = *static_cast<const Kernel*>(call->context);
  const size_t room = room_for(*call, kernel.ints);
  if (room > Ring::kLongest) return FL_UNSUPPORTED;
  Prepared prepared;
  fl_status status = prepare(d, call, kernel, &prepared);
  if (status != FL_OK) [[unlikely]] {
    return status;
  }
  d.add(d.stream(call->stream), room, [&](void* at) {
    return write_command(d, at, call, kernel, prepared, &status);
  });
  if (status != FL_ERROR) [[likely]] {
    return status;
  }
  return fail(call, kernel.name, "an operand is not in this device's memory");
}

void run_kernel(const KernelCommand& command, Device& device) {
  Trap trap;
  void* scratch =
      command.workspace == nullptr ? nullptr : device.memory.inside(command.workspace);
  command.kernel->run({command.call, scratch, &trap});
  if (trap.code == Trap::kNone) return;
  const fl_status status = trap.code == Trap::kIndex ? FL_INDEX_ERROR : FL_ERROR;
  device.fail(status, std::string(command.kernel->name) + ": " + describe(trap));
}

const Kernel* find_kernel(std::string_view name) {
#define SIMULATED_LIST(family) &family##_family,
  static const auto* index = [] {
    auto* all = new std::unordered_map<std::string_view, const Kernel*>;
    for (const Family* family : {SIMULATED_FAMILIES(SIMULATED_LIST)}) {
      for (size_t i = 0; i < family->count; ++i) {
        all->emplace(family->kernels[i].name, &family->kernels[i]);
      }
    }
    return all;
  }();
#undef SIMULATED_LIST
  const auto found = index->find(name);
  return found == index->end() ? nullptr : found->second;
}

}  // namespace simulated
