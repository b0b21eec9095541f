# cmake --install BUILD --prefix /usr: the programs, LibTorch's libraries where the engine finds them
# whoever runs it, the tiny base model and the operator's guide. What Debian's packages own stays theirs.
include(GNUInstallDirs)
set_target_properties(vico-engine PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/vico")
install(TARGETS vico vico-server vico-decode vico-worker vico-engine vico-health RUNTIME)
if(vico_torch_cuda)
  # Also NVIDIA's libraries, which are beside those of LibTorch and load more of their kind at run time.
  file(GLOB vico_torch_files ${vico_torch_cuda}/lib/*.so* ${vico_torch_cuda}/../nvidia/*/lib/*.so*)
  list(FILTER vico_torch_files EXCLUDE REGEX "libtorch_python|libtorch_global_deps|libshm")
  install(FILES ${vico_torch_files} DESTINATION lib/vico)
elseif(NOT TORCH_INSTALL_PREFIX STREQUAL "/usr")
  install(TARGETS vico-engine
          RUNTIME_DEPENDENCIES
            POST_INCLUDE_REGEXES "^${TORCH_INSTALL_PREFIX}/"
            POST_EXCLUDE_REGEXES ".*"
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
          LIBRARY DESTINATION lib/vico)
endif()
install(DIRECTORY toyworld/base DESTINATION ${CMAKE_INSTALL_DATADIR}/vico)
install(FILES docs/operators-guide.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
