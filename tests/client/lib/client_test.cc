// The client library against a fake server in this process.
#include "client/lib/client.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <set>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "client/lib/local_file.h"
#include "common/crypto/random_bits.h"
#include "common/crypto/sha256.h"
#include "common/rpc/status_grpc.h"
#include "common/status.h"
#include "tests/client/lib/fake_server.h"

namespace vico::client {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

v1::WatchJobResponse EventMessage(const v1::Event& event) {
  v1::WatchJobResponse message;
  message.set_job("jobs/1");
  *message.mutable_event() = event;
  return message;
}

v1::WatchJobResponse Step(std::uint64_t sequence) {
  v1::Event event;
  event.set_sequence(sequence);
  event.mutable_progress()->set_step(static_cast<std::int64_t>(sequence));
  return EventMessage(event);
}

v1::WatchJobResponse Success(std::uint64_t sequence) {
  v1::Event event;
  event.set_sequence(sequence);
  event.mutable_succeeded()->set_adapter("adapters/9");
  return EventMessage(event);
}

// Records what a watch delivers.
class Recorder : public WatchHandler {
 public:
  void OnJob(const std::string& job) override { jobs.push_back(job); }
  absl::Status OnEvent(const v1::Event& event, const std::string* bytes) override {
    sequences.push_back(event.sequence());
    if (bytes != nullptr) pictures.push_back(*bytes);
    if (on_event) on_event();
    return absl::OkStatus();
  }
  void OnReconnect(const absl::Status& /*error*/, absl::Duration /*wait*/) override {
    ++reconnects;
  }

  std::vector<std::string> jobs;
  std::vector<std::uint64_t> sequences;
  std::vector<std::string> pictures;
  int reconnects = 0;
  std::function<void()> on_event;
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    std::string name = (std::filesystem::temp_directory_path() / "vico_client_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    options_.server = server_.address();
    options_.retry.backoff.first = absl::Milliseconds(1);
    options_.retry.backoff.longest = absl::Milliseconds(5);
    options_.retry.attempt_deadline = std::chrono::milliseconds(2'000);
    Open();
  }
  ~ClientTest() override { std::filesystem::remove_all(folder_); }

  void Open() { client_ = *Client::Open(options_, RandomBits); }

  std::filesystem::path File(const std::string& name, const std::string& bytes) {
    EXPECT_TRUE(WriteAtomically(folder_ / name, bytes).ok());
    return folder_ / name;
  }

  FakeServer server_;
  ClientOptions options_;
  std::unique_ptr<Client> client_;
  std::filesystem::path folder_;
};

TEST_F(ClientTest, AnAddressWithoutAPortIsRefused) {
  options_.server = "192.0.2.1";
  const auto client = Client::Open(options_, RandomBits);
  EXPECT_TRUE(absl::IsInvalidArgument(client.status()));
  EXPECT_EQ(Field(client.status()), "server");
}

TEST_F(ClientTest, AKeyThatCannotBeSentIsRefused) {
  for (const char* key : {"caf\xe9", "\xef\xbb\xbfkey", "a b", "a\n"}) {
    options_.key = Sensitive(key);
    EXPECT_TRUE(absl::IsInvalidArgument(Client::Open(options_, RandomBits).status())) << key;
  }
}

TEST_F(ClientTest, AFileNameThatIsNotUtf8IsMadeValid) {
  std::vector<std::string> names;
  server_.upload = [&](FakeServer::Upload& reader, v1::UploadConceptResponse& response) {
    v1::UploadConceptRequest header;
    reader.Read(&header);
    for (const auto& picture : header.header().pictures()) names.push_back(picture.file_name());
    response.mutable_uploaded_concept()->set_name("concepts/1");
    return grpc::Status::OK;
  };
  const auto uploaded = client_->UploadConcept({File("caf\xe9.png", "a"), File("\xff\xfe", "b"),
                                                File("ñ\n.png", "c"), File("模型.png", "d")},
                                               "");
  ASSERT_TRUE(uploaded.ok()) << uploaded.status();
  EXPECT_THAT(names, ::testing::ElementsAre("caf_.png", "__", "ñ_.png", "模型.png"));
}

TEST_F(ClientTest, EveryKindOfCallCarriesTheKey) {
  options_.key = Sensitive("the-key");
  Open();
  std::vector<std::string> seen;
  const auto note = [&](const grpc::ServerContext& context) {
    const auto found = context.client_metadata().find("authorization");
    seen.emplace_back(found == context.client_metadata().end() ? "" : found->second.data(),
                      found == context.client_metadata().end() ? 0 : found->second.size());
  };
  server_.on_call = note;
  server_.get_job = [](const v1::GetJobRequest&, v1::Job&) { return grpc::Status::OK; };
  server_.upload = [](auto&, auto&) { return grpc::Status(grpc::StatusCode::INTERNAL, ""); };
  server_.watch = [](auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::INTERNAL, "");
  };
  EXPECT_TRUE(client_->GetJob("jobs/1").ok());
  Recorder recorder;
  EXPECT_FALSE(client_->WatchJob("jobs/1", {}, recorder).ok());
  EXPECT_FALSE(client_->UploadConcept({File("a.png", "a")}, "").ok());
  ASSERT_GE(seen.size(), 3u);
  for (const std::string& value : seen) EXPECT_EQ(value, "Bearer the-key");
}

TEST_F(ClientTest, ARetriedCreationHasTheSameRequestId) {
  std::vector<std::string> ids;
  server_.train = [&](const v1::CreateTrainingJobRequest& request, v1::Job& job) {
    ids.push_back(request.request_id());
    if (ids.size() < 3) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting");
    job.set_name("jobs/1");
    return grpc::Status::OK;
  };
  const auto job = client_->CreateTrainingJob({});
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_THAT(ids, SizeIs(3));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1U);
  EXPECT_GE(ids[0].size(), 16U);
  EXPECT_LE(ids[0].size(), 64U);
}

TEST_F(ClientTest, TwoCreationsHaveDifferentRequestIds) {
  std::set<std::string> ids;
  server_.train = [&](const v1::CreateTrainingJobRequest& request, v1::Job&) {
    ids.insert(request.request_id());
    return grpc::Status::OK;
  };
  ASSERT_TRUE(client_->CreateTrainingJob({}).ok());
  ASSERT_TRUE(client_->CreateTrainingJob({}).ok());
  EXPECT_THAT(ids, SizeIs(2));
}

TEST_F(ClientTest, AnInvalidRequestIsNotRetriedAndKeepsItsField) {
  int calls = 0;
  server_.train = [&](const v1::CreateTrainingJobRequest&, v1::Job&) {
    ++calls;
    return ToGrpc(FieldError("train.steps", "must be 1..5000, got 0"));
  };
  const auto job = client_->CreateTrainingJob({});
  EXPECT_TRUE(absl::IsInvalidArgument(job.status()));
  EXPECT_EQ(Field(job.status()), "train.steps");
  EXPECT_EQ(calls, 1);
}

TEST_F(ClientTest, AttemptsAreBounded) {
  int calls = 0;
  server_.train = [&](const v1::CreateTrainingJobRequest&, v1::Job&) {
    ++calls;
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "never");
  };
  EXPECT_TRUE(absl::IsUnavailable(client_->CreateTrainingJob({}).status()));
  EXPECT_EQ(calls, options_.retry.attempts);
}

TEST_F(ClientTest, ACallWithoutAnAnswerEndsAtTheDeadline) {
  options_.call_deadline = std::chrono::milliseconds(200);
  Open();
  std::promise<void> over;
  auto wait = over.get_future().share();
  server_.train = [wait](const v1::CreateTrainingJobRequest&, v1::Job&) {
    wait.wait();
    return grpc::Status::OK;
  };
  EXPECT_TRUE(absl::IsDeadlineExceeded(client_->CreateTrainingJob({}).status()));
  over.set_value();
}

TEST_F(ClientTest, ListsReadPagesUpToTheLimit) {
  std::vector<std::string> tokens;
  server_.list = [&](const v1::ListConceptsRequest& request, v1::ListConceptsResponse& response) {
    tokens.push_back(request.page_token());
    for (int i = 0; i < std::min(request.page_size(), 2); ++i) response.add_concepts();
    response.set_next_page_token("page-" + std::to_string(tokens.size()));
    response.set_total_size(139);
    return grpc::Status::OK;
  };
  const auto concepts = client_->ListConcepts(5);
  ASSERT_TRUE(concepts.ok()) << concepts.status();
  EXPECT_THAT(concepts->items, SizeIs(5));
  EXPECT_EQ(concepts->total, 139U);
  EXPECT_THAT(tokens, ElementsAre("", "page-1", "page-2"));
}

TEST_F(ClientTest, OnlyMissingPicturesAreSentAndEqualOnesOnce) {
  const std::string had = "the server has this one";
  const std::string twin(1'500'000, 't');
  const std::string other = "other";
  std::vector<std::vector<std::string>> calls;  // bytes by picture, each call
  std::set<std::string> ids;
  server_.upload = [&](FakeServer::Upload& reader, v1::UploadConceptResponse& response) {
    v1::UploadConceptRequest message;
    std::vector<std::string> bytes(4);
    while (reader.Read(&message)) {
      if (message.has_header()) ids.insert(message.header().request_id());
      if (message.has_chunk()) bytes.at(message.chunk().picture_index()) += message.chunk().data();
    }
    calls.push_back(bytes);
    if (calls.size() == 1) {
      response.add_missing_sha256(Sha256Hex(twin));
      response.add_missing_sha256(Sha256Hex(other));
    } else {
      response.mutable_uploaded_concept()->set_name("concepts/1");
    }
    return grpc::Status::OK;
  };
  const auto uploaded = client_->UploadConcept(
      {File("a", had), File("b", twin), File("c", twin), File("d", other)}, "");
  ASSERT_TRUE(uploaded.ok()) << uploaded.status();
  EXPECT_EQ(uploaded->name(), "concepts/1");
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_THAT(calls[0], ElementsAre("", "", "", ""));
  EXPECT_THAT(calls[1], ElementsAre("", twin, "", other));
  EXPECT_THAT(ids, SizeIs(1));
}

TEST_F(ClientTest, AllMissingFilesAreNamedBeforeAnyCall) {
  server_.upload = [](FakeServer::Upload&, v1::UploadConceptResponse&) {
    ADD_FAILURE() << "the server was called";
    return grpc::Status::OK;
  };
  const auto uploaded =
      client_->UploadConcept({folder_ / "nope.jpg", File("a", "a"), folder_ / "none.png"}, "");
  EXPECT_TRUE(absl::IsInvalidArgument(uploaded.status()));
  for (const char* name : {"nope.jpg", "none.png"}) {
    EXPECT_NE(uploaded.status().message().find(name), absl::string_view::npos) << name;
  }
}

TEST_F(ClientTest, AnUploadThatTheServerRefusesReturnsItsError) {
  const std::string big(8'000'000, 'b');
  int calls = 0;
  server_.upload = [&](FakeServer::Upload& reader, v1::UploadConceptResponse& response) {
    v1::UploadConceptRequest message;
    reader.Read(&message);
    if (++calls == 1) {
      response.add_missing_sha256(Sha256Hex(big));
      return grpc::Status::OK;
    }
    reader.Read(&message);
    return ToGrpc(absl::ResourceExhaustedError("disk full"));
  };
  EXPECT_TRUE(absl::IsResourceExhausted(client_->UploadConcept({File("a", big)}, "").status()));
}

TEST_F(ClientTest, AWatchResumesAfterTheLastEvent) {
  std::vector<std::uint64_t> requested;
  server_.watch = [&](grpc::ServerContext&, const v1::WatchJobRequest& request,
                      FakeServer::Events& events) {
    requested.push_back(request.after_sequence());
    for (std::uint64_t i = 1; i <= 2 && requested.size() < 3; ++i) {
      events.Write(Step(request.after_sequence() + i));
    }
    if (requested.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down");
    if (requested.size() == 2) return grpc::Status(grpc::StatusCode::CANCELLED, "shut down");
    events.Write(Success(request.after_sequence() + 1));
    return grpc::Status::OK;
  };
  Recorder recorder;
  const auto last = client_->WatchJob("jobs/1", {}, recorder);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->succeeded().adapter(), "adapters/9");
  EXPECT_THAT(requested, ElementsAre(0, 2, 4));
  EXPECT_THAT(recorder.sequences, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(recorder.jobs, ElementsAre("jobs/1"));
  EXPECT_EQ(recorder.reconnects, 2);
}

TEST_F(ClientTest, AnInterruptedPictureIsDeliveredOnceAndWhole) {
  const std::string png = "not really a PNG";
  int calls = 0;
  server_.watch = [&](grpc::ServerContext&, const v1::WatchJobRequest& request,
                      FakeServer::Events& events) {
    EXPECT_EQ(request.after_sequence(), 0U);  // the picture was incomplete
    EXPECT_TRUE(request.include_pictures());
    v1::Event event;
    event.set_sequence(1);
    event.mutable_picture()->mutable_blob()->set_sha256(Sha256Hex(png));
    event.mutable_picture()->mutable_blob()->set_size_bytes(png.size());
    events.Write(EventMessage(event));
    v1::WatchJobResponse chunk;
    chunk.mutable_chunk()->set_sha256(Sha256Hex(png));
    chunk.mutable_chunk()->set_data(png.substr(0, 5));
    events.Write(chunk);
    if (++calls == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "killed");
    chunk.mutable_chunk()->set_offset(5);
    chunk.mutable_chunk()->set_data(png.substr(5));
    chunk.mutable_chunk()->set_last(true);
    events.Write(chunk);
    events.Write(Success(2));
    return grpc::Status::OK;
  };
  Recorder recorder;
  WatchOptions options;
  options.include_pictures = true;
  ASSERT_TRUE(client_->WatchJob("jobs/1", options, recorder).ok());
  EXPECT_THAT(recorder.pictures, ElementsAre(png));
  EXPECT_THAT(recorder.sequences, ElementsAre(1, 2));
}

TEST_F(ClientTest, AWatchFailsWhenTheServerStaysAway) {
  options_.patience = std::chrono::milliseconds(100);
  Open();
  server_.watch = [](grpc::ServerContext&, const v1::WatchJobRequest&, FakeServer::Events&) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone for good");
  };
  Recorder recorder;
  EXPECT_TRUE(absl::IsUnavailable(client_->WatchJob("jobs/1", {}, recorder).status()));
  EXPECT_GT(recorder.reconnects, 0);
}

TEST_F(ClientTest, AGapInTheEventsIsNotRetried) {
  int calls = 0;
  server_.watch = [&](grpc::ServerContext&, const v1::WatchJobRequest&,
                      FakeServer::Events& events) {
    ++calls;
    events.Write(Step(1));
    events.Write(Step(3));
    return grpc::Status::OK;
  };
  Recorder recorder;
  EXPECT_TRUE(absl::IsDataLoss(client_->WatchJob("jobs/1", {}, recorder).status()));
  EXPECT_EQ(calls, 1);
}

TEST_F(ClientTest, AWatchAfterTheLastEventReturnsTheOutcome) {
  server_.watch = [](grpc::ServerContext&, const v1::WatchJobRequest&, FakeServer::Events&) {
    return grpc::Status::OK;
  };
  server_.get_job = [](const v1::GetJobRequest& request, v1::Job& job) {
    job.set_name(request.name());
    job.set_state(v1::JOB_STATE_FAILED);
    job.set_last_sequence(7);
    job.mutable_error()->set_message("diverged");
    return grpc::Status::OK;
  };
  Recorder recorder;
  WatchOptions options;
  options.after_sequence = 7;
  const auto last = client_->WatchJob("jobs/1", options, recorder);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->failed().status().message(), "diverged");
  EXPECT_TRUE(recorder.sequences.empty());
}

TEST_F(ClientTest, AStopRequestEndsAWatch) {
  server_.watch = [](grpc::ServerContext& context, const v1::WatchJobRequest&,
                     FakeServer::Events& events) {
    events.Write(Step(1));
    while (!context.IsCancelled())
      std::this_thread::yield();  // sends nothing until the client cancels
    return grpc::Status::CANCELLED;
  };
  std::stop_source source;
  Recorder recorder;
  recorder.on_event = [&source] { source.request_stop(); };
  const auto last = client_->WatchJob("jobs/1", {}, recorder, source.get_token());
  EXPECT_TRUE(absl::IsCancelled(last.status()));
  EXPECT_THAT(recorder.sequences, ElementsAre(1));
}

TEST_F(ClientTest, AnUnknownJobIsAnErrorWithoutRetries) {
  server_.get_job = [](const v1::GetJobRequest&, v1::Job&) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no job jobs/1");
  };
  Recorder recorder;
  EXPECT_TRUE(absl::IsNotFound(client_->WatchJob("jobs/1", {}, recorder).status()));
  EXPECT_TRUE(recorder.jobs.empty());
}

TEST_F(ClientTest, GenerateIsRetriedUntilTheJobHasANameAndThenWatched) {
  std::vector<std::string> ids;
  server_.generate = [&](const v1::CreateGenerationJobRequest& request,
                         FakeServer::Events& events) {
    ids.push_back(request.request_id());
    if (ids.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting");
    v1::WatchJobResponse named;
    named.set_job("jobs/7");
    events.Write(named);
    events.Write(Step(1));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down");
  };
  server_.watch = [&](grpc::ServerContext&, const v1::WatchJobRequest& request,
                      FakeServer::Events& events) {
    EXPECT_EQ(request.name(), "jobs/7");
    EXPECT_EQ(request.after_sequence(), 1U);
    events.Write(Success(2));
    return grpc::Status::OK;
  };
  Recorder recorder;
  const auto last = client_->Generate({}, recorder);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_THAT(recorder.jobs, ElementsAre("jobs/7"));
  EXPECT_THAT(recorder.sequences, ElementsAre(1, 2));
  ASSERT_THAT(ids, SizeIs(2));
  EXPECT_EQ(ids[0], ids[1]);
}

class DownloadTest : public ClientTest {
 protected:
  DownloadTest() {
    server_.get_adapter = [this](const v1::GetAdapterRequest& request, v1::Adapter& adapter) {
      adapter.set_name(request.name());
      adapter.mutable_blob()->set_sha256(Sha256Hex(bytes_));
      adapter.mutable_blob()->set_size_bytes(bytes_.size());
      return grpc::Status::OK;
    };
  }

  static void Send(FakeServer::Download& writer, std::uint64_t offset, const std::string& data,
                   bool last) {
    v1::DownloadAdapterResponse piece;
    piece.set_offset(offset);
    piece.set_data(data);
    piece.set_last(last);
    writer.Write(piece);
  }

  std::string bytes_ = "adapter bytes";
};

TEST_F(DownloadTest, AnInterruptedDownloadStartsAgain) {
  int calls = 0;
  server_.download = [&](FakeServer::Download& writer) {
    Send(writer, 0, bytes_.substr(0, 4), false);
    if (++calls == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "killed");
    Send(writer, 4, bytes_.substr(4), true);
    return grpc::Status::OK;
  };
  const auto adapter = client_->DownloadAdapter("adapters/1", folder_ / "a.safetensors");
  ASSERT_TRUE(adapter.ok()) << adapter.status();
  std::ostringstream text;
  text << std::ifstream(folder_ / "a.safetensors").rdbuf();
  EXPECT_EQ(text.str(), bytes_);
}

TEST_F(DownloadTest, WrongBytesLeaveNoFile) {
  server_.download = [&](FakeServer::Download& writer) {
    Send(writer, 0, "adapter bytez", true);
    return grpc::Status::OK;
  };
  const auto adapter = client_->DownloadAdapter("adapters/1", folder_ / "a.safetensors");
  EXPECT_TRUE(absl::IsDataLoss(adapter.status()));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(DownloadTest, AnIncompleteStreamLeavesNoFile) {
  server_.download = [&](FakeServer::Download& writer) {
    Send(writer, 0, bytes_, false);
    return grpc::Status::OK;
  };
  EXPECT_TRUE(
      absl::IsDataLoss(client_->DownloadAdapter("adapters/1", folder_ / "a.safetensors").status()));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace vico::client
