// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/host_settings.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include "host/xen/file.hpp"

namespace memctl::host::xen {
namespace {

namespace fs = std::filesystem;

/// The largest file that is read; the real files are far smaller.
constexpr std::size_t largest_file = std::size_t{1} << 20;

struct Contents {
  bool absent{};
  std::optional<std::string> text{};  ///< Nothing: there is no file, or it cannot be read.
};

Contents read(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) return {.absent = true};
  if (error || !fs::is_regular_file(status)) return {};
  return {.text = read_rest(File{file}, largest_file)};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r;";
  const auto begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::optional<Autoballoon> autoballoon_named(std::string_view word) {
  if (word == "on" || word == "1") return Autoballoon::on;
  if (word == "off" || word == "0") return Autoballoon::off;
  if (word == "auto") return Autoballoon::automatic;
  return std::nullopt;
}

std::string_view take_until(std::string_view& text, char separator) {
  const auto part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

/// One part of dom0_mem in the form that xl looks for: "[min:|max:]SIZE".
bool is_dom0_size(std::string_view part) {
  if (part.starts_with("min:") || part.starts_with("max:")) part.remove_prefix(4);
  const auto digits = std::min(part.find_first_not_of("0123456789"), part.size());
  if (digits == 0) return false;
  part.remove_prefix(digits);
  return part.empty() ||
         (part.size() == 1 && std::string_view{"bBkKmMgG"}.find(part[0]) != std::string_view::npos);
}

}  // namespace

std::optional<Autoballoon> autoballoon_in(std::string_view text) {
  std::optional<Autoballoon> setting = Autoballoon::automatic;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    line = line.substr(0, line.find('#'));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || trimmed(line.substr(0, equals)) != "autoballoon") {
      continue;
    }
    // As in xl, the last setting counts.
    setting = autoballoon_named(unquoted(trimmed(line.substr(equals + 1))));
  }
  return setting;
}

std::optional<Autoballoon> read_autoballoon(const fs::path& file) {
  const Contents contents = read(file);
  if (contents.absent) return Autoballoon::automatic;
  return contents.text ? autoballoon_in(*contents.text) : std::nullopt;
}

bool fixes_dom0_memory(std::string_view command_line) {
  constexpr std::string_view option = "dom0_mem=";
  while (!command_line.empty()) {
    std::string_view word = take_until(command_line, ' ');
    if (!word.starts_with(option)) continue;
    word.remove_prefix(option.size());
    bool sizes = !word.empty();
    while (!word.empty()) sizes = is_dom0_size(take_until(word, ',')) && sizes;
    if (sizes) return true;
  }
  return false;
}

std::optional<bool> is_managed_by_libvirt(std::string_view name, std::string_view uuid,
                                          const fs::path& directory) {
  // libvirt has no such names, and they would lead to another directory.
  if (name.empty() || name.find('/') != std::string_view::npos) return false;
  const Contents contents = read(directory / (std::string{name} + ".xml"));
  if (contents.absent) return false;
  if (!contents.text) return std::nullopt;
  // An earlier domain with the same name may have left a file, so compare the UUID.
  return contents.text->find("<uuid>" + std::string{uuid} + "</uuid>") != std::string::npos;
}

}  // namespace memctl::host::xen
