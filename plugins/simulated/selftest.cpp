// The device's own test, without Flambeau: order, events, back-pressure, faults and
// copies, from several threads. Run it under -DSIMULATED_SANITIZE=thread or address.
// With an argument it prints what a launch costs the host instead.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "flambeau/backend.h"

extern "C" int flambeau_simulated_hold(int32_t device);

namespace {

thread_local std::string message;
const fl_host kHost = {sizeof(fl_host), FL_ABI_VERSION, FL_ABI_OLDEST,
                       [](const char* m) { message = m; },
                       [](const fl_call*, size_t) -> void* { return nullptr; }};

#define CHECK(what)                                                            \
  do {                                                                         \
    if (!(what)) {                                                             \
      std::fprintf(stderr, "%d: %s (%s)\n", __LINE__, #what, message.c_str()); \
      std::abort();                                                            \
    }                                                                          \
  } while (false)

const fl_backend* api;

// One device with calls of `add` and `mul` on float vectors.
struct Test {
  void* device = nullptr;
  explicit Test(int index) { CHECK(api->device->open(index, &device) == FL_OK); }

  float* allocate(int64_t n) {
    void* out = nullptr;
    CHECK(api->memory->allocate(device, static_cast<size_t>(n) * 4, &out) == FL_OK);
    return static_cast<float*>(out);
  }
  void write(float* to, const std::vector<float>& from, void* stream = nullptr) {
    CHECK(api->memory->from_host(device, stream, to, from.data(), from.size() * 4) ==
          FL_OK);
  }
  std::vector<float> read(const float* from, int64_t n, void* stream = nullptr) {
    std::vector<float> out(static_cast<size_t>(n));
    CHECK(api->memory->to_host(device, stream, out.data(), from, out.size() * 4) ==
          FL_OK);
    return out;
  }
  fl_status run(const char* op, float* out, const float* a, float b, int64_t n,
                void* stream = nullptr) {
    return run(find(op), out, a, b, n, stream);
  }
  static fl_kernel_info find(const char* op) {
    fl_kernel_info info{sizeof info, 0, nullptr, nullptr};
    CHECK(api->kernels->find(op, &info) == 1);
    return info;
  }
  fl_status run(const fl_kernel_info& info, float* out, const float* a, float b,
                int64_t n, void* stream = nullptr) {
    const int64_t stride = 1;
    const fl_tensor o{out, &n, &stride, n, 1, FL_FLOAT32, 0};
    const fl_tensor in[2] = {{const_cast<float*>(a), &n, &stride, n, 1, FL_FLOAT32, 0},
                             {&b, &n, &stride, 1, 1, FL_FLOAT32, FL_HOST_SCALAR}};
    const fl_call call{sizeof call, 1,      2,      0,      &o,         in,
                       nullptr,     device, stream, &kHost, "a kernel", info.context};
    return info.run(&call);
  }
  void* stream() {
    void* s = nullptr;
    CHECK(api->stream->create(device, 0, &s) == FL_OK);
    return s;
  }
};

// More commands than the ring holds, each adding 1.
void back_pressure() {
  Test t(0);
  float* x = t.allocate(8);
  t.write(x, std::vector<float>(8, 0));
  for (int i = 0; i < 20000; ++i) CHECK(t.run("add", x, x, 1, 8) == FL_OK);
  CHECK(t.read(x, 8) == std::vector<float>(8, 20000));
  api->memory->release(t.device, x, 32);
}

// A consumer that waits for no event reads what was there before; with one it is right.
void events() {
  Test t(0);
  void *first = t.stream(), *second = t.stream();
  void* event = nullptr;
  CHECK(api->stream->event_create(t.device, 1, &event) == FL_OK);
  float *x = t.allocate(1000), *y = t.allocate(1000);
  for (int round = 0; round < 50; ++round) {
    for (const bool ordered : {false, true}) {
      t.write(x, std::vector<float>(1000, 0));
      CHECK(api->device->synchronize(t.device) == FL_OK);
      CHECK(flambeau_simulated_hold(0) == 0);
      CHECK(t.run("add", x, x, 5, 1000, first) == FL_OK);
      if (ordered) {
        CHECK(api->stream->event_record(t.device, event, first) == FL_OK);
        CHECK(api->stream->event_wait(t.device, event, second) == FL_OK);
      }
      CHECK(t.run("mul", y, x, 2, 1000, second) == FL_OK);
      CHECK(t.read(y, 1000, second)[999] == (ordered ? 10.f : 0.f));
      CHECK(api->device->synchronize(t.device) == FL_OK);
    }
  }
  api->stream->event_destroy(t.device, event);
  api->stream->destroy(t.device, first);
  api->stream->destroy(t.device, second);
}

// Threads of the host, each on its own stream, and one that asks for their state.
void threads() {
  Test t(1);
  constexpr int kThreads = 4, kCalls = 2000;
  float* x = t.allocate(kThreads * 16);
  std::vector<std::thread> all;
  for (int k = 0; k < kThreads; ++k) {
    all.emplace_back([&t, x, k] {
      void* s = t.stream();
      float* mine = x + 16 * k;
      t.write(mine, std::vector<float>(16, 0), s);
      for (int i = 0; i < kCalls; ++i) {
        CHECK(t.run("add", mine, mine, 1, 16, s) == FL_OK);
        if (i % 500 == 0) CHECK(api->stream->synchronize(t.device, s) == FL_OK);
        if (i % 100 == 0) api->stream->query(t.device, s);
      }
      CHECK(t.read(mine, 16, s) == std::vector<float>(16, kCalls));
      api->stream->destroy(t.device, s);
    });
  }
  for (std::thread& one : all) one.join();
}

// Out of memory, an address of nowhere, and closing with work left.
void refusals() {
  Test t(0);
  void* out = nullptr;
  CHECK(api->memory->allocate(t.device, size_t{1} << 40, &out) == FL_OUT_OF_MEMORY);
  float here[8];
  CHECK(t.run("add", here, here, 1, 8) == FL_ERROR);
  CHECK(message.find("memory") != std::string::npos);
  float* x = t.allocate(100000);
  CHECK(t.run("add", x, x, 1, 100000) == FL_OK);
  api->device->close(t.device);
}

void cost() {
  Test t(0);
  float* x = t.allocate(8);
  t.write(x, std::vector<float>(8, 0));
  const fl_kernel_info add = Test::find("add");
  double best = 1e9;
  for (int round = 0; round < 200; ++round) {
    constexpr int kCalls = 400;
    const auto from = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) t.run(add, x, x, 1, 8);
    const std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - from;
    best = std::min(best, took.count() / kCalls);
    api->device->synchronize(t.device);
  }
  std::printf("a launch: %.1f ns of the host's time\n", best);
}

}  // namespace

int main(int argc, char**) {
  const char* why = nullptr;
  api = flambeau_backend_query(&kHost, &why);
  CHECK(api != nullptr);
  if (argc > 1) {
    cost();
    return 0;
  }
  back_pressure();
  events();
  threads();
  refusals();
  std::puts("ok");
  return 0;
}
