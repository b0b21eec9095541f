// Finds numbers that are not finite (NaN and infinity) before they become a picture or an adapter.
#pragma once

#include <stdexcept>

#include "worker/model/torch.h"

namespace vico::worker {

/// A computation gave a number that is not finite. what() says where, and what causes it if that is
/// known; it may be shown to the job's owner.
class NonFinite : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Whether all numbers are finite. One pass over the tensor, which must have a floating-point type.
/// Waits for the device.
bool IsFinite(const torch::Tensor& tensor);

}  // namespace vico::worker
