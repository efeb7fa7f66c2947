// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The limits that a request is held against, one function each. Each returns nothing where the
// limit holds, else the refusal, without the largest size: that is found by asking again.
#pragma once

#include <optional>
#include <string>

#include "memctl/error.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// Limits that don't depend on the size: the domain's state and kind, and what is known of it.
[[nodiscard]] std::optional<Error> refuse_domain(const Input& input);
/// Limits on the size that a domain grows to. Monotonic: if a size is refused, so is every larger
/// one.
[[nodiscard]] std::optional<Error> refuse_growth(const Input& input, Kib to);
/// A guest whose blocks are larger than a section adds memory in whole blocks only.
[[nodiscard]] std::optional<Error> refuse_block_size(const Input& input, Kib to);
/// The largest size up to `to` that such a guest can be brought to; `to` itself for any other.
[[nodiscard]] Kib whole_blocks(const Input& input, Kib to);
/// Limits on the size that the domain has: its paging pool may have to be raised.
[[nodiscard]] std::optional<Error> refuse_present(const Input& input);
/// Limits on the size that a domain shrinks to: if a size is refused, so is every smaller one.
[[nodiscard]] std::optional<Error> refuse_shrink(const Input& input, Kib to);

/// A size as refusals and findings tell it: whole MiB, rounded down.
[[nodiscard]] std::string mebibytes(Kib size);

/// The paging pool that the domain needs for a maximum; nothing: it has no pool.
[[nodiscard]] std::optional<Kib> pool_needed(const DomainFacts& domain, Kib maximum);
/// Host memory that the pool has to grow by; zero without a pool.
[[nodiscard]] Kib pool_growth(const DomainFacts& domain, Kib maximum);

}  // namespace memctl::plan
