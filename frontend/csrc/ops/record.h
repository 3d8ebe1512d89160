// Between the dispatcher (op.cpp), the pointwise engine, the modes and the recorder:
// what they ask of each other and nobody else needs.
#pragma once

#include "autograd/node.h"
#include "ops/op.h"

namespace fl {

// pointwise.cpp: the implementation behind Op::pointwise.
void run_pointwise_record(Frame& f);

// The caller keeps the value: copies of what has just been written would hold up every
// call.
struct PointwiseOperand {
  const Value* value = nullptr;  // tensor or number; None is an absent operand
  bool keep_dtype = false;  // neither promotes nor is cast: the condition of `where`

  PointwiseOperand() = default;
  PointwiseOperand(const Value& v, bool keep = false) : value(&v), keep_dtype(keep) {}
  PointwiseOperand(Value&&, bool = false) = delete;
};
// The dtype in which they are computed, by PyTorch's rules of promotion.
Dtype common_dtype(Promote promote, std::span<const PointwiseOperand> operands);
// Broadcasts, promotes, allocates or writes into f.given, and runs the kernel; where
// the device lacks it, the record's decomposition.
void run_pointwise(Frame& f, KernelId kernel, Promote promote,
                   std::span<const PointwiseOperand> operands,
                   std::span<const fl_attr> attrs);
// The same with another composition, or none: of a record with several kernels.
using Composite = void (*)(Frame&);
template <auto fn>
constexpr Composite composite_of = &detail::Signature<decltype(fn)>::template run<fn>;
void run_pointwise(Frame& f, KernelId kernel, Promote promote,
                   std::span<const PointwiseOperand> operands,
                   std::span<const fl_attr> attrs, Composite composite);

// record.cpp: makes the node and saves what its derivatives read.  `clone_self`: the op
// is about to overwrite args[0].
Ref<OpNode> record(const Op& op, const Frame& f, bool clone_self);
void finish_record(OpNode& node, Frame& f);
void finish_record_inplace(OpNode& node, Frame& f);

// modes: true when a mode has done the call.
bool run_modes(const Op& op, Frame& f);
bool run_modes_inplace(const Op& op, Frame& f);

// op.cpp
// Refuses an out= of another dtype where the record says so.
void check_exact(const Op& op, Dtype result, Dtype given);
void store_result(const Tensor& to, const Tensor& result, const char* op, bool inplace);
void resize_output(const Tensor& out, IntList sizes);
// copy_ as an op, so that gradients flow into `from`.
void ops_copy_inplace(const Tensor& to, const Tensor& from);

}  // namespace fl
