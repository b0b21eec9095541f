// Construction of networks without initial values, for weights that are loaded anyway.
#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/version.h>

namespace vico::worker {

/// While an object exists, modules that this thread constructs have parameters of arbitrary values:
/// drawing a billion random numbers takes seconds. In-place filling is dispatched to the meta
/// device, which computes shapes only, so nothing but modules may be constructed. Before LibTorch 2
/// creation is dispatched to the meta device, too, and allocates no memory; there the values are
/// drawn.
class UninitializedParameters {
 public:
#if TORCH_VERSION_MAJOR >= 2
  UninitializedParameters() : guard_(c10::DispatchKey::Meta) {}

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
#else
  UninitializedParameters() {}  // not trivial, so that one that is only held draws no warning
#endif
};

}  // namespace vico::worker
