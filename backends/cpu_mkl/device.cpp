// The CPU as a device: its memory, its properties, and the kernels of the best
// instruction set that this processor runs.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "flambeau/backend.h"
#include "flambeau/backend_negotiate.h"
#include "registry.h"
#include "threads.h"

#define FL_DECLARE_FAMILY(family) extern const Family family##_family;
#define FL_LIST_FAMILY(family) &family##_family,
#define FL_DECLARE_ISA(isa)                                              \
  namespace isa {                                                        \
  FL_FAMILIES(FL_DECLARE_FAMILY)                                         \
  static const Family* const families[] = {FL_FAMILIES(FL_LIST_FAMILY)}; \
  }

#ifdef FL_HAVE_GENERIC
FL_DECLARE_ISA(generic)
#endif
#ifdef FL_HAVE_SSE
FL_DECLARE_ISA(sse)
#endif
#ifdef FL_HAVE_AVX2
FL_DECLARE_ISA(avx2)
#endif
#ifdef FL_HAVE_AVX512
FL_DECLARE_ISA(avx512)
#endif

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

struct Isa {
  const char* name;
  const Family* const* families;
  size_t count;
};

template <size_t N>
constexpr Isa describe(const char* name, const Family* const (&families)[N]) {
  return {name, families, N};
}

[[maybe_unused]] bool allowed(const char* isa) {
  // FLAMBEAU_ISA=avx2 holds the choice down, to compare sets or to reproduce results.
  static constexpr std::string_view order[] = {"generic", "sse", "avx2", "avx512"};
  const char* wanted = std::getenv("FLAMBEAU_ISA");
  if (wanted == nullptr) return true;
  int most = 3, mine = 0;
  for (int i = 0; i < 4; ++i) {
    if (order[i] == wanted) most = i;
    if (order[i] == isa) mine = i;
  }
  return mine <= most;
}

Isa choose() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#ifdef FL_HAVE_AVX512
  if (allowed("avx512") && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd")) {
    return describe("avx512", avx512::families);
  }
#endif
#ifdef FL_HAVE_AVX2
  if (allowed("avx2") && __builtin_cpu_supports("avx2") &&
      __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    return describe("avx2", avx2::families);
  }
#endif
#ifdef FL_HAVE_SSE
  if (__builtin_cpu_supports("sse4.2")) return describe("sse", sse::families);
#endif
#endif
#ifdef FL_HAVE_GENERIC
  return describe("generic", generic::families);
#else
  return {"none", nullptr, 0};
#endif
}

const Isa& isa() {
  static const Isa chosen = choose();
  return chosen;
}

// ---- device ---------------------------------------------------------------------

int the_device;  // there is one, and it has no state

int32_t device_count() { return 1; }

fl_status open_device(int32_t index, void** device) {
  if (index != 0) return FL_ERROR;
  *device = &the_device;
  return FL_OK;
}

void close_device(void*) {}

void processor_name(char* out, size_t size) {
  std::snprintf(out, size, "cpu");
  std::FILE* file = std::fopen("/proc/cpuinfo", "r");
  if (file == nullptr) return;
  char line[256];
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    const char* colon = std::strchr(line, ':');
    if (std::strncmp(line, "model name", 10) != 0 || colon == nullptr) continue;
    line[std::strcspn(line, "\n")] = '\0';
    std::snprintf(out, size, "%.100s", colon[1] == '\0' ? "cpu" : colon + 2);
    break;
  }
  std::fclose(file);
}

fl_status properties(int32_t index, fl_properties* out) {
  if (index != 0) return FL_ERROR;
  out->flags = FL_HOST_MEMORY;
  out->alignment = kAlignment;
  out->total_memory = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  processor_name(out->name, sizeof(out->name));
  return FL_OK;
}

fl_status synchronize(void*) { return FL_OK; }

// ---- memory ---------------------------------------------------------------------

size_t whole_pages(size_t bytes) { return (bytes + kHugePage - 1) & ~(kHugePage - 1); }

// Maps on a 2 MiB boundary and asks for huge pages: with small ones, page faults cost
// several times what the kernel that writes the memory does.
void* map_huge(size_t bytes) {
  const size_t size = whole_pages(bytes);
  if (size < bytes || size + kHugePage < size) return nullptr;
  void* raw = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* base = static_cast<char*>(raw);
  const size_t address = reinterpret_cast<size_t>(base);
  const size_t head = whole_pages(address) - address;
  if (head != 0) munmap(base, head);
  if (head != kHugePage) munmap(base + head + size, kHugePage - head);
  madvise(base + head, size, MADV_HUGEPAGE);  // advice: a refusal does no harm
  return base + head;
}

fl_status allocate(void*, size_t bytes, void** out) {
  if (bytes >= kHugePage) {
    *out = map_huge(bytes);
  } else {
    const size_t size = bytes == 0 ? kAlignment : bytes;
    *out = std::aligned_alloc(kAlignment, (size + kAlignment - 1) & ~(kAlignment - 1));
  }
  return *out == nullptr ? FL_OUT_OF_MEMORY : FL_OK;
}

void release(void*, void* data, size_t bytes) {
  if (bytes >= kHugePage) {
    munmap(data, whole_pages(bytes));
  } else {
    std::free(data);
  }
}

fl_status move_bytes(void*, void*, void* dst, const void* src, size_t bytes) {
  if (bytes != 0) std::memcpy(dst, src, bytes);
  return FL_OK;
}

fl_status available(void*, uint64_t* free, uint64_t* total) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  *free = static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * page;
  *total = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page;
  return FL_OK;
}

// ---- kernels --------------------------------------------------------------------

using Index = std::unordered_map<std::string_view, const KernelEntry*>;

Index make_index() {
  Index index;
  for (size_t f = 0; f < isa().count; ++f) {
    const Family& family = *isa().families[f];
    for (size_t i = 0; i < family.count; ++i) {
      index.emplace(family.entries[i].name, &family.entries[i]);
    }
  }
  return index;
}

int32_t find(const char* op, fl_kernel_info* info) {
  static const Index index = make_index();
  const auto found = index.find(op);
  if (found == index.end()) return 0;
  info->dtypes = found->second->dtypes;
  info->run = found->second->run;
  return 1;
}

const char* build_info() {
  static char text[160];
  std::snprintf(text, sizeof(text),
                "cpu_mkl: kernels %s, %s, MKL %s, oneDNN %s, threads %s", isa().name,
                "g++ " __VERSION__,
#ifdef USE_MKL
                "on",
#else
                "off",
#endif
#ifdef USE_MKLDNN
                "on",
#else
                "off",
#endif
#ifdef USE_OPENMP
                "own and OpenMP"
#else
                "own"
#endif
  );
  return text;
}

void set_num_threads(int32_t n) { threads::set_count(n); }

constexpr fl_device_table kDevice = {sizeof(fl_device_table),
                                     device_count,
                                     open_device,
                                     close_device,
                                     properties,
                                     synchronize};
constexpr fl_memory_table kMemory = {sizeof(fl_memory_table),
                                     allocate,
                                     release,
                                     move_bytes,
                                     move_bytes,
                                     available,
                                     nullptr,
                                     nullptr,
                                     nullptr,
                                     nullptr};
constexpr fl_kernel_table kKernels = {sizeof(fl_kernel_table), find};

}  // namespace

extern "C" const fl_backend* flambeau_backend_query(const fl_host* host,
                                                    const char** reason) {
  if (!fl_negotiate(host, reason)) return nullptr;
  if (isa().count == 0) {
    *reason = "this build has no kernels for this processor (see FLAMBEAU_ISAS)";
    return nullptr;
  }
  static const fl_backend backend = {
      sizeof(fl_backend), FL_ABI_VERSION, "cpu",     "cpu_mkl", build_info(),
      &kDevice,           &kMemory,       &kKernels, nullptr,   set_num_threads};
  return &backend;
}
