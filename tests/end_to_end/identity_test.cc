// Tenants with API keys over TLS, and a worker with a certificate. A last test searches logs,
// traces, errors and files for secrets. The worker's engine is a fake, so these tests need no
// LibTorch.
#include <algorithm>
#include <csignal>
#include <future>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>

#include "common/tracing/otlp_exporter.h"
#include "tests/server/base_model_fixture.h"
#include "tests/server/pictures/picture_files.h"
#include "tests/support/otlp_collector.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"
#include "tests/worker/job/fake_engine.h"
#include "worker/job/server_link.h"
#include "worker/lease/worker.h"

namespace vico::end_to_end {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A fake engine that offers a base model with a real tokenizer.
class OfferingEngine final : public worker::Engine {
 public:
  worker::FakeEngine fake;

  std::vector<worker::BaseModelOffer> offers() const override {
    worker::BaseModelOffer offer;
    offer.base_model = server::TestBaseModel();
    offer.vocabulary = server::TestVocabulary();
    offer.merges = server::TestMerges();
    return {offer};
  }
  std::string device() const override { return "cpu"; }
  absl::StatusOr<worker::TrainedAdapter> Train(const v1::TrainSpec& spec,
                                               const std::vector<std::string>& pictures,
                                               const worker::TrainCallbacks& callbacks) override {
    return fake.Train(spec, pictures, callbacks);
  }
  absl::StatusOr<bool> Generate(const v1::GenerateSpec& spec,
                                const worker::GenerationInputs& inputs,
                                const worker::GenerateCallbacks& callbacks) override {
    return fake.Generate(spec, inputs, callbacks);
  }
  absl::StatusOr<worker::EvaluatedAdapter> Evaluate(
      const v1::EvaluateSpec& spec, const worker::AdapterSource& adapter,
      const std::vector<std::string>& pictures,
      const worker::EvaluateCallbacks& callbacks) override {
    return fake.Evaluate(spec, adapter, pictures, callbacks);
  }
};

/// A worker on its own thread.
class WorkerThread {
 public:
  /// Sends spans to `collector`.
  WorkerThread(const std::string& address, const TlsFiles& tls, const std::string& collector)
      : link_(Link(address, tls)) {
    thread_ = std::thread([this, collector] {
      const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_);
      const auto spans =
          OtlpExporter::ForProgram({"vico-worker", "test", "one"}, collector, {}, Log::Off());
      ASSERT_THAT(spans, IsOk());
      worker::Worker worker(*link_, engine_, clock_, pause_, Log::ToSink("vico-worker", sink),
                            {.name = "one", .build_version = "test", .spans = spans->get()});
      EXPECT_THAT(worker.Run(stop_.get_token()), IsOk());
    });
  }
  ~WorkerThread() { Stop(); }

  /// Stops the worker and returns its log.
  std::string Stop() {
    stop_.request_stop();
    if (thread_.joinable()) thread_.join();
    return log_.str();
  }

 private:
  static std::unique_ptr<worker::ServerLink> Link(const std::string& address, const TlsFiles& tls) {
    auto link = worker::OpenServerLink("--server", address, tls);
    if (!link.ok()) std::abort();
    return *std::move(link);
  }

  const std::unique_ptr<worker::ServerLink> link_;
  OfferingEngine engine_;
  SystemClock clock_;
  worker::SystemPause pause_;
  std::ostringstream log_;
  std::stop_source stop_;
  std::thread thread_;
};

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() {
    std::filesystem::create_directory(Path("tmp"));
    WriteFile(Path("ca.crt"), authority_.certificate());
    WriteIdentity(folder_.path(), "server", authority_.Issue(kLocalServer));
    WriteIdentity(folder_.path(), "worker",
                  authority_.Issue({.alternative_names = "URI:vico://worker/one"}));
    StartServer();
  }

  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  void StartServer() {
    ProcessOptions options;
    options.out = options.err = Path("server.log");
    options.environment = {{"TMPDIR", Path("tmp")},
                           {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=canaryheader"}};
    server_ = std::make_unique<Process>(
        std::vector<std::string>{VICO_SERVER_BINARY, "--data", Path("data"), "--listen",
                                 "127.0.0.1:0", "--worker-listen", "127.0.0.1:0", "--cert",
                                 Path("server.crt"), "--key", Path("server.key"), "--client-ca",
                                 Path("ca.crt"), "--log-level", "debug", "--otlp-endpoint",
                                 collector_.endpoint()},
        options);
    const std::string ports = Path("data/ports.json");
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(ports) || !server_->Running(); }));
    ASSERT_TRUE(std::filesystem::exists(ports)) << ReadFile(Path("server.log"));
    const auto json = nlohmann::json::parse(ReadFile(ports));
    client_ = fmt::format("localhost:{}", json.at("client_port").get<int>());
    worker_ = fmt::format("localhost:{}", json.at("worker_port").get<int>());
  }

  /// Runs a program to its end with its own folder for temporary files. Strips the last line break
  /// of its output.
  Finished Run(const std::vector<std::string>& command,
               std::map<std::string, std::string> environment = {}) const {
    const TempFolder folder;
    environment["TMPDIR"] = Path("tmp");
    environment["XDG_CONFIG_HOME"] = folder.path();
    Finished result = RunToEnd(command, std::chrono::minutes(2), environment);
    if (!result.out.empty() && result.out.back() == '\n') result.out.pop_back();
    return result;
  }

  Finished Admin(const std::vector<std::string>& words) const {
    std::vector<std::string> command = {VICO_SERVER_BINARY};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--data", Path("data")});
    return Run(command);
  }

  Finished Vico(const std::string& key, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {VICO_BINARY};
    command.insert(command.end(), words.begin(), words.end());
    return Run(command, {{"VICO_SERVER", client_}, {"VICO_CA", Path("ca.crt")}, {"VICO_KEY", key}});
  }

  /// Creates a tenant and returns its key once the server accepts it.
  std::string NewTenant(const std::string& name) const {
    EXPECT_EQ(Admin({"tenants", "create", "--tenant", name}).exit_code, 0);
    const Finished key = Admin({"keys", "create", "--tenant", name});
    EXPECT_EQ(key.exit_code, 0) << key.err;
    EXPECT_TRUE(Eventually([&] { return Vico(key.out, {"models"}).exit_code == 0; }));
    return key.out;
  }

  /// `vico admin …` with the certificate `who`.
  Finished Operate(const std::string& who, const std::vector<std::string>& words) const {
    std::vector<std::string> command = {VICO_BINARY, "admin"};
    command.insert(command.end(), words.begin(), words.end());
    return Run(command, {{"VICO_ADMIN_SERVER", worker_},
                         {"VICO_CA", Path("ca.crt")},
                         {"VICO_CERT", Path(who + ".crt")},
                         {"VICO_CERT_KEY", Path(who + ".key")}});
  }

  std::unique_ptr<WorkerThread> NewWorker() const {
    const TlsFiles files{Path("worker.crt"), Path("worker.key"), Path("ca.crt")};
    return std::make_unique<WorkerThread>(worker_, files, collector_.endpoint());
  }

  TempFolder folder_;
  OtlpCollector collector_;
  const TestAuthority authority_;
  std::unique_ptr<Process> server_;
  std::string client_;
  std::string worker_;
};

std::vector<std::string> Robots() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("examples/robot")) {
    if (entry.path().extension() == ".png") files.push_back(entry.path().string());
  }
  return files;
}

std::string LastLine(const std::string& text) { return text.substr(text.rfind('\n') + 1); }

TEST_F(IdentityTest, ConcurrentTenantsSeeOnlyTheirOwnResources) {
  const std::map<std::string, std::string> keys = {{"acme", NewTenant("acme")},
                                                   {"other", NewTenant("other")}};
  const auto worker = NewWorker();
  struct Made {
    std::string concept_name, adapter;
  };
  const auto whole_job = [&](const std::string& tenant) {
    const std::string& key = keys.at(tenant);
    Made made;
    std::vector<std::string> upload = {"concepts", "upload"};
    for (const std::string& file : Robots()) upload.push_back(file);
    EXPECT_TRUE(Eventually([&] {
      return Vico(key, {"models", "--json"}).out.find("\"available\":true") != std::string::npos;
    }));
    made.concept_name = Vico(key, upload).out;
    const Finished trained =
        Vico(key, {"train", made.concept_name, "--init-word", "dog", "--watch"});
    EXPECT_EQ(trained.exit_code, 0) << trained.err;
    made.adapter = LastLine(trained.out);
    const Finished drawn = Vico(key, {"generate", made.adapter, "a photo of S*", "-n", "2", "--out",
                                      Path("out-" + tenant)});
    EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
    return made;
  };
  auto other = std::async(std::launch::async, whole_job, "other");
  const Made acmes = whole_job("acme");
  const Made others = other.get();

  for (const auto& [tenant, own, foreign] :
       {std::tuple{"acme", acmes, others}, std::tuple{"other", others, acmes}}) {
    const std::string& key = keys.at(tenant);
    const auto list = [&](const std::string& what) { return Vico(key, {what, "list"}).out; };
    EXPECT_THAT(list("concepts"),
                AllOf(HasSubstr(own.concept_name), Not(HasSubstr(foreign.concept_name))));
    EXPECT_THAT(list("adapters"), AllOf(HasSubstr(own.adapter), Not(HasSubstr(foreign.adapter))));
    EXPECT_EQ(Vico(key, {"concepts", "show", own.concept_name}).exit_code, 0);
    EXPECT_EQ(Vico(key, {"concepts", "show", foreign.concept_name}).exit_code, 3);
    EXPECT_EQ(Vico(key, {"adapters", "show", foreign.adapter}).exit_code, 3);
    EXPECT_EQ(Vico(key, {"train", foreign.concept_name, "--init-word", "dog"}).exit_code, 3);
    EXPECT_EQ(Vico(key, {"generate", foreign.adapter, "a S*", "--out", Path("x")}).exit_code, 3);
    const std::filesystem::directory_iterator pictures(Path(std::string("out-") + tenant));
    EXPECT_EQ(std::distance(begin(pictures), end(pictures)), 2);
  }
}

TEST_F(IdentityTest, ARevokedKeyAndADeletedTenantAreRefusedWithinFiveSeconds) {
  const std::string acme = NewTenant("acme");
  const std::string other = NewTenant("other");
  const std::string id = acme.substr(5, 16);
  ASSERT_EQ(Admin({"keys", "revoke", id, "--tenant", "acme"}).exit_code, 0);
  const auto until = std::chrono::seconds(5);
  EXPECT_TRUE(Eventually([&] { return Vico(acme, {"models"}).exit_code != 0; }, until));
  EXPECT_THAT(Vico(acme, {"models"}).err, HasSubstr("valid API key"));
  EXPECT_THAT(Admin({"keys", "list", "--tenant", "acme"}).out, HasSubstr("revoked"));

  EXPECT_EQ(Vico(other, {"models"}).exit_code, 0);
  const Finished deleted = Admin({"tenants", "delete", "--tenant", "other"});
  EXPECT_EQ(deleted.exit_code, 0) << deleted.err;
  EXPECT_NE(Vico(other, {"models"}).exit_code, 0);
  EXPECT_THAT(Admin({"tenants", "list"}).out, HasSubstr("other\tdeleted"));
}

TEST_F(IdentityTest, TheSubcommandsWorkWithoutARunningServer) {
  server_->Signal(SIGTERM);
  ASSERT_EQ(server_->Wait(std::chrono::seconds(30)), 0);
  ASSERT_EQ(Admin({"tenants", "create", "--tenant", "acme"}).exit_code, 0);
  const Finished key = Admin({"keys", "create", "--tenant", "acme", "--role", "tenant-admin"});
  ASSERT_EQ(key.exit_code, 0);
  EXPECT_THAT(key.err, Not(HasSubstr(key.out)));
  EXPECT_EQ(Admin({"keys", "create", "--tenant", "nobody"}).exit_code, 1);
  EXPECT_EQ(Admin({"tenants", "create", "--tenant", "../x"}).exit_code, 2);
  ASSERT_EQ(Admin({"tenants", "create", "--tenant", "brief"}).exit_code, 0);
  EXPECT_EQ(Admin({"tenants", "delete", "--tenant", "brief"}).exit_code, 0);
  EXPECT_THAT(Admin({"tenants", "list"}).out, HasSubstr("brief\tdeleted"));
  std::filesystem::remove(Path("data/ports.json"));
  StartServer();
  EXPECT_EQ(Vico(key.out, {"models"}).exit_code, 0);
}

TEST_F(IdentityTest, AnOperatorListsWorkersAndTheQueueAndDrainsAWorker) {
  WriteIdentity(folder_.path(), "operator",
                authority_.Issue({.alternative_names = "URI:vico://operator/alice"}));
  const std::string key = NewTenant("acme");
  const auto worker = NewWorker();
  ASSERT_TRUE(Eventually(
      [&] { return Operate("operator", {"workers"}).out.find("one/one") != std::string::npos; }));
  EXPECT_THAT(Operate("operator", {"workers"}).out, HasSubstr("idle"));
  const auto shown = nlohmann::json::parse(Operate("operator", {"workers", "--json"}).out);
  EXPECT_TRUE(shown.at("alive"));
  EXPECT_GT(shown.at("load").at("memory_bytes").get<int64_t>(), 1'000'000);
  EXPECT_THAT(Operate("worker", {"workers"}).err, HasSubstr("role"));
  EXPECT_NE(Operate("worker", {"drain", "one/one"}).exit_code, 0);
  EXPECT_EQ(Operate("operator", {"drain", "nobody"}).exit_code, 3);

  const Finished drained = Operate("operator", {"drain", "one/one"});
  ASSERT_EQ(drained.exit_code, 0) << drained.err;
  EXPECT_THAT(drained.out, HasSubstr("drained"));
  std::vector<std::string> upload = {"concepts", "upload"};
  for (const std::string& file : Robots()) upload.push_back(file);
  const std::string uploaded = Vico(key, upload).out;
  const Finished train = Vico(key, {"train", uploaded, "--init-word", "dog"});
  ASSERT_EQ(train.exit_code, 0) << train.err;
  for (int i = 0; i < 3; ++i) {  // long enough for an idle worker to lease the job
    const auto line = nlohmann::json::parse(Operate("operator", {"queue", "--json"}).out);
    EXPECT_EQ(line.at("tenant"), "acme");
    EXPECT_EQ(line.at("kind"), "JOB_KIND_TRAINING");
    EXPECT_EQ(line.at("waiting"), 1);
    EXPECT_EQ(line.at("running"), 0);
  }
  EXPECT_THAT(Operate("operator", {"queue"}).out, Not(HasSubstr("robot")));

  ASSERT_EQ(Operate("operator", {"drain", "one/one", "--undo"}).exit_code, 0);
  EXPECT_EQ(Vico(key, {"jobs", "watch", train.out}).exit_code, 0);
  EXPECT_EQ(Operate("operator", {"queue", "--json"}).out, "");
}

/// A JPEG whose EXIF describes it as `text`.
std::string WithExif(const std::string& jpeg, const std::string& text) {
  std::string tiff("II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0", 14);
  const auto little = [](uint32_t value) {
    std::string bytes;
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
    return bytes;
  };
  tiff += little(static_cast<uint32_t>(text.size() + 1)) + little(26) + little(0) + text + '\0';
  return server::WithSegment(jpeg, 0xE1, std::string("Exif\0\0", 6) + tiff);
}

/// The files below `folder` that contain `canary`, except those whose names start with `skip`.
std::vector<std::string> FilesWith(const std::string& folder, const std::string& canary,
                                   const std::string& skip) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!skip.empty() && name.starts_with(skip)) continue;
    if (name.find(canary) != std::string::npos) files.push_back(entry.path());
    if (entry.is_regular_file() &&
        ReadFile(entry.path().string()).find(canary) != std::string::npos)
      files.push_back(entry.path());
  }
  return files;
}

TEST_F(IdentityTest, SecretsAreInNoLogTraceErrorOrTemporaryFile) {
  const std::string key = NewTenant("acme");
  const std::string secret = key.substr(22);
  const std::string wrong = "vico_" + std::string(16, 'f') + "_" + std::string(64, 'e');
  const std::map<std::string, std::string> canaries = {{"prompt", "canaryprompt"},
                                                       {"name", "canaryname"},
                                                       {"file", "canaryfile"},
                                                       {"exif", "canaryexif"}};
  const auto worker = NewWorker();
  std::string errors;
  const auto run = [&](const std::string& with, const std::vector<std::string>& words) {
    const Finished result = Vico(with, words);
    errors += result.err;
    return result;
  };
  const TempFolder pictures;
  std::vector<std::string> upload = {"concepts", "upload", "--name", canaries.at("name")};
  for (int i = 0; i < 2; ++i) {
    const std::string file = fmt::format("{}/{}{}.jpg", pictures.path(), canaries.at("file"), i);
    WriteFile(file, WithExif(server::Encoded(server::TestPicture(64, 64, i), ".jpg"),
                             canaries.at("exif")));
    upload.push_back(file);
  }
  ASSERT_TRUE(Eventually([&] {
    return Vico(key, {"models", "--json"}).out.find("\"available\":true") != std::string::npos;
  }));
  const Finished uploaded = run(key, upload);
  ASSERT_EQ(uploaded.exit_code, 0) << uploaded.err;
  const std::string prompt = "a photo of S* " + canaries.at("prompt");
  const Finished trained = run(key, {"train", uploaded.out, "--init-word", "dog", "--sample-prompt",
                                     prompt, "--sample-every", "20", "--watch"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string adapter = LastLine(trained.out);
  EXPECT_EQ(run(key, {"generate", adapter, prompt, "--out", Path("drawn")}).exit_code, 0);
  // Refused calls.
  EXPECT_NE(run(wrong, {"models"}).exit_code, 0);
  EXPECT_NE(run(key, {"generate", adapter, "no placeholder " + canaries.at("prompt"), "--out",
                      Path("bare")})
                .exit_code,
            -1);
  std::string long_prompt = prompt;
  while (long_prompt.size() < 1100) long_prompt += " " + canaries.at("prompt");
  EXPECT_NE(run(key, {"generate", adapter, long_prompt, "--out", Path("long")}).exit_code, 0);
  EXPECT_NE(run(key, {"generate", adapter, prompt + " \xff", "--out", Path("no-text")}).exit_code,
            0);
  const std::string worker_log = worker->Stop();
  server_->Signal(SIGTERM);
  ASSERT_EQ(server_->Wait(std::chrono::seconds(30)), 0);

  const std::string log = ReadFile(Path("server.log"));
  ASSERT_THAT(log, HasSubstr("\"method\":\"Generate\"")) << "the log level must be debug";
  const std::string spans = collector_.text();
  for (const char* name : {"JobService/Generate", "\"train\"", "\"generate\"", "UploadConcept"}) {
    ASSERT_THAT(spans, HasSubstr(name));
  }
  for (const std::string& canary : {canaries.at("prompt"), canaries.at("name"), canaries.at("exif"),
                                    secret, std::string(64, 'e'), std::string("canaryheader")}) {
    EXPECT_THAT(log, Not(HasSubstr(canary)));
    EXPECT_THAT(worker_log, Not(HasSubstr(canary)));
    EXPECT_THAT(spans, Not(HasSubstr(canary)));
    EXPECT_THAT(errors, Not(HasSubstr(canary)));
    EXPECT_THAT(FilesWith(Path("tmp"), canary, ""), IsEmpty()) << canary;
    std::vector<std::string> files = FilesWith(Path("data"), canary, "vico.db");
    if (canary == canaries.at("prompt")) {
      const auto pictures_of_it = std::erase_if(
          files, [](const std::string& file) { return ReadFile(file).starts_with("\x89PNG"); });
      EXPECT_GT(pictures_of_it, 0U);
    }
    EXPECT_THAT(files, IsEmpty()) << canary;
  }
  // Prompts and names are in the database, since the tenant stored them there, and prompts are in
  // the pictures that they drew.
  for (const std::string& canary : {canaries.at("exif"), secret}) {
    EXPECT_THAT(FilesWith(Path("data"), canary, ""), IsEmpty()) << canary;
  }
  EXPECT_THAT(log, Not(HasSubstr(canaries.at("file"))));
  EXPECT_THAT(worker_log, Not(HasSubstr(canaries.at("file"))));
  EXPECT_THAT(spans, Not(HasSubstr(canaries.at("file"))));
}

}  // namespace
}  // namespace vico::end_to_end
