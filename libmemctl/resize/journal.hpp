// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/port.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::resize {

/// What must be known to undo an operation, whoever has to do it.
struct Record {
  std::string owner{};  ///< The process, as Port::self names it; empty: it gave the record up.
  std::uint64_t operation{};
  Kib size{};                 ///< The size that it was asked to have before, as `xl` means it,
  Kib present{};              ///< and the one that it had.
  Kib limit{};                ///< static-max before.
  Kib max_pages{};            ///< max_pages before.
  std::optional<Kib> pool{};  ///< The paging pool before.
  Kib settled_offset{};       ///< How far Xen's page count lay from the size.
  Kib to{};                   ///< What the operation was to reach.
  bool keep{};                ///< Undoing leaves what was reached.
  friend bool operator==(const Record&, const Record&) = default;
};

/// The record of the operation that holds a domain: one node under /libxl/<domid>, which dom0 alone
/// reads and which vanishes with the domain. It is also the lock: one operation a domain. A record
/// that this has begun or taken over, and not ended, is given up where this is destroyed: an
/// exception strands no domain under an owner that lives.
class Journal {
 public:
  Journal(host::Store& store, DomainId domain);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The record that stands there. Errors: `journal_damaged`, `store_error`.
  [[nodiscard]] Result<std::optional<Record>> read();
  /// Writes the record, unless another stands there: `busy`. `no_such_domain` once the domain has
  /// gone; `store_error`.
  [[nodiscard]] Result<void> begin(const Record& record);
  /// Makes this process the owner of a record whose owner is dead, in one step: of two that try,
  /// one succeeds. What the record tells stays, so that the next one can go on where this process
  /// dies as well. Nothing: no record stands there.
  /// Errors: `busy` where the owner lives; `journal_damaged`, which leaves everything alone, since
  /// nobody knows whose it is; `store_error`.
  [[nodiscard]] Result<std::optional<Record>> take_over(host::Port& port);
  /// Whether no owner that lives holds the domain. Errors: `busy`, `journal_damaged`,
  /// `store_error`.
  [[nodiscard]] Result<void> require_free(host::Port& port);
  /// Leaves the record to whoever recovers next, although this process lives on; nobody else's.
  /// Errors: `store_error`.
  [[nodiscard]] Result<void> disown(Record record);
  /// Removes the record. Errors: `store_error`.
  [[nodiscard]] Result<void> end();

 private:
  [[nodiscard]] Result<void> stands_after(Result<void> committed, const std::string& text);

  host::Store* store_;
  std::string domain_path_;
  std::string path_;
  std::optional<Record> held_{};
};

[[nodiscard]] std::string to_text(const Record& record);
/// Errors: `journal_damaged`.
[[nodiscard]] Result<Record> record_from(const std::string& text);

}  // namespace memctl::resize
