// Text that must not reach a log, an error or a command line: an API key, a prompt.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

namespace vico {

/// Does not convert to a string: code that needs the text calls Reveal(). The destructor overwrites
/// the text.
class Sensitive {
 public:
  Sensitive() = default;
  explicit Sensitive(std::string text) : text_(std::move(text)) {}
  Sensitive(const Sensitive&) = default;
  Sensitive(Sensitive&&) noexcept = default;
  Sensitive& operator=(const Sensitive&) = default;
  Sensitive& operator=(Sensitive&&) noexcept = default;
  ~Sensitive();

  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  /// Prints "<redacted len=…>".
  friend std::ostream& operator<<(std::ostream& out, const Sensitive& value);

 private:
  std::string text_;
};

}  // namespace vico
