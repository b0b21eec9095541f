#include "server/s3/credentials.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/s3/s3_error.h"
#include "server/s3/s3_xml.h"

namespace vico::server {
namespace {

// A file may be replaced by a program that rotates keys.
constexpr absl::Duration kRereadFile = absl::Minutes(1);
constexpr absl::Duration kBeforeExpiry = absl::Minutes(5);

absl::Status NoCredentials(std::string_view message) {
  return WithRetryAfter(Error(absl::StatusCode::kUnavailable,
                              fmt::format("object store: {}", message), "OBJECT_STORE_DENIED"),
                        absl::Seconds(30));
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

absl::StatusOr<std::string> TextOf(const std::string& path, std::string_view what) {
  std::ifstream file(path);
  if (!file) return NoCredentials(fmt::format("{} cannot be read", what));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

absl::StatusOr<S3Credentials> ParseCredentialsFile(std::string_view text,
                                                   std::string_view profile) {
  std::istringstream lines{std::string(text)};
  std::map<std::string, std::string, std::less<>> values;
  bool inside = false;
  for (std::string raw; std::getline(lines, raw);) {
    const std::string_view line = Trimmed(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      std::string_view name = line.substr(1, line.find(']') - 1);
      if (name.starts_with("profile ")) name.remove_prefix(8);
      inside = Trimmed(name) == profile;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    values[std::string(Trimmed(line.substr(0, equals)))] = Trimmed(line.substr(equals + 1));
  }
  S3Credentials found{values["aws_access_key_id"], values["aws_secret_access_key"],
                      values["aws_session_token"]};
  if (found.access_key.empty() || found.secret_key.empty()) {
    return absl::NotFoundError(
        fmt::format("the profile {} has no aws_access_key_id and aws_secret_access_key", profile));
  }
  return found;
}

absl::StatusOr<S3Credentials> ParseAssumedRole(std::string_view xml) {
  S3Credentials role{XmlText(xml, "AccessKeyId"), XmlText(xml, "SecretAccessKey"),
                     XmlText(xml, "SessionToken")};
  std::string why;
  if (role.access_key.empty() || role.secret_key.empty() || role.session_token.empty() ||
      !absl::ParseTime(absl::RFC3339_full, XmlText(xml, "Expiration"), &role.expires, &why)) {
    return NoCredentials("the answer about the web identity has no credentials");
  }
  return role;
}

absl::StatusOr<S3Credentials> CredentialsProvider::Get() {
  const absl::Time now = clock_.Now();
  std::optional<S3Credentials> before;
  {
    const MutexLock lock(mutex_);
    if (current_ && now < renew_) return *current_;
    before = current_;
  }
  absl::StatusOr<S3Credentials> loaded = Load();
  if (!loaded.ok()) {
    // An outage of STS matters only once the old ones have expired.
    if (before && now < before->expires) return *before;
    return loaded.status();
  }
  const MutexLock lock(mutex_);
  current_ = *loaded;
  const absl::Duration rest = loaded->expires - now;
  renew_ = loaded->expires == absl::InfiniteFuture()
               ? now + kRereadFile
               : now + std::max(rest - kBeforeExpiry, rest / 2);
  return loaded;
}

void CredentialsProvider::Drop() {
  const MutexLock lock(mutex_);
  current_.reset();
}

absl::StatusOr<S3Credentials> CredentialsProvider::Load() {
  if (!sources_.access_key.empty()) {
    return S3Credentials{sources_.access_key, sources_.secret_key.Reveal(),
                         sources_.session_token.Reveal()};
  }
  if (!sources_.web_identity_token_file.empty()) return AssumeRole();
  if (sources_.shared_file.empty()) {
    return NoCredentials(
        "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or AWS_SHARED_CREDENTIALS_FILE");
  }
  ASSIGN_OR_RETURN(const std::string text,
                   TextOf(sources_.shared_file, "the file of the credentials"));
  auto found = ParseCredentialsFile(text, sources_.profile);
  if (!found.ok()) return NoCredentials(ToStd(found.status().message()));
  return found;
}

absl::StatusOr<S3Credentials> CredentialsProvider::AssumeRole() {
  ASSIGN_OR_RETURN(const std::string token,
                   TextOf(sources_.web_identity_token_file, "the token of the web identity"));
  HttpRequest request;
  request.method = "POST";
  request.url = sources_.sts_endpoint.empty()
                    ? fmt::format("https://sts.{}.amazonaws.com/", region_)
                    : fmt::format("{}/", sources_.sts_endpoint);
  request.headers = {"Content-Type: application/x-www-form-urlencoded"};
  request.body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}"
      "&WebIdentityToken={}",
      EncodeQueryText(sources_.role_arn), EncodeQueryText(sources_.role_session),
      EncodeQueryText(Trimmed(token)));
  const absl::StatusOr<HttpAnswer> answer = http_.Send(request);
  if (!answer.ok()) return FailureOf(answer.status()).status;
  RETURN_IF_ERROR(FailureOf(*answer, clock_.Now()).status);
  return ParseAssumedRole(answer->body);
}

}  // namespace vico::server
