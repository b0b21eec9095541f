// A catalog in memory that supports base models only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/jobs/catalog.h"

namespace vico::server {

/// One thread at a time. The other methods are kUnimplemented.
class BaseModelCatalog final : public Catalog {
 public:
  absl::Status SaveBaseModels(const std::vector<v1::OfferedBaseModel>& offers) override {
    for (const auto& offer : offers) offers_[offer.base_model().name()] = offer;
    return absl::OkStatus();
  }
  absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) override {
    const auto found = offers_.find(std::string(name));
    if (found == offers_.end()) return absl::NotFoundError("no such base model");
    return found->second;
  }
  absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() override {
    std::vector<v1::OfferedBaseModel> all;
    for (const auto& [name, offer] : offers_) all.push_back(offer);
    return all;
  }

  absl::StatusOr<std::set<std::string>> BaseModelsInUse(std::string_view) override { return kNone; }

  absl::StatusOr<v1::Concept> FindConceptByRequest(const RequestKey&) override { return kNone; }
  absl::StatusOr<v1::Concept> CreateConcept(const RequestKey&, v1::Concept) override {
    return kNone;
  }
  absl::StatusOr<v1::Concept> GetConcept(std::string_view, std::string_view) override {
    return kNone;
  }
  absl::StatusOr<ConceptPage> ListConcepts(const PageQuery&) override { return kNone; }
  absl::Status DeleteConcept(std::string_view, std::string_view) override { return kNone; }
  absl::Status SavePicture(std::string_view, const StoredPicture&) override { return kNone; }
  absl::StatusOr<StoredPicture> FindPicture(std::string_view, std::string_view) override {
    return kNone;
  }
  absl::StatusOr<v1::Adapter> FindAdapterByRequest(const RequestKey&) override { return kNone; }
  absl::StatusOr<v1::Adapter> CreateAdapter(const RequestKey&, v1::Adapter) override {
    return kNone;
  }
  absl::StatusOr<v1::Adapter> GetAdapter(std::string_view, std::string_view) override {
    return kNone;
  }
  absl::StatusOr<AdapterPage> ListAdapters(const PageQuery&) override { return kNone; }
  absl::Status DeleteAdapter(std::string_view, std::string_view) override { return kNone; }

 private:
  const absl::Status kNone = absl::UnimplementedError("base models only");
  std::map<std::string, v1::OfferedBaseModel> offers_;
};

}  // namespace vico::server
