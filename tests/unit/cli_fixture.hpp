// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "memctl/domain_info.hpp"

namespace memctl::cli {

/// The guest in the texts of these tests.
inline const DomainIdentity web1{DomainId{3}, "web1", DomainType::pv};

}  // namespace memctl::cli
