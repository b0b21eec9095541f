// Writes a pickle of protocol 2, opcode by opcode. Nothing is memoised: a value used twice is
// written twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace vico {

class PickleWriter {
 public:
  PickleWriter() : bytes_("\x80\x02") {}

  void None() { bytes_ += 'N'; }
  void Bool(bool value) { bytes_ += value ? '\x88' : '\x89'; }
  void Int(int64_t value);
  void String(std::string_view text);  ///< UTF-8
  void Global(std::string_view module, std::string_view name);

  void Mark() { bytes_ += '('; }
  void Tuple() { bytes_ += 't'; }  ///< of what came since the mark
  void EmptyTuple() { bytes_ += ')'; }
  void EmptyList() { bytes_ += ']'; }
  void EmptyDict() { bytes_ += '}'; }
  void SetItems() { bytes_ += 'u'; }  ///< keys and values since the mark, into the dict before it
  void Reduce() { bytes_ += 'R'; }    ///< callable and arguments' tuple -> object
  void NewObject() { bytes_ += "\x81"; }  ///< class and arguments' tuple -> object
  void Build() { bytes_ += 'b'; }         ///< object and state -> object
  void PersistentId() { bytes_ += 'Q'; }

  /// collections.OrderedDict().
  void EmptyOrderedDict();

  /// The whole pickle; one value must be left.
  std::string Finish() && { return std::move(bytes_ += '.'); }

 private:
  std::string bytes_;
};

}  // namespace vico
