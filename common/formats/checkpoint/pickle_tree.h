// A pickle as plain data: what torch.save's pickles are made of, and nothing that could be called.
// Names of classes and functions are only compared with the few known here.
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

/// What a name of the pickle stands for.
enum class InertGlobal {
  kNone,
  kOrderedDict,       ///< collections.OrderedDict
  kRebuildTensor,     ///< torch._utils._rebuild_tensor_v2
  kRebuildParameter,  ///< torch._utils._rebuild_parameter
  kParameterDict,     ///< torch.nn.modules.container.ParameterDict
  kSet,               ///< set; a module's state has an empty one
  kStorage,           ///< torch.FloatStorage and its like
};

struct PickleNode {
  enum class Kind : uint8_t {
    kNone,
    kBool,           ///< `integer` 0 or 1
    kInt,            ///< `integer`
    kFloat,          ///< its value is not kept
    kString,         ///< `text`
    kTuple,          ///< `items`
    kList,           ///< `items`
    kDict,           ///< `items`: key, value, key, value, ...
    kParameterDict,  ///< `items`: its state, a dict, once it has come
    kGlobal,         ///< `global`, of `dtype` for a storage; `text` its name
    kStorage,        ///< `text` names the member, `integer` elements of `dtype`
    kTensor,         ///< `items`: storage, shape, strides; `integer` offset in elements
    kOpaque,         ///< an object of some other program: can be stored and passed over
  };

  Kind kind = Kind::kNone;
  uint8_t depth = 0;        ///< of containers inside each other, this one included
  bool is_ordered = false;  ///< an OrderedDict, which may have attributes; they are not kept
  DType dtype = DType::kF32;
  InertGlobal global = InertGlobal::kNone;
  int64_t integer = 0;
  std::string_view text = {};  ///< points into the pickle; UTF-8
  std::vector<uint32_t> items = {};
};

/// Whether names that are not known are an error, or become kOpaque together with what is built
/// from them.
enum class ForeignObjects { kRefuse, kOpaque };

struct PickleLimits {
  ForeignObjects foreign = ForeignObjects::kRefuse;
  size_t bytes = size_t{16} << 20;
  size_t nodes = size_t{1} << 19;  ///< a whole training's checkpoint has some 30,000
  size_t memo = size_t{1} << 16;   ///< likewise 12,000
  size_t stack = size_t{1} << 16;
  int depth = 64;
};

/// Nodes by index; the text stays in the pickle's bytes, which must outlive the tree.
class PickleTree {
 public:
  using Kind = PickleNode::Kind;

  const PickleNode& node(uint32_t index) const { return nodes_[index]; }
  const PickleNode& root() const { return nodes_[root_]; }
  const std::deque<PickleNode>& nodes() const { return nodes_; }

  /// The value under a string key of a dict, which has it once at most; nullptr when there is none
  /// or `dict` is no dict.
  const PickleNode* Find(const PickleNode& dict, std::string_view key) const;

 private:
  friend class PickleMachine;
  std::deque<PickleNode> nodes_;
  uint32_t root_ = 0;
};

/// Protocol 2, an allow-list of opcodes, the limits; every dict's string keys are different.
/// kInvalidArgument with the byte and the opcode.
absl::StatusOr<PickleTree> ReadPickle(std::span<const std::byte> bytes, const PickleLimits& limits);

/// The global that "module.name" is, and a storage's dtype; nothing for a name that is not known.
struct KnownGlobal {
  InertGlobal global = InertGlobal::kNone;
  DType dtype = DType::kF32;
};
std::optional<KnownGlobal> LookUpGlobal(std::string_view module, std::string_view name);

/// "FloatStorage" for kF32.
std::string_view StorageTypeName(DType dtype);

/// "dict", for messages.
std::string_view KindName(PickleNode::Kind kind);

}  // namespace vico
