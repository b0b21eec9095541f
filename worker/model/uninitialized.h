// Networks without first values, for those who load all of them.
#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/version.h>

namespace vico::worker {

/// While it lives, what this thread makes of LibTorch's modules has parameters of arbitrary values:
/// drawing a billion random numbers takes seconds. Filling in place is then meta's, which computes
/// shapes only; so nothing but modules may be made meanwhile. Before LibTorch 2 creating is meta's,
/// too, and leaves no memory: there the values are drawn.
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
