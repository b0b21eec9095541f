// Reads recorded tensors and compares with them.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "worker/io/tensors.h"

namespace vico::golden {

/// tests/golden/<name>, relative to the repository's root, where ctest runs the tests.
inline SafetensorsFile Open(const std::string& name) {
  return SafetensorsFile::Open("tests/golden/" + name).value();
}

inline worker::TensorMap Load(const std::string& name) { return worker::ReadTensors(Open(name)); }

/// |actual - expected| / |expected|, Euclidean norms in fp64.
inline double RelativeError(const torch::Tensor& actual, const torch::Tensor& expected) {
  const auto difference = actual.detach().to(torch::kFloat64) - expected.to(torch::kFloat64);
  return difference.norm().item<double>() / expected.to(torch::kFloat64).norm().item<double>();
}

/// Largest absolute difference; the shapes must be equal.
inline ::testing::AssertionResult Near(const torch::Tensor& actual, const torch::Tensor& expected,
                                       double tolerance) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure()
           << "shape " << ShapeText(actual.sizes()) << ", expected " << ShapeText(expected.sizes());
  }
  const double difference = (actual.detach().to(torch::kFloat64) - expected.to(torch::kFloat64))
                                .abs()
                                .max()
                                .item<double>();
  if (difference <= tolerance) return ::testing::AssertionSuccess();  // false for NaN
  return ::testing::AssertionFailure() << "differs by " << difference << ", allowed " << tolerance;
}

}  // namespace vico::golden
