// Calls of every method of a running server, over gRPC, with arbitrary bytes as messages. The first
// byte selects the method. Then come the messages: two bytes of length, the lowest first, and the
// bytes.
#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "common/clock.h"
#include "server/access/method_roles.h"
#include "server/server.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/pictures/decoders.h"
#include "tests/support/temp_folder.h"

namespace vico::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr std::chrono::milliseconds kPatience{300};  // with streams and long polls
constexpr size_t kMostMessages = 8;
constexpr int kDepth = 3;  // of nested messages in seeds

const MethodDescriptor& Descriptor(const server::MethodRoles& entry) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  const auto* method = pool->FindMethodByName(
      fmt::format("vico.v1.{}.{}", std::string(entry.service), std::string(entry.method)));
  MustHold(method != nullptr, "a method of the table exists");
  return *method;
}

/// A server in a temporary folder, without keys.
class RunningServer {
 public:
  RunningServer() {
    server::ServerOptions options;
    options.storage.data = folder_.path();
    options.net.listen = "127.0.0.1:0";
    options.net.worker_listen = "127.0.0.1:0";
    options.decoder = server::TestDecoder();
    options.services.admission.submits_per_second = 1e6;
    options.services.probe_disk = [] {
      return server::DiskSpace{uint64_t{1} << 40, uint64_t{1} << 40};
    };
    auto server = server::Server::Start(options, clock_, files_, Log::Off());
    MustHold(server.ok(), "the server starts");
    server_ = *std::move(server);
    clients_ = Stub(server_->client_port());
    workers_ = Stub(server_->worker_port());
  }

  grpc::GenericStub& StubOf(std::string_view service) {
    return service == "WorkerService" || service == "AdminService" ? *workers_ : *clients_;
  }

 private:
  static std::unique_ptr<grpc::GenericStub> Stub(int port) {
    return std::make_unique<grpc::GenericStub>(
        grpc::CreateChannel(fmt::format("127.0.0.1:{}", port), grpc::InsecureChannelCredentials()));
  }

  TempFolder folder_;
  SystemClock clock_;
  server::PosixFiles files_;
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<grpc::GenericStub> clients_;
  std::unique_ptr<grpc::GenericStub> workers_;
};

/// Sends the messages, reads all answers, and returns the status of the call.
grpc::Status Send(grpc::GenericStub& stub, const std::string& path,
                  const std::vector<std::string>& messages) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, path, &queue);
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  bool open = next();
  for (const std::string& message : messages) {
    if (!open) break;
    grpc::Slice slice(message);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    open = next();
  }
  if (open) {
    call->WritesDone(nullptr);
    next();
  }
  grpc::ByteBuffer answer;
  for (bool more = true; more;) {
    call->Read(&answer, nullptr);
    more = next();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  return status;
}

std::vector<std::string> Messages(std::string_view bytes) {
  std::vector<std::string> messages;
  while (bytes.size() >= 2 && messages.size() < kMostMessages) {
    const size_t size =
        static_cast<unsigned char>(bytes[0]) | size_t{static_cast<unsigned char>(bytes[1])} << 8;
    messages.emplace_back(bytes.substr(2, size));
    bytes.remove_prefix(std::min(bytes.size(), size + 2));
  }
  return messages;
}

void CheckStatus(const grpc::Status& status) {
  if (status.ok()) return;
  const auto code = status.error_code();
  MustHold(code != grpc::StatusCode::UNIMPLEMENTED && code != grpc::StatusCode::UNKNOWN &&
               code != grpc::StatusCode::INTERNAL,
           "the server understands why it refuses a call");
  MustHold(!status.error_message().empty(), "an error has a message");
  google::rpc::Status details;
  MustHold(details.ParseFromString(status.error_details()), "the details of an error are valid");
}

/// Sets every field of the message: numbers to `number`, texts to `text`.
void FillIn(Message& message, int number, const std::string& text, int depth) {
  const auto& reflection = *message.GetReflection();
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.is_repeated()) {
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_map() && depth > 0) {
        FillIn(*reflection.AddMessage(&message, &field), number, text, depth - 1);
      }
      continue;
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(&message, &field, text);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth > 0) {
          FillIn(*reflection.MutableMessage(&message, &field), number, text, depth - 1);
        }
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(&message, &field, number);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(&message, &field, number);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, &field, number);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(&message, &field, static_cast<uint64_t>(number));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection.SetDouble(&message, &field, number);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, &field, number != 0);
        break;
      default:
        MustHold(false, "the API has no field of another type");
    }
  }
}

std::string Part(const std::string& message) {
  std::string part(2, '\0');
  part[0] = static_cast<char>(message.size() & 0xff);
  part[1] = static_cast<char>(message.size() >> 8);
  return part + message;
}

}  // namespace

std::vector<std::string> Seeds() {
  google::protobuf::DynamicMessageFactory factory;
  std::vector<std::string> seeds;
  const auto& table = server::MethodTable();
  for (size_t i = 0; i < table.size(); ++i) {
    const Message& empty = *factory.GetPrototype(Descriptor(table[i]).input_type());
    const std::string method(1, static_cast<char>(i));
    seeds.push_back(method + Part(""));
    seeds.push_back(method + Part("\x0a\x7f"));          // a text that ends early
    seeds.push_back(method + Part("\x0a\x02\xc3\x28"));  // a text that is not UTF-8
    for (const auto& [number, text] : std::vector<std::pair<int, std::string>>{
             {1, "0123456789abcdef"}, {99, std::string(200, 'x')}, {-1, "\u202e\u00e9\x01"}}) {
      const std::unique_ptr<Message> filled(empty.New());
      FillIn(*filled, number, text, kDepth);
      const std::string bytes = filled->SerializeAsString();
      seeds.push_back(method + Part(bytes));
      seeds.push_back(method + Part(bytes) + Part("\x0a\x7f"));
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static RunningServer running;
  if (size == 0) return 0;
  const auto& table = server::MethodTable();
  const server::MethodRoles& entry = table[data[0] % table.size()];
  const MethodDescriptor& method = Descriptor(entry);
  std::vector<std::string> messages = Messages(AsText(data + 1, size - 1));
  if (!method.client_streaming()) messages.resize(1);
  CheckStatus(Send(running.StubOf(entry.service),
                   fmt::format("/{}/{}", method.service()->full_name(), method.name()), messages));
  return 0;
}

}  // namespace vico::fuzz
