// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs every input of a target's corpus through the target. A broken promise or a finding of a
// sanitizer ends the program; the test that ran last names the input.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace memctl::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{MEMCTL_CORPUS}) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

std::string test_name(const testing::TestParamInfo<fs::path>& input) {
  std::string name = input.param.filename().native();
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class Corpus : public testing::TestWithParam<fs::path> {};

TEST_P(Corpus, InputBreaksNoPromise) {
  std::ifstream file{GetParam(), std::ios::binary};
  ASSERT_TRUE(file);
  const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()), 0);
}

INSTANTIATE_TEST_SUITE_P(Every, Corpus, testing::ValuesIn(inputs()), test_name);

TEST(CorpusFolder, HasInputs) { EXPECT_FALSE(inputs().empty()); }

}  // namespace
}  // namespace memctl::fuzz
