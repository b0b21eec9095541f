#include "toyworld/scorer/scorer_training.h"

#include <utility>
#include <vector>

#include "toyworld/scorer/part_map.h"
#include "toyworld/world/world.h"

namespace vico::toyworld {
namespace {

constexpr int kGroup = 4;          // toys of one class in a row
constexpr float kPlacesShown = 3;  // positions of the grid; a smaller spot of colour has no label

// A separate generator for LibTorch's draws, so that the global one does not change.
at::Generator Noise(uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator();
  generator.set_current_seed(seed);
  return generator;
}

torch::Tensor Resized(const torch::Tensor& x, int64_t side) {
  return at::upsample_bilinear2d(x, {side, side}, /*align_corners=*/false);
}

// Filters with 1 2 1 in both directions and repeats the borders.
torch::Tensor Blurred(const torch::Tensor& x) {
  const torch::Tensor padded = at::replication_pad2d(x, {1, 1, 1, 1});
  const int64_t h = x.size(2), w = x.size(3);
  const torch::Tensor rows =
      (padded.narrow(2, 0, h) + 2 * padded.narrow(2, 1, h) + padded.narrow(2, 2, h)) / 4;
  return (rows.narrow(3, 0, w) + 2 * rows.narrow(3, 1, w) + rows.narrow(3, 2, w)) / 4;
}

// Logits of each label, [B, choices].
std::vector<torch::Tensor> Heads(const Scores& scores, const torch::Tensor& labels) {
  const torch::Tensor own_class =
      labels.select(1, kLabelClass).view({-1, 1, 1}).expand({-1, 1, kAccessoryCount});
  return {scores.toy_class,
          scores.scene,
          scores.colours.select(1, 0),
          scores.colours.select(1, 1),
          scores.colours.select(1, 2),
          scores.pattern,
          scores.accessory.gather(1, own_class).squeeze(1)};
}

// Cross-entropy over the rows whose label is known.
torch::Tensor LabelLoss(const torch::Tensor& logits, const torch::Tensor& label) {
  return at::cross_entropy_loss(logits, label, {}, at::Reduction::Mean, kNotShown);
}

}  // namespace

const std::array<std::string_view, kLabelCount> kLabelNames = {
    "class", "scene", "colour 1", "colour 2", "colour 3", "pattern", "accessory"};

PairBatch DrawPairs(uint64_t seed, int pairs, double hard) {
  Random random(seed);
  PairBatch batch;
  const int64_t rows = int64_t{2} * pairs;
  batch.labels = torch::empty({rows, kLabelCount}, torch::kInt64);
  std::vector<cv::Mat> pictures(static_cast<size_t>(rows));
  std::vector<torch::Tensor> parts(static_cast<size_t>(rows));
  auto label = batch.labels.accessor<int64_t, 2>();
  int toy_class = 0;
  for (int i = 0; i < pairs; ++i) {
    if (i % kGroup == 0) toy_class = random.Below(kClassCount);
    const Instance toy = RandomInstance(random, toy_class);
    for (const int row : {i, pairs + i}) {
      const uint64_t picture = random.Next();
      const int scene = random.Below(kSceneCount);
      const bool captioned = random.Chance(hard);
      const auto draw = [&](const Instance& shown) {
        return captioned ? DrawCaptioned(shown, picture) : Draw(shown, scene, picture);
      };
      const Drawing drawing = draw(toy);
      pictures[row] = drawing.image;
      parts[row] = TruePartMap(draw, toy);
      label[row][kLabelClass] = toy.toy_class;
      label[row][kLabelScene] = drawing.scene;
      label[row][kLabelPattern] = toy.pattern;
      label[row][kLabelAccessory] = toy.accessory;
      const torch::Tensor shown = parts[row].sum({1, 2});  // places
      for (int k = 0; k < kPaintCount; ++k) {
        const bool seen = shown[kBody + k].item<float>() >= kPlacesShown;
        label[row][kLabelColour1 + k] = seen ? toy.paint[k].name : kNotShown;
      }
    }
  }
  batch.image01 = ToImages01(pictures);
  batch.parts = at::stack(parts);
  return batch;
}

PairBatch PairBatch::On(const torch::Device& device) const {
  return {image01.to(device), labels.to(device), parts.to(device)};
}

torch::Tensor Disturb(const torch::Tensor& image01, uint64_t seed) {
  Random random(seed);
  at::Generator generator = Noise(random.Next());
  const int64_t side = image01.size(2), n = image01.size(0);
  const auto chosen = [&](double share) {  // [n, 1, 1, 1] of 0 and 1
    return (at::rand({n, 1, 1, 1}, generator, torch::kFloat) < share).to(torch::kFloat);
  };
  torch::Tensor x = image01;
  const torch::Tensor small = Resized(Resized(x, 26 + random.Below(28)), side);
  x = at::lerp(x, small, chosen(0.45));
  x = at::lerp(x, Blurred(x), chosen(0.45));
  const torch::Tensor fine = at::randn(x.sizes(), generator, torch::kFloat);
  const torch::Tensor coarse = Resized(at::randn({n, 3, 12, 12}, generator, torch::kFloat), side);
  const torch::Tensor strength = 0.07 * at::rand({n, 1, 1, 1}, generator, torch::kFloat);
  x = x + strength * chosen(0.5) * fine + strength * chosen(0.5) * coarse;
  const torch::Tensor gain = 0.92 + 0.16 * at::rand({n, 1, 1, 1}, generator, torch::kFloat);
  return (x * gain).clamp(0, 1);
}

torch::Tensor ScorerLoss(const Scores& scores, const PairBatch& batch) {
  const torch::Tensor& labels = batch.labels;
  torch::Tensor loss = -2 * (at::log_softmax(scores.parts, 1) * batch.parts).sum(1).mean();
  const std::vector<torch::Tensor> heads = Heads(scores, labels);
  for (int k = 0; k < kLabelCount; ++k) {
    loss = loss + LabelLoss(heads[static_cast<size_t>(k)], labels.select(1, k));
  }
  const int64_t pairs = labels.size(0) / 2;
  const torch::Tensor similarity =
      scores.embedding.narrow(0, 0, pairs).matmul(scores.embedding.narrow(0, pairs, pairs).t()) /
      0.1;
  const torch::Tensor own = at::arange(pairs, labels.options());
  return loss + 0.5 * (at::cross_entropy_loss(similarity, own) +
                       at::cross_entropy_loss(similarity.t(), own));
}

HeldOut Examine(Scorer& scorer, const PairBatch& batch) {
  const torch::NoGradGuard no_grad;
  const Scores scores = scorer(batch.image01);
  HeldOut held_out;
  const std::vector<torch::Tensor> heads = Heads(scores, batch.labels);
  for (int k = 0; k < kLabelCount; ++k) {
    const torch::Tensor label = batch.labels.select(1, k);
    const torch::Tensor right = heads[static_cast<size_t>(k)].argmax(1) == label;
    const torch::Tensor known = right.masked_select(label != kNotShown);
    held_out.accuracy[static_cast<size_t>(k)] = known.to(torch::kFloat).mean().item<double>();
  }
  const torch::Tensor seen = at::softmax(scores.parts, 1).select(1, kScenery) < 0.5;
  const torch::Tensor real = batch.parts.select(1, kScenery) < 0.5;
  const torch::Tensor common = (seen & real).to(torch::kFloat).sum({1, 2});
  const torch::Tensor either = (seen | real).to(torch::kFloat).sum({1, 2}).clamp_min(1);
  held_out.mask_iou = (common / either).mean().item<double>();
  const int64_t pairs = batch.labels.size(0) / 2;
  const torch::Tensor similarity =  // [P, P]
      scores.embedding.narrow(0, 0, pairs).matmul(scores.embedding.narrow(0, pairs, pairs).t());
  const torch::Tensor own = at::arange(pairs, batch.labels.options());
  held_out.retrieval = (similarity.argmax(1) == own).to(torch::kFloat).mean().item<double>();
  held_out.same_cosine = similarity.diagonal().mean().item<double>();
  const torch::Tensor classes = batch.labels.select(1, 0).narrow(0, 0, pairs);
  torch::Tensor same_class = classes.unsqueeze(0) == classes.unsqueeze(1);
  same_class = same_class & (own.unsqueeze(0) != own.unsqueeze(1));
  held_out.class_cosine = similarity.masked_select(same_class).mean().item<double>();
  return held_out;
}

}  // namespace vico::toyworld
