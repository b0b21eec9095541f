// Networks without first values, for those who load all of them.
#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

namespace vico {

/// While it lives, what this thread makes of LibTorch's modules has parameters of arbitrary values:
/// drawing a billion random numbers takes seconds. Filling in place is then meta's, which computes
/// shapes only; so nothing but modules may be made meanwhile.
class UninitializedParameters {
 public:
  UninitializedParameters() : guard_(c10::DispatchKey::Meta) {}

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

}  // namespace vico
