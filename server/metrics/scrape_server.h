// A small HTTP server for one page. It answers while strangers hold or flood its connections: the
// libraries that serve HTTP give each connection a thread, or stop accepting at a limit, and then
// one peer keeps the scrapes out.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>

#include "server/gate/descriptor.h"

namespace vico::server {

class ScrapeServer {
 public:
  using Page = std::function<std::string()>;

  /// Of a flood, as many connections come between a scraper's connect and its request.
  static constexpr size_t kMostConnections = 512;

  /// Answers GET `path` on the listening `sockets` with `page()`, which one thread calls.
  /// kUnavailable when no file descriptors are left.
  static absl::StatusOr<std::unique_ptr<ScrapeServer>> Start(std::vector<Descriptor> sockets,
                                                             std::string path, Page page);
  ~ScrapeServer();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Connection {
    Descriptor socket;
    Time since;
    std::string request;
    std::shared_ptr<const std::string> answer;  // null until the request is complete
    size_t sent = 0;
  };
  using Connections = std::list<Connection>;  // the oldest first

  ScrapeServer(std::vector<Descriptor> sockets, std::string path, Page page, Descriptor stop);

  void Run();
  void AcceptSome(int listening, Time now);
  void MakeRoom();
  /// Whether the connection goes on.
  bool Serve(Connection& connection);
  bool ReadRequest(Connection& connection);
  bool SendAnswer(Connection& connection);
  std::shared_ptr<const std::string> AnswerTo(const std::string& request);

  const std::string path_;
  const Page page_;
  const std::vector<Descriptor> sockets_;
  const Descriptor stop_;
  Connections connections_;
  bool pause_ = false;  // no connection can be accepted for a moment
  // For the requests that are there at the same time, so that a flood of them collects few pages.
  std::shared_ptr<const std::string> fresh_;
  std::thread thread_;  // last: it uses the other members
};

}  // namespace vico::server
