// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The rules about what a guest's kernel can add: limits.hpp declares them.
#include <algorithm>
#include <string>

#include "memctl/size.hpp"
#include "plan/guest_kernel.hpp"
#include "plan/limits.hpp"
#include "plan/sections.hpp"

namespace memctl::plan {
namespace {

Error kernel_refusal(Cause cause, std::string reason, std::string remedy = {}) {
  return {.cause = cause, .message = std::move(reason), .hint = std::move(remedy)};
}

/// The default of Linux's XEN_MEMORY_HOTPLUG_LIMIT for pv guests, by the bits of the kernel.
constexpr Kib pv_address_limit = 512_GiB;
constexpr Kib pv_address_limit_of_32_bits = 4_GiB;
/// What a kernel of 32 bits can address with PAE.
constexpr Kib pae_address_limit = 64_GiB;

/// The memory below 4 GiB in any guest's addresses, at least. The rest is a hole for its devices.
constexpr Kib below_the_hole = 3_GiB;
constexpr Kib largest_hole = 4_GiB - below_the_hole;

/// Up to which address the guest's memory reaches with this size, without the hole for devices.
/// Linux adds memory behind what it has, from the next whole section on. Zero: nothing is added.
Kib last_address(const Input& input, Kib to) {
  const Kib described = described_size(input);
  const Kib more = whole_pages(input.domain, to) - described;
  if (more <= Kib{}) return {};
  const Kib told =
      input.guest ? input.guest->hello.block_size * input.guest->report.blocks_present : Kib{};
  return std::max(round_up(described, section_of(input)), told) + round_up(more, block_of(input));
}

std::string kernel_words(const AgentHello& hello) {
  const bool known = parse_kernel_version(hello.kernel_release, hello.kernel_build).has_value();
  return known
             ? "the guest's kernel " + hello.kernel_release
             : "the guest's kernel, whose version \"" + hello.kernel_release + "\" cannot be read,";
}

/// Refuses memory that a kernel of 32 bits would take for low memory, which it addresses directly:
/// it faults at the first use.
Refusal refuse_high_memory(const Input& input, Kib to) {
  if (!has_32_bits(input.guest) || whole_pages(input.domain, to) <= described_size(input)) {
    return {};
  }
  const AgentHello& hello = input.guest->hello;
  constexpr auto remedy = "in the guest: boot a 64-bit kernel, which runs 32-bit programs as well";
  if (kernel_faults(hello).high_memory_is_taken_for_low) {
    return kernel_refusal(
        Cause::guest_kernel_fault,
        kernel_words(hello) +
            " has 32 bits, takes added memory for low memory, and faults when it uses it",
        remedy);
  }
  if (input.terms.online == OnlineZone::kernel) return {};
  return kernel_refusal(
      Cause::guest_kernel_fault,
      "a 32-bit kernel takes movable memory that is added for low memory, and faults "
      "when it uses it",
      remedy);
}

}  // namespace

Refusal refuse_address(const Input& input, Kib to) {
  if (to > largest_size) {
    return kernel_refusal(Cause::invalid_size, "no host has more than " + to_string(largest_size));
  }
  const bool narrow = has_32_bits(input.guest);
  if (input.domain.identity.type == DomainType::pv) {
    const Kib limit = narrow ? pv_address_limit_of_32_bits : pv_address_limit;
    if (last_address(input, to) <= limit) return {};
    return kernel_refusal(Cause::address_limit,
                          std::string{"the "} + (narrow ? "32-bit " : "") +
                              "kernel of a pv guest adds memory up to " + to_string(limit) +
                              " only, in whole sections of " + to_string(section_of(input)));
  }
  if (!narrow || last_address(input, to) <= pae_address_limit - largest_hole) return {};
  return kernel_refusal(Cause::address_limit,
                        "a 32-bit kernel can address " + to_string(pae_address_limit) +
                            ", of which up to " + to_string(largest_hole) + " are for devices");
}

Refusal refuse_hotplug(const Input& input, Kib to) {
  if (!input.guest || input.guest->hello.hotplug) return {};
  if (to <= input.domain.boot_limit.value_or(Kib{})) return {};
  const std::string& why = input.guest->hello.no_hotplug_reason;
  return kernel_refusal(Cause::guest_no_hotplug,
                        "the guest's kernel cannot add memory" + (why.empty() ? "" : ": " + why),
                        "in the guest: boot a kernel with CONFIG_XEN_BALLOON_MEMORY_HOTPLUG");
}

/// Refuses if the guest's kernel would count the added memory but could not use it, would panic, or
/// would spin in its balloon driver.
Refusal refuse_kernel_faults(const Input& input, Kib to) {
  if (!input.guest) return {};
  const DomainFacts& domain = input.domain;
  const AgentHello& hello = input.guest->hello;
  if (auto refused = refuse_high_memory(input, to)) return refused;
  const KernelFaults faults = kernel_faults(hello);
  if (!faults.balloon_spins && !faults.first_memory_of_a_zone_is_lost) return {};
  const std::string kernel = kernel_words(hello);
  if (faults.balloon_spins) {
    return kernel_refusal(Cause::guest_kernel_fault,
                          kernel + " spins for ever in its balloon driver once a request fails",
                          "in the guest: install a newer kernel, and reboot");
  }
  constexpr auto newer =
      "in the guest: install a kernel of 5.18, 5.15.35, 5.10.112 or newer, and reboot";
  if (input.terms.online == OnlineZone::movable && input.guest->report.blocks_movable == 0) {
    return kernel_refusal(Cause::guest_kernel_fault,
                          kernel + " cannot use the first memory of a movable zone", newer);
  }
  const Kib booted = std::min(domain.boot_limit.value_or(Kib{}), present_size(input));
  if (to <= below_the_hole || booted > 4_GiB) return {};
  return kernel_refusal(
      Cause::guest_kernel_fault,
      kernel + " cannot use the first memory past 4 GiB, nor that of a movable zone", newer);
}

}  // namespace memctl::plan
