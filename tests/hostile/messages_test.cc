// Requests that are no messages: cut short, damaged, or with text that is not UTF-8. Every method
// answers INVALID_ARGUMENT with a text, and makes nothing.
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>

#include "tests/server/server_fixture.h"
#include "vico/v1/admin.pb.h"
#include "vico/v1/job_service.pb.h"
#include "vico/v1/picture.pb.h"

namespace vico::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using testing::IsEmpty;
using testing::Not;

grpc::ByteBuffer Raw(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

/// A field with a length in front of its bytes.
std::string Field(int number, const std::string& bytes) {
  std::string field;
  for (size_t rest : {static_cast<size_t>(number) << 3 | 2, bytes.size()}) {
    for (; rest >= 0x80; rest >>= 7) field += static_cast<char>(rest | 0x80);
    field += static_cast<char>(rest);
  }
  return field + bytes;
}

/// A message whose only field is, at some depth, a string that is not UTF-8; empty if the type has
/// none. `path` becomes its path.
std::string WithBadText(const Descriptor& type, std::string& path, int depth = 0) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string before = path;
    path += (path.empty() ? "" : ".") + field.name();
    if (field.type() == FieldDescriptor::TYPE_STRING) return Field(field.number(), "caf\xe9");
    if (field.type() == FieldDescriptor::TYPE_MESSAGE && !field.is_map() && depth < 4) {
      const std::string inner = WithBadText(*field.message_type(), path, depth + 1);
      if (!inner.empty()) return Field(field.number(), inner);
    }
    path = before;
  }
  return "";
}

std::vector<const ServiceDescriptor*> AllServices() {
  return {v1::UploadConceptRequest::descriptor()->file()->service(0),
          v1::CreateTrainingJobRequest::descriptor()->file()->service(0),
          v1::ImportAdapterRequest::descriptor()->file()->service(0),
          v1::ListBaseModelsRequest::descriptor()->file()->service(0),
          v1::LeaseRequest::descriptor()->file()->service(0),
          v1::UploadPictureRequest::descriptor()->file()->service(0),
          v1::CreateTenantRequest::descriptor()->file()->service(0),
          v1::CreateTenantRequest::descriptor()->file()->service(1)};
}

class MessagesTest : public ServerTest {
 protected:
  MessagesTest() { worker_ = NewChannel(server_->worker_port()); }

  std::shared_ptr<grpc::Channel> ChannelOf(const ServiceDescriptor& service) const {
    const bool workers = service.name() == "WorkerService" || service.name() == "AdminService";
    return workers ? worker_ : client_;
  }

  /// Sends the messages of one call and returns its status.
  absl::Status Send(const MethodDescriptor& method, const std::vector<std::string>& messages) {
    const auto channel = ChannelOf(*method.service());
    const std::string path = "/" + method.service()->full_name() + "/" + method.name();
    Call call;
    grpc::ByteBuffer answer;
    if (!method.client_streaming()) {
      const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
      return FromGrpc(grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
          channel.get(), rpc, &call, Raw(messages.front()), &answer));
    }
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::CLIENT_STREAMING,
                                        channel);
    const std::unique_ptr<grpc::ClientWriter<grpc::ByteBuffer>> writer(
        grpc::internal::ClientWriterFactory<grpc::ByteBuffer>::Create(channel.get(), rpc, &call,
                                                                      &answer));
    for (const std::string& message : messages) {
      if (!writer->Write(Raw(message))) break;
    }
    writer->WritesDone();
    return FromGrpc(writer->Finish());
  }

  size_t Concepts() {
    Call call;
    v1::ListConceptsResponse response;
    EXPECT_THAT(FromGrpc(concepts_->ListConcepts(&call, {}, &response)), IsOk());
    return static_cast<size_t>(response.concepts_size());
  }

  static const MethodDescriptor& Method(const ServiceDescriptor& service, const char* name) {
    return *service.FindMethodByName(name);
  }

  /// The messages of a whole upload.
  static std::vector<std::string> WholeUpload() {
    const auto pictures = TwoPictures();
    v1::UploadConceptRequest request;
    *request.mutable_header() = Header(pictures);
    std::vector<std::string> messages{request.SerializeAsString()};
    for (int i = 0; i < 2; ++i) {
      request.mutable_chunk()->set_picture_index(i);
      request.mutable_chunk()->set_data(pictures[static_cast<size_t>(i)]);
      messages.push_back(request.SerializeAsString());
    }
    return messages;
  }

  std::shared_ptr<grpc::Channel> worker_;
};

TEST_F(MessagesTest, NoMethodTakesADamagedMessage) {
  int methods = 0;
  for (const ServiceDescriptor* service : AllServices()) {
    for (int i = 0; i < service->method_count(); ++i, ++methods) {
      const MethodDescriptor& method = *service->method(i);
      for (const std::string& bytes :
           {std::string("\x0a\x7f"), std::string("\x0a"), std::string("\xff\xff\xff")}) {
        const absl::Status status = Send(method, {bytes});
        EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << method.full_name();
        EXPECT_THAT(status, HasReason("INVALID_MESSAGE")) << method.full_name();
        EXPECT_THAT(std::string(status.message()), Not(IsEmpty()));
      }
    }
  }
  EXPECT_GT(methods, 30);
}

TEST_F(MessagesTest, NoMethodTakesTextThatIsNotUtf8) {
  int texts = 0;
  for (const ServiceDescriptor* service : AllServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      std::string path;
      const std::string bytes = WithBadText(*method.input_type(), path);
      if (bytes.empty()) continue;
      ++texts;
      const absl::Status status = Send(method, {bytes});
      EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << method.full_name();
      EXPECT_THAT(std::string(status.message()), testing::HasSubstr("UTF-8"));
      if (method.client_streaming()) {
        EXPECT_THAT(status, NamesField(path));
      }
    }
  }
  EXPECT_GT(texts, 25);
}

TEST_F(MessagesTest, ADamagedMessageIsNotTheEndOfAnUpload) {
  const auto& method = Method(*AllServices()[0], "UploadConcept");
  for (const size_t after : {size_t{1}, size_t{2}, size_t{3}}) {
    std::vector<std::string> messages = WholeUpload();
    messages.resize(after);
    messages.push_back("\x12\x7f");
    EXPECT_THAT(Send(method, messages), HasReason("INVALID_MESSAGE")) << after;
    EXPECT_EQ(Concepts(), 0u) << after;
  }
  // Everything is stored already, so that the header alone would make a concept.
  EXPECT_THAT(Send(method, WholeUpload()), IsOk());
  EXPECT_EQ(Concepts(), 1u);
  EXPECT_THAT(Send(method, {WholeUpload()[0], "\x12\x7f"}), HasReason("INVALID_MESSAGE"));
  EXPECT_EQ(Concepts(), 1u);
}

TEST_F(MessagesTest, ADamagedMessageIsNotTheEndOfABlob) {
  const auto& method = Method(*AllServices()[4], "PutBlob");
  v1::PutBlobRequest request;
  *request.mutable_header()->mutable_blob() = RefOf("abc", "text/plain");
  std::vector<std::string> messages{request.SerializeAsString()};
  request.set_data("abc");
  messages.push_back(request.SerializeAsString());
  messages.push_back("\x0a\x7f");
  const size_t before = StoredFiles();
  EXPECT_THAT(Send(method, messages), HasReason("INVALID_MESSAGE"));
  EXPECT_EQ(StoredFiles(), before);
}

TEST_F(MessagesTest, AnUploadThatIsCancelledMakesNothing) {
  const auto messages = WholeUpload();
  for (int round = 0; round < 50; ++round) {
    Call call;
    v1::UploadConceptResponse response;
    const auto writer = concepts_->UploadConcept(&call, &response);
    for (const std::string& message : messages) {
      v1::UploadConceptRequest request;
      ASSERT_TRUE(request.ParseFromString(message));
      if (!writer->Write(request)) break;
    }
    call.TryCancel();
    EXPECT_THAT(FromGrpc(writer->Finish()), HasCode(absl::StatusCode::kCancelled));
  }
  // A call that began later is answered after the cancelled ones.
  EXPECT_TRUE(Eventually([this] { return server_->open_streams() == 0; }));
  EXPECT_EQ(Concepts(), 0u);
}

}  // namespace
}  // namespace vico::server
