#include "health/check.h"

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>

#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"

namespace vico {
namespace {

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";

/// A serialized HealthCheckRequest: field 1 is the name of the service.
std::string Request(const std::string& service) {
  if (service.empty()) return "";
  return std::string("\x0a") + static_cast<char>(service.size()) + service;
}

/// `response` is a serialized HealthCheckResponse: field 1 is the status, 1 is SERVING.
bool IsServing(std::string_view response) { return response == "\x08\x01"; }

/// Accepts every certificate.
class AnyCertificate final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest*,
              std::function<void(grpc::Status)>, grpc::Status* status) override {
    *status = grpc::Status::OK;
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}
};

std::shared_ptr<grpc::ChannelCredentials> Credentials(bool tls) {
  if (!tls) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<AnyCertificate>());
  return grpc::experimental::TlsCredentials(options);
}

std::string Flatten(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

absl::Status CheckHealth(const HealthCheckOptions& check) {
  if (check.service.size() > 127) return FieldError("--service", "is too long");
  ASSIGN_OR_RETURN(const Address address, ParseAddress("ADDRESS", check.address));
  if (check.tls && address.scheme == Address::Scheme::kPlain) {
    return FieldError("ADDRESS",
                      fmt::format("is without TLS, but --tls is given, got \"{}\"", check.address));
  }
  const bool tls = check.tls || address.scheme == Address::Scheme::kTls;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  grpc::GenericStub stub(grpc::CreateCustomChannel(address.target, Credentials(tls), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(check.timeout));
  const grpc::Slice slice(Request(check.service));
  const grpc::ByteBuffer request(&slice, 1);
  grpc::CompletionQueue queue;
  grpc::ByteBuffer response;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, kCheck, request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return absl::NotFoundError(fmt::format("the server has no service \"{}\"", check.service));
  }
  if (!status.ok()) {
    return absl::UnavailableError(ExplainCall(FromGrpc(status), {check.address, tls}).message());
  }
  if (!IsServing(Flatten(response))) return absl::UnavailableError("not serving");
  return absl::OkStatus();
}

}  // namespace vico
