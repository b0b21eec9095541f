// Tests of calls that reach the wrong listener, or one that knows no such method.
#include "server/net/wrong_listener.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class WrongListenerTest : public ServerTest {
 protected:
  /// The status of a call without a message.
  absl::Status StatusOf(int port, const std::string& method) {
    grpc::GenericStub stub(NewChannel(port));
    Call call;
    grpc::CompletionQueue queue;
    const auto stream = stub.PrepareCall(&call, method, &queue);
    void* tag = nullptr;
    bool ok = false;
    stream->StartCall(nullptr);
    queue.Next(&tag, &ok);
    stream->WritesDone(nullptr);
    queue.Next(&tag, &ok);
    grpc::Status status;
    stream->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return FromGrpc(status);
  }
  absl::Status AtClients(const std::string& method) {
    return StatusOf(server_->client_port(), method);
  }
  absl::Status AtWorkers(const std::string& method) {
    return StatusOf(server_->worker_port(), method);
  }
};

TEST_F(WrongListenerTest, ClientsAreSentToTheirOwn) {
  for (const char* method :
       {"ModelService/GetCapabilities", "ConceptService/UploadConcept",
        "PictureService/UploadPicture", "JobService/WatchJob", "AdapterService/DownloadAdapter",
        "KeyService/CreateKey", "JobService/NoSuchMethod"}) {
    const absl::Status status = AtWorkers(std::string("/vico.v1.") + method);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kUnimplemented)) << method;
    EXPECT_THAT(status, HasMessage(AllOf(HasSubstr("this is the workers' listener"),
                                         HasSubstr("clients use the address of --listen"))))
        << method;
    EXPECT_THAT(status, HasReason("NOT_SERVED_HERE")) << method;
  }
}

TEST_F(WrongListenerTest, WorkersAndOperatorsAreSentToTheirOwn) {
  for (const char* method : {"WorkerService/Register", "WorkerService/PutBlob",
                             "AdminService/ListWorkers", "AdminService/NoSuchMethod"}) {
    const absl::Status status = AtClients(std::string("/vico.v1.") + method);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kUnimplemented)) << method;
    EXPECT_THAT(status, HasMessage(AllOf(HasSubstr("this is the clients' listener"),
                                         HasSubstr("the address of --worker-listen"))))
        << method;
  }
}

TEST_F(WrongListenerTest, AnUnknownMethodOfAKnownServiceIsNamed) {
  EXPECT_THAT(AtClients("/vico.v1.JobService/PaintJob"),
              HasMessage(HasSubstr("vico.v1.JobService has no method PaintJob")));
  EXPECT_THAT(AtWorkers("/vico.v1.WorkerService/Rest"),
              HasMessage(HasSubstr("vico.v1.WorkerService has no method Rest")));
  EXPECT_THAT(AtWorkers("/grpc.health.v1.Health/Feel"),
              HasMessage(HasSubstr("grpc.health.v1.Health has no method Feel")));
}

TEST_F(WrongListenerTest, AnUnknownServiceIsNamed) {
  for (const char* method : {"/vico.v2.JobService/GetJob", "/example.Echo/Say", "/x/y"}) {
    EXPECT_THAT(AtClients(method), HasMessage(AllOf(HasSubstr("there is no service"),
                                                    HasSubstr("the clients' listener"))))
        << method;
  }
}

TEST(WhyNotHereTest, StrangeNamesAreNotRepeated) {
  for (const std::string& method : {std::string("/"), std::string(), std::string("/a"),
                                    std::string("no slash"), "/" + std::string(1000, 'x') + "/y",
                                    std::string("/ser\x1bvice/y"), std::string("/%41/y")}) {
    EXPECT_EQ(WhyNotHere(method, kWorkersListener, {}, {}),
              "no such method; this is the workers' listener; clients use the address of --listen")
        << method;
  }
}

TEST_F(WrongListenerTest, AMessageIsRefusedToo) {
  Call call;
  v1::Capabilities capabilities;
  const auto stub = v1::ModelService::NewStub(NewChannel(server_->worker_port()));
  const absl::Status status = FromGrpc(stub->GetCapabilities(&call, {}, &capabilities));
  EXPECT_THAT(status, HasReason("NOT_SERVED_HERE"));
}

}  // namespace
}  // namespace vico::server
