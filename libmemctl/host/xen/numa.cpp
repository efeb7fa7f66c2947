// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/numa.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <memory>
#include <string>

namespace memctl::host::xen {
namespace {

constexpr int page_bits = 12;
/// Xen's heap has zones up to this width. A larger dma_bits= keeps no memory back.
constexpr int widest = 51;
constexpr std::uint64_t offline_node = XEN_INVALID_MEM_SZ;

Pages pages_of(std::uint64_t bytes) { return to_pages(saturated_kib(bytes / 1024)); }

std::string command_line_of(Control& control) {
  xen_commandline_t line{};
  if (xc_version(control.get(), XENVER_commandline, line) == 0) {
    const std::string_view text{line, sizeof line};
    return std::string{text.substr(0, text.find('\0'))};
  }
  (void)control.take_log();
  return {};
}

/// The free memory of a node below 2^bits.
std::optional<Pages> free_below(Control& control, int bits, int node) {
  std::uint64_t bytes = 0;
  if (bits == 0) return Pages{};
  if (xc_availheap(control.get(), 0, bits, node, &bytes) == 0) return pages_of(bytes);
  (void)control.take_log();
  return std::nullopt;
}

}  // namespace

int low_memory_bits(std::string_view command_line, std::uint64_t first_node_bytes) {
  constexpr std::string_view option = "dma_bits=";
  unsigned long given = 0;
  while (!command_line.empty()) {
    const auto end = command_line.find(' ');
    const std::string word{command_line.substr(0, end)};
    command_line.remove_prefix(end == std::string_view::npos ? command_line.size() : end + 1);
    if (word.starts_with(option)) given = std::strtoul(word.c_str() + option.size(), nullptr, 0);
  }
  if (given > widest) return 0;
  if (given > 0) return static_cast<int>(given);
  const std::uint64_t quarter = (first_node_bytes >> page_bits) / 4;
  return quarter == 0 ? 0 : std::min(32, static_cast<int>(std::bit_width(quarter - 1)) + page_bits);
}

std::vector<HostNode> numa_nodes(Control& control) {
  unsigned count = 0;
  if (xc_numainfo(control.get(), &count, nullptr, nullptr) != 0) {
    (void)control.take_log();
    return {};
  }
  count = std::min(count, 1024U);
  std::vector<xc_meminfo_t> memory(count);
  std::vector<std::uint32_t> distances(std::size_t{count} * count);
  if (count == 0 || xc_numainfo(control.get(), &count, memory.data(), distances.data()) != 0) {
    (void)control.take_log();
    return {};
  }
  memory.resize(std::min<std::size_t>(memory.size(), count));
  const auto is_online = [](const xc_meminfo_t& node) { return node.memsize != offline_node; };
  const auto first = std::ranges::find_if(
      memory, [&](const auto& node) { return is_online(node) && node.memsize > 0; });
  const int bits =
      low_memory_bits(command_line_of(control), first == memory.end() ? 0 : first->memsize);
  std::vector<HostNode> nodes;
  for (std::size_t each = 0; each < memory.size(); ++each) {
    if (!is_online(memory[each])) continue;
    const int node = static_cast<int>(each);
    const auto low = free_below(control, bits, node);
    if (!low) return {};
    const Pages free = pages_of(memory[each].memfree);
    nodes.push_back({.node = node,
                     .total = pages_of(memory[each].memsize),
                     .free = free,
                     .low = std::min(*low, free)});
  }
  return nodes;
}

Result<std::optional<std::vector<int>>> node_affinity(Control& control, DomainId domain) {
  using Nodes = std::optional<std::vector<int>>;
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> map{xc_nodemap_alloc(control.get()),
                                                                &std::free};
  const int count = map ? xc_get_max_nodes(control.get()) : 0;
  if (count <= 0) (void)control.take_log();
  // libxenctrl asks Xen for the number once in a process.
  if (count <= 1) return Nodes{};
  if (xc_domain_node_getaffinity(control.get(), number(domain), map.get()) != 0) {
    Error error = control.failed("read the node affinity of the domain");
    if (error.cause == Cause::no_such_domain) return error;
    return Nodes{};
  }
  std::vector<int> nodes;
  for (int node = 0; node < count; ++node) {
    if ((map.get()[node / 8] >> (node % 8) & 1U) != 0) nodes.push_back(node);
  }
  return Nodes{std::move(nodes)};
}

}  // namespace memctl::host::xen
