#include "tests/fault/arena/balancer.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/seaweed.h"

namespace vico::fault {
namespace {

std::string Program(const std::string& name) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string root =
      cache != nullptr ? std::string(cache) : fmt::format("{}/.cache", home ? home : "");
  for (const std::string& path :
       {fmt::format("{}/vico/tools/{}", root, name), "/usr/sbin/" + name}) {
    if (std::filesystem::exists(path)) return path;
  }
  return name;
}

/// A listener whose calls go to the servers in turn. One that is dead gets no call for a second;
/// calls that no server has seen go to another.
std::string NginxListener(const std::string& name, int port, const std::vector<int>& servers) {
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

std::string NginxConfig(const std::string& folder, const std::string& listeners) {
  return fmt::format(R"(daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log warn;
{1}worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
  client_max_body_size 0; client_body_timeout 1h; send_timeout 1h; keepalive_timeout 1h;
  keepalive_requests 10000000; http2_max_concurrent_streams 1000;
{2}}}
)",
                     folder, geteuid() == 0 ? "user root;\n" : "", listeners);
}

/// The lines of deploy/haproxy that ask a server for the health of its JobService.
std::string HealthCheckOfProfile() {
  std::string lines;
  std::istringstream profile(ReadFile("deploy/haproxy/haproxy.cfg"));
  for (std::string line; std::getline(profile, line);) {
    if (line.find("  tcp-check ") == 0 || line == "  option tcp-check") lines += line + "\n";
  }
  return lines;
}

std::string HaproxyListener(const std::string& name, int port, const std::vector<int>& servers,
                            const std::string& check) {
  std::string lines = check;
  for (const int server : servers) {
    lines += fmt::format("  server at-{0} 127.0.0.1:{0} proto h2 check inter 300ms fall 1 rise 1\n",
                         server);
  }
  return fmt::format(R"(
frontend {0}
  bind 127.0.0.1:{1} proto h2
  http-after-response set-header content-type application/grpc
  default_backend {0}
backend {0}
  balance roundrobin
{2})",
                     name, port, lines);
}

std::string HaproxyConfig(const std::string& listeners) {
  return fmt::format(R"(global
  log stderr format raw local0 notice
  maxconn 4000
  tune.h2.max-concurrent-streams 1000
defaults
  log global
  mode http
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 2s
  retries 2
  retry-on conn-failure
  option redispatch 1
  http-reuse always
  http-error status 400 hdr grpc-status 13 hdr grpc-message "malformed request"
  http-error status 408 hdr grpc-status 4 hdr grpc-message "the request did not arrive in time"
  http-error status 502 hdr grpc-status 14 hdr grpc-message "the server is away"
  http-error status 503 hdr grpc-status 14 hdr grpc-message "the server is away"
  http-error status 504 hdr grpc-status 14 hdr grpc-message "the server does not answer"
{})",
                     listeners);
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

Balancer::Balancer(ProxyProgram program, const std::vector<Backend>& servers)
    : client_port_(FreePort()), worker_port_(FreePort()) {
  std::vector<int> clients;
  std::vector<int> workers;
  for (const Backend& server : servers) {
    clients.push_back(server.client_port);
    workers.push_back(server.worker_port);
  }
  const std::string config = folder_.path() + "/proxy.conf";
  const std::string log = folder_.path() + "/error.log";
  std::vector<std::string> command;
  if (program == ProxyProgram::kNginx) {
    command = {Program("nginx"), "-c", config, "-e", log, "-p", folder_.path()};
    WriteFile(config,
              NginxConfig(folder_.path(), NginxListener("clients", client_port_, clients) +
                                              NginxListener("workers", worker_port_, workers)));
  } else {
    command = {Program("haproxy"), "-db", "-f", config};
    // The listener of the workers has no JobService; it gets calls while it takes connections.
    WriteFile(config, HaproxyConfig(HaproxyListener("clients", client_port_, clients,
                                                    HealthCheckOfProfile()) +
                                    HaproxyListener("workers", worker_port_, workers, "")));
  }
  ProcessOptions options;
  options.out = options.err = log;
  proxy_ = std::make_unique<Process>(command, options);
  if (!Eventually([&] { return Listens(client_port_) && Listens(worker_port_); },
                  std::chrono::seconds(20))) {
    std::cerr << command.front() << " does not start: " << ReadFile(log) << std::endl;
    std::abort();
  }
}

Balancer::~Balancer() {
  // A killed master of nginx would leave its worker behind.
  proxy_->Signal(SIGTERM);
  proxy_->Wait(std::chrono::seconds(5));
}

}  // namespace vico::fault
