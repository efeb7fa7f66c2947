// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/port.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"
#include "plan/input.hpp"

namespace memctl::resize {

/// What must be known to restore a domain after an operation, whoever does it.
struct Record {
  std::string owner{};  ///< The process, as Port::self names it. Empty: it disowned the record.
  std::uint64_t operation{};
  Kib size{};                 ///< The size that it was asked to have before, as `xl` means it,
  Kib present{};              ///< and the one that it had.
  Kib limit{};                ///< The limit before.
  Kib max_pages{};            ///< max_pages before.
  std::optional<Kib> pool{};  ///< The paging pool before.
  /// The pool that libxl's stored configuration fixed before. Nothing: it fixed none.
  std::optional<Kib> frozen_pool{};
  Kib settled_offset{};  ///< How far Xen's page count lay from the size.
  Kib to{};              ///< What the operation was to reach.
  bool keep{};           ///< Recovery keeps what was reached.
  /// Whether the domain had reached its target, so that `settled_offset` is exact.
  [[nodiscard]] bool was_settled() const { return present == size; }
  friend bool operator==(const Record&, const Record&) = default;
};

/// The record of the operation that holds a domain. It is one node under /libxl/<domid>, which only
/// dom0 reads and which vanishes with the domain. It is also the lock: one operation a domain. When
/// this is destroyed while it holds a record that it has not ended, it disowns the record, so that
/// an exception leaves no domain locked by a process that lives on.
class Journal {
 public:
  Journal(host::Store& store, DomainIdentity domain);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The record that stands there. Errors: `journal_damaged`, `store_error`.
  [[nodiscard]] Result<std::optional<Record>> read();
  /// Who holds the domain. Errors: `store_error`.
  [[nodiscard]] Result<plan::Holder> holder(host::Port& port);
  /// Writes the record. Errors: `busy` if another stands there; `no_such_domain` once the domain
  /// has gone; `store_error`.
  [[nodiscard]] Result<void> begin(const Record& record);
  /// Makes this process the owner of a record whose owner is dead, in one step: if two processes
  /// try, one succeeds. The rest of the record stays, so that another process can go on if this one
  /// dies as well. Nothing: no record stands there. Errors: `busy` if the owner lives;
  /// `journal_damaged`, which leaves everything alone because nobody knows whose it is, or because
  /// a newer memctl wrote it; `store_error`.
  [[nodiscard]] Result<std::optional<Record>> take_over(host::Port& port);
  /// Errors: `busy` if an owner that lives holds the domain; `journal_damaged`, `store_error`.
  [[nodiscard]] Result<void> require_free(host::Port& port);
  /// Leaves the record to the next recovery although this process lives on. Does nothing to the
  /// record of another operation. Errors: `store_error`.
  [[nodiscard]] Result<void> disown(Record record);
  /// Removes the record. Errors: `store_error`.
  [[nodiscard]] Result<void> end();

 private:
  [[nodiscard]] Error busy(const std::string& text) const;
  /// `holder` must be one that refuses.
  [[nodiscard]] Error refused(const plan::Holder& holder) const;
  [[nodiscard]] Result<void> stands_after(Result<void> committed, const std::string& text);

  host::Store* store_;
  DomainIdentity domain_;
  std::string domain_path_;
  std::string path_;
  std::optional<Record> held_{};
};

[[nodiscard]] std::string to_text(const Record& record);
/// Nothing: it cannot be read.
[[nodiscard]] std::optional<Record> record_from(const std::string& text);

}  // namespace memctl::resize
