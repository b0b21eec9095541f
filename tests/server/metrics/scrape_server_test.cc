#include "server/metrics/scrape_server.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "server/net/listening_sockets.h"
#include "tests/server/net/sockets.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::EndsWith;
using testing::StartsWith;

class ScrapeServerTest : public testing::Test {
 protected:
  ScrapeServerTest() {
    auto listening = OpenListeningSockets("127.0.0.1:0");
    EXPECT_THAT(listening, IsOk());
    port_ = listening->port;
    auto server = ScrapeServer::Start(std::move(listening->sockets), "/metrics", [this] {
      ++pages_;
      while (busy_) std::this_thread::yield();
      return page_;
    });
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  static void Send(const Descriptor& client, std::string_view bytes) {
    send(client.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// All that the server sends until it closes the connection.
  static std::string Rest(const Descriptor& client) {
    std::string all;
    char bytes[4096];
    pollfd waiting{client.number(), POLLIN, 0};
    while (poll(&waiting, 1, 10'000) == 1) {
      const ssize_t got = recv(client.number(), bytes, sizeof(bytes), 0);
      if (got <= 0) break;
      all.append(bytes, static_cast<size_t>(got));
    }
    return all;
  }
  std::string Asked(const std::string& request) {
    const Descriptor client = Connect(port_);
    Send(client, request);
    return Rest(client);
  }
  std::string Scrape() { return Asked("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"); }

  std::string page_ = "vico_jobs 1\n";
  std::atomic<int> pages_{0};
  std::atomic<bool> busy_{false};  // a page takes its time
  int port_ = 0;
  std::unique_ptr<ScrapeServer> server_;  // last: destroyed first
};

TEST_F(ScrapeServerTest, GetGetsThePage) {
  EXPECT_THAT(Scrape(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(Scrape(), EndsWith("Content-Length: 12\r\nConnection: close\r\n\r\nvico_jobs 1\n"));
  EXPECT_THAT(Asked("GET /metrics?name[]=a HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\nvico_jobs 1\n"));
}

TEST_F(ScrapeServerTest, OtherRequestsAreRefusedInWords) {
  EXPECT_THAT(Asked("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Asked("POST /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Asked("\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Asked("GET /metrics HTTP/1.1\r\nX: " + std::string(8192, 'x')),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(pages_, 0);
}

TEST_F(ScrapeServerTest, ARequestMayComeInPieces) {
  const Descriptor client = Connect(port_);
  for (const char byte : std::string("GET /metrics HTTP/1.1\r\n\r\n")) Send(client, {&byte, 1});
  EXPECT_THAT(Rest(client), EndsWith("vico_jobs 1\n"));
}

TEST_F(ScrapeServerTest, ItAnswersWhileSilentConnectionsAreHeld) {
  std::vector<Descriptor> held;
  for (size_t i = 0; i < 4 * ScrapeServer::kMostConnections; ++i) held.push_back(Connect(port_));
  const auto begin = steady_clock::now();
  EXPECT_THAT(Scrape(), EndsWith("vico_jobs 1\n"));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(IsClosed(held.front(), milliseconds(5000))) << "the oldest makes room";
}

TEST_F(ScrapeServerTest, ItAnswersWhileItIsFlooded) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> floods;
  for (int i = 0; i < 4; ++i) {
    floods.emplace_back([&, i] {
      std::vector<Descriptor> held(64);
      for (size_t n = 0; !stop; ++n) {
        held[n % held.size()] = Connect(port_);
        if (i % 2 == 1) Send(held[n % held.size()], "GET /metrics HTTP/1.1\r\n\r\n");
      }
    });
  }
  steady_clock::duration slowest{};
  for (int i = 0; i < 50; ++i) {
    const auto begin = steady_clock::now();
    EXPECT_THAT(Scrape(), EndsWith("vico_jobs 1\n")) << i;
    slowest = std::max(slowest, steady_clock::now() - begin);
  }
  stop = true;
  for (std::thread& each : floods) each.join();
  std::printf("slowest scrape: %.0f ms\n",
              std::chrono::duration<double, std::milli>(slowest).count());
  EXPECT_LT(slowest, std::chrono::seconds(5));
}

TEST_F(ScrapeServerTest, AReaderThatTakesNothingHoldsUpNobody) {
  page_ = std::string(8 << 20, 'm');
  const Descriptor unread = Connect(port_);
  Send(unread, "GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_GT(Scrape().size(), page_.size());
}

TEST_F(ScrapeServerTest, RequestsThatWaitTogetherShareAPage) {
  busy_ = true;
  std::vector<Descriptor> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(Connect(port_));
    Send(clients.back(), "GET /metrics HTTP/1.1\r\n\r\n");
  }
  busy_ = false;
  for (const Descriptor& each : clients) EXPECT_THAT(Rest(each), EndsWith("vico_jobs 1\n"));
  EXPECT_LT(pages_, 10);
}

TEST_F(ScrapeServerTest, ALaterRequestGetsANewPage) {
  for (int i = 1; i < 5; ++i) {
    Scrape();
    EXPECT_EQ(pages_, i);
  }
}

}  // namespace
}  // namespace vico::server
