// Trainings and generations through real processes: from pictures to pictures, cancels, seeds,
// invalid requests, and clients that disconnect.
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/crypto/sha256.h"
#include "common/formats/png_text.h"
#include "tests/end_to_end/cluster.h"
#include "tests/end_to_end/watcher.h"
#include "tests/support/status_matchers.h"

namespace vico::end_to_end {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUnknownId[] = "0123456789abcdef0123456789abcdef";

// All tests of a suite share one cluster.
class JobTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = new Cluster();
    ready_ = cluster_->StartServer() && cluster_->StartWorker();
    if (!ready_) return;
    const auto uploaded = cluster_->NewClient()->UploadConcept(ExamplePictures(), "robot");
    ready_ = uploaded.ok();
    if (ready_) concept_ = uploaded->name();
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
    adapter_.clear();
  }
  void SetUp() override { ASSERT_TRUE(ready_); }

  static v1::TrainSpec Training(int steps) {
    v1::TrainSpec spec;
    spec.set_concept_name(concept_);
    spec.set_init_word("robot");
    spec.set_steps(steps);
    spec.set_seed(7);
    spec.set_sample_every_steps(0);
    return spec;
  }

  // An adapter, trained once per cluster.
  static const std::string& Adapter() {
    if (adapter_.empty()) {
      const Finished train = cluster_->Vico({"train", concept_, "--init-word", "robot", "--steps",
                                             "4", "--seed", "1", "--sample-every", "2", "--watch"});
      EXPECT_EQ(train.exit_code, 0) << train.err;
      adapter_ = FirstLine(train.out);
    }
    return adapter_;
  }

  static std::vector<nlohmann::json> Lines(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  // The client in the background, with its output in a file.
  class Background {
   public:
    explicit Background(const std::vector<std::string>& words)
        : process_(cluster_->VicoCommand(words), Options()) {}
    std::string output() const { return ReadFile(log()); }
    bool WaitForOutput(const std::string& text) const {
      return Eventually([&] { return output().find(text) != std::string::npos; });
    }
    Process& process() { return process_; }

   private:
    std::string log() const { return folder_.path() + "/log"; }
    ProcessOptions Options() const {
      ProcessOptions options;
      options.out = options.err = log();
      return options;
    }
    const TempFolder folder_;
    Process process_;
  };

  // Runs a generation. Returns the digests of its pictures by seed, without the texts, which name
  // the adapter and the number of pictures.
  static std::map<std::string, std::string> Draw(std::vector<std::string> words) {
    const TempFolder out;
    words.insert(words.end(), {"--json", "--out", out.path()});
    const Finished generate = cluster_->Vico(words);
    EXPECT_EQ(generate.exit_code, 0) << generate.err;
    std::map<std::string, std::string> digests;
    for (const auto& line : Lines(generate.out)) {
      if (!line.at("event").contains("picture")) continue;
      const auto& picture = line.at("event").at("picture");
      const std::string sha256 = picture.at("blob").at("sha256");
      const std::string png = ReadFile(line.at("file"));
      EXPECT_EQ(Sha256Hex(png), sha256);
      const auto stripped = StripPngText(png);
      EXPECT_THAT(stripped, IsOk());
      digests[picture.at("seed").dump()] = Sha256Hex(*stripped);
    }
    return digests;
  }

  static inline Cluster* cluster_ = nullptr;
  static inline bool ready_ = false;
  static inline std::string concept_;
  static inline std::string adapter_;
};

TEST_F(JobTest, AConceptBecomesAnAdapterThatDrawsPictures) {
  const TempFolder out;
  const Finished train = cluster_->Vico({"train", concept_, "--init-word", "robot", "--steps", "6",
                                         "--sample-every", "3", "--json", "--out", out.path()});
  ASSERT_EQ(train.exit_code, 0) << train.err;
  const auto events = Lines(train.out);
  std::string adapter;
  std::set<std::string> kinds;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& event = events[i].at("event");
    EXPECT_EQ(event.at("sequence"), i + 1);
    for (const char* kind : {"queued", "started", "progress", "sample", "mask", "succeeded"}) {
      if (event.contains(kind)) kinds.insert(kind);
    }
    if (event.contains("succeeded")) adapter = event.at("succeeded").at("adapter");
  }
  EXPECT_THAT(kinds, ::testing::ElementsAre("mask", "progress", "queued", "sample", "started",
                                            "succeeded"));
  const std::string job = std::string(events[0].at("job")).substr(5, 8);
  EXPECT_TRUE(std::filesystem::exists(fmt::format("{}/{}_sample_step_3.png", out.path(), job)));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(std::filesystem::exists(fmt::format("{}/{}_mask_{}.png", out.path(), job, i)));
  }

  const Finished show = cluster_->Vico({"adapters", "show", adapter, "--json"});
  ASSERT_EQ(show.exit_code, 0) << show.err;
  const auto shown = nlohmann::json::parse(show.out);
  EXPECT_EQ(shown.at("init_word"), "robot");
  EXPECT_EQ(shown.at("summary").at("steps"), 6);
  EXPECT_GT(shown.at("summary").at("first_loss").get<double>(), 0.0);

  const std::string file = out.path() + "/adapter.safetensors";
  const std::string reference = out.path() + "/reference.png";
  ASSERT_EQ(
      cluster_->Vico({"adapters", "download", adapter, "--out", file, "--reference", reference})
          .exit_code,
      0);
  EXPECT_EQ(Sha256Hex(ReadFile(file)), shown.at("blob").at("sha256"));
  EXPECT_EQ(Sha256Hex(ReadFile(reference)), shown.at("reference").at("sha256"));

  const Finished generate =
      cluster_->Vico({"generate", adapter, "a photo of S* on the beach", "-n", "2", "--seed", "5",
                      "--steps", "2", "--preview", "1", "--out", out.path()});
  ASSERT_EQ(generate.exit_code, 0) << generate.err;
  const std::string first = FirstLine(generate.out);
  const std::string suffix = "_a-photo-of-s-on-the-beach_5.png";
  ASSERT_THAT(first, ::testing::EndsWith(suffix));
  const std::string prefix = first.substr(0, first.size() - suffix.size());
  EXPECT_EQ(generate.out,
            fmt::format("{0}{1}5.png\n{0}{1}6.png\n", prefix, suffix.substr(0, suffix.size() - 5)));
  EXPECT_THAT(ReadFile(first), ::testing::StartsWith("\x89PNG"));
  EXPECT_TRUE(std::filesystem::exists(prefix + "_preview_0_step_1.png"));

  // The downloaded adapter can be imported and draws the same pictures.
  const Finished import = cluster_->Vico({"adapters", "import", file, "--reference", reference});
  ASSERT_EQ(import.exit_code, 0) << import.err;
  const std::string imported = FirstLine(import.out);
  EXPECT_NE(imported, adapter);
  const std::vector<std::string> same = {"a photo of S*", "--seed", "9", "--steps", "2"};
  std::vector<std::string> with_adapter = {"generate", adapter};
  std::vector<std::string> with_import = {"generate", imported};
  with_adapter.insert(with_adapter.end(), same.begin(), same.end());
  with_import.insert(with_import.end(), same.begin(), same.end());
  EXPECT_EQ(Draw(with_adapter), Draw(with_import));
}

TEST_F(JobTest, TheSameSeedDrawsTheSamePictureForAnyCount) {
  for (const std::string& with : {Adapter(), std::string("-")}) {
    const auto one = Draw({"generate", with, "S* here", "--seed", "11", "--steps", "3"});
    const auto other = Draw({"generate", with, "S* here", "--seed", "12", "--steps", "3"});
    const auto three =
        Draw({"generate", with, "S* here", "--seed", "11", "-n", "3", "--steps", "3"});
    ASSERT_THAT(one, SizeIs(1));
    ASSERT_THAT(three, SizeIs(3));
    EXPECT_EQ(three.at("11"), one.at("11"));
    EXPECT_EQ(three.at("12"), other.at("12"));
    EXPECT_NE(one.at("11"), other.at("12"));
  }
}

TEST_F(JobTest, TheSameSeedTrainsTheSameAdapter) {
  std::set<std::string> digests;
  for (int i = 0; i < 2; ++i) {
    const auto client = cluster_->NewClient();
    const auto job = client->CreateTrainingJob(Training(3));
    ASSERT_TRUE(job.ok()) << job.status();
    const auto last = Watcher(cluster_->NewClient(), job->name()).WaitForEnd();
    ASSERT_TRUE(last.ok() && last->has_succeeded()) << last.status();
    digests.insert(client->GetAdapter(last->succeeded().adapter())->blob().sha256());
  }
  EXPECT_THAT(digests, SizeIs(1));
}

TEST_F(JobTest, ACancelEndsATraining) {
  constexpr int kSteps = 5000;
  const auto client = cluster_->NewClient();
  const auto job = client->CreateTrainingJob(Training(kSteps));
  ASSERT_TRUE(job.ok()) << job.status();
  Watcher watcher(cluster_->NewClient(), job->name());
  ASSERT_TRUE(watcher.WaitForStep(1));
  ASSERT_EQ(cluster_->Vico({"jobs", "cancel", job->name()}).exit_code, 0);
  const auto last = watcher.WaitForEnd(std::chrono::seconds(30));
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_TRUE(last->has_cancelled()) << last->ShortDebugString();
  EXPECT_TRUE(AreConsecutive(watcher.events()));
  EXPECT_LT(client->GetJob(job->name())->step(), kSteps);
  EXPECT_EQ(cluster_->Vico({"jobs", "watch", job->name()}).exit_code, 8);

  const Finished retry = cluster_->Vico({"jobs", "retry", job->name()});
  ASSERT_EQ(retry.exit_code, 0) << retry.err;
  EXPECT_EQ(cluster_->Vico({"jobs", "cancel", FirstLine(retry.out)}).exit_code, 0);
}

TEST_F(JobTest, AnInterruptLeavesTheJobRunningAndPrintsHowToWatchIt) {
  Background train({"train", concept_, "--init-word", "robot", "--steps", "100", "--sample-every",
                    "0", "--watch"});
  ASSERT_TRUE(train.WaitForOutput("train  "));
  train.process().Signal(SIGINT);
  EXPECT_EQ(train.process().Wait(std::chrono::seconds(30)), 130);
  const std::string output = train.output();
  const auto hint = output.find("vico jobs watch jobs/");
  ASSERT_NE(hint, std::string::npos) << output;
  const std::string job = output.substr(hint + 16, 5 + 32);
  EXPECT_EQ(cluster_->NewClient()->GetJob(job)->state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster_->Vico({"jobs", "watch", job}).exit_code, 0);
}

TEST_F(JobTest, AnInterruptCancelsTheJobWithCancelOnInterrupt) {
  Background train({"train", concept_, "--init-word", "robot", "--steps", "5000", "--watch",
                    "--cancel-on-interrupt"});
  ASSERT_TRUE(train.WaitForOutput("train  "));
  train.process().Signal(SIGINT);
  EXPECT_EQ(train.process().Wait(std::chrono::seconds(30)), 8) << train.output();
}

TEST_F(JobTest, AKilledWatcherDoesNotAffectTheJob) {
  const auto job = cluster_->NewClient()->CreateTrainingJob(Training(60));
  ASSERT_TRUE(job.ok()) << job.status();
  {
    const Background watch({"jobs", "watch", job->name(), "--json"});
    ASSERT_TRUE(watch.WaitForOutput("progress"));
  }
  const Finished again = cluster_->Vico({"jobs", "watch", job->name(), "--json"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  const auto events = Lines(again.out);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].at("event").at("sequence"), i + 1);
  }
}

TEST_F(JobTest, AGenerationContinuesWithoutItsClient) {
  const TempFolder folder;
  std::string job;
  {
    const Background generate({"generate", "-", "a robot", "--steps", "100", "--seed", "3",
                               "--json", "--out", folder.path()});
    ASSERT_TRUE(generate.WaitForOutput("\"job\""));
    const std::string output = generate.output();
    job = output.substr(output.find("jobs/"), 5 + 32);
  }
  const Finished watch = cluster_->Vico({"jobs", "watch", job, "--out", folder.path() + "/later"});
  EXPECT_EQ(watch.exit_code, 0) << watch.err;
  EXPECT_TRUE(std::filesystem::exists(
      fmt::format("{}/later/{}_a-robot_3.png", folder.path(), job.substr(5, 8))));
}

TEST_F(JobTest, TheClientPrintsWarnings) {
  const TempFolder out;
  const Finished without = cluster_->Vico(
      {"generate", Adapter(), "a robot on the beach", "--steps", "1", "--out", out.path()});
  EXPECT_EQ(without.exit_code, 0) << without.err;
  EXPECT_THAT(without.err, HasSubstr("PROMPT_WITHOUT_PLACEHOLDER"));

  std::string prompt = "S*";
  for (int i = 0; i < 120; ++i) prompt += " robot";
  const Finished longer =
      cluster_->Vico({"generate", Adapter(), prompt, "--steps", "1", "--out", out.path()});
  EXPECT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_THAT(longer.err, HasSubstr("PROMPT_TRUNCATED"));
}

TEST_F(JobTest, AnAdapterOfAnotherBaseModelIsRefused) {
  ClusterOptions options;
  options.base_model = OtherBase();
  Cluster other(options);
  ASSERT_TRUE(other.StartServer());
  ASSERT_TRUE(other.StartWorker());
  const TempFolder folder;
  const std::string file = folder.path() + "/adapter.safetensors";
  const std::string reference = folder.path() + "/reference.png";
  ASSERT_EQ(
      cluster_->Vico({"adapters", "download", Adapter(), "--out", file, "--reference", reference})
          .exit_code,
      0);
  const Finished import =
      other.Vico({"adapters", "import", file, "--reference", reference, "--base-model", "other"});
  EXPECT_EQ(import.exit_code, 4) << import.err;
  EXPECT_THAT(import.err, HasSubstr("header.base_model"));
  EXPECT_THAT(other.NewClient()->ListAdapters(10)->items, IsEmpty());

  const Finished draw =
      cluster_->Vico({"generate", Adapter(), "a S*", "--base-model", "other", "--out", "."});
  EXPECT_EQ(draw.exit_code, 3) << draw.err;
  EXPECT_THAT(draw.err, HasSubstr("generate.base_model: there is no baseModels/other"));
}

TEST_F(JobTest, ACheckpointOfTheAuthorsCanBeImportedAndExported) {
  const TempFolder folder;
  const std::string attention = "tests/golden/checkpoints/tiny_cross_attention-399.pt";
  const std::string word = "tests/golden/checkpoints/tiny_embeddings_gs-399.pt";
  const std::string reference = "examples/robot/beach.png";
  const auto adapters = [] { return cluster_->NewClient()->ListAdapters(1000)->items.size(); };
  const std::size_t before = adapters();
  const Finished without = cluster_->Vico({"adapters", "import", attention, word});
  EXPECT_EQ(without.exit_code, 2) << without.err;
  EXPECT_THAT(without.err, HasSubstr("--reference"));
  const Finished half = cluster_->Vico({"adapters", "import", attention, "--reference", reference});
  EXPECT_EQ(half.exit_code, 2) << half.err;
  EXPECT_THAT(half.err, HasSubstr("embeddings_gs-N.pt"));
  EXPECT_EQ(adapters(), before);

  const Finished import = cluster_->Vico(
      {"adapters", "import", word, attention, "--reference", reference, "--init-word", "robot"});
  ASSERT_EQ(import.exit_code, 0) << import.err;
  const std::string name = FirstLine(import.out);
  const auto drawn =
      Draw({"generate", name, "a photo of * on the beach", "--steps", "2", "--seed", "5"});
  const auto bare =
      Draw({"generate", "-", "a photo of * on the beach", "--steps", "2", "--seed", "5"});
  ASSERT_THAT(drawn, SizeIs(1));
  EXPECT_NE(drawn, bare);

  const std::string out = folder.path() + "/pair";
  const Finished exported =
      cluster_->Vico({"adapters", "download", name, "--format", "authors", "--out", out});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  const Finished again = cluster_->Vico({"adapters", "import", out + "/cross_attention-0.pt",
                                         out + "/embeddings_gs-0.pt", "--reference", reference});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Draw({"generate", FirstLine(again.out), "a photo of * on the beach", "--steps", "2",
                  "--seed", "5"}),
            drawn);
  const Finished other = cluster_->Vico({"adapters", "download", name, "--format", "mmagic"});
  EXPECT_EQ(other.exit_code, 4) << other.err;
  EXPECT_THAT(other.err, HasSubstr("different transformers"));
}

TEST_F(JobTest, AnAdapterInMmagicsDialectCanBeExportedAndImported) {
  const TempFolder folder;
  const Finished train =
      cluster_->Vico({"train", concept_, "--init-word", "robot", "--steps", "4", "--seed", "1",
                      "--sample-every", "0", "--dialect", "mmagic", "--watch"});
  ASSERT_EQ(train.exit_code, 0) << train.err;
  const std::string name = FirstLine(train.out);
  EXPECT_THAT(cluster_->Vico({"adapters", "show", name}).out, HasSubstr("mmagic"));

  const std::string file = folder.path() + "/extracted.pth";
  const Finished exported =
      cluster_->Vico({"adapters", "download", name, "--format", "mmagic", "--out", file});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  // The reference picture of the adapter is the first of the concept.
  const Finished import =
      cluster_->Vico({"adapters", "import", file, "--reference", ExamplePictures().front()});
  ASSERT_EQ(import.exit_code, 0) << import.err;
  const auto draw = [](const std::string& adapter) {
    return Draw(
        {"generate", adapter, "a photo of a S* on the beach", "--steps", "2", "--seed", "5"});
  };
  const auto drawn = draw(name);
  ASSERT_THAT(drawn, SizeIs(1));
  EXPECT_EQ(draw(FirstLine(import.out)), drawn);
}

struct InvalidRequest {
  std::string name;
  std::vector<std::string> words;  // CONCEPT and ADAPTER stand for real ones
  int exit_code;
  std::string error;
};
std::ostream& operator<<(std::ostream& out, const InvalidRequest& request) {
  return out << request.name;
}

class InvalidRequestTest : public JobTest, public ::testing::WithParamInterface<InvalidRequest> {};

TEST_P(InvalidRequestTest, IsRefusedAndQueuesNothing) {
  const auto jobs = [] { return cluster_->NewClient()->ListJobs({}, {}, 1000)->items.size(); };
  std::vector<std::string> words = GetParam().words;
  for (std::string& word : words) {
    if (word == "CONCEPT") word = concept_;
    if (word == "ADAPTER") word = Adapter();
  }
  const std::size_t before = jobs();
  const Finished wrong = cluster_->Vico(words);
  EXPECT_EQ(wrong.exit_code, GetParam().exit_code) << wrong.out << wrong.err;
  EXPECT_THAT(wrong.err, HasSubstr(GetParam().error));
  EXPECT_EQ(wrong.out, "");
  EXPECT_EQ(jobs(), before);
}

std::vector<std::string> TrainWith(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"train", "CONCEPT", "--init-word", "robot"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> DrawWith(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"generate", "ADAPTER", "a photo of S*"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

INSTANTIATE_TEST_SUITE_P(
    Requests, InvalidRequestTest,
    ::testing::Values(
        InvalidRequest{
            "TwoTokens", {"train", "CONCEPT", "--init-word", "qzxj"}, 2, "train.init_word"},
        InvalidRequest{"NoInitWord", {"train", "CONCEPT", "--init-word", ""}, 2, "train.init_word"},
        InvalidRequest{"NoSteps", TrainWith({"--steps", "0"}), 2,
                       "train.steps: must be 1..5000, got 0"},
        InvalidRequest{"TooManySteps", TrainWith({"--steps", "5001"}), 2, "train.steps"},
        InvalidRequest{"Batch", TrainWith({"--batch-size", "5"}), 2, "train.batch_size"},
        InvalidRequest{"Rate", TrainWith({"--embedding-lr", "1"}), 2,
                       "train.embedding_learning_rate"},
        InvalidRequest{"Placeholder", TrainWith({"--placeholder", "two words"}), 2,
                       "train.placeholder"},
        InvalidRequest{"UnknownConcept",
                       {"train", kUnknownId, "--init-word", "robot"},
                       3,
                       "train.concept_name"},
        InvalidRequest{"UnknownBase", TrainWith({"--base-model", "nope"}), 3, "train.base_model"},
        InvalidRequest{"EmptyPrompt", {"generate", "ADAPTER", ""}, 2, "generate.prompt"},
        InvalidRequest{
            "LongPrompt", {"generate", "ADAPTER", std::string(1025, 'a')}, 2, "generate.prompt"},
        InvalidRequest{"DrawSteps", DrawWith({"--steps", "101"}), 2, "generate.steps"},
        InvalidRequest{"Guidance", DrawWith({"--guidance", "31"}), 2, "generate.guidance_scale"},
        InvalidRequest{"Width", DrawWith({"--width", "33"}), 2, "generate.width"},
        InvalidRequest{"Height", DrawWith({"--height", "100000"}), 2, "generate.height"},
        InvalidRequest{"NoPictures", DrawWith({"-n", "0"}), 2, "generate.picture_count"},
        InvalidRequest{"ManyPictures", DrawWith({"-n", "9"}), 2, "generate.picture_count"},
        InvalidRequest{"SeedCount", DrawWith({"-n", "3", "--seed", "1,2"}), 2, "generate.seeds"},
        InvalidRequest{"Scheduler", DrawWith({"--scheduler", "plms"}), 2, "generate.scheduler"},
        InvalidRequest{"UnknownAdapter", {"generate", kUnknownId, "a S*"}, 3, "generate.adapter"},
        InvalidRequest{"BareOfUnknownBase",
                       {"generate", "-", "a robot", "--base-model", "nope"},
                       3,
                       "generate.base_model"},
        InvalidRequest{"UnknownJob", {"jobs", "show", kUnknownId}, 3, kUnknownId},
        InvalidRequest{"WatchUnknownJob", {"jobs", "watch", kUnknownId}, 3, kUnknownId},
        InvalidRequest{"CancelUnknownJob", {"jobs", "cancel", kUnknownId}, 3, kUnknownId},
        InvalidRequest{"NotAName", {"jobs", "show", "x"}, 2, "name"},
        InvalidRequest{"UnknownAdapterShown", {"adapters", "show", kUnknownId}, 3, kUnknownId},
        InvalidRequest{"UnknownConceptShown", {"concepts", "show", kUnknownId}, 3, kUnknownId},
        InvalidRequest{
            "ImportOfAnythingElse",
            {"adapters", "import", "README.md", "--reference", "examples/robot/beach.png"},
            2,
            ""}),
    [](const auto& request) { return request.param.name; });

}  // namespace
}  // namespace vico::end_to_end
