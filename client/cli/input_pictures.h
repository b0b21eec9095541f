// The pictures of --init and --mask: files are uploaded, names of the server are used as they are.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/cli/commands.h"
#include "vico/v1/job.pb.h"

namespace vico::client {

/// What a command has uploaded. The destructor deletes it: jobs that exist keep their copies.
class InputPictures {
 public:
  /// `context` must outlive the object.
  explicit InputPictures(CommandContext& context) : context_(context) {}
  InputPictures(const InputPictures&) = delete;
  InputPictures& operator=(const InputPictures&) = delete;
  ~InputPictures();

  /// The spec of the command with the names of its pictures. Uploads files. With --dry-run nothing
  /// is uploaded, `err` says so, and the spec leaves out the files and what depends on them.
  /// kInvalidArgument, which names the option, before any upload for a text that is neither a file
  /// nor a name.
  absl::StatusOr<v1::GenerateSpec> SpecOf(const Generate& command);

 private:
  absl::StatusOr<std::string> NameOf(const std::string& picture);
  absl::Status SetPictures(const Generate& command, v1::GenerateSpec& spec);
  void SetNames(const Generate& command, v1::GenerateSpec& spec);
  void PrintNotUploaded(const std::string& file, const char* unchecked);

  CommandContext& context_;
  std::vector<std::string> uploaded_;  // names
};

}  // namespace vico::client
