// Opening backends: negotiation and refusals, devices, the kernel table, errors.
#include <cstring>
#include <vector>

#include "check.h"
#include "flambeau/backend_negotiate.h"
#include "flambeau/device.h"
#include "flambeau/storage.h"

using namespace fl;

namespace {

std::string library(const std::string& kind) { return FAKES + kind + ".so"; }

DeviceRuntime& fake() {
  static bool opened = false;
  if (!opened) open_backend(library("good"), "fake_good");
  opened = true;
  return runtime(parse_device("fake_good"));
}

// Calls the kernel "twice" on four numbers; `status` other than FL_OK is provoked.
std::vector<float> call_twice(fl_status status = FL_OK) {
  DeviceRuntime& device = fake();
  KernelId id = intern_kernel("twice");
  std::vector<float> in = {1, 2, 3, 4}, out(4);
  int64_t size = 4, stride = 1;
  fl_tensor source = {in.data(), &size, &stride, 4, 1, FL_FLOAT32, 0};
  fl_tensor target = {out.data(), &size, &stride, 4, 1, FL_FLOAT32, 0};
  fl_attr attribute{};
  attribute.v.i = status;
  fl_call call{};
  call.n_out = call.n_in = 1;
  call.out = &target;
  call.in = &source;
  call.n_attr = status == FL_OK ? 0 : 1;
  call.attr = &attribute;
  run_kernel(device.find(id, Dtype::Float32), call, device, id);
  return out;
}

ErrorKind kind_of(fl_status status) {
  try {
    call_twice(status);
  } catch (const Error& e) {
    return e.kind;
  }
  return ErrorKind::PythonSet;
}

}  // namespace

TEST(names_are_interned_once) {
  CHECK_EQ(device_type_id("acme"), device_type_id("acme"));
  CHECK(device_type_id("acme") != device_type_id("other"));
  CHECK_EQ(device_type_name(device_type_id("acme")), "acme");
}

TEST(device_strings) {
  Device d = parse_device("acme:12");
  CHECK_EQ(d.index, 12);
  CHECK_EQ(concat(to_string(d)), "acme:12");
  CHECK_EQ(concat(to_string(parse_device("acme"))), "acme");
  for (const char* bad : {"", ":0", "acme:", "acme:-1", "acme:x", "acme:01", "acme:1:2",
                          "ACME", "ac me", "acme:99999"}) {
    CHECK_THROWS(parse_device(bad), "Invalid device string");
  }
}

TEST(a_backend_opens_and_answers) {
  DeviceRuntime& device = fake();
  CHECK_EQ(device.name, "Fake 0");
  CHECK(device.host_memory);
  CHECK_EQ(device_count(device.device.type), 2);
  CHECK_EQ(runtime(parse_device("fake_good:1")).name, "Fake 1");
  CHECK_EQ(&runtime(parse_device("fake_good:0")), &device);
  CHECK_THROWS(runtime(parse_device("fake_good:2")), "there are 2 devices");
}

TEST(refusals_come_in_words) {
  CHECK_THROWS(open_backend("/nonexistent.so", "ghost"), "backend 'ghost'");
  CHECK_THROWS(open_backend(library("old_backend"), "x"), "update the backend");
  CHECK_THROWS(open_backend(library("new_backend"), "x"), "update flambeau");
  CHECK_THROWS(open_backend(library("refuses"), "x"), "the licence has expired");
  CHECK_THROWS(open_backend(library("short_table"), "x"), "lacks a required part");
  CHECK_THROWS(open_backend(library("missing_part"), "x"), "lacks a required part");
}

TEST(a_device_type_has_one_backend) {
  fake();
  CHECK_THROWS(open_backend(library("good"), "again"), "already has a backend");
}

TEST(negotiation_checks_the_size_first) {
  const char* reason = nullptr;
  fl_host host{};
  CHECK(!fl_negotiate(nullptr, &reason));
  host.size = 4;
  CHECK(!fl_negotiate(&host, &reason));
  host.size = offsetof(fl_host, workspace);
  host.abi_version = host.abi_oldest = FL_ABI_VERSION;
  CHECK(!fl_negotiate(&host, &reason));
  host.size = sizeof host + 64;  // a host of the future, with more fields
  host.abi_version = FL_ABI_VERSION + 5;
  CHECK(fl_negotiate(&host, &reason));
}

TEST(the_resolver_is_asked_at_first_use) {
  static int asked = 0;
  set_device_resolver([](const std::string& type) {
    ++asked;
    fail(ErrorKind::Runtime, "pip install flambeau-", type);
  });
  Device d = parse_device("absent");
  CHECK_EQ(asked, 0);
  CHECK_THROWS(runtime(d), "pip install flambeau-absent");
  CHECK_EQ(asked, 1);
  set_device_resolver([](const std::string&) {});
  CHECK_THROWS(runtime(d), "did not load");
  set_device_resolver(nullptr);
  CHECK_THROWS(runtime(d), "no backend is loaded");
}

TEST(meta_needs_no_backend) {
  DeviceRuntime& meta = runtime(parse_device("meta"));
  CHECK(meta.is_meta());
  CHECK(Storage::make(meta, 1 << 20)->data == nullptr);
  CHECK(meta.find(intern_kernel("twice"), Dtype::Float32) == nullptr);
}

TEST(kernels_are_asked_for_once) {
  DeviceRuntime& device = fake();
  KernelId id = intern_kernel("asked");
  CHECK(device.find(id, Dtype::Float32) == nullptr);
  CHECK(device.find(id, Dtype::Float32) == nullptr);
  CHECK_EQ(std::string(kernel_name(id)), "asked");
}

TEST(kernels_are_found_by_dtype) {
  KernelId id = intern_kernel("twice");
  CHECK(fake().find(id, Dtype::Float32) != nullptr);
  CHECK(fake().find(id, Dtype::Float64) == nullptr);
}

TEST(a_kernel_runs_with_scratch_memory) {
  CHECK((call_twice() == std::vector<float>{2, 4, 6, 8}));
  int64_t before = fake().allocator.allocated.current;
  call_twice();
  CHECK_EQ(fake().allocator.allocated.current, before);
}

TEST(statuses_become_errors_that_name_the_op) {
  CHECK_THROWS(call_twice(FL_ERROR), "twice: as asked");
  CHECK(kind_of(FL_ERROR) == ErrorKind::Runtime);
  CHECK(kind_of(FL_INDEX_ERROR) == ErrorKind::Index);
  CHECK(kind_of(FL_LINALG_ERROR) == ErrorKind::LinAlg);
  CHECK(kind_of(FL_OUT_OF_MEMORY) == ErrorKind::OutOfMemory);
  CHECK(kind_of(FL_UNSUPPORTED) == ErrorKind::NotImplemented);
}

TEST(threads) {
  set_num_threads(3);
  CHECK_EQ(num_threads(), 3);
  CHECK_THROWS(set_num_threads(0), "expected a positive number, got 0");
  CHECK_EQ(num_threads(), 3);
}
