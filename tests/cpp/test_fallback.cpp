// The fallback through the host, errors that come late, and devices that are lost.
#include "flambeau/fallback.h"

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "far_device.h"
#include "flambeau/storage.h"

using namespace fl;

namespace {

std::vector<float> read(const Ref<Storage>& s) {
  std::vector<float> out(s->nbytes / 4);
  far::device().to_host(out.data(), s->data, s->nbytes, "read");
  return out;
}
Ref<Storage> written(const std::vector<float>& values) {
  Ref<Storage> s = Storage::make(far::device(), values.size() * 4);
  far::device().from_host(s->data, values.data(), s->nbytes, "write");
  return s;
}

// `twice` on n elements from offset `from`, every `step` of them, into `to`.
std::string twice(const Ref<Storage>& out, int64_t to, int64_t out_step,
                  const Ref<Storage>& in, int64_t from, int64_t in_step, int64_t n) {
  fl_tensor o{static_cast<float*>(out->data) + to, &n, &out_step, n, 1, FL_FLOAT32, 0};
  fl_tensor i{static_cast<float*>(in->data) + from, &n, &in_step, n, 1, FL_FLOAT32, 0};
  fl_call call{};
  call.n_out = call.n_in = 1;
  call.out = &o;
  call.in = &i;
  return fall_back(call, far::device(), intern_kernel("twice"), Dtype::Float32);
}

}  // namespace

TEST(a_missing_kernel_runs_on_the_host) {
  reset_fallback_counts();
  auto in = written({1, 2, 3, 4}), out = written({0, 0, 0, 0});
  CHECK_EQ(twice(out, 0, 1, in, 0, 1, 4), "");
  CHECK((read(out) == std::vector<float>{2, 4, 6, 8}));
  CHECK_EQ(fallback_counts().size(), size_t{1});
  CHECK_EQ(fallback_counts()[0].calls, 1);
}

TEST(strides_of_either_sign_and_what_lies_between) {
  auto in = written({1, 2, 3, 4, 5, 6}), out = written({9, 9, 9, 9, 9, 9});
  CHECK_EQ(twice(out, 0, 2, in, 5, -2, 3), "");
  CHECK((read(out) == std::vector<float>{12, 9, 8, 9, 4, 9}));
}

TEST(an_output_that_is_the_input) {
  auto a = written({1, 2, 3});
  CHECK_EQ(twice(a, 0, 1, a, 0, 1, 3), "");
  CHECK((read(a) == std::vector<float>{2, 4, 6}));
}

TEST(two_views_of_one_block) {
  auto a = written({1, 0, 2, 0, 3, 0});
  CHECK_EQ(twice(a, 1, 2, a, 0, 2, 3), "");
  CHECK((read(a) == std::vector<float>{1, 2, 2, 4, 3, 6}));
}

TEST(the_policy_decides) {
  auto a = written({1});
  set_fallback_policy(FallbackPolicy::Error);
  CHECK(test::contains(twice(a, 0, 1, a, 0, 1, 1), "policy is 'error'"));
  static int warned;
  warned = 0;
  warn_hook = [](const std::string& m) {
    warned += test::contains(m, "'twice'") && test::contains(m, "far:0");
  };
  reset_fallback_counts();
  set_fallback_policy(FallbackPolicy::Warn);
  twice(a, 0, 1, a, 0, 1, 1);
  twice(a, 0, 1, a, 0, 1, 1);
  CHECK_EQ(warned, 1);  // once for each kernel
  CHECK_EQ(fallback_counts()[0].calls, 2);
  reset_fallback_counts();
  set_fallback_policy(FallbackPolicy::Allow);
  twice(a, 0, 1, a, 0, 1, 1);
  CHECK_EQ(warned, 1);
  warn_hook = nullptr;
}

TEST(the_host_itself_does_not_fall_back) {
  fl_call call{};
  far::device();
  CHECK(
      !fall_back(call, host_runtime(), intern_kernel("twice"), Dtype::Float32).empty());
  CHECK(test::contains(
      fall_back(call, far::device(), intern_kernel("thrice"), Dtype::Float32),
      "has none either"));
}

TEST(a_late_error_comes_out_of_synchronize) {
  far::next_synchronize = FL_ERROR;
  CHECK_THROWS(far::device().synchronize(), "twice: an earlier launch failed");
  far::device().synchronize();  // reported once
}

TEST(a_child_made_by_fork_is_told_so) {
  far::device();
  const pid_t child = fork();
  if (child == 0) {
    const std::string why = test::message_of([] { far::device().synchronize(); });
    _exit(test::contains(why, "before fork()") ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  far::device().synchronize();  // the parent's is as it was
}

TEST(z_a_lost_device_refuses_from_then_on) {
  DeviceRuntime& d = far::device(1);
  far::next_synchronize = FL_DEVICE_LOST;
  CHECK_THROWS(d.synchronize(), "synchronize:");
  CHECK_THROWS(d.synchronize(), "cannot be used any more: it was lost");
  char byte;
  CHECK_THROWS(d.to_host(&byte, &byte, 1, "read"), "it was lost");
  CHECK_THROWS(Storage::make(d, 100), "cannot be used any more");
  far::device(0).synchronize();  // the other one of its type goes on
}
