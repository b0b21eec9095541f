// Text that must not reach a log, an error or a command line: an API key, a prompt.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace vico {

/// Prints as "<redacted len=…>", and does not convert to text: whoever needs the content says so.
class Sensitive {
 public:
  Sensitive() = default;
  explicit Sensitive(std::string text) : text_(std::move(text)) {}
  Sensitive(const Sensitive&) = default;
  Sensitive(Sensitive&&) noexcept = default;
  Sensitive& operator=(const Sensitive&) = default;
  Sensitive& operator=(Sensitive&&) noexcept = default;
  ~Sensitive() { std::fill_n(static_cast<volatile char*>(text_.data()), text_.size(), '\0'); }

  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  std::string Redacted() const { return fmt::format("<redacted len={}>", text_.size()); }
  friend std::ostream& operator<<(std::ostream& out, const Sensitive& value) {
    return out << value.Redacted();
  }

 private:
  std::string text_;
};

}  // namespace vico

template <>
struct fmt::formatter<vico::Sensitive> : fmt::formatter<std::string> {
  template <typename Context>
  auto format(const vico::Sensitive& value, Context& context) const {
    return fmt::formatter<std::string>::format(value.Redacted(), context);
  }
};
