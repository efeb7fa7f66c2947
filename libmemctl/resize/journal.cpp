// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/journal.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/domain_error.hpp"
#include "base/finite.hpp"
#include "base/text.hpp"
#include "plan/limits.hpp"

namespace memctl::resize {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t format = 1;

Json json_of(const Record& record) {
  Json json{{"format", format},
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
  return json;
}

/// `Port::self` has some 80 bytes.
constexpr std::size_t longest_owner = 256;
/// A record is one object. A member that a newer version adds may have objects and lists in it.
constexpr int deepest = 8;

/// Throws `Json::exception` if the member is no whole number from `least` to `vast_size`.
Kib kib_in(const Json& json, const char* key, Kib least = Kib{}) {
  const Json& member = json.at(key);
  // A number without a sign may be too large for a signed one.
  const bool fits =
      member.is_number_unsigned()
          ? member.get<std::uint64_t>() <= static_cast<std::uint64_t>(vast_size.count())
          : member.is_number_integer() && Kib{member.get<std::int64_t>()} >= least;
  if (!fits) throw Json::type_error::create(302, "not a size", &member);
  return Kib{member.get<std::int64_t>()};
}

/// The format of the text and its owner, which stand in the same place in every format. Nothing: it
/// is no record.
struct Origin {
  std::int64_t format{};
  std::string owner{};
};
std::optional<Origin> origin_in(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto written = json.find("format");
  const auto owner = json.find("owner");
  if (written == json.end() || !written->is_number_unsigned()) return std::nullopt;
  if (owner == json.end() || !owner->is_string()) return std::nullopt;
  auto name = owner->get<std::string>();
  if (name != printable(name, longest_owner)) return std::nullopt;
  return Origin{.format = written->get<std::int64_t>(), .owner = std::move(name)};
}

/// What stands in the text. Discarded: it is no JSON, or goes beyond the bounds of a record.
Json parsed(const std::string& text) {
  if (text.size() > host::longest_value) return Json(Json::value_t::discarded);
  bool is_deep = false;
  Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, const Json&) {
        is_deep = is_deep || depth > deepest;
        return true;
      },
      /*allow_exceptions=*/false);
  if (is_deep) return Json(Json::value_t::discarded);
  return json;
}

/// `text` with the members of `record`. Members that this version does not know stay, because the
/// next reader may know them.
std::string updated(const std::string& text, const Record& record) {
  Json json = parsed(text);
  json.update(json_of(record));
  return json.dump();
}

using plan::Holder;

/// Who holds the domain, if its owner is dead.
Holder holder_in(const std::string& text) {
  const auto origin = origin_in(parsed(text));
  if (origin && origin->format > format) return {Holder::State::newer, origin->owner};
  if (!record_from(text)) return {Holder::State::damaged};
  return {Holder::State::dead, origin->owner};
}
Holder holder_in(const std::string& text, host::Port& port) {
  const Holder holder = holder_in(text);
  const bool alive = holder.state != Holder::State::damaged && port.is_alive(holder.owner);
  return alive ? Holder{Holder::State::alive, holder.owner} : holder;
}

}  // namespace

std::string to_text(const Record& record) { return json_of(record).dump(); }

std::optional<Record> record_from(const std::string& text) {
  const Json json = parsed(text);
  const auto origin = origin_in(json);
  if (!origin || origin->format != format) return std::nullopt;
  const auto operation = json.find("operation");
  if (operation == json.end() || !operation->is_number_unsigned()) return std::nullopt;
  try {
    Record record{.owner = origin->owner,
                  .operation = operation->get<std::uint64_t>(),
                  .size = kib_in(json, "size_kib"),
                  .present = kib_in(json, "present_kib"),
                  .limit = kib_in(json, "limit_kib"),
                  .max_pages = kib_in(json, "max_pages_kib"),
                  .settled_offset = kib_in(json, "settled_offset_kib", -vast_size),
                  .to = kib_in(json, "to_kib"),
                  .keep = json.value("keep", false)};
    if (json.contains("pool_kib")) record.pool = kib_in(json, "pool_kib");
    if (json.contains("frozen_pool_kib")) record.frozen_pool = kib_in(json, "frozen_pool_kib");
    return record;
  } catch (const Json::exception&) {  // the one way in which the library reports a type
    return std::nullopt;
  }
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
  if (!record) return refused(holder_in(*text));
  return record;
}

Result<Holder> Journal::holder(host::Port& port) {
  BOOST_OUTCOME_TRY(const auto text, store_->read(path_));
  return text ? holder_in(*text, port) : Holder{};
}

Error Journal::refused(const Holder& holder) const {
  const auto refusal = plan::refuse_held({.domain = {.identity = domain_}, .holder = holder});
  return domain_error(domain_, refusal->cause, refusal->message, refusal->hint);
}

Error Journal::busy(const std::string& text) const {
  return refused({Holder::State::alive, holder_in(text).owner});
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
  std::string written;
  const auto take = [&](host::StoreView& view) -> Result<void> {
    taken.reset();
    BOOST_OUTCOME_TRY(const auto text, view.read(path_));
    if (!text) return success();  // its owner has just ended it
    const Holder holder = holder_in(*text, port);
    if (holder.state != Holder::State::dead) return refused(holder);
    taken = record_from(*text);
    taken->owner = port.self();
    written = updated(*text, *taken);
    return view.write(path_, written);
  };
  const auto committed = store_->transact(take);
  held_ = taken;
  BOOST_OUTCOME_TRY(taken ? stands_after(committed, written) : committed);
  return taken;
}

Result<void> Journal::require_free(host::Port& port) {
  BOOST_OUTCOME_TRY(const Holder standing, holder(port));
  const bool free = standing.state == Holder::State::none || standing.state == Holder::State::dead;
  if (!free) return refused(standing);
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
    return ours ? view.write(path_, updated(*text, record)) : success();
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
