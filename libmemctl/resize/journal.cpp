// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/journal.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace memctl::resize {
namespace {

constexpr int format = 1;

Error busy(const std::string& text) {
  const Result<Record> record = record_from(text);
  const std::string holder = record ? record.value().owner : "an unknown process";
  return {.cause = Cause::busy, .message = "another operation holds the domain: " + holder};
}

}  // namespace

std::string to_text(const Record& record) {
  nlohmann::json json{{"format", format},
                      {"owner", record.owner},
                      {"operation", record.operation},
                      {"size_kib", record.size.count()},
                      {"present_kib", record.present.count()},
                      {"limit_kib", record.limit.count()},
                      {"max_memory_kib", record.max_memory.count()},
                      {"settled_offset_kib", record.settled_offset.count()},
                      {"to_kib", record.to.count()}};
  if (record.pool) json["pool_kib"] = record.pool->count();
  return json.dump();
}

Result<Record> record_from(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto kib = [&](const char* key) { return Kib{json.at(key).get<std::int64_t>()}; };
  try {
    if (json.is_object() && json.at("format").get<int>() == format) {
      Record record{.owner = json.at("owner").get<std::string>(),
                    .operation = json.at("operation").get<std::uint64_t>(),
                    .size = kib("size_kib"),
                    .present = kib("present_kib"),
                    .limit = kib("limit_kib"),
                    .max_memory = kib("max_memory_kib"),
                    .settled_offset = kib("settled_offset_kib"),
                    .to = kib("to_kib")};
      if (json.contains("pool_kib")) record.pool = kib("pool_kib");
      return record;
    }
  } catch (const nlohmann::json::exception&) {  // the one way in which the library reports a type
  }
  return Error{.cause = Cause::journal_damaged,
               .message = "the record of an earlier operation on the domain cannot be read"};
}

Journal::Journal(host::Store& store, DomainId domain)
    : store_{&store},
      domain_path_{"/libxl/" + std::to_string(number(domain))},
      path_{domain_path_ + "/memctl"} {}

Result<std::optional<Record>> Journal::read() {
  BOOST_OUTCOME_TRY(const auto text, store_->read(path_));
  if (!text) return std::optional<Record>{};
  BOOST_OUTCOME_TRY(auto record, record_from(*text));
  return std::optional{std::move(record)};
}

Result<void> Journal::begin(const Record& record) {
  return store_->transact([&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(const auto domain, view.read(domain_path_));
    if (!domain) {
      return Error{.cause = Cause::no_such_domain, .message = "the domain has gone"};
    }
    BOOST_OUTCOME_TRY(const auto standing, view.read(path_));
    if (standing) return busy(*standing);
    BOOST_OUTCOME_TRY(view.write(path_, to_text(record)));
    constexpr std::array dom0_only = {host::Permission{.domain = DomainId{0}}};
    return view.set_permissions(path_, dom0_only);
  });
}

Result<void> Journal::end() { return store_->remove(path_); }

}  // namespace memctl::resize
