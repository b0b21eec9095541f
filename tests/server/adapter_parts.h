// An adapter file for tests of imports.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/formats/safetensors.h"
#include "tests/server/base_model_fixture.h"
#include "tests/support/status_matchers.h"

namespace vico::server {

/// An adapter file that a test can damage before it is written.
struct AdapterParts {
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::vector<int64_t>> shapes;
  float value = 0.5F;
  DType dtype = DType::kF32;

  AdapterParts() {
    metadata = {{"format", "vico-adapter"}, {"format_version", "1"},
                {"dialect", "paper"},       {"base_model_digest", TestBaseModel().digest()},
                {"placeholder", "S*"},      {"init_word", "dog"},
                {"sites", R"(["up"])"},     {"steps", "400"}};
    shapes["placeholder_embedding"] = {1, 8};
    const std::string site = "up.image_cross_attention.";
    for (const std::string norm : {"norm1", "norm2", "norm3"}) {
      shapes[site + norm + ".weight"] = {4};
      shapes[site + norm + ".bias"] = {4};
    }
    for (const std::string attention : {"attn1", "attn2"}) {
      for (const char* linear : {".to_q", ".to_k", ".to_v", ".to_out.0"}) {
        shapes[site + attention + linear + ".weight"] = {4, 4};
      }
      shapes[site + attention + ".to_out.0.bias"] = {4};
    }
    shapes[site + "ff.net.0.proj.weight"] = {32, 4};
    shapes[site + "ff.net.0.proj.bias"] = {32};
    shapes[site + "ff.net.2.weight"] = {4, 16};
    shapes[site + "ff.net.2.bias"] = {4};
  }

  std::string Bytes() const {
    std::vector<std::string> data;
    data.reserve(shapes.size());
    std::vector<TensorView> tensors;
    for (const auto& [name, shape] : shapes) {
      size_t count = 1;
      for (const int64_t side : shape) count *= static_cast<size_t>(side);
      std::string& bytes = data.emplace_back(count * DTypeSize(dtype), '\0');
      for (size_t i = 0; dtype == DType::kF32 && i < count; ++i) {
        std::memcpy(bytes.data() + 4 * i, &value, 4);
      }
      tensors.push_back({name, dtype, shape, std::as_bytes(std::span(bytes))});
    }
    const auto file = SerializeSafetensors(tensors, metadata);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? *file : "";
  }
};

}  // namespace vico::server
