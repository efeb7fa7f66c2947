# SPDX-License-Identifier: LGPL-2.1-or-later
#
# memctl_target(TARGET): the language, warnings and sanitizers of everything built here. All of it is
# private to the target: nothing reaches those who build against the library.
function(memctl_target target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  # g++ 12 sees through half of Boost.Asio's frame allocator and takes its pair for mismatched.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-mismatched-new-delete)
    # A source that is included into another (CMAKE_UNITY_BUILD) is no header.
    if(CMAKE_UNITY_BUILD)
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
  # Boost.Asio finds the standard coroutines by itself with g++; separate compilation is not used.
  target_compile_definitions(${target} PRIVATE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/libmemctl"
                                               "${PROJECT_BINARY_DIR}/include")
  target_include_directories(${target} SYSTEM PRIVATE ${Boost_INCLUDE_DIRS})
  # Otherwise a 32-bit program cannot read a directory that has large numbers for its files, and
  # does not know the time after 2038.
  if(CMAKE_SIZEOF_VOID_P EQUAL 4)
    target_compile_definitions(${target} PRIVATE _FILE_OFFSET_BITS=64 _TIME_BITS=64)
  endif()
  if(MEMCTL_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${MEMCTL_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    # With sanitizers g++ 12 takes parts of std::regex for uninitialized, and ThreadSanitizer does
    # not follow the fences of Boost.Asio's loop, which one thread runs.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-tsan)
    else()
      # clang++ 14 cannot assemble this check of UndefinedBehaviorSanitizer's for coroutines.
      target_compile_options(${target} PRIVATE -fno-sanitize=function)
    endif()
    target_link_options(${target} PRIVATE -fsanitize=${MEMCTL_SANITIZE})
  endif()
endfunction()

# memctl_part(NAME SOURCES... [LINK LIBRARIES...]): one directory of the library, as objects: the
# shared library and the tests link the same ones, and hidden symbols stay testable.
function(memctl_part name)
  cmake_parse_arguments(PART "" "" "SOURCES;LINK" ${ARGN})
  add_library(memctl_${name} OBJECT ${PART_SOURCES})
  memctl_target(memctl_${name})
  target_include_directories(memctl_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
  target_link_libraries(memctl_${name} PUBLIC ${PART_LINK} Threads::Threads)
endfunction()

# memctl_way(VARIABLE FROM TO): the way from one installed directory to another, as in "../lib". Both
# are below the prefix, which "" means.
function(memctl_way variable from to)
  foreach(directory IN ITEMS "${from}" "${to}")
    if(IS_ABSOLUTE "${directory}")
      message(FATAL_ERROR "${directory} is absolute. Directories of the installation are relative to the prefix")
    endif()
  endforeach()
  file(RELATIVE_PATH way "/prefix/${from}" "/prefix/${to}")
  string(REGEX REPLACE "/$" "" way "${way}")
  set(${variable} "${way}" PARENT_SCOPE)
endfunction()

# memctl_finds_library(TARGET DIRECTORY): what is installed in DIRECTORY finds libmemctl from its own
# place, so every prefix works.
function(memctl_finds_library target directory)
  memctl_way(way "${directory}" "${CMAKE_INSTALL_LIBDIR}")
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${way}")
endfunction()

# memctl_test_program(TARGET): a program of the tests. Its own code is not optimised: compiling that
# would take longer than it saves, since what takes time in a test is the library.
function(memctl_test_program target)
  memctl_target(${target})
  target_compile_options(${target} PRIVATE -O0 -g1)
endfunction()

# memctl_test(NAME LABEL COMMAND... [SHARDS N] [TIMEOUT SECONDS] [COST N] [ENVIRONMENT VARIABLES...]
# [NEEDS FILES...]): a test of ctest's. NEEDS names every file and folder that it reads beside its
# own program: a test that has passed is not run again until one of these has changed. The costliest
# tests begin first. SHARDS splits a GoogleTest program into so many.
function(memctl_test name label)
  cmake_parse_arguments(TEST "" "SHARDS;TIMEOUT;COST" "COMMAND;ENVIRONMENT;NEEDS" ${ARGN})
  if(NOT TEST_SHARDS)
    set(TEST_SHARDS 1)
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  if(NOT TEST_COST)
    set(TEST_COST 1)
  endif()
  foreach(shard RANGE 1 ${TEST_SHARDS})
    set(test ${name})
    set(environment ${TEST_ENVIRONMENT})
    if(TEST_SHARDS GREATER 1)
      set(test ${name}.${shard})
      math(EXPR index "${shard} - 1")
      list(APPEND environment GTEST_TOTAL_SHARDS=${TEST_SHARDS} GTEST_SHARD_INDEX=${index})
    endif()
    add_test(NAME ${test} COMMAND ${TEST_COMMAND})
    set_tests_properties(${test} PROPERTIES LABELS ${label} ENVIRONMENT "${environment}"
      REQUIRED_FILES "${TEST_NEEDS}" TIMEOUT ${TEST_TIMEOUT} COST ${TEST_COST})
  endforeach()
endfunction()
