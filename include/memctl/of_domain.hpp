// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"

namespace memctl {

/// One domain's part in the answer to a question about all domains.
template <class T>
struct OfDomain {
  DomainIdentity domain{};
  Result<T> result;
};

}  // namespace memctl
