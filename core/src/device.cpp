// Device types, runtimes and the kernel table of each backend.
#include "flambeau/device.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cstring>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "flambeau/defaults.h"
#include "flambeau/error.h"
#include "flambeau/lock.h"
#include "flambeau/stream.h"

namespace fl {

LockHooks lock_hooks;

namespace {

struct TypeEntry {
  std::string name;
  std::unique_ptr<Backend> backend;
  std::vector<DeviceRuntime*> runtimes;  // by index, nullptr until opened
  bool is_meta = false;
};

struct Registry {
  std::vector<std::unique_ptr<TypeEntry>> types;
  std::deque<std::string> kernels;  // names, by id; a deque, for they never move
  std::unordered_map<std::string, KernelId> kernel_ids;
  std::function<void(const std::string&)> resolver;
  Device process_default;
  int threads = 0;
  int opened = 0;  // devices
  Registry() {
    // The name is only the initial value of the default device; whether anything
    // answers to it is the resolver's business.
    types.push_back(std::make_unique<TypeEntry>());
    types[kHostType]->name = kHostDeviceType;
    types.push_back(std::make_unique<TypeEntry>());
    types[kMetaType]->name = "meta";
    types[kMetaType]->is_meta = true;
  }
};

Registry& registry() {
  static auto* r = new Registry;  // outlives every tensor
  return *r;
}

// What a thread has chosen for itself; others keep theirs.
struct Choices {
  std::optional<Device> default_device;
  std::vector<int16_t> current;  // by type: the index that none stands for
};
thread_local Choices t_choices;
// Of the thread's default device, once it is open; apart, for it is asked often.
[[gnu::tls_model("initial-exec")]] thread_local DeviceRuntime* t_default = nullptr;

thread_local std::string t_error;

// A kernel that runs, and what it asked the host for.  One written in Python may call
// ops, and so have others run inside of it.
struct Running;
[[gnu::tls_model("initial-exec")]] thread_local Running* t_running = nullptr;
struct Running {
  struct Workspace {
    void* data;
    size_t bytes;
    uint8_t size_class;
    int stream;
  };
  DeviceRuntime& device;
  Running* const outer;
  bool unlocked = false;
  void* lock = nullptr;  // what lock_hooks.release returned
  std::unique_ptr<std::vector<Workspace>> workspaces;  // few kernels ask for any

  explicit Running(DeviceRuntime& d)
      : device(d), outer(std::exchange(t_running, this)) {}
  // Under the lock; a thread that ends while it waits for the lock never comes here.
  void finish() {
    t_running = outer;
    if (workspaces) [[unlikely]] {
      release_workspaces();
    }
  }
  [[gnu::noinline]] void release_workspaces() {
    for (; !workspaces->empty(); workspaces->pop_back()) {
      const Workspace& w = workspaces->back();
      device.allocator.release(w.data, w.bytes, w.size_class, w.stream);
    }
  }
};

void host_set_error(const char* message) { t_error = message ? message : ""; }

void* host_workspace(const fl_call*, size_t bytes) {
  if (t_running == nullptr || bytes == 0) return nullptr;
  Running& r = *t_running;
  // The allocator is only touched under the lock.
  if (r.unlocked) lock_hooks.acquire(r.lock);
  Running::Workspace w{nullptr, bytes, 0, current_stream_id(r.device)};
  try {
    w.data = r.device.allocator.allocate(bytes, &w.size_class, w.stream);
    if (!r.workspaces)
      r.workspaces = std::make_unique<std::vector<Running::Workspace>>();
    r.workspaces->push_back(w);
  } catch (const Error&) {
    w.data = nullptr;  // the kernel reports FL_OUT_OF_MEMORY
  }
  if (r.unlocked) r.lock = lock_hooks.release();
  return w.data;
}

const fl_host kHost = {sizeof(fl_host), FL_ABI_VERSION, FL_ABI_OLDEST, host_set_error,
                       host_workspace};

TypeEntry& type_of(int16_t id) { return *registry().types.at(id); }

// Makes sure that somebody answers for the type; the resolver loads or throws.
void resolve(TypeEntry& t) {
  if (t.backend || t.is_meta) return;
  Registry& r = registry();
  check(static_cast<bool>(r.resolver), "device '", t.name,
        "': no backend is loaded, and none can be found");
  r.resolver(t.name);
  check(t.backend != nullptr, "device '", t.name, "': its backend did not load");
}

// In a child made by fork(), the parent's devices are unreachable, but for those that
// are nothing but memory and code.
void after_fork() {
  for (auto& t : registry().types) {
    for (DeviceRuntime* rt : t->runtimes) {
      if (!rt || rt->is_meta() || (rt->host_memory && !rt->asynchronous)) continue;
      rt->refuse("it was opened before fork(); start processes with 'spawn' instead");
    }
  }
}

DeviceRuntime* open_runtime(TypeEntry& t, int16_t type, int16_t index) {
  auto* rt = new DeviceRuntime;
  Registry& r = registry();
  rt->device = {type, index};
  rt->name = t.name;
  rt->ordinal = r.opened++;
  if (t.is_meta) return rt;
  const fl_backend* api = t.backend->api;
  fl_status s = api->device->open(index, &rt->handle);
  check(s == FL_OK, "device '", t.name, ":", index, "' could not be opened: ", t_error);
  fl_properties p{};
  p.size = sizeof p;
  s = api->device->properties(index, &p);
  check(s == FL_OK, "device '", t.name, ":", index, "' has no properties: ", t_error);
  rt->backend = t.backend.get();
  rt->host_memory = p.flags & FL_HOST_MEMORY;
  rt->asynchronous = p.flags & FL_ASYNC;
  rt->total_memory = p.total_memory;
  rt->name = std::string(p.name, strnlen(p.name, sizeof p.name));
  rt->allocator.attach(api, rt->handle, t.name.c_str(), rt->asynchronous,
                       rt->host_memory);
  static const int watching = pthread_atfork(nullptr, nullptr, after_fork);
  check(watching == 0, "pthread_atfork: the system has no memory for it");
  return rt;
}

}  // namespace

int16_t device_type_id(const std::string& name) {
  auto& types = registry().types;
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i]->name == name) return static_cast<int16_t>(i);
  }
  types.push_back(std::make_unique<TypeEntry>());
  types.back()->name = name;
  return static_cast<int16_t>(types.size() - 1);
}

const std::string& device_type_name(int16_t id) { return type_of(id).name; }

std::ostream& operator<<(std::ostream& s, const DeviceText& d) {
  s << device_type_name(d.device.type);
  return d.device.index < 0 ? s : s << ':' << d.device.index;
}
DeviceText::operator std::string() const { return concat(*this); }

Device parse_device(const std::string& text) {
  size_t colon = text.find(':');
  std::string type = text.substr(0, colon);
  bool good = !type.empty() &&
              type.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") ==
                  std::string::npos;
  int16_t index = -1;
  if (good && colon != std::string::npos) {
    std::string digits = text.substr(colon + 1);
    good = !digits.empty() && digits.size() <= 3 &&
           digits.find_first_not_of("0123456789") == std::string::npos &&
           (digits.size() == 1 || digits[0] != '0');
    if (good) index = static_cast<int16_t>(std::stoi(digits));
  }
  check(good, "Invalid device string: '", text, "'");
  return {device_type_id(type), index};
}

KernelId intern_kernel(const char* name) {
  Registry& r = registry();
  auto [at, fresh] = r.kernel_ids.try_emplace(name, r.kernels.size());
  if (fresh) r.kernels.emplace_back(name);
  return at->second;
}

const char* kernel_name(KernelId id) { return registry().kernels[id].c_str(); }

const Backend::Slot& Backend::ask(KernelId id) {
  if (id >= slots.size()) slots.resize(registry().kernels.size());
  Slot s;
  s.name = kernel_name(id);
  s.asked = true;
  fl_kernel_info info{};
  info.size = sizeof info;
  const bool shown = std::find(hidden.begin(), hidden.end(), id) == hidden.end();
  if (shown && api->kernels->find(s.name, &info) && info.run) {
    s.run = info.run;
    s.context = info.context;
    s.dtypes = info.dtypes;
  }
  return slots[id] = s;
}

void Backend::hide(std::vector<KernelId> kernels) {
  hidden = std::move(kernels);
  for (Slot& s : slots) s = Slot{};
}

void DeviceRuntime::refuse(const char* why) {
  refused = why;
  allocator.abandon(why);
}

void DeviceRuntime::check_usable() const {
  if (!refused) [[likely]] {
    return;
  }
  fail(ErrorKind::Accelerator, "device '", to_string(device),
       "' cannot be used any more: ", refused);
}

void DeviceRuntime::synchronize() {
  if (!backend) return;
  check_usable();
  const fl_device_table* t = backend->api->device;
  check_status(Unlocked::run([&] { return t->synchronize(handle); }), *this,
               "synchronize");
  const std::string earlier = allocator.take_deferred_error();
  check(earlier.empty(), ErrorKind::Accelerator, "synchronize: ", earlier);
}

void DeviceRuntime::from_host(void* dst, const void* src, size_t bytes,
                              const char* op) {
  check_usable();
  const fl_memory_table* t = backend->api->memory;
  void* stream = current_stream(*this);
  check_status(
      Unlocked::run([&] { return t->from_host(handle, stream, dst, src, bytes); }),
      *this, op);
}

void DeviceRuntime::to_host(void* dst, const void* src, size_t bytes, const char* op) {
  check_usable();
  const fl_memory_table* t = backend->api->memory;
  void* stream = current_stream(*this);
  check_status(
      Unlocked::run([&] { return t->to_host(handle, stream, dst, src, bytes); }), *this,
      op);
}

DeviceRuntime& runtime(Device d) {
  TypeEntry& t = type_of(d.type);
  auto index = static_cast<int16_t>(d.index < 0 ? current_index(d.type) : d.index);
  if (index < static_cast<int16_t>(t.runtimes.size()) && t.runtimes[index]) [[likely]] {
    return *t.runtimes[index];
  }
  resolve(t);
  if (!t.is_meta) {
    int n = t.backend->api->device->count();
    check(index < n, "device '", to_string(d), "': there ",
          n == 1 ? "is 1 device" : concat("are ", n, " devices"), " of this type");
  } else {
    index = 0;
  }
  if (index >= static_cast<int16_t>(t.runtimes.size())) t.runtimes.resize(index + 1);
  if (!t.runtimes[index]) t.runtimes[index] = open_runtime(t, d.type, index);
  return *t.runtimes[index];
}

DeviceRuntime& default_runtime() {
  if (!t_default) [[unlikely]] {
    t_default = &runtime(default_device());
  }
  return *t_default;
}

DeviceRuntime& host_runtime() {
  static DeviceRuntime& host = runtime({kHostType, 0});
  return host;
}

int current_index(int16_t type) {
  const auto& current = t_choices.current;
  const auto at = static_cast<size_t>(type);
  return at < current.size() ? current[at] : 0;
}

void set_current_index(int16_t type, int index) {
  const int n = device_count(type);
  check(index >= 0 && index < n, "set_device: expected an index below ", n, " for '",
        device_type_name(type), "', got ", index);
  auto& current = t_choices.current;
  const auto at = static_cast<size_t>(type);
  if (at >= current.size()) current.resize(at + 1, 0);
  current[at] = static_cast<int16_t>(index);
  t_default = nullptr;
}

bool is_loaded(int16_t type) { return type_of(type).backend != nullptr; }

Device default_device() {
  return t_choices.default_device.value_or(registry().process_default);
}

void set_default_device(Device d) {
  t_choices.default_device = d;
  t_default = nullptr;
}

void set_process_default_device(Device d) {
  registry().process_default = d;
  t_default = nullptr;
}

int device_count(int16_t type) {
  TypeEntry& t = type_of(type);
  if (t.is_meta) return 1;
  resolve(t);
  return t.backend->api->device->count();
}

void open_backend(const std::string& library, const std::string& name) {
  // Local symbols, so that two backends never see each other's.
  void* so = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    const char* why = dlerror();
    fail(ErrorKind::Runtime, "backend '", name,
         "': its library does not open: ", why ? why : "unknown reason");
  }
  auto query =
      reinterpret_cast<fl_backend_query_fn>(dlsym(so, "flambeau_backend_query"));
  check(query != nullptr, "backend '", name, "': its library exports no ",
        "flambeau_backend_query");
  const char* reason = "no reason given";
  const fl_backend* api = query(&kHost, &reason);
  check(api != nullptr, "backend '", name, "' refuses to work: ", reason);
  register_backend(api, library, name);
}

const fl_host& host_table() { return kHost; }

namespace {
// Every required function, by a struct large enough to hold the last of them.
bool is_complete(const fl_backend* api) {
  if (!FL_HAS(api, kernels) || !api->device || !api->memory || !api->kernels) {
    return false;
  }
  const fl_device_table* d = api->device;
  const fl_memory_table* m = api->memory;
  return FL_HAS(d, synchronize) && d->count && d->open && d->close && d->properties &&
         d->synchronize && FL_HAS(m, to_host) && m->allocate && m->release &&
         m->from_host && m->to_host && FL_HAS(api->kernels, find) && api->kernels->find;
}
}  // namespace

void register_backend(const fl_backend* api, const std::string& library,
                      const std::string& name) {
  check(is_complete(api), "backend '", name,
        "': its table lacks a required part (device, memory, kernels)");
  int16_t id = device_type_id(api->device_type);
  TypeEntry& t = type_of(id);
  check(!t.backend && !t.is_meta, "backend '", name, "': device type '", t.name,
        "' already has a backend");
  t.backend = std::make_unique<Backend>();
  t.backend->api = api;
  t.backend->library = library;
  t.backend->slots.resize(registry().kernels.size());
  if (registry().threads > 0 && FL_HAS(api, set_num_threads) && api->set_num_threads) {
    api->set_num_threads(registry().threads);
  }
}

void set_device_resolver(std::function<void(const std::string&)> resolver) {
  registry().resolver = std::move(resolver);
}

std::vector<Backend*> loaded_backends() {
  std::vector<Backend*> out;
  for (auto& t : registry().types) {
    if (t->backend) out.push_back(t->backend.get());
  }
  return out;
}

void set_num_threads(int threads) {
  check(threads > 0, "set_num_threads: expected a positive number, got ", threads);
  registry().threads = threads;
  for (Backend* b : loaded_backends()) {
    if (FL_HAS(b->api, set_num_threads) && b->api->set_num_threads) {
      b->api->set_num_threads(threads);
    }
  }
}

int num_threads() {
  int n = registry().threads;
  return n > 0 ? n : static_cast<int>(std::thread::hardware_concurrency());
}

void raise_status(fl_status status, const char* op) {
  std::string message = std::move(t_error);
  t_error.clear();
  if (message.empty())
    message = concat("the device answered with status ", int(status));
  constexpr const char* kZero = "ZeroDivisionError";
  // The message of deferred errors names the op that caused them.
  switch (status) {
    case FL_INDEX_ERROR:
      fail(ErrorKind::Index, op, ": ", message);
    case FL_LINALG_ERROR:
      fail(ErrorKind::LinAlg, op, ": ", message);
    case FL_OUT_OF_MEMORY:
      fail(ErrorKind::OutOfMemory, op, ": ", message);
    case FL_UNSUPPORTED:
      fail(ErrorKind::NotImplemented, op, ": ", message);
    case FL_DEVICE_LOST:
      fail(ErrorKind::Accelerator, op, ": ", message);
    default:
      if (message.rfind(kZero, 0) == 0) {
        fail(ErrorKind::Runtime, "ZeroDivisionError");
      }
      fail(ErrorKind::Runtime, op, ": ", message);
  }
}

void check_status(fl_status status, DeviceRuntime& device, const char* op) {
  if (status == FL_OK) [[likely]] {
    return;
  }
  if (status == FL_DEVICE_LOST) device.refuse("it was lost");
  raise_status(status, op);
}

namespace {

constexpr int64_t kUnlockAt = 1 << 16;  // elements: below, the lock costs more

int64_t work_of(const fl_call& c) {
  int64_t n = 0;
  for (int i = 0; i < c.n_out; ++i) n += c.out[i].numel;
  for (int i = 0; i < c.n_in; ++i) n += c.in[i].ndim >= 0 ? c.in[i].numel : 0;
  return n;
}

inline fl_status run(fl_kernel kernel, fl_call& call, DeviceRuntime& device) {
  Running running(device);
  running.unlocked =
      lock_hooks.release && !device.asynchronous && work_of(call) >= kUnlockAt;
  if (running.unlocked) running.lock = lock_hooks.release();
  const fl_status status = kernel(&call);
  if (running.unlocked) lock_hooks.acquire(running.lock);
  running.finish();
  return status;
}

}  // namespace

bool try_kernel(fl_kernel kernel, fl_call& call, DeviceRuntime& device, KernelId id) {
  device.check_usable();
  const Backend::Slot& slot = device.backend->slot(id);
  call.size = sizeof call;
  call.device = device.handle;
  call.stream = current_stream(device);
  call.host = &kHost;
  call.op = slot.name;
  call.context = slot.context;
  fl_status status;
  for (bool again = false;; again = true) {
    status = run(kernel, call, device);
    if (status == FL_OK) [[likely]] {
      return true;
    }
    if (status != FL_OUT_OF_MEMORY || again) break;
    device.allocator.empty_cache();
  }
  if (status == FL_UNSUPPORTED) return false;
  check_status(status, device, kernel_name(id));
  return true;
}

void run_kernel(fl_kernel kernel, fl_call& call, DeviceRuntime& device, KernelId id) {
  if (!try_kernel(kernel, call, device, id))
    raise_status(FL_UNSUPPORTED, kernel_name(id));
}

}  // namespace fl
