// The sampling schedulers by the names clients give them: one list for the server, which checks
// requests against it, and the worker, which makes them.
#pragma once

#include <array>
#include <string_view>

namespace vico {

inline constexpr std::array<std::string_view, 10> kSchedulerNames = {"ddim",
                                                                     "ddpm",
                                                                     "pndm",
                                                                     "euler",
                                                                     "euler_ancestral",
                                                                     "heun",
                                                                     "dpmsolver++",
                                                                     "dpmsolver++_karras",
                                                                     "unipc",
                                                                     "lcm"};

}  // namespace vico
