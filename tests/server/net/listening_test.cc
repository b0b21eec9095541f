// Tests of a listener with gRPC behind it, and of the connection limits of a server.
#include "server/net/listening.h"

#include <set>

#include <gmock/gmock.h>

#include "server/gate/peer_name.h"
#include "server/net/listening_sockets.h"
#include "tests/server/net/sockets.h"
#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;

/// A service that returns the caller's address as its version.
class TellsThePeer final : public v1::ModelService::Service {
  grpc::Status GetCapabilities(grpc::ServerContext* context, const v1::GetCapabilitiesRequest*,
                               v1::Capabilities* answer) override {
    answer->set_version(PeerOfCall(context->peer()));
    return grpc::Status::OK;
  }
};

class ListenerTest : public testing::Test {
 protected:
  void Start(const std::string& address, const ConnectionAge& age = {}) {
    auto listener = Listener::Start(address, {}, {.services = {&service_}}, {}, age, Log::Off());
    ASSERT_THAT(listener, IsOk());
    listener_ = *std::move(listener);
  }

  std::string To(const char* host) const { return fmt::format("{}:{}", host, listener_->port()); }

  /// The address that the server sees for a client of `target`; empty without an answer.
  static std::string PeerOfCallTo(const std::string& target) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::Capabilities answer;
    const auto status = v1::ModelService::NewStub(channel)->GetCapabilities(&call, {}, &answer);
    return status.ok() ? answer.version() : "";
  }

  TellsThePeer service_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, CallsHaveTheAddressOfTheirPeer) {
  Start("127.0.0.1:0");
  EXPECT_THAT(PeerOfCallTo(To("127.0.0.1")), testing::StartsWith("ipv4:127.0.0.1:"));
}

TEST_F(ListenerTest, AllAddressesAreServedAndIpv4PeersStayIpv4) {
  Start("[::]:0");
  EXPECT_THAT(PeerOfCallTo(To("127.0.0.1")), testing::StartsWith("ipv4:127.0.0.1:"));
  if (OpenListeningSockets("[::1]:0").ok()) {
    EXPECT_THAT(PeerOfCallTo(To("[::1]")), testing::StartsWith("ipv6:%5B::1%5D:"));
  }
}

TEST_F(ListenerTest, ANameIsServed) {
  Start("localhost:0");
  EXPECT_NE(PeerOfCallTo(To("localhost")), "");
}

TEST_F(ListenerTest, AUnixSocketIsServedAndHasNoPort) {
  const TempFolder folder;
  const std::string address = "unix:" + folder.path() + "/socket";
  Start(address);
  EXPECT_EQ(listener_->port(), 0);
  EXPECT_NE(PeerOfCallTo(address), "");
}

TEST_F(ListenerTest, AConnectionOfItsAgeIsReplacedAndFailsNoCall) {
  Start("127.0.0.1:0", {.limit = milliseconds(200), .grace = milliseconds(5'000)});
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = v1::ModelService::NewStub(
      grpc::CreateCustomChannel(To("127.0.0.1"), grpc::InsecureChannelCredentials(), arguments));
  std::set<std::string> connections;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    grpc::ClientContext call;
    v1::Capabilities answer;
    ASSERT_THAT(FromGrpc(stub->GetCapabilities(&call, {}, &answer)), IsOk());
    connections.insert(answer.version());
  }
  EXPECT_GT(connections.size(), 2u);
}

TEST_F(ListenerTest, CloseEndsConnectionsAtOnceAndServesNobodyAfterwards) {
  Start("127.0.0.1:0");
  const Descriptor silent = Connect(listener_->port());
  ASSERT_TRUE(Soon([&] { return listener_->counts().open == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  listener_->Close();
  EXPECT_TRUE(IsClosed(silent, milliseconds(5000)));
  EXPECT_FALSE(Connect(listener_->port()));
  listener_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

class ConnectionsTest : public ServerTest {
 protected:
  ConnectionsTest() {
    options_.net.client_connections = {.per_peer = 64, .loopback = true};
    Start();
  }

  bool Serves() {
    Call call;
    v1::Capabilities answer;
    return models_->GetCapabilities(&call, {}, &answer).ok();
  }
};

TEST_F(ConnectionsTest, The65thConnectionOfAPeerIsRefusedUntilAnotherCloses) {
  ASSERT_TRUE(Serves());
  std::vector<Descriptor> held;
  for (int i = 0; i < 63; ++i) held.push_back(Connect(server_->client_port()));
  const Descriptor next = Connect(server_->client_port());
  EXPECT_TRUE(IsClosed(next, milliseconds(5000)));
  for (const Descriptor& one : held) EXPECT_FALSE(IsClosed(one));
  EXPECT_TRUE(Serves()) << "the connection of before";
  const Descriptor neighbour = Connect(server_->client_port(), "127.0.0.2");
  EXPECT_FALSE(IsClosed(neighbour, milliseconds(200)));
  const Descriptor of_worker = Connect(server_->worker_port());
  EXPECT_FALSE(IsClosed(of_worker, milliseconds(200))) << "the listeners count apart";

  held.pop_back();
  const auto fresh = v1::ModelService::NewStub(NewChannel(server_->client_port()));
  EXPECT_TRUE(Eventually([&] {
    Call call;
    v1::Capabilities answer;
    return fresh->GetCapabilities(&call, {}, &answer).ok();
  }));
}

TEST_F(ServerTest, LoopbackMayHaveManyConnections) {
  std::vector<Descriptor> held;
  for (int i = 0; i < 200; ++i) held.push_back(Connect(server_->client_port()));
  Call call;
  v1::Capabilities answer;
  EXPECT_THAT(FromGrpc(models_->GetCapabilities(&call, {}, &answer)), IsOk());
  for (const Descriptor& one : held) EXPECT_FALSE(IsClosed(one));
}

}  // namespace
}  // namespace vico::server
