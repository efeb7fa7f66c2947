// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/journal.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/domain_error.hpp"
#include "plan/words.hpp"

namespace memctl::resize {
namespace {

constexpr int format = 1;

}  // namespace

std::string to_text(const Record& record) {
  nlohmann::json json{{"format", format},
                      {"owner", record.owner},
                      {"operation", record.operation},
                      {"size_kib", record.size.count()},
                      {"present_kib", record.present.count()},
                      {"limit_kib", record.limit.count()},
                      {"max_pages_kib", record.max_pages.count()},
                      {"settled_offset_kib", record.settled_offset.count()},
                      {"to_kib", record.to.count()}};
  if (record.keep) json["keep"] = true;
  if (record.pool) json["pool_kib"] = record.pool->count();
  if (record.frozen_pool) json["frozen_pool_kib"] = record.frozen_pool->count();
  return json.dump();
}

std::optional<Record> record_from(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto kib = [&](const char* key) { return Kib{json.at(key).get<std::int64_t>()}; };
  try {
    if (json.is_object() && json.at("format").get<int>() == format) {
      Record record{.owner = json.at("owner").get<std::string>(),
                    .operation = json.at("operation").get<std::uint64_t>(),
                    .size = kib("size_kib"),
                    .present = kib("present_kib"),
                    .limit = kib("limit_kib"),
                    .max_pages = kib("max_pages_kib"),
                    .settled_offset = kib("settled_offset_kib"),
                    .to = kib("to_kib"),
                    .keep = json.value("keep", false)};
      if (json.contains("pool_kib")) record.pool = kib("pool_kib");
      if (json.contains("frozen_pool_kib")) record.frozen_pool = kib("frozen_pool_kib");
      return record;
    }
  } catch (const nlohmann::json::exception&) {  // the one way in which the library reports a type
  }
  return std::nullopt;
}

Journal::Journal(host::Store& store, DomainIdentity domain)
    : store_{&store},
      domain_{std::move(domain)},
      domain_path_{"/libxl/" + std::to_string(number(domain_.id))},
      path_{domain_path_ + "/memctl"} {}

Journal::~Journal() {
  try {
    if (held_) static_cast<void>(disown(*held_));
  } catch (const std::exception&) {  // no memory: the record is disowned when this process ends
  }
}

Result<std::optional<Record>> Journal::read() {
  BOOST_OUTCOME_TRY(const auto text, store_->read(path_));
  if (!text) return std::optional<Record>{};
  auto record = record_from(*text);
  if (!record) return damaged();
  return record;
}

Error Journal::busy(const std::string& text) const {
  const auto record = record_from(text);
  return domain_error(domain_, Cause::busy, plan::held_by(record ? record->owner : std::string{}));
}

Error Journal::damaged() const {
  return domain_error(domain_, Cause::journal_damaged, plan::damaged_record,
                      plan::mend_record(domain_.id));
}

Result<void> Journal::begin(const Record& record) {
  const std::string text = to_text(record);
  const auto write = [&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(const auto domain, view.read(domain_path_));
    if (!domain) {
      return domain_error(domain_, Cause::no_such_domain, "the domain has gone");
    }
    BOOST_OUTCOME_TRY(const auto standing, view.read(path_));
    if (standing) return busy(*standing);
    BOOST_OUTCOME_TRY(view.write(path_, text));
    constexpr std::array dom0_only = {host::Permission{.domain = DomainId{0}}};
    return view.set_permissions(path_, dom0_only);
  };
  held_ = record;  // also if nobody can say whether it stands
  auto begun = stands_after(store_->transact(write), text);
  if (!begun && begun.error().cause != Cause::store_error) held_.reset();
  return begun;
}

/// If the answer to a commit was lost, the commit may have happened; nobody else writes this text.
Result<void> Journal::stands_after(Result<void> committed, const std::string& text) {
  if (committed) return committed;
  const auto standing = store_->read(path_);
  if (standing && standing.value() == text) return success();
  return committed;
}

Result<std::optional<Record>> Journal::take_over(host::Port& port) {
  BOOST_OUTCOME_TRY(const auto standing, store_->read(path_));
  if (!standing) return std::optional<Record>{};
  std::optional<Record> taken;
  const auto take = [&](host::StoreView& view) -> Result<void> {
    taken.reset();
    BOOST_OUTCOME_TRY(const auto text, view.read(path_));
    if (!text) return success();  // its owner has just ended it
    auto record = record_from(*text);
    if (!record) return damaged();
    if (port.is_alive(record->owner)) return busy(*text);
    record->owner = port.self();
    BOOST_OUTCOME_TRY(view.write(path_, to_text(*record)));
    taken = std::move(record);
    return success();
  };
  const auto committed = store_->transact(take);
  held_ = taken;
  BOOST_OUTCOME_TRY(taken ? stands_after(committed, to_text(*taken)) : committed);
  return taken;
}

Result<void> Journal::require_free(host::Port& port) {
  BOOST_OUTCOME_TRY(const auto standing, read());
  if (standing && port.is_alive(standing->owner)) return busy(to_text(*standing));
  return success();
}

Result<void> Journal::disown(Record record) {
  const std::string owner = std::exchange(record.owner, {});
  const auto write = [&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(const auto text, view.read(path_));
    if (!text) return success();  // it went with the domain
    const auto standing = record_from(*text);
    const bool ours =
        standing && standing->operation == record.operation && standing->owner == owner;
    return ours ? view.write(path_, to_text(record)) : success();
  };
  BOOST_OUTCOME_TRY(store_->transact(write));
  held_.reset();
  return success();
}

Result<void> Journal::end() {
  BOOST_OUTCOME_TRY(store_->remove(path_));
  held_.reset();
  return success();
}

}  // namespace memctl::resize
