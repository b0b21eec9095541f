// The product's side of bench/parity: one case a process, tensors in and out by files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "worker/io/tensors.h"

namespace vico::parity {

struct Request {
  std::string base_model;  ///< a folder in diffusers layout
  worker::TensorMap input;         ///< see bench/parity_reference.py, the other side
  worker::Metadata text;           ///< the input's words
  torch::ScalarType dtype = torch::kFloat;
  int threads = 1;
  int repeats = 1;  ///< counted runs after one that is not
};

struct Answer {
  worker::TensorMap output;
  double seconds = 0;  ///< a run, mean
};

/// One of text, vae_encode, vae_decode, unet, ddim; of train and generate after vico_ or mmagic_,
/// the dialect. Throws std::runtime_error and c10::Error.
Answer RunNetwork(const std::string& name, const Request& request);
Answer RunVico(const std::string& name, const Request& request);

/// Texts [B] as JSON -> JSON {"content": ids of each, "padded": 77 ids of each}.
std::string Tokenize(const std::string& base_model, const std::string& texts_json);

/// Mean seconds of `repeats` calls after an uncounted one.
double Time(int repeats, const std::function<void()>& run);

}  // namespace vico::parity
