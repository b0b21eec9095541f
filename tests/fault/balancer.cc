#include "tests/fault/balancer.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/seaweed.h"

namespace vico::fault {
namespace {

std::string Program() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string root =
      cache != nullptr ? std::string(cache) : fmt::format("{}/.cache", home ? home : "");
  for (const std::string& path : {root + "/vico/tools/nginx", std::string("/usr/sbin/nginx")}) {
    if (std::filesystem::exists(path)) return path;
  }
  return "nginx";
}

/// A listener whose calls go to the servers in turn. One that is dead gets no call for a second;
/// calls that no server has seen go to another.
std::string Listener(const std::string& name, int port, const std::vector<int>& servers) {
  std::string lines;
  for (const int server : servers) {
    lines += fmt::format("    server 127.0.0.1:{} max_fails=1 fail_timeout=1s;\n", server);
  }
  return fmt::format(R"(
  upstream {0} {{
{1}    keepalive 64;
    keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{2} http2;
    location / {{
      grpc_pass grpc://{0};
      grpc_connect_timeout 2s;
      grpc_read_timeout 1h;
      grpc_send_timeout 1h;
      grpc_next_upstream error timeout;
    }}
  }}
)",
                     name, lines, port);
}

bool Listens(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool is = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return is;
}

}  // namespace

Balancer::Balancer(const std::vector<Backend>& servers)
    : client_port_(FreePort()), worker_port_(FreePort()) {
  std::vector<int> clients;
  std::vector<int> workers;
  for (const Backend& server : servers) {
    clients.push_back(server.client_port);
    workers.push_back(server.worker_port);
  }
  const std::string config = folder_.path() + "/nginx.conf";
  WriteFile(
      config,
      fmt::format(R"(daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log warn;
{1}worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
  client_max_body_size 0; client_body_timeout 1h; send_timeout 1h; keepalive_timeout 1h;
  keepalive_requests 10000000; http2_max_concurrent_streams 1000;
{2}{3}}}
)",
                  folder_.path(), geteuid() == 0 ? "user root;\n" : "",
                  Listener("clients", client_port_, clients),
                  Listener("workers", worker_port_, workers)));
  const std::string log = folder_.path() + "/error.log";
  ProcessOptions options;
  options.out = options.err = log;
  nginx_ = std::make_unique<Process>(
      std::vector<std::string>{Program(), "-c", config, "-e", log, "-p", folder_.path()}, options);
  if (!Eventually([&] { return Listens(client_port_) && Listens(worker_port_); },
                  std::chrono::seconds(20))) {
    std::cerr << "nginx does not start: " << ReadFile(log) << std::endl;
    std::abort();
  }
}

Balancer::~Balancer() {
  // A killed master would leave its worker behind.
  nginx_->Signal(SIGTERM);
  nginx_->Wait(std::chrono::seconds(5));
}

}  // namespace vico::fault
