// Answers calls of methods that a listener does not serve, and says where they belong. gRPC itself
// answers UNIMPLEMENTED without a word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>

namespace vico::server {

/// One of the two listeners, in the words of the answer.
struct ListenerName {
  std::string_view here;   ///< "the clients' listener"
  std::string_view there;  ///< where the other listener's callers have to go
};
inline constexpr ListenerName kClientsListener{
    "the clients' listener", "workers and operators use the address of --worker-listen"};
inline constexpr ListenerName kWorkersListener{"the workers' listener",
                                               "clients use the address of --listen"};

/// What is wrong with a call of `method` (/package.Service/Method) on a listener that serves
/// `served`, while the other listener serves `elsewhere`; full names of services.
std::string WhyNotHere(std::string_view method, const ListenerName& name,
                       const std::vector<std::string>& served,
                       const std::vector<std::string>& elsewhere);

/// Ends every call at once. Any thread.
class WrongListener final : public grpc::CallbackGenericService {
 public:
  WrongListener(const ListenerName& name, std::vector<std::string> served,
                std::vector<std::string> elsewhere)
      : name_(name), served_(std::move(served)), elsewhere_(std::move(elsewhere)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  const ListenerName name_;
  const std::vector<std::string> served_;
  const std::vector<std::string> elsewhere_;
};

}  // namespace vico::server
