// An HTTP server on loopback that gives each request the answer that the test set.
#pragma once

#include <mutex>
#include <string>
#include <thread>

#include <httplib.h>

namespace vico::server {

class OneAnswer {
 public:
  OneAnswer() {
    server_.Post(".*", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      ++requests_;
      last_body_ = request.body;
      response.status = status_;
      response.set_content(body_, "text/xml");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~OneAnswer() {
    server_.stop();
    thread_.join();
  }

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// `line` begins with the code.
  void Set(const std::string& line, const std::string& body) {
    const std::lock_guard lock(mutex_);
    status_ = std::stoi(line);
    body_ = body;
  }
  std::string last_body() const {
    const std::lock_guard lock(mutex_);
    return last_body_;
  }
  int requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  int status_ = 200;
  std::string body_;
  std::string last_body_;
  int requests_ = 0;
};

}  // namespace vico::server
