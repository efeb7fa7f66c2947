// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The record of an operation as it stands in xenstore (libmemctl/resize/journal.hpp): it is read
// within its bounds, or it is damaged, and a recovery that finds it ends.
#include "resize/journal.hpp"

#include "bytes.hpp"
#include "require.hpp"
#include "resize/recover.hpp"
#include "support/simulation.hpp"

namespace memctl::fuzz {
namespace {

bool is_size(Kib size) { return size >= Kib{} && size <= vast_size; }

void check(const resize::Record& record) {
  for (const Kib size : {record.size, record.present, record.limit, record.max_pages, record.to,
                         record.pool.value_or(Kib{}), record.frozen_pool.value_or(Kib{})}) {
    require(is_size(size), "a record's sizes have bounds");
  }
  require(record.settled_offset >= -vast_size && record.settled_offset <= vast_size,
          "an offset has bounds");
  require(record.owner.size() <= 256, "an owner's name is short");
  const std::string text = to_text(record);
  require(resize::record_from(text) == record, "a record is read as it was written", text);
}

/// A recovery of a guest that has this record.
void recover(const std::string& text) {
  test::Simulation simulation{{.host = 2_GiB}};
  host::sim::World& world = simulation.world;
  const DomainId id = world.add_guest({.name = "g", .memory = 256_MiB, .journal = text});
  const DomainIdentity domain = world.toolstack().find(id)->identity;
  resize::Journal journal{simulation.port().store(), domain};
  const auto read = journal.read();
  const bool damaged = !read && read.error().cause == Cause::journal_damaged;
  const auto recovery = simulation.run(
      resize::recover(simulation.port(), domain, {.stall = std::chrono::seconds{2}}));
  if (!recovery) require_sound(recovery.error());
  require(!damaged || (!recovery && recovery.error().cause == Cause::journal_damaged),
          "a damaged record is told");
  require(world.xen().consistent() && world.host_claimed() == Kib{}, "a host's accounts add up");
  require(world.guest(id).alive(), "no record kills its guest");
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  const std::string text = fuzz::Bytes{data, size}.rest();
  const auto record = resize::record_from(text);
  if (record) fuzz::check(*record);
  if (!text.empty() && text.size() <= 2048) fuzz::recover(text);
  return 0;
}
