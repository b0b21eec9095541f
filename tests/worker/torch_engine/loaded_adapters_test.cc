// The number of cached adapters, which the metric vico_loaded_adapters reports.
#include <memory>
#include <utility>

#include "tests/worker/torch_engine/torch_engine_fixture.h"

namespace vico::worker {
namespace {

class LoadedAdaptersTest : public TorchEngineTest {
 protected:
  void SetUp() override {
    auto engine = OpenTorchEngine({.base_models = {base_},
                                   .device = "cpu",
                                   .threads = 1,
                                   .cached_adapters = 2,
                                   .code_version = "test"},
                                  Log::Off());
    ASSERT_THAT(engine, IsOk());
    keeps_two_ = *std::move(engine);
    train_.set_steps(1);
    train_.set_batch_size(1);
    train_.set_sample_every_steps(0);
    generate_.set_guidance_scale(1);
    generate_.set_steps(1);
  }

  /// An adapter after one training step.
  AdapterSource Trained(uint64_t seed) {
    train_.set_seed(seed);
    const auto trained = keeps_two_->Train(train_, pictures_, shows_);
    EXPECT_THAT(trained, IsOk());
    return trained.ok() ? SourceOf(*trained) : AdapterSource{};
  }

  absl::StatusOr<bool> Draw(const AdapterSource* source) {
    return keeps_two_->Generate(generate_, {.adapter = source}, draws_);
  }

  int loaded() const { return keeps_two_->load().loaded_adapters; }

  std::unique_ptr<Engine> keeps_two_;
};

TEST_F(LoadedAdaptersTest, CountsUsedAdaptersUpToTheLimit) {
  const AdapterSource first = Trained(1), second = Trained(2), third = Trained(3);
  EXPECT_EQ(loaded(), 0) << "training loads none";
  ASSERT_THAT(Draw(nullptr), IsOk());
  EXPECT_EQ(loaded(), 0) << "the bare base model needs none";

  ASSERT_THAT(Draw(&first), IsOk());
  EXPECT_EQ(loaded(), 1);
  ASSERT_THAT(Draw(&first), IsOk());
  EXPECT_EQ(loaded(), 1) << "it is the same one";
  ASSERT_THAT(Draw(&second), IsOk());
  EXPECT_EQ(loaded(), 2);
  EXPECT_EQ(fetched_, 2);

  ASSERT_THAT(Draw(&third), IsOk());  // evicts the first, the least recently used
  EXPECT_EQ(loaded(), 2);
  ASSERT_THAT(Draw(&second), IsOk());
  EXPECT_EQ(fetched_, 3) << "the second is still there";
  ASSERT_THAT(Draw(&first), IsOk());
  EXPECT_EQ(fetched_, 4) << "the first is not";
  EXPECT_EQ(loaded(), 2);
}

TEST_F(LoadedAdaptersTest, AnAdapterThatCannotBeLoadedIsNotCounted) {
  AdapterSource broken = Trained(1);
  ASSERT_THAT(Draw(&broken), IsOk());
  broken.adapter.mutable_blob()->set_sha256(Sha256Hex("another"));
  broken.fetch = [] { return AdapterBytes{.safetensors = "broken", .reference = ""}; };
  EXPECT_THAT(Draw(&broken), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(loaded(), 1);
}

}  // namespace
}  // namespace vico::worker
