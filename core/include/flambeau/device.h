// Devices at run time: interned types, one runtime per opened device, and the table of
// its kernels.  Which device exists is data; no name is compared anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "flambeau/allocator.h"
#include "flambeau/backend.h"
#include "flambeau/dtype.h"

namespace fl {

// Interned name of a kind of device; the id is stable within a process.
int16_t device_type_id(const std::string& name);
const std::string& device_type_name(int16_t id);

struct Device {
  int16_t type = 0;
  int16_t index = -1;  // -1: the current one
  bool operator==(const Device&) const = default;
};
// "cuda:1", written only when it is printed.
struct DeviceText {
  Device device;
  operator std::string() const;
};
std::ostream& operator<<(std::ostream& s, const DeviceText& d);
inline DeviceText to_string(Device d) { return {d}; }
Device parse_device(const std::string& text);  // "cuda:1"; RuntimeError as PyTorch

// The type of device whose memory is the interpreter's: where lists and NumPy arrays
// arrive, and where kernels that a device lacks are run.  The only name that the core
// gives, as the initial default device.
inline constexpr const char* kHostDeviceType = "cpu";
inline constexpr int16_t kHostType = 0;  // its id
inline constexpr int16_t kMetaType = 1;  // of the device that holds no data

using KernelId = uint16_t;
KernelId intern_kernel(const char* name);
const char* kernel_name(KernelId id);  // lives as long as the process

// A loaded library and its tables.
struct Backend {
  const fl_backend* api = nullptr;
  std::string library;
  // Indexed by KernelId; asked once per name.
  struct Slot {
    fl_kernel run = nullptr;
    void* context = nullptr;
    const char* name = nullptr;
    uint32_t dtypes = 0;
    bool asked = false;
  };
  std::vector<Slot> slots;
  std::vector<KernelId> hidden;  // treated as if the backend lacked them
  const Slot& slot(KernelId id) {
    if (id < slots.size() && slots[id].asked) [[likely]] {
      return slots[id];
    }
    return ask(id);
  }
  const Slot& ask(KernelId id);
  // For tests: a backend with fewer kernels than it has; {} brings all back.
  void hide(std::vector<KernelId> kernels);
};

// One opened device.  Never destroyed: tensors point here.
struct DeviceRuntime {
  Device device;
  Backend* backend = nullptr;  // nullptr: the meta device, which holds no data
  void* handle = nullptr;
  bool host_memory = false;
  bool asynchronous = false;
  const char* refused = nullptr;  // why it cannot be used any more
  int ordinal = 0;                // among all opened devices
  std::string name;
  uint64_t total_memory = 0;
  std::vector<void*> streams{nullptr};  // by id; 0 is the default one
  CachingAllocator allocator;

  bool is_meta() const { return backend == nullptr; }
  // The kernel for this dtype, or nullptr.
  fl_kernel find(KernelId id, Dtype d) {
    if (!backend) return nullptr;
    const Backend::Slot& s = backend->slot(id);
    return (s.dtypes >> static_cast<int>(d)) & 1u ? s.run : nullptr;
  }
  void synchronize();
  // Bytes across the border, after the earlier work on the current stream; `op` is
  // named in errors.
  void from_host(void* dst, const void* src, size_t bytes, const char* op);
  void to_host(void* dst, const void* src, size_t bytes, const char* op);
  // From now on every use raises a RuntimeError that says why (a static text).
  void refuse(const char* why);
  void check_usable() const;
};

// The runtime of a device; opens its backend at the first use.  Throws the stored
// reason when there is none.
DeviceRuntime& runtime(Device d);
DeviceRuntime& default_runtime();  // of the default device
DeviceRuntime& host_runtime();     // of kHostDeviceType
Device default_device();
void set_default_device(Device d);
int device_count(int16_t type);
// The device that a type without an index means.
int current_index(int16_t type);
void set_current_index(int16_t type, int index);
// Whether the type's backend is loaded.
bool is_loaded(int16_t type);

// Opens a library, negotiates and registers its device type.
void open_backend(const std::string& library, const std::string& name);
// Registers the table of a backend, from wherever it comes.
void register_backend(const fl_backend* api, const std::string& library,
                      const std::string& name);
const fl_host& host_table();  // what backends are given
// Called once for a device type that nobody has registered yet; loads or throws.
void set_device_resolver(std::function<void(const std::string&)> resolver);
std::vector<Backend*> loaded_backends();

void set_num_threads(int threads);
int num_threads();

// Runs a kernel call and turns its status into an exception that names the op.
void run_kernel(fl_kernel kernel, fl_call& call, DeviceRuntime& device, KernelId id);
[[noreturn]] void raise_status(fl_status status, const char* op);
// Like run_kernel, but FL_UNSUPPORTED comes back as false.
bool try_kernel(fl_kernel kernel, fl_call& call, DeviceRuntime& device, KernelId id);
// Throws what a function of the device table answered, unless it is FL_OK.
void check_status(fl_status status, DeviceRuntime& device, const char* op);

}  // namespace fl
