# Finds a LibTorch for CPUs with its config file, and sets TORCH_INSTALL_PREFIX, TORCH_INCLUDE_DIRS and
# TORCH_LIBRARIES.
#
# LibTorch's config file looks for its targets in the system's folders first, and would link Debian's
# where libtorch-dev is installed too: its own prefix has to be searched before those.
set(vico_prefix_path "${CMAKE_PREFIX_PATH}")
if(Torch_DIR)
  get_filename_component(vico_torch_prefix "${Torch_DIR}/../../.." ABSOLUTE)
  list(PREPEND CMAKE_PREFIX_PATH ${vico_torch_prefix})
endif()
if(NOT Torch_DIR AND NOT VICO_LIBTORCH STREQUAL "debian")
  # One search a configuration may succeed: the imported targets of two LibTorchs would mix.
  find_package(Torch CONFIG QUIET NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH)  # named by the user
  if(NOT Torch_FOUND)
    unset(Torch_DIR CACHE)
    list(PREPEND CMAKE_PREFIX_PATH ${vico_cache}/libtorch-2.13.0)
    find_package(Torch CONFIG QUIET NO_DEFAULT_PATH PATHS ${vico_cache}/libtorch-2.13.0)
  endif()
  if(NOT Torch_FOUND AND VICO_LIBTORCH STREQUAL "wheel")
    message(FATAL_ERROR "no LibTorch from the wheel in ${vico_cache}; run scripts/bootstrap first")
  endif()
endif()
if(NOT Torch_FOUND)
  find_package(Torch CONFIG REQUIRED)
endif()
set(CMAKE_PREFIX_PATH "${vico_prefix_path}")
get_target_property(vico_torch_library torch LOCATION)
cmake_path(IS_PREFIX TORCH_INSTALL_PREFIX "${vico_torch_library}" NORMALIZE vico_torch_whole)
if(NOT vico_torch_whole)
  message(FATAL_ERROR "the headers of LibTorch are in ${TORCH_INSTALL_PREFIX}, but its library found is ${vico_torch_library}")
endif()
# The include folders are chosen by torch.cmake.
foreach(target torch torch_library torch_cpu torch_cuda c10 c10_cuda)
  if(TARGET ${target})
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "")
  endif()
endforeach()
