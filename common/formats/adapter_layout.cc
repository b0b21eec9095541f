#include "common/formats/adapter_layout.h"

#include <algorithm>

namespace vico {

std::vector<std::pair<std::string, std::vector<int64_t>>> AdapterLeaves(int64_t d) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> leaves;
  for (const std::string norm : {"norm1", "norm2", "norm3"}) {
    leaves.push_back({norm + ".weight", {d}});
    leaves.push_back({norm + ".bias", {d}});
  }
  for (const std::string attention : {"attn1", "attn2"}) {
    for (const char* linear :
         {".to_q.weight", ".to_k.weight", ".to_v.weight", ".to_out.0.weight"}) {
      leaves.push_back({attention + linear, {d, d}});
    }
    leaves.push_back({attention + ".to_out.0.bias", {d}});
  }
  leaves.push_back({"ff.net.0.proj.weight", {8 * d, d}});
  leaves.push_back({"ff.net.0.proj.bias", {8 * d}});
  leaves.push_back({"ff.net.2.weight", {d, 4 * d}});
  leaves.push_back({"ff.net.2.bias", {d}});
  return leaves;
}

bool IsPlaceholder(std::string_view word) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_*<>-").find(c) != std::string_view::npos;
  };
  return !word.empty() && word.size() <= 32 && std::all_of(word.begin(), word.end(), allowed);
}

}  // namespace vico
