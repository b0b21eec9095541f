// Everything that is wrong with the fields of one request, for one answer.
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/status.h>

namespace vico {

class FieldErrors {
 public:
  /// Adds an error; OK adds nothing.
  void Add(absl::Status status);

  /// Adds FieldError(field, message).
  void Add(std::string_view field, std::string_view message);

  bool empty() const { return errors_.empty(); }

  /// OK if nothing was added. An error that FieldError() did not make, the first if there are
  /// several. Otherwise FieldError() with all violations, in the order of adding, as far as they
  /// fit into an answer's metadata.
  absl::Status status() const;

 private:
  std::vector<absl::Status> errors_;
};

}  // namespace vico
