// The cases of ViCo's two streams, training step and denoising loop, as the worker runs them.
#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "bench/parity.h"
#include "worker/engine/loaded_base.h"
#include "worker/personalize/generator.h"
#include "worker/train/train_step.h"

namespace vico::parity {

using worker::Adapter;
using worker::AdditiveOtsuMask;
using worker::Base;
using worker::BlockStart;
using worker::Dialect;
using worker::GenerateOptions;
using worker::LoadBase;
using worker::Look;
using worker::OtsuMask;
using worker::Personalization;
using worker::RunReference;
using worker::RunTarget;
using worker::SiteFeatures;
using worker::TargetPass;
using worker::TensorMap;
using worker::TrainingStep;
using worker::TrainOptions;
using worker::TrainRows;
using worker::TransformerVisitor;

namespace {

constexpr int64_t kSteps = 5;

/// Repeats the target stream to read the output of each site. Its prediction must equal RunTarget's
/// to the last bit, which checks that it is the same computation.
class SiteOutputs : public TransformerVisitor {
 public:
  /// `masks`: see Masks().
  SiteOutputs(Dialect dialect, Adapter& adapter, const std::vector<SiteFeatures>& features,
              const std::vector<torch::Tensor>& masks, TensorMap& output)
      : dialect_(dialect), adapter_(adapter), features_(features), masks_(masks), output_(output) {}

  bool WantsProbabilities(int64_t index) const override {
    return dialect_ == Dialect::kMmagic && std::ranges::count(adapter_->sites(), index) > 0;
  }
  bool IsLast(int64_t /*index*/) const override { return false; }

  torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                      const torch::Tensor& /*probabilities*/) override {
    const auto& sites = adapter_->sites();
    const auto found = std::find(sites.begin(), sites.end(), index);
    if (found == sites.end()) return tokens;
    const auto site = static_cast<size_t>(found - sites.begin());
    const auto mask = masks_[site].unsqueeze(1).unsqueeze(1);
    auto output = adapter_->block(site)(tokens, features_[site].tokens, mask);
    output_["site" + std::to_string(site) + ".output"] = output;
    return output;
  }

 private:
  const Dialect dialect_;
  Adapter& adapter_;
  const std::vector<SiteFeatures>& features_;
  const std::vector<torch::Tensor>& masks_;
  TensorMap& output_;
};

/// One mask for each site, from the maps of `pass`.
std::vector<torch::Tensor> Masks(Dialect dialect, const TargetPass& pass) {
  std::vector<torch::Tensor> masks;
  for (const auto& site : pass.seen) {
    masks.push_back(dialect == Dialect::kMmagic ? AdditiveOtsuMask(site.placeholder)
                                                : OtsuMask(site.placeholder));
  }
  return masks;
}

Base Open(const Request& request) {
  auto loaded = LoadBase(request.base_model, "", torch::Device(torch::kCPU), request.threads);
  if (!loaded.ok()) throw std::runtime_error(std::string(loaded.status().message()));
  return std::move(loaded->base);
}

class Session {
 public:
  Session(Dialect dialect, const Request& request)
      : dialect_(dialect), request_(request), base_(Open(request)) {
    adapter_ = Adapter(base_.unet->transformers(), base_.sites(dialect),
                       base_.text->config().hidden_size, 0, BlockStart::kDefault);
    const at::NoGradGuard no_grad;
    for (const auto& [name, tensor] : adapter_->NamedTensors()) {
      tensor.copy_(request.input.at("adapter." + name));
    }
  }

  Answer Train() {
    TrainOptions options;  // the defaults of the paper, which mmagic shares
    options.dialect = dialect_;
    options.batch_size = request_.input.at("target").size(1);
    Answer answer;
    LookAtSites(answer.output);
    TrainingStep train_step(base_, adapter_, options);
    std::vector<double> losses;
    const int64_t steps = kSteps;
    for (int64_t step = 0; step < steps; ++step) {
      const auto begin = std::chrono::steady_clock::now();
      auto gradients = train_step.Compute(Rows(step));
      losses.insert(losses.end(), {gradients.loss, gradients.loss_reg});
      const auto kept = step == 0 ? gradients.values : std::vector<torch::Tensor>();
      train_step.Apply(std::move(gradients), step);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      if (step > 0) answer.seconds += took.count() / static_cast<double>(steps - 1);
      if (step == 0) Keep("grad.", kept, answer.output);
      if (step == 0 || step == 1 || step + 1 == steps) {
        Keep("after" + std::to_string(step + 1) + ".", adapter_->parameters(), answer.output);
      }
    }
    answer.output["losses"] = torch::tensor(losses).view({-1, 2});
    return answer;
  }

  Answer Generate() {
    GenerateOptions options;
    options.prompt = request_.text.at("prompt");
    options.seeds = {0};
    Personalization personal{
        .adapter = adapter_, .dialect = dialect_, .reference = request_.input.at("reference")};
    Answer answer;
    const auto& noise = request_.input.at("noise");
    options.steps = 1;  // warm-up
    Denoise(base_, &personal, options, {.noise = noise}, {});
    options.steps = 10;
    answer.seconds = Time(0, [&] {
      answer.output["latent"] = Denoise(base_, &personal, options, {.noise = noise}, {});
    });
    return answer;
  }

 private:
  TrainRows Rows(int64_t step) const {
    const auto prompts = nlohmann::json::parse(request_.text.at("prompts"));
    const auto row = [&](const char* name) { return request_.input.at(name)[step]; };
    return {row("target"), row("reference"), row("timestep"), row("noise"),
            prompts[static_cast<size_t>(step)].get<std::vector<std::string>>()};
  }

  /// The maps of the four sites for the first step's rows.
  void LookAtSites(TensorMap& output) {
    const at::NoGradGuard no_grad;
    const TrainRows rows = Rows(0);
    const auto prompts = base_.EncodePrompts(rows.prompts, rows.word);
    const auto text = base_.TextStates(prompts, adapter_->placeholder());
    const auto noisy = base_.schedule.AddNoise(rows.target, rows.noise, rows.timestep);
    const Look look = {.dialect = dialect_};
    const auto features = RunReference(base_.unet, adapter_->sites(), rows.reference, rows.timestep,
                                       text, look.ReferencePositions(prompts.positions));
    const auto pass = RunTarget(base_.unet, adapter_, look, features, noisy, rows.timestep, text,
                                prompts.positions);
    const auto masks = Masks(dialect_, pass);
    for (size_t i = 0; i < features.size(); ++i) {
      const std::string site = "site" + std::to_string(i) + ".";
      output[site + "attention"] = pass.seen[i].placeholder;
      output[site + "mask"] = masks[i];
      output[site + "reference"] = features[i].tokens;
    }
    output["prediction"] = pass.predicted;
    SiteOutputs sites(dialect_, adapter_, features, masks, output);
    const auto again = base_.unet->forward(noisy, rows.timestep, text, &sites);
    if (!at::equal(again, pass.predicted)) {
      throw std::runtime_error("the sites looked at are not the product's");
    }
  }

  /// Names for `values`, which are in the order of the adapter's parameters.
  void Keep(const std::string& prefix, const std::vector<torch::Tensor>& values,
            TensorMap& output) {
    const auto parameters = adapter_->parameters();
    for (const auto& [name, tensor] : adapter_->NamedTensors()) {
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (parameters[i].data_ptr() != tensor.data_ptr()) continue;
        output[prefix + name] = values[i].detach().clone().view(tensor.sizes());
      }
    }
  }

  const Dialect dialect_;
  const Request& request_;
  Base base_;
  Adapter adapter_{nullptr};
};

}  // namespace

Answer RunVico(const std::string& name, const Request& request) {
  Session session(name.starts_with("mmagic") ? Dialect::kMmagic : Dialect::kPaper, request);
  return name.ends_with("_train") ? session.Train() : session.Generate();
}

}  // namespace vico::parity
