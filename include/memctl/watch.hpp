// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "memctl/domain_info.hpp"
#include "memctl/export.hpp"

namespace memctl {

enum class Change {
  appeared,  ///< The domain runs. A domain that reboots ends, and another appears.
  changed,   ///< Its name, its target or its limit is another.
  ended,
};
/// The change's name, for example "appeared". The text is static.
[[nodiscard]] MEMCTL_EXPORT std::string_view name(Change change);

/// What happened to a guest. The host measured it.
struct DomainChange {
  Change change{};
  DomainIdentity domain{};  ///< As it is now. `ended`: as it was.
  friend bool operator==(const DomainChange&, const DomainChange&) = default;
};

/// A watch on the guests of a host. A cheap handle: copies share the watch, and keep the connection
/// to the host open. Thread-safe. The watch ends when the last handle is dropped.
class MEMCTL_EXPORT DomainWatch {
 public:
  struct State;
  explicit DomainWatch(std::shared_ptr<State> state);

  /// Ends the watch. On the host's thread, nothing is told afterwards. On another thread, a
  /// callback that has begun may still be under way. Changes that wait in a `CallbackQueue` are
  /// still told. Does not block.
  void stop() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace memctl
