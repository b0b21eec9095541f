#include "worker/personalize/reference_features.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>

#include <ATen/Parallel.h>

namespace vico::worker {
namespace {

bool ReadsTheSame(const HalfRow& a, const HalfRow& b) {
  return a.half == b.half && a.row->personal == b.row->personal && a.row->prompt == b.row->prompt &&
         a.row->timestep == b.row->timestep;
}

bool SharesPass(const HalfRow& a, const HalfRow& b) {
  const Personalization &one = *a.row->personal, &other = *b.row->personal;
  return one.dialect == other.dialect && one.adapter->sites() == other.adapter->sites();
}

// Equal for halves whose features are equal, bit by bit: they depend on the text, on the place of
// the map's column, which mmagic's dialect does not read, and on the number of threads, and not on
// mask and strength.
std::string KeyOf(const HalfRow& half) {
  const GuidedRow& row = *half.row;
  const auto ids = row.prompt->ids[half.half].contiguous();
  const bool maps = row.personal->dialect == Dialect::kPaper;
  const int64_t column = maps ? row.prompt->positions.placeholder[half.half].item<int64_t>() : -1;
  const int threads = at::get_num_threads();
  std::string key = row.personal->name;
  const auto append = [&](const void* bytes, size_t count) {
    key.append(static_cast<const char*>(bytes), count);
  };
  append(ids.data_ptr(), ids.nbytes());
  append(&column, sizeof column);
  append(&row.timestep, sizeof row.timestep);
  append(&threads, sizeof threads);
  return key;
}

torch::Tensor ReferencesOf(const std::vector<HalfRow>& halves) {
  const Personalization* const first = halves.front().row->personal;
  std::vector<torch::Tensor> references;
  references.reserve(halves.size());
  for (const HalfRow& half : halves) references.push_back(half.row->personal->reference);
  const bool one = std::all_of(halves.begin(), halves.end(),
                               [&](const HalfRow& half) { return half.row->personal == first; });
  return one ? first->reference.expand({std::ssize(halves), -1, -1, -1}) : at::cat(references);
}

// One pass of the references of halves that share it.
std::vector<HalfFeatures> ReadReferences(Base& base, const std::vector<HalfRow>& halves) {
  const GuidedRow& any = *halves.front().row;
  const HalfInputs inputs = InputsOf(halves, base.device());
  const auto sites =
      RunReference(base.unet, any.personal->adapter->sites(), ReferencesOf(halves), inputs.timestep,
                   inputs.text, any.look().ReferencePositions(inputs.positions));
  std::vector<HalfFeatures> found(halves.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    for (const SiteFeatures& site : sites) {
      const auto own = [&](const torch::Tensor& y) {
        return y.defined() ? y.narrow(0, static_cast<int64_t>(i), 1) : y;
      };
      found[i].push_back({own(site.tokens), own(site.placeholder), {}});
    }
  }
  return found;
}

// Fills the entries of `found` that `group` names.
void ReadGroup(Base& base, const RowParts& parts, const std::vector<HalfRow>& halves,
               const std::vector<size_t>& group, std::vector<HalfFeatures>& found) {
  parts.ForEach(std::ssize(group), [&](int64_t, const RowRange& range) {
    std::vector<HalfRow> some;
    const auto first = group.begin() + range.begin;
    for (auto i = first; i < first + range.count; ++i) some.push_back(halves[*i]);
    auto read = ReadReferences(base, some);
    for (size_t i = 0; i < read.size(); ++i)
      found[first[static_cast<int64_t>(i)]] = std::move(read[i]);
  });
}

std::vector<HalfFeatures> Uncached(Base& base, const RowParts& parts,
                                   const std::vector<HalfRow>& halves) {
  std::vector<HalfFeatures> found(halves.size());
  for (size_t first = 0; first < halves.size(); ++first) {
    if (!found[first].empty()) continue;  // in the pass of an earlier half
    std::vector<size_t> group;
    for (size_t i = first; i < halves.size(); ++i) {
      if (SharesPass(halves[i], halves[first])) group.push_back(i);
    }
    ReadGroup(base, parts, halves, group, found);
  }
  return found;
}

std::vector<HalfFeatures> Cached(Base& base, const RowParts& parts, ReferenceCache& cache,
                                 const std::vector<HalfRow>& halves) {
  std::vector<HalfFeatures> found(halves.size());
  std::vector<std::string> keys(halves.size());
  std::vector<size_t> missing;
  std::unordered_map<std::string, size_t> being_read;  // halves of two jobs may have one key
  for (size_t i = 0; i < halves.size(); ++i) {
    keys[i] = KeyOf(halves[i]);
    if (auto kept = cache.Find(keys[i])) {
      found[i] = *std::move(kept);
    } else if (being_read.emplace(keys[i], i).second) {
      missing.push_back(i);
    }
  }
  parts.ForEach(std::ssize(missing), [&](int64_t, const RowRange& range) {
    for (int64_t j = range.begin; j < range.begin + range.count; ++j) {
      const size_t i = missing[static_cast<size_t>(j)];
      found[i] = ReadReferences(base, {halves[i]}).front();
    }
  });
  for (const size_t i : missing) cache.Put(keys[i], found[i]);
  for (size_t i = 0; i < halves.size(); ++i) {
    if (found[i].empty()) found[i] = found[being_read.at(keys[i])];
  }
  return found;
}

}  // namespace

std::vector<HalfFeatures> ReferenceFeatures(Base& base, const RowParts& parts,
                                            const std::vector<HalfRow>& halves) {
  std::vector<HalfRow> distinct;
  std::vector<size_t> index;  // of each half among the distinct ones
  for (const HalfRow& half : halves) {
    const auto same = std::find_if(distinct.begin(), distinct.end(),
                                   [&](const HalfRow& other) { return ReadsTheSame(half, other); });
    index.push_back(static_cast<size_t>(same - distinct.begin()));
    if (same == distinct.end()) distinct.push_back(half);
  }
  const auto& cache = halves.front().row->personal->cache;
  const auto found =
      cache != nullptr ? Cached(base, parts, *cache, distinct) : Uncached(base, parts, distinct);
  std::vector<HalfFeatures> features;
  features.reserve(halves.size());
  for (const size_t i : index) features.push_back(found[i]);
  return features;
}

std::vector<SiteFeatures> Joined(const std::vector<HalfFeatures>& halves) {
  std::vector<SiteFeatures> joined;
  for (size_t site = 0; site < halves.front().size(); ++site) {
    std::vector<torch::Tensor> tokens, placeholder;
    for (const HalfFeatures& half : halves) {
      tokens.push_back(half[site].tokens);
      if (half[site].placeholder.defined()) placeholder.push_back(half[site].placeholder);
    }
    SiteFeatures features = {at::cat(tokens), {}, {}};
    if (!placeholder.empty()) features.placeholder = at::cat(placeholder);
    joined.push_back(std::move(features));
  }
  return joined;
}

}  // namespace vico::worker
