#include "common/rpc/address.h"

#include <charconv>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "common/status.h"

namespace vico {
namespace {

bool IsPort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port <= 65535;
}

bool IsUnix(std::string_view address) {
  constexpr std::string_view kUnix = "unix:";
  return address.substr(0, kUnix.size()) == kUnix && address.size() > kUnix.size();
}

bool IsLoopbackHost(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace

absl::Status CheckAddress(std::string_view field, std::string_view address) {
  if (IsUnix(address)) return absl::OkStatus();
  const size_t colon = address.rfind(':');
  if (colon != std::string_view::npos && colon > 0 && IsPort(address.substr(colon + 1))) {
    return absl::OkStatus();
  }
  return FieldError(field, fmt::format("must be host:port or unix:path, got \"{}\"", address));
}

bool IsLoopback(std::string_view address) {
  return IsUnix(address) || IsLoopbackHost(std::string(address.substr(0, address.rfind(':'))));
}

absl::Status CheckLoopback(std::string_view field, std::string_view address) {
  RETURN_IF_ERROR(CheckAddress(field, address));
  if (IsLoopback(address)) return absl::OkStatus();
  return FieldError(field, fmt::format("must be a loopback address (127.0.0.1, [::1], localhost or "
                                       "unix:path) without TLS, got \"{}\"",
                                       address));
}

}  // namespace vico
