// Autocast: inputs of the ops that say so in their record are cast before they run.
#include <unordered_map>

#include "modes/modes.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace fl {

namespace {

struct ThreadAutocast {
  std::vector<AutocastState> states;  // by the id of the device type
  // Weights that were already cast in this region, by impl; leaves only.
  std::unordered_map<TensorImpl*, std::pair<Tensor, Tensor>> casts;
};
thread_local ThreadAutocast t_autocast;

struct ModeOff {  // the op itself runs as if there were no autocast
  ModeOff() : before(tls.modes) { tls.modes &= ~kAutocastMode; }
  ~ModeOff() { tls.modes = before; }
  uint32_t before;
};

bool castable(const TensorImpl* t, const AutocastState& s, Dtype to) {
  return s.enabled && is_floating(t->dtype) && t->dtype != to &&
         t->dtype != Dtype::Float64;
}

Tensor cast(const Tensor& t, Dtype to, const AutocastState& s) {
  bool weight = s.cache && t.requires_grad() &&
                !(t->autograd && t->autograd->grad_fn) && !t->base &&
                tls.grad_enabled && t.dtype() == Dtype::Float32;
  if (!weight) return ops::to_dtype(t, to);
  auto& slot = t_autocast.casts[t.get()];
  if (!slot.first.defined() || slot.second.dtype() != to) {
    slot = {t, ops::to_dtype(t, to)};
  }
  return slot.second;
}

// The dtype that this op's inputs are to have on a device type.
Dtype target(Autocast how, const Op& op, const Frame& f, const AutocastState& s) {
  if (how == Autocast::Lower) return s.dtype;
  if (how == Autocast::Float32) return Dtype::Float32;
  Dtype widest = s.dtype;  // of the floating inputs
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    const Value& v = f.args[i];
    if (v.is_tensor() && is_floating(v.tensor->dtype)) {
      widest = promote(widest, v.tensor->dtype);
    }
    for (uint32_t k = 0; v.tag == Tag::Tensors && k < v.n; ++k) {
      const Tensor& t = v.tensors[k];
      if (t.defined() && is_floating(t.dtype())) widest = promote(widest, t.dtype());
    }
  }
  return widest;
}

}  // namespace

AutocastState& autocast_state(int16_t device_type) {
  auto& states = t_autocast.states;
  while (states.size() <= static_cast<size_t>(device_type)) {
    // PyTorch's choices: accelerators take float16 unless told otherwise.
    const bool is_host = states.size() == kHostType;
    states.push_back({.dtype = is_host ? Dtype::BFloat16 : Dtype::Float16});
  }
  return states[static_cast<size_t>(device_type)];
}

void set_autocast(int16_t device_type, const AutocastState& state) {
  autocast_state(device_type) = state;
  t_autocast.casts.clear();
  bool any = false;
  for (const AutocastState& s : t_autocast.states) any = any || s.enabled;
  tls.modes = any ? tls.modes | kAutocastMode : tls.modes & ~kAutocastMode;
}

bool run_modes(const Op& op, Frame& f) {
  if (!(tls.modes & kAutocastMode) || op.cast == Autocast::None) return false;
  size_t n = op.schema.args.size();
  Value args[28];
  std::vector<Tensor> keep;
  std::vector<std::vector<Tensor>> lists;
  keep.reserve(n);
  lists.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    args[i] = f.args[i];
    if (args[i].is_tensor()) {
      const AutocastState& s = autocast_state(args[i].tensor->device->device.type);
      Dtype to = target(op.cast, op, f, s);
      if (castable(args[i].tensor, s, to)) {
        keep.push_back(cast(Tensor(args[i].tensor), to, s));
        args[i] = Value(keep.back());
      }
    } else if (args[i].tag == Tag::Tensors) {
      std::vector<Tensor>& list = lists.emplace_back();
      for (uint32_t k = 0; k < args[i].n; ++k) {
        const Tensor& t = args[i].tensors[k];
        list.push_back(t);
        if (!t.defined()) continue;
        const AutocastState& s = autocast_state(t->device->device.type);
        Dtype to = target(op.cast, op, f, s);
        if (castable(t.get(), s, to)) list.back() = cast(t, to, s);
      }
      args[i] = Value(TensorList(list));
    }
  }
  ModeOff off;
  const Value* before = f.args;
  f.args = args;
  call(op, f);
  f.args = before;
  return true;
}

// In-place ops keep the dtype of what they write into, so nothing is cast for them.
bool run_modes_inplace(const Op&, Frame&) { return false; }

}  // namespace fl
