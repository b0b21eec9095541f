// The cases of bench/parity for this program: each process runs one case, with tensors in files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "worker/io/tensors.h"

namespace vico::parity {

struct Request {
  std::string base_model;   ///< a folder in diffusers layout
  worker::TensorMap input;  ///< as bench/parity_reference.py takes them
  worker::Metadata text;    ///< the input's texts
  torch::ScalarType dtype = torch::kFloat;
  int threads = 1;
  int repeats = 1;  ///< measured runs, after a warm-up
};

struct Answer {
  worker::TensorMap output;
  double seconds = 0;  ///< mean of the runs
};

/// Runs text, vae_encode, vae_decode, unet, ddim, or vico_ or mmagic_ followed by train or
/// generate. Throws std::runtime_error and c10::Error.
Answer RunNetwork(const std::string& name, const Request& request);
Answer RunVico(const std::string& name, const Request& request);

/// Texts [B] as JSON -> JSON {"content": ids of each, "padded": 77 ids of each}.
std::string Tokenize(const std::string& base_model, const std::string& texts_json);

/// Mean seconds of `repeats` calls after a warm-up call.
double Time(int repeats, const std::function<void()>& run);

}  // namespace vico::parity
