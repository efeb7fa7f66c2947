// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "resize/question.hpp"

namespace memctl::resize {

/// What is good and bad about the host itself. Errors: those of the host.
[[nodiscard]] host::Task<std::vector<Finding>> examine_host(host::Port& port, Kib reserve);

/// What is good and bad about a domain and its guest, asked now. Errors: those of the host.
[[nodiscard]] host::Task<std::vector<Finding>> examine_domain(host::Port& port,
                                                              DomainIdentity domain,
                                                              Question question);

}  // namespace memctl::resize
