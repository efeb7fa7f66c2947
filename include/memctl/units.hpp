// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <compare>
#include <cstdint>

namespace memctl {

/// An amount with its unit in the type. It is signed, so differences are amounts too. A count of
/// KiB spans 8 ZiB, far more than Xen can address. Trivial, regular, usable at compile time.
template <class Unit>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(std::int64_t count) : count_{count} {}

  [[nodiscard]] constexpr std::int64_t count() const { return count_; }

  friend constexpr auto operator<=>(const Quantity&, const Quantity&) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity{a.count_ + b.count_};
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity{a.count_ - b.count_};
  }
  friend constexpr Quantity operator-(Quantity a) { return Quantity{-a.count_}; }
  friend constexpr Quantity operator*(Quantity a, std::int64_t factor) {
    return Quantity{a.count_ * factor};
  }
  friend constexpr Quantity operator*(std::int64_t factor, Quantity a) { return a * factor; }
  friend constexpr Quantity operator/(Quantity a, std::int64_t divisor) {
    return Quantity{a.count_ / divisor};
  }
  friend constexpr std::int64_t operator/(Quantity a, Quantity b) { return a.count_ / b.count_; }
  constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
  constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

 private:
  std::int64_t count_{0};
};

/// Kibibytes: the unit of libxl, of xenstore's `memory/` keys and of every size in this API.
using Kib = Quantity<struct KibUnit>;
/// Xen's pages of 4 KiB: the unit of the hypervisor's own counts.
using Pages = Quantity<struct PageUnit>;

inline constexpr Kib kib_per_page{4};

constexpr Kib to_kib(Pages pages) { return kib_per_page * pages.count(); }
/// Whole pages in `size`, rounded down.
constexpr Pages to_pages(Kib size) { return Pages{size / kib_per_page}; }

/// `amount` rounded up to a multiple of `step`. `amount` is at least zero, `step` above zero.
constexpr Kib round_up(Kib amount, Kib step) { return step * ((amount + step - Kib{1}) / step); }
constexpr Kib round_down(Kib amount, Kib step) { return step * (amount / step); }

/// Xen's number of a running domain. It names one life of the domain: a reboot gives a new number.
enum class DomainId : std::uint32_t {};

constexpr std::uint32_t number(DomainId domain) { return static_cast<std::uint32_t>(domain); }

inline namespace literals {
constexpr Kib operator""_KiB(unsigned long long n) { return Kib{static_cast<std::int64_t>(n)}; }
constexpr Kib operator""_MiB(unsigned long long n) {
  return Kib{static_cast<std::int64_t>(n) << 10};
}
constexpr Kib operator""_GiB(unsigned long long n) {
  return Kib{static_cast<std::int64_t>(n) << 20};
}
constexpr Kib operator""_TiB(unsigned long long n) {
  return Kib{static_cast<std::int64_t>(n) << 30};
}
}  // namespace literals

}  // namespace memctl
