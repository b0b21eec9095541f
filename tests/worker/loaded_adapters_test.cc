// How many adapters an engine keeps, and says that it does: what vico_loaded_adapters comes from.
#include <memory>
#include <string>

#include "tests/worker/torch_engine_fixture.h"

namespace vico {
namespace {

class LoadedAdaptersTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string base = folder_.path() + "/tiny";
    ASSERT_THAT(WriteTinyBase(base, 3), IsOk());
    auto engine = OpenTorchEngine({.base_models = {base},
                                   .device = "cpu",
                                   .threads = 1,
                                   .adapters_kept = 2,
                                   .code_version = "test"},
                                  Log::Off());
    ASSERT_THAT(engine, IsOk());
    engine_ = *std::move(engine);
    picture_ = FileBytes("examples/mug/beach.png");
  }

  /// One training step's adapter.
  AdapterSource Trained(uint64_t seed) {
    v1::TrainSpec spec;
    spec.set_base_model("baseModels/tiny");
    spec.set_init_word("mug");
    spec.set_placeholder("S*");
    spec.set_dialect(v1::DIALECT_PAPER);
    spec.set_steps(1);
    spec.set_batch_size(1);
    spec.set_embedding_learning_rate(5e-3);
    spec.set_attention_learning_rate(1e-3);
    spec.set_sample_prompt("S*");
    spec.set_seed(seed);
    TrainCallbacks callbacks;
    callbacks.on_step = [](const TrainStep&) { return true; };
    callbacks.keep_going = [] { return true; };
    callbacks.on_sample = [](int64_t, uint64_t, const PngPicture&) {};
    callbacks.on_mask = [](const LearnedMask&) {};
    callbacks.on_warning = [](const std::string&, const std::string&) {};
    const auto trained = engine_->Train(spec, {picture_}, callbacks);
    EXPECT_THAT(trained, IsOk());
    AdapterSource source;
    if (!trained.ok()) return source;
    source.adapter.mutable_blob()->set_sha256(Sha256Hex(trained->safetensors));
    source.adapter.mutable_reference()->set_sha256(Sha256Hex(trained->reference));
    source.fetch = [this, bytes = *trained]() -> absl::StatusOr<AdapterBytes> {
      ++fetched_;
      return AdapterBytes{.safetensors = bytes.safetensors, .reference = bytes.reference};
    };
    return source;
  }

  absl::StatusOr<bool> Draw(const AdapterSource* source) {
    v1::GenerateSpec spec;
    spec.set_base_model("baseModels/tiny");
    spec.set_prompt("a photo of S*");
    spec.set_guidance_scale(1);
    spec.set_scheduler("ddim");
    spec.set_steps(1);
    spec.set_width(64);
    spec.set_height(64);
    spec.add_seeds(5);
    GenerateCallbacks callbacks;
    callbacks.on_step = [](int64_t, int64_t) { return true; };
    callbacks.on_preview = [](int, int64_t, const PngPicture&) {};
    callbacks.on_picture = [](int, const PngPicture&) {};
    callbacks.on_warning = [](const std::string&, const std::string&) {};
    return engine_->Generate(spec, source, callbacks);
  }

  int loaded() const { return engine_->load().loaded_adapters; }

  const TempFolder folder_;
  std::unique_ptr<Engine> engine_;
  std::string picture_;
  int fetched_ = 0;
};

TEST_F(LoadedAdaptersTest, ThoseDrawnWithAreCountedUpToTheLimit) {
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

  ASSERT_THAT(Draw(&third), IsOk());  // in the place of the first, which was not used for longest
  EXPECT_EQ(loaded(), 2);
  ASSERT_THAT(Draw(&second), IsOk());
  EXPECT_EQ(fetched_, 3) << "the second is still there";
  ASSERT_THAT(Draw(&first), IsOk());
  EXPECT_EQ(fetched_, 4) << "the first is not";
  EXPECT_EQ(loaded(), 2);
}

TEST_F(LoadedAdaptersTest, OneThatCannotBeLoadedIsNotCounted) {
  AdapterSource broken = Trained(1);
  ASSERT_THAT(Draw(&broken), IsOk());
  broken.adapter.mutable_blob()->set_sha256(Sha256Hex("another"));
  broken.fetch = [] { return AdapterBytes{.safetensors = "broken", .reference = ""}; };
  EXPECT_THAT(Draw(&broken), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(loaded(), 1);
}

}  // namespace
}  // namespace vico
