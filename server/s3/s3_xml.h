// The few texts that answers of S3 and STS have: elements without attributes, one in another. No
// general parser of XML; what it does not know is left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vico::server {

/// The text of the first element `name`, with its entities decoded; empty without one.
std::string XmlText(std::string_view xml, std::string_view name);

/// The content of all elements `name`, as it is.
std::vector<std::string_view> XmlElements(std::string_view xml, std::string_view name);

}  // namespace vico::server
