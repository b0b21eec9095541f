#include "server/net/wrong_listener.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/rpc/status_grpc.h"
#include "common/status.h"

namespace vico::server {
namespace {

// A longer name is a stranger's; the answer does not repeat it.
constexpr size_t kMostNameBytes = 128;

bool IsName(std::string_view text) {
  return text.size() <= kMostNameBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < 0x7f && c != '%';
         });
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class EndsAtOnce final : public grpc::ServerGenericBidiReactor {
 public:
  explicit EndsAtOnce(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

std::string WhyNotHere(std::string_view method, const ListenerName& name,
                       const std::vector<std::string>& served,
                       const std::vector<std::string>& elsewhere) {
  const size_t slash = method.rfind('/');
  if (method.empty() || method.front() != '/' || slash == 0 || !IsName(method)) {
    return fmt::format("no such method; this is {}; {}", name.here, name.there);
  }
  const std::string_view service = method.substr(1, slash - 1);
  if (Has(served, service)) {
    return fmt::format("{} has no method {}; the caller may need another version of Vico", service,
                       method.substr(slash + 1));
  }
  if (Has(elsewhere, service)) {
    return fmt::format("{} is not served here: this is {}; {}", service, name.here, name.there);
  }
  return fmt::format("there is no service {}; this is {}; {}", service, name.here, name.there);
}

grpc::ServerGenericBidiReactor* WrongListener::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return new EndsAtOnce(
      ToGrpc(Error(absl::StatusCode::kUnimplemented,
                   WhyNotHere(context->method(), name_, served_, elsewhere_), "NOT_SERVED_HERE")));
}

}  // namespace vico::server
