// Tensors that weight files may contain although no network here uses them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/io/tensors.h"

namespace vico::worker {

/// Whether a tensor of a network's weights is not needed, by its name without the network's prefix:
/// buffers, losses of the autoencoder, the other half of CLIP, averaged weights, an optimizer's
/// state.
bool IsLeftover(std::string_view name);

/// Counts what is ignored.
class IgnoredTensors {
 public:
  void Add(std::string_view name);

  /// "source: 3 tensors are not needed and not read, such as ..."; empty if there are none.
  std::string Text(std::string_view source) const;

 private:
  size_t count_ = 0;
  std::string first_;
};

/// Removes the leftovers.
void RemoveLeftovers(std::vector<StoredTensor>& tensors, IgnoredTensors& ignored);

}  // namespace vico::worker
