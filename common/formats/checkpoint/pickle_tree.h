// Reads the pickles of torch.save as plain data. It calls nothing: names of classes and functions
// are only compared with an allow-list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"

namespace vico {

/// The allow-list of classes and functions.
enum class InertGlobal {
  kNone,
  kOrderedDict,       ///< collections.OrderedDict
  kRebuildTensor,     ///< torch._utils._rebuild_tensor_v2
  kRebuildParameter,  ///< torch._utils._rebuild_parameter
  kParameterDict,     ///< torch.nn.modules.container.ParameterDict
  kSet,               ///< set; the state of a module contains an empty one
  kStorage,           ///< torch.FloatStorage and the other storage types
};

struct PickleNode {
  enum class Kind : uint8_t {
    kNone,
    kBool,           ///< `integer` 0 or 1
    kInt,            ///< `integer`
    kFloat,          ///< the value is not kept
    kString,         ///< `text`
    kTuple,          ///< `items`
    kList,           ///< `items`
    kDict,           ///< `items`: key, value, key, value, ...
    kParameterDict,  ///< `items`: empty, or its state, a dict
    kGlobal,         ///< `global`, `dtype` for a storage type, `text` the name
    kStorage,        ///< `text` names the zip member; `integer` elements of `dtype`
    kTensor,         ///< `items`: storage, shape, strides; `integer` offset in elements
    kOpaque,         ///< an object of an unknown class; its content is ignored
  };

  Kind kind = Kind::kNone;
  uint8_t depth = 0;        ///< of nested containers, this one included
  bool is_ordered = false;  ///< an OrderedDict; its attributes are not kept
  DType dtype = DType::kF32;
  InertGlobal global = InertGlobal::kNone;
  int64_t integer = 0;
  std::string_view text = {};  ///< UTF-8; points into the pickle
  std::vector<uint32_t> items = {};
};

/// Whether an unknown class or function is an error, or becomes kOpaque together with the objects
/// built from it.
enum class ForeignObjects { kRefuse, kOpaque };

struct PickleLimits {
  ForeignObjects foreign = ForeignObjects::kRefuse;
  size_t bytes = size_t{16} << 20;
  size_t nodes = size_t{1} << 19;  ///< checkpoints of whole trainings have about 30,000
  size_t memo = size_t{1} << 16;   ///< and about 12,000 of these
  size_t stack = size_t{1} << 16;
  int depth = 64;
};

/// The nodes of a pickle by index. Texts point into the pickle's bytes, which must outlive the
/// tree.
class PickleTree {
 public:
  using Kind = PickleNode::Kind;

  const PickleNode& node(uint32_t index) const { return nodes_[index]; }
  const PickleNode& root() const { return nodes_[root_]; }
  const std::deque<PickleNode>& nodes() const { return nodes_; }

  /// The value of a string key in a dict, where string keys are unique; nullptr if there is none or
  /// `dict` is not a dict.
  const PickleNode* Find(const PickleNode& dict, std::string_view key) const;

 private:
  friend class PickleMachine;
  std::deque<PickleNode> nodes_;
  uint32_t root_ = 0;
};

/// Reads protocol 2 with an allow-list of opcodes, within `limits`. The string keys of each dict
/// must be unique. kInvalidArgument that names the byte and the opcode.
absl::StatusOr<PickleTree> ReadPickle(std::span<const std::byte> bytes, const PickleLimits& limits);

/// An entry of the allow-list; `dtype` for storage types.
struct KnownGlobal {
  InertGlobal global = InertGlobal::kNone;
  DType dtype = DType::kF32;
};
/// nullopt for a name that is not in the allow-list.
std::optional<KnownGlobal> LookUpGlobal(std::string_view module, std::string_view name);

/// "FloatStorage" for kF32.
std::string_view StorageTypeName(DType dtype);

/// For messages: "a dict".
std::string_view KindName(PickleNode::Kind kind);

}  // namespace vico
