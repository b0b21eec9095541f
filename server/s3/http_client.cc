#include "server/s3/http_client.h"

#include <algorithm>
#include <cctype>
#include <mutex>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr size_t kMostIdle = 64;

/// What the callbacks of one request use.
struct Transfer {
  const HttpRequest& request;
  HttpAnswer answer;
  uint64_t uploaded = 0;
  absl::Status upload_status;
  bool too_long = false;
};

size_t OnAnswer(char* bytes, size_t /*one*/, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.answer.body.size() + count > transfer.request.answer_limit) {
    transfer.too_long = true;
    return 0;
  }
  transfer.answer.body.append(bytes, count);
  return count;
}

size_t OnHeader(char* bytes, size_t /*one*/, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(bytes, count);
  if (line.starts_with("HTTP/")) transfer.answer.headers.clear();  // of "100 Continue"
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || transfer.answer.headers.size() >= 100) return count;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0) {
    value.remove_prefix(1);
  }
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0) {
    value.remove_suffix(1);
  }
  transfer.answer.headers.emplace_back(std::move(name), std::string(value));
  return count;
}

size_t OnUpload(char* into, size_t /*one*/, size_t room, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const absl::StatusOr<size_t> got = transfer.request.upload(transfer.uploaded, into, room);
  if (!got.ok()) {
    transfer.upload_status = got.status();
    return CURL_READFUNC_ABORT;
  }
  transfer.uploaded += *got;
  return *got;
}

int OnSeek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(user)->uploaded = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

class Headers {
 public:
  explicit Headers(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) list_ = curl_slist_append(list_, line.c_str());
  }
  ~Headers() { curl_slist_free_all(list_); }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

}  // namespace

std::string HttpAnswer::Header(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (header == name) return value;
  }
  return "";
}

struct HttpClient::Handle {
  Handle() : curl(curl_easy_init()) {}
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  CURL* curl;
};

HttpClient::HttpClient() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::Take() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Handle> handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  return std::make_unique<Handle>();
}

void HttpClient::Return(std::unique_ptr<Handle> handle) {
  curl_easy_reset(handle->curl);  // keeps the connection
  const MutexLock lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(handle));
}

absl::StatusOr<HttpAnswer> HttpClient::Send(const HttpRequest& request) {
  std::unique_ptr<Handle> handle = Take();
  CURL* const curl = handle->curl;
  if (curl == nullptr) return absl::ResourceExhaustedError("http: no memory for a request");
  Transfer transfer{request, {}, 0, {}, false};
  const Headers headers(request.headers);
  transfer.answer.body.reserve(request.answer_expected);
  char text[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // a proxy of the environment is for other programs
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(request.connect_timeout)));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(
      curl, CURLOPT_LOW_SPEED_TIME,
      std::max<long>(1, static_cast<long>(absl::ToInt64Seconds(request.stall_timeout))));
  if (!request.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnAnswer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  if (request.upload) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 18);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &OnUpload);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &OnSeek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_bytes));
  } else if (request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 1L << 18);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  std::string provider;
  if (request.signature != nullptr) {
    const HttpSignature& signature = *request.signature;
    provider = fmt::format("aws:amz:{}:{}", signature.region, signature.service);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, signature.access_key.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, signature.secret_key.c_str());
  }
  const CURLcode result = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.answer.code);
  Return(std::move(handle));
  if (!transfer.upload_status.ok()) return transfer.upload_status;
  // The answer to a refused upload comes before its end.
  if (result == CURLE_OK) return std::move(transfer.answer);
  const std::string why = text[0] != '\0' ? text : curl_easy_strerror(result);
  return WithPrivateText(
      absl::UnavailableError(transfer.too_long ? "http: the answer is too long"
                                               : "http: there is no whole answer"),
      why);
}

int64_t ParseHttpDate(const std::string& text) { return curl_getdate(text.c_str(), nullptr); }

std::string EncodeQueryText(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace vico::server
