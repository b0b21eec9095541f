# Target vico_options: the standard, the warnings and the sanitizers every target of ours is built with.
# Function vico_test(): one test binary and its ctest entries.
set(VICO_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")

add_library(vico_options INTERFACE)
target_compile_features(vico_options INTERFACE cxx_std_20)
target_compile_options(vico_options INTERFACE -Wall -Wextra -Werror=return-type)
target_include_directories(vico_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(vico_options INTERFACE _GLIBCXX_ASSERTIONS)
if(VICO_FAILPOINTS)
  target_compile_definitions(vico_options INTERFACE VICO_FAILPOINTS)
endif()
if(VICO_SANITIZE)
  target_compile_options(vico_options INTERFACE -fsanitize=${VICO_SANITIZE}
                                                -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(vico_options INTERFACE -fsanitize=${VICO_SANITIZE})
  # Instrumented code makes GCC report variables of the standard library as uninitialised.
  target_compile_options(vico_options INTERFACE -Wno-maybe-uninitialized)
  if(VICO_SANITIZE MATCHES "address|thread")
    target_compile_definitions(vico_options INTERFACE VICO_SANITIZED)
  endif()
  if(VICO_SANITIZE STREQUAL "thread")
    # Protobuf's headers lay maps out otherwise for ThreadSanitizer, and the packaged library does not
    # know. libstdc++ would ask the same macro which of its short cuts to leave out.
    target_compile_options(vico_options INTERFACE -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()
if(VICO_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "VICO_FUZZ needs clang; use the preset fuzz")
  endif()
  # libFuzzer's marks, and the counts that scripts/fuzz prints.
  target_compile_options(vico_options INTERFACE -fsanitize=fuzzer-no-link -fprofile-instr-generate
                                                -fcoverage-mapping)
  target_link_options(vico_options INTERFACE -fprofile-instr-generate)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
# The same for all targets, so that they can share precompiled headers.
add_compile_options(-fPIC -pthread)

# Hardening of every program; tests/deploy/hardening_test.py reads the binaries. FORTIFY needs an
# optimised build, and AddressSanitizer has checks of its own in its place.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-fcf-protection=full VICO_HAS_CET)
add_compile_options(-fstack-protector-strong -fstack-clash-protection)
if(VICO_HAS_CET)
  add_compile_options(-fcf-protection=full)
endif()
if(NOT VICO_SANITIZE)
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>")
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

find_program(CCACHE ccache)
if(CCACHE)
  # ccache asks for these to cache what is built with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()

# vico_precompiled(target torch|grpc|proto): the target reads these headers precompiled. They are
# built once for all (cmake/precompiled.cmake); a preset without them finds missing includes.
function(vico_precompiled target headers)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS AND NOT VICO_FUZZ)
    target_precompile_headers(${target} REUSE_FROM vico_precompiled_${headers})
  endif()
endfunction()

# vico_program(name SOURCES main.cc ... LIBS target ... [PRECOMPILED torch]): a program, in bin/.
function(vico_program name)
  cmake_parse_arguments(P "" "PRECOMPILED" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_link_libraries(${name} PRIVATE vico_options ${P_LIBS})
  target_compile_definitions(${name} PRIVATE VICO_VERSION="${PROJECT_VERSION}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(P_PRECOMPILED)
    vico_precompiled(${name} ${P_PRECOMPILED})
  endif()
endfunction()

# Tests run once, so less optimisation is enough: they compile faster.
add_library(vico_test_options INTERFACE)
target_compile_options(vico_test_options INTERFACE "$<$<NOT:$<CONFIG:Debug>>:-O1>")

# vico_test(name SOURCES a_test.cc ... LIBS target ... [LABEL unit] [WHOLE] [PRECOMPILED torch|grpc])
# LABEL is one of unit, contract, golden, end_to_end, crash, load, fuzz. TIER_0 names, as a
# gtest filter, those tests that run by default; the label of the others ends in _tier1. WHOLE lists
# the binary as one ctest entry: for programs that are slow to start, as those with LibTorch are.
# POSTGRES does so with the tests whose names end in /postgres.
function(vico_test name)
  cmake_parse_arguments(T "WHOLE;POSTGRES" "LABEL;TIMEOUT;TIER_0;PRECOMPILED" "SOURCES;LIBS" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  if(NOT T_TIMEOUT)
    # A whole program has many tests, which take ten times as long on a busy machine.
    set(T_TIMEOUT 120)
    if(T_WHOLE)
      set(T_TIMEOUT 300)
    endif()
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE vico_options vico_test_options ${T_LIBS} GTest::gmock_main)
  if(NOT T_PRECOMPILED)
    set(T_PRECOMPILED plain)
  endif()
  vico_precompiled(${name} test_${T_PRECOMPILED})
  if(T_WHOLE)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    # Tests run side by side; two programs that each wait for threads of their own get nowhere.
    set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT}
                                            ENVIRONMENT OMP_NUM_THREADS=1)
  else()
    include(GoogleTest)
    if(NOT T_TIER_0)
      set(T_TIER_0 "*")
    endif()
    set(filter "${T_TIER_0}")
    if(T_POSTGRES)
      set(filter "${T_TIER_0}-*/postgres")
      add_test(NAME ${name}_postgres COMMAND ${name} --gtest_filter=*/postgres
               WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
      set_tests_properties(${name}_postgres PROPERTIES LABELS ${T_LABEL} TIMEOUT 900)
    endif()
    gtest_discover_tests(${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DISCOVERY_TIMEOUT 60
                         TEST_FILTER "${filter}"
                         PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
    if(NOT T_TIER_0 STREQUAL "*")
      gtest_discover_tests(${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} DISCOVERY_TIMEOUT 60
                           TEST_FILTER "-${T_TIER_0}" TEST_LIST ${name}_tier1
                           PROPERTIES LABELS ${T_LABEL}_tier1 TIMEOUT ${T_TIMEOUT})
    endif()
  endif()
endfunction()
