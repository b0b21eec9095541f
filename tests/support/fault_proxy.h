// An HTTP proxy in front of a server on loopback that spoils requests on demand.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace vico {

enum class HttpFault {
  kNone,
  kSlowDown,      ///< 503 SlowDown
  kFull,          ///< 507
  kSkewed,        ///< 403 RequestTimeTooSkewed, by a clock that is an hour ahead
  kNoBucket,      ///< 404 NoSuchBucket
  kDenied,        ///< 403 SignatureDoesNotMatch
  kExpired,       ///< 400 ExpiredToken
  kCutAnswer,     ///< closes in the middle of the answer's body
  kCutRequest,    ///< closes in the middle of the request's body
  kWrongAnswer,   ///< one byte of the answer's body is another
  kWrongRequest,  ///< one byte of the request's body is another
  kNoAnswer,      ///< does not answer until the client goes
};

/// Any thread. Knows what libcurl sends: HTTP/1.1, bodies with a length.
class FaultProxy {
 public:
  /// Forwards to this port of 127.0.0.1.
  explicit FaultProxy(int upstream);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// The next `times` requests whose first line begins with `method` get the fault, after those
  /// planned before.
  void Plan(HttpFault fault, int times = 1, const std::string& method = "");
  void Heal();

  /// Refuses connections, and closes those that are open.
  void Down();
  void Up();

  /// Requests so far, those that got a fault included.
  int requests() const { return requests_; }

 private:
  struct Planned {
    HttpFault fault;
    int times;
    std::string method;
  };

  void Listen();
  void Accept(int listener);
  void Serve(int client);
  bool ServeOne(int client, int upstream);
  HttpFault Next(const std::string& head);

  const int upstream_;
  int port_ = 0;
  std::atomic<int> listener_{-1};
  std::thread acceptor_;
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::deque<Planned> planned_;       // guarded by mutex_
  std::set<int> open_;                // guarded by mutex_
  std::vector<std::thread> servers_;  // guarded by mutex_
};

}  // namespace vico
