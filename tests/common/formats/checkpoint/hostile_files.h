// Builds malformed files of torch.save: each has one defect in the zip container or in the pickle.
#pragma once

#include <string>
#include <vector>

namespace vico {

struct HostileFile {
  std::string trick;
  std::string bytes;
  std::string complaint;  ///< part of the expected message
};

std::vector<HostileFile> HostileZips();
std::vector<HostileFile> HostilePickles();

/// A valid file of the same builder: {"a": a tensor of two numbers}.
std::string HarmlessFile();

/// An archive of the same builder with this pickle and one storage of eight bytes.
std::string FileOfPickle(const std::string& pickle);

}  // namespace vico
