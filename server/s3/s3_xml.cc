#include "server/s3/s3_xml.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace vico::server {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};

std::string Decoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    size_t taken = 1;
    char next = text.front();
    for (const auto& [entity, character] : kEntities) {
      if (text.starts_with(entity)) {
        taken = entity.size();
        next = character;
      }
    }
    decoded += next;
    text.remove_prefix(taken);
  }
  return decoded;
}

}  // namespace

std::vector<std::string_view> XmlElements(std::string_view xml, std::string_view name) {
  const std::string begin = fmt::format("<{}>", name);
  const std::string end = fmt::format("</{}>", name);
  std::vector<std::string_view> found;
  for (size_t at = xml.find(begin); at != std::string_view::npos; at = xml.find(begin, at)) {
    at += begin.size();
    const size_t stop = xml.find(end, at);
    if (stop == std::string_view::npos) break;
    found.push_back(xml.substr(at, stop - at));
    at = stop + end.size();
  }
  return found;
}

std::string XmlText(std::string_view xml, std::string_view name) {
  const std::vector<std::string_view> found = XmlElements(xml, name);
  return found.empty() ? "" : Decoded(found.front());
}

}  // namespace vico::server
