// The grammar of host and port is that of RFC 3986; the schemes of gRPC are in its naming.md.
#include "common/rpc/address.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "common/status.h"
#include "common/text/number.h"

namespace vico {
namespace {

constexpr std::string_view kForms = "host:port, https://host:port or unix:path";
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kAbstract = "unix-abstract:";

using Scheme = Address::Scheme;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// One address on its way from text to its parts.
class Parser {
 public:
  Parser(std::string_view field, std::string_view text) : field_(field), text_(text) {}

  absl::StatusOr<Address> Parse() {
    if (Lower(text_.substr(0, kUnix.size())) == kUnix) return Unix(text_.substr(kUnix.size()));
    if (Lower(text_.substr(0, kAbstract.size())) == kAbstract) {
      return Abstract(text_.substr(kAbstract.size()));
    }
    if (text_.empty()) return Wrong("must be {}, got \"\"", kForms);
    // First, so that no other error repeats a password.
    if (text_.find('@') != std::string_view::npos) {
      return Wrong("has a user name or a password before @; write only {}", kForms);
    }
    const auto odd = std::ranges::find_if(
        text_, [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\'; });
    if (odd != text_.end()) {
      return Wrong("holds a character that no address has, got \"{}\"", text_);
    }
    std::string_view rest = text_;
    RETURN_IF_ERROR(TakeScheme(rest));
    while (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos) {
      return Wrong("must have no path after the port, got \"{}\"", text_);
    }
    return HostAndPort(rest);
  }

 private:
  template <typename... Values>
  absl::Status Wrong(fmt::format_string<Values...> format, Values&&... values) const {
    return FieldError(field_, fmt::format(format, std::forward<Values>(values)...));
  }

  absl::StatusOr<Address> Unix(std::string_view path) const {
    if (path.starts_with("//")) {
      path.remove_prefix(2);
      if (!path.starts_with('/')) {
        return Wrong("must be unix:path or unix:///absolute/path, got \"{}\"", text_);
      }
    }
    if (path.empty() || path.find('\0') != std::string_view::npos) {
      return Wrong("must have a path after unix:, got \"{}\"", text_);
    }
    return Address{.target = std::string(kUnix) + std::string(path), .loopback = true};
  }

  absl::StatusOr<Address> Abstract(std::string_view name) const {
    if (name.empty() || name.find('\0') != std::string_view::npos) {
      return Wrong("must have a name after unix-abstract:, got \"{}\"", text_);
    }
    return Address{.target = std::string(kAbstract) + std::string(name), .loopback = true};
  }

  /// Takes "https://" or "dns:///" off `rest` and notes what it means.
  absl::Status TakeScheme(std::string_view& rest) {
    const std::size_t slashes = rest.find("://");
    const std::size_t colon = rest.find(':');
    if (slashes != std::string_view::npos && slashes == colon) {
      const std::string name = Lower(rest.substr(0, slashes));
      rest.remove_prefix(slashes + 3);
      if (name == "http" || name == "grpc") scheme_ = Scheme::kPlain;
      if (name == "https" || name == "grpcs") scheme_ = Scheme::kTls;
      if (scheme_ != Scheme::kNone) return absl::OkStatus();
      if (name == "dns" && rest.starts_with('/')) {
        rest.remove_prefix(1);
        return absl::OkStatus();
      }
      return name == "dns"
                 ? Wrong("must not name a DNS server; write dns:///host:port, got \"{}\"", text_)
                 : Wrong("has a scheme that Vico does not know; write {}, got \"{}\"", kForms,
                         text_);
    }
    for (const std::string_view name : {"dns:", "ipv4:", "ipv6:"}) {
      // "dns:50051" is a host that is called dns.
      if (Lower(rest.substr(0, name.size())) != name || rest.find(':', name.size()) == rest.npos) {
        continue;
      }
      family_ = name == "ipv4:" ? AF_INET : name == "ipv6:" ? AF_INET6 : AF_UNSPEC;
      rest.remove_prefix(name.size());
      break;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Address> HostAndPort(std::string_view text) const {
    // gRPC writes the brackets of ipv6: also as escapes.
    std::string decoded(text);
    for (const auto& [escape, bracket] : {std::pair("%5b", "["), std::pair("%5d", "]")}) {
      if (const std::size_t at = Lower(decoded).find(escape); at != std::string::npos) {
        decoded.replace(at, 3, bracket);
      }
    }
    if (decoded.find(',') != std::string::npos) {
      return Wrong("must be one address, got \"{}\"", text_);
    }
    const bool brackets = decoded.starts_with('[');
    const std::size_t end = brackets ? decoded.find(']') : decoded.find(':');
    if (brackets && end == std::string::npos) {
      return Wrong("must have a ] after the IPv6 address, got \"{}\"", text_);
    }
    if (!brackets && end != decoded.rfind(':')) return Wrong6(decoded);
    const std::string host = brackets ? decoded.substr(1, end - 1) : decoded.substr(0, end);
    const std::size_t colon = brackets ? end + 1 : end;
    if (colon >= decoded.size() || decoded.size() == colon + 1) {
      return Wrong("has no port; write {}:PORT, got \"{}\"", decoded.substr(0, colon), text_);
    }
    if (decoded[colon] != ':') return Wrong("must be [address]:port, got \"{}\"", text_);
    const auto port = ParseNumber<std::uint16_t>(field_, decoded.substr(colon + 1));
    if (!port.ok()) return Wrong("must have a port in 0..65535, got \"{}\"", text_);
    if (host.empty()) return Wrong("must be {}, got \"{}\"", kForms, text_);
    return brackets ? Ipv6(host, *port) : Ipv4OrName(host, *port);
  }

  /// More than one colon without brackets.
  absl::Status Wrong6(const std::string& text) const {
    in6_addr address{};
    if (inet_pton(AF_INET6, text.c_str(), &address) == 1) {
      return Wrong("has no port; write [{}]:PORT, got \"{}\"", text, text_);
    }
    return Wrong("must be {}, with an IPv6 address in brackets, got \"{}\"", kForms, text_);
  }

  absl::StatusOr<Address> Ipv6(const std::string& host, std::uint16_t port) const {
    in6_addr address{};
    // A zone names the network interface of a link-local address.
    const std::string without_zone = host.substr(0, host.find('%'));
    if (inet_pton(AF_INET6, without_zone.c_str(), &address) != 1 || family_ == AF_INET) {
      return Wrong("must have an {} address, got \"{}\"", family_ == AF_INET ? "IPv4" : "IPv6",
                   text_);
    }
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
    const bool any4 = mapped && std::all_of(address.s6_addr + 12, address.s6_addr + 16,
                                            [](std::uint8_t byte) { return byte == 0; });
    return Address{
        .target = fmt::format("[{}]:{}", host, port),
        .scheme = scheme_,
        .loopback = IN6_IS_ADDR_LOOPBACK(&address) || (mapped && address.s6_addr[12] == 127),
        .wildcard = IN6_IS_ADDR_UNSPECIFIED(&address) || any4};
  }

  absl::StatusOr<Address> Ipv4OrName(const std::string& host, std::uint16_t port) const {
    in_addr address{};
    // inet_aton also reads the short forms that browsers and ping read: 127.1 is 127.0.0.1.
    if (inet_aton(host.c_str(), &address) == 1 && family_ != AF_INET6) {
      std::array<char, INET_ADDRSTRLEN> text{};
      inet_ntop(AF_INET, &address, text.data(), text.size());
      return Address{.target = fmt::format("{}:{}", text.data(), port),
                     .scheme = scheme_,
                     .loopback = (ntohl(address.s_addr) >> 24) == 127,
                     .wildcard = address.s_addr == INADDR_ANY};
    }
    if (family_ != AF_UNSPEC) {
      return Wrong("must have an {} address, got \"{}\"",
                   family_ == AF_INET ? "IPv4" : "IPv6 (in brackets)", text_);
    }
    return Name(host, port);
  }

  absl::StatusOr<Address> Name(const std::string& host, std::uint16_t port) const {
    std::string name = Lower(host);
    if (name.ends_with('.')) name.pop_back();
    const bool allowed = std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
    });
    // The last part of a name is never a number.
    const std::string last = name.substr(name.rfind('.') + 1);
    const bool number = std::ranges::all_of(last, [](unsigned char c) { return std::isdigit(c); });
    if (!allowed || number || name.size() > 253) {
      return Wrong("must have a host name or an IP address, got \"{}\"", text_);
    }
    return Address{.target = fmt::format("{}:{}", name, port),
                   .scheme = scheme_,
                   .loopback = name == "localhost"};
  }

  std::string_view field_;
  std::string_view text_;
  Scheme scheme_ = Scheme::kNone;
  int family_ = AF_UNSPEC;  ///< that ipv4: or ipv6: requires
};

}  // namespace

absl::StatusOr<Address> ParseAddress(std::string_view field, std::string_view text) {
  return Parser(field, text).Parse();
}

absl::StatusOr<std::string> ParseListenAddress(std::string_view field, std::string_view text) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(field, text));
  if (address.scheme != Scheme::kNone) {
    return FieldError(field,
                      fmt::format("must be host:port without a scheme, since a certificate turns "
                                  "on TLS, got \"{}\"",
                                  text));
  }
  return address.target;
}

absl::Status CheckAddress(std::string_view field, std::string_view address) {
  return ParseAddress(field, address).status();
}

bool IsLoopback(std::string_view address) {
  const absl::StatusOr<Address> parsed = ParseAddress("", address);
  return parsed.ok() && parsed->loopback;
}

absl::Status CheckLoopback(std::string_view field, std::string_view address) {
  ASSIGN_OR_RETURN(const Address parsed, ParseAddress(field, address));
  if (parsed.loopback) return absl::OkStatus();
  return FieldError(field, fmt::format("must be a loopback address (127.0.0.1, [::1], localhost or "
                                       "unix:path) without TLS, got \"{}\"",
                                       address));
}

}  // namespace vico
