// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/world.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>

#include "base/text.hpp"

namespace memctl::host::sim {
namespace {

std::string make_uuid(std::mt19937_64& random) {
  std::array<char, 37> text{};
  const std::uint64_t a = random();
  const std::uint64_t b = random();
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(a >> 32), static_cast<unsigned>(a >> 16 & 0xffff),
                static_cast<unsigned>(a & 0x0fff) | 0x4000U,
                static_cast<unsigned>(b >> 48 & 0x3fff) | 0x8000U,
                static_cast<unsigned long long>(b & 0xffffffffffff));
  return text.data();
}

}  // namespace

Guest::Guest(VirtualClock& clock, XenModel& xen, StoreModel& store, GuestSpec spec,
             std::uint64_t seed)
    : spec_{std::move(spec)},
      time_{clock},
      kernel_{time_, xen, store, spec_.linux},
      agent_{time_, store, kernel_, spec_.agent, seed},
      boot_{time_} {
  kernel_.on_uevent = [this] { agent_.on_uevent(); };
}

bool Guest::alive() const {
  const auto life = kernel_.life();
  return !gone_ && (life == LinuxGuest::Life::running || life == LinuxGuest::Life::booting);
}

World::World(WorldSpec spec)
    : spec_{spec},
      xen_{{.guests_memory = to_pages(spec.host),
            .other_memory = to_pages(spec.dom0),
            .major = spec.xen_major,
            .minor = spec.xen_minor,
            .numa_nodes = spec.numa_nodes}},
      random_{spec.seed} {}

Result<DomainId> World::try_add_guest(GuestSpec spec) {
  const Kib limit = std::max(spec.maxmem.value_or(spec.memory), spec.memory);
  const Kib pool = spec.type == DomainType::pv
                       ? Kib{}
                       : spec.pool.value_or(libxl_pool(limit, spec.vcpus, spec.hap));
  const auto guest = std::make_shared<Guest>(clock_, xen_, *store_, std::move(spec), random_());
  BOOST_OUTCOME_TRY(build(*guest, guest->spec_.memory, limit, pool, true));
  guests_[guest->id_] = guest;
  boot(*guest);
  return guest->id_;
}

Result<void> World::build(Guest& guest, Kib populated, Kib limit, Kib pool, bool superpages) {
  const GuestSpec& spec = guest.spec_;
  const DomainId id{last_domain_ + 1};
  const bool pod = spec.type != DomainType::pv && limit > populated && superpages;
  const Errno failed = xen_.build(id, {.type = spec.type,
                                       .memory = to_pages(populated + special_pages(spec.type)),
                                       .max = to_pages(populated + 1_MiB),
                                       .pod_entries = pod ? to_pages(limit - populated) : Pages{},
                                       .pool = to_pages(pool),
                                       .superpages = superpages,
                                       .nodes = spec.numa_nodes});
  if (failed != 0) {
    return Error{.cause = Cause::host_memory,
                 .message = "no memory to build " + printable(spec.name, 64) + " of " +
                            std::to_string(populated.count()) + " KiB",
                 .raw = failed};
  }
  last_domain_ = number(id);
  guest.id_ = id;
  ToolstackRecord record{
      .identity = {.id = id, .name = spec.name, .type = spec.type, .uuid = make_uuid(random_)},
      .vcpus = spec.vcpus,
      .hap = spec.hap,
      .has_stored_configuration = spec.has_stored_configuration,
      .in_shim = spec.in_shim,
      .boot_limit = limit,
      .boot_size = populated,
      .passthrough_devices = spec.passthrough_devices,
      .emulated_dma_devices = spec.emulated_dma_devices,
      .managed_by_libvirt = spec.managed_by_libvirt};
  if (spec.device_model_of != 0) {
    record.identity.device_model_of = DomainId{static_cast<std::uint32_t>(spec.device_model_of)};
  }
  if (spec.freeze_pool && spec.type != DomainType::pv) record.frozen_pool = pool;
  toolstack_.write_domain(record, populated - spec.video_ram, limit, spec.video_ram);
  toolstack_.add(std::move(record));
  if (!spec.journal.empty()) {
    store_->write(dom0, "/libxl/" + std::to_string(number(id)) + "/memctl", spec.journal).value();
  }
  guest.kernel_.on_panic = [this, &guest] { shut_down(guest.id_, ShutdownReason::crash); };
  return success();
}

void World::boot(Guest& guest) {
  const Kib limit = toolstack_.memory_key(guest.id_, "static-max").value_or(Kib{});
  // An hvm guest's kernel does not find the video RAM, which lies apart.
  guest.kernel_.boot(guest.id_, guest.spec_.type, limit - guest.spec_.video_ram,
                     guest.spec_.memory);
  if (guest.spec_.booted) {
    guest.kernel_.start_ballooning();
    guest.agent_.start(guest.id_);
    return;
  }
  guest.boot_.set(guest.spec_.linux.boot, [&guest] {
    guest.kernel_.start_ballooning();
    guest.boot_.set(guest.spec_.agent.start, [&guest] { guest.agent_.start(guest.id_); });
  });
}

Guest& World::guest(const std::string& name) {
  for (const auto& [id, record] : toolstack_.records()) {
    if (record.identity.name == name) return guest(id);
  }
  throw std::out_of_range{"no running guest is called " + name};
}

std::vector<DomainId> World::running() const {
  std::vector<DomainId> ids;
  for (const auto& [id, domain] : xen_.domains()) ids.push_back(id);
  return ids;
}

Kib World::allocated(DomainId id) {
  const XenDomain* domain = xen_.find(id);
  return domain == nullptr ? Kib{} : to_kib(domain->allocated);
}

Kib World::max_pages(DomainId id) {
  const XenDomain* domain = xen_.find(id);
  return domain == nullptr ? Kib{} : to_kib(domain->max_pages);
}

Kib World::pool(DomainId id) {
  const XenDomain* domain = xen_.find(id);
  return domain == nullptr ? Kib{} : to_kib(domain->pool.total);
}

std::optional<Kib> World::target(DomainId id) const { return toolstack_.memory_key(id, "target"); }

std::optional<Kib> World::limit(DomainId id) const {
  return toolstack_.memory_key(id, "static-max");
}

void World::destroy(DomainId id) {
  const ToolstackRecord* found = toolstack_.find(id);
  if (found == nullptr) return;
  const ToolstackRecord record = *found;
  Guest& ended = guest(id);
  if (ended.id_ == id) {  // otherwise the guest continues with another number
    ended.gone_ = true;
    ended.time_.stop();
  }
  xen_.destroy(id);
  toolstack_.remove(id);
  toolstack_.remove_domain(record);
}

void World::destroy_slowly(DomainId id, Duration time) {
  pause(id);
  toolstack_.remove_domain(*toolstack_.find(id));
  after(time, [this, id] { destroy(id); });
}

void World::shut_down(DomainId id, ShutdownReason reason) {
  XenDomain* domain = xen_.find(id);
  if (domain == nullptr) return;
  domain->shutdown = reason;
  Guest& ended = guest(id);
  ended.gone_ = true;
  ended.time_.stop();
  store_->announce_release();
}

void World::pause(DomainId id) {
  if (XenDomain* domain = xen_.find(id)) domain->paused = true;
  guest(id).time_.pause();
}

void World::unpause(DomainId id) {
  if (XenDomain* domain = xen_.find(id)) domain->paused = false;
  guest(id).time_.resume();
}

void World::suspend(DomainId id) {
  XenDomain* domain = xen_.find(id);
  if (domain == nullptr) return;
  domain->shutdown = ShutdownReason::suspend;
  guest(id).time_.pause();
  store_->announce_release();
}

void World::resume(DomainId id) {
  if (XenDomain* domain = xen_.find(id)) domain->shutdown = ShutdownReason::none;
  guest(id).time_.resume();
}

Result<DomainId> World::try_reboot(DomainId id) {
  GuestSpec spec = guest(id).spec_;
  const Kib video_ram = toolstack_.memory_key(id, "videoram").value_or(Kib{});
  spec.memory = target(id).value_or(spec.memory - video_ram) + video_ram;
  spec.maxmem = limit(id);
  // libxl builds the new domain by the stored configuration, which may fix the pool.
  if (const auto frozen = toolstack_.find(id)->frozen_pool) spec.pool = frozen;
  spec.booted = false;
  shut_down(id, ShutdownReason::reboot);
  destroy(id);
  return try_add_guest(std::move(spec));
}

Result<DomainId> World::save_and_restore(DomainId id) {
  const std::shared_ptr<Guest> saved = guests_.at(id);
  const ToolstackRecord record = *toolstack_.find(id);
  const Kib total = allocated(id) - special_pages(saved->spec_.type);
  const Kib video_ram = toolstack_.memory_key(id, "videoram").value_or(Kib{});
  const Kib size = target(id).value_or(total) + video_ram;
  const Kib limit = this->limit(id).value_or(size);
  const Kib pool = saved->spec_.type == DomainType::pv
                       ? Kib{}
                       : record.frozen_pool.value_or(libxl_pool(limit, record.vcpus, record.hap));

  saved->id_ = DomainId{};  // the guest does not end with its old domain
  destroy(id);
  if (!build(*saved, total, limit, pool, false)) {
    saved->gone_ = true;
    saved->time_.stop();
    return Error{.cause = Cause::hypervisor_error,
                 .message = saved->spec_.name + " is lost: Failed to populate physmap",
                 .raw = -3};
  }
  const DomainId restored = saved->id_;
  xen_.find(restored)->max_pages = to_pages(size + 1_MiB);
  store_
      ->write(dom0, domain_path(restored) + "/memory/target",
              std::to_string((size - video_ram).count()))
      .value();
  toolstack_.find(restored)->boot_limit = record.boot_limit;
  toolstack_.find(restored)->boot_size = record.boot_size;
  toolstack_.find(restored)->frozen_pool = record.frozen_pool;
  guests_[restored] = saved;
  saved->kernel_.move_to(restored);
  saved->agent_.move_to(restored);
  return restored;
}

Result<void> World::write_key(DomainId id, const std::string& key, Kib value) {
  return store_->write(dom0, domain_path(id) + "/memory/" + key, std::to_string(value.count()));
}

void World::set_save_in_progress(DomainId id, bool saving) {
  toolstack_.set_being_saved(id, saving);
}

void World::hold_libxl_lock(DomainId id, Duration duration) {
  if (ToolstackRecord* record = toolstack_.find(id)) {
    record->locked_until = clock_.now() + duration;
  }
}

std::string World::add_process() {
  const auto& [process, added] = processes_.insert("sim:" + std::to_string(++last_process_));
  return *process;
}

}  // namespace memctl::host::sim
