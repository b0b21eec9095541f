// Files of torch.save spoilt in one way each, made here byte by byte: the zip container or the
// pickle in it.
#pragma once

#include <string>
#include <vector>

namespace vico {

struct HostileFile {
  std::string trick;
  std::string bytes;
  std::string complaint;  ///< part of the message that must come
};

std::vector<HostileFile> HostileZips();
std::vector<HostileFile> HostilePickles();

/// The same builder's file with nothing spoilt: {"a": a tensor of two numbers}.
std::string HarmlessFile();

/// The same builder's archive round this pickle, with one storage of eight bytes.
std::string FileOfPickle(const std::string& pickle);

}  // namespace vico
